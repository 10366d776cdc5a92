"""Checks vectors with their schema: vectors_check.py VECTORS.json SCHEMA.json

It knows only the keywords of JSON Schema that vectors.schema.json uses, and stops at any other. It also
changes the document in ways that the schema must refuse.
"""
import copy
import json
import re
import sys

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
WORDS = {"$schema", "$defs", "$ref", "title", "description", "type", "required", "properties",
         "additionalProperties", "items", "enum", "pattern", "minimum", "oneOf"}


def problems(value, schema, root, path="$"):
    """Yields what is wrong with a value, one line for each problem."""
    for word in schema.keys() - WORDS:
        raise SystemExit(f"the schema uses {word}, which this script does not know")
    if "$ref" in schema:
        yield from problems(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, path)
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, bool))):
        yield f"{path}: no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value[:40]!r} does not match {schema['pattern']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{path}: {value} is too small"
    if "oneOf" in schema and sum(not any(problems(value, s, root)) for s in schema["oneOf"]) != 1:
        yield f"{path}: not one of the kinds that it may be"
    if kind == "array":
        for i, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), root, f"{path}[{i}]")
    if kind == "object":
        yield from members(value, schema, root, path)


def members(value, schema, root, path):
    known = schema.get("properties", {})
    yield from (f"{path}: {key} is missing" for key in schema.get("required", []) if key not in value)
    for key, member in value.items():
        if key in known:
            yield from problems(member, known[key], root, f"{path}.{key}")
        elif schema.get("additionalProperties") is False:
            yield f"{path}: {key} is unknown"


def spoiled(document):
    """Yields the same document with one mistake, a different one each time."""
    parts = ("sessions", "parser", "lookup_sessions", "lookup_parser", "diskqueue_data", "diskqueue_meta", "diskqueue_names")
    small = {**document, **{part: document[part][:1] for part in parts}}
    for change in (lambda d: d.update(version=1), lambda d: d.pop("parser"),
                   lambda d: d["sessions"][0].update(level="MAY"), lambda d: d["sessions"][0].pop("req"),
                   lambda d: d["sessions"][0].update(more=1), lambda d: d["sessions"][0].update(id="no slash"),
                   lambda d: d["sessions"][0]["input"][0].update(after=-1),
                   lambda d: d["sessions"][0]["input"][0].update(event="nap"),
                   lambda d: d["sessions"][0]["output"][0].update(bytes=["0"]),
                   lambda d: d["sessions"][0]["output"][0].update(status=-1),
                   lambda d: d["sessions"][0]["output"][0].update(headers="Allow: GET"),
                   lambda d: d["sessions"][0]["output"][0].update(bytes=[{"hex": "00"}]),
                   lambda d: d["parser"][0]["items"][0].update(last="yes"),
                   lambda d: d["parser"][0].update(waits="tea"), lambda d: d.pop("lookup_sessions"),
                   lambda d: d["lookup_sessions"][0]["output"][0].update(more=1),
                   lambda d: d["lookup_parser"][0]["limits"].update(message=1),
                   lambda d: d["lookup_parser"][0].update(waits="count"), lambda d: d.pop("diskqueue_meta"),
                   lambda d: d["diskqueue_data"][0]["records"][0].update(timestamp=1), lambda d: d["diskqueue_data"][0].pop("left"),
                   lambda d: d["diskqueue_meta"][0].update(bad="tea"), lambda d: d["diskqueue_names"][0].update(kind="tmp")):
        copied = copy.deepcopy(small)
        change(copied)
        yield copied


def main():
    with open(sys.argv[1]) as vectors, open(sys.argv[2]) as schema:
        document, root = json.load(vectors), json.load(schema)
    found = list(problems(document, root, root))
    print(*found[:20], sep="\n", end="\n" if found else "")
    refused = [any(problems(wrong, root, root)) for wrong in spoiled(document)]
    passed, failed = (not found) + sum(refused), len(refused) - sum(refused) + bool(found)
    print(f"{len(document['sessions'])} sessions, {len(document['parser'])} parser cases; of nsqlookupd "
          f"{len(document['lookup_sessions'])} and {len(document['lookup_parser'])}; of disk queues {sum(len(document['diskqueue_' + p]) for p in ('data', 'meta', 'names'))}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
