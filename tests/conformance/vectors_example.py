"""A toy parser of NSQ's commands, and what the vectors say about it: vectors_example.py VECTORS.json"""
import json, sys

def parse(data, limits):  # yields (bytes seen, stage, value, whether it is bad)
    at, line, message, body = 0, limits["line"], limits["message"], limits["body"]
    while (end := data.find(b"\n", at, at + line)) >= 0:
        words = data[at:end].removesuffix(b"\r").split(b" ")
        yield (at := end + 1), "line", words[:4], False
        steps = {b"IDENTIFY": [("size", body), ("body", 0)], b"AUTH": [("size", body), ("body", 0)],
                 b"PUB": [("size", message), ("body", 0)], b"DPUB": [("size", message), ("body", 0)],
                 b"MPUB": [("size", body), ("count", (body - 4) // 5)]}.get(words[0], [])
        for stage, most in steps:
            number = stage in ("size", "count", "message-size")
            piece = data[at:at + (4 if number else value)]
            if len(piece) < (4 if number else value):
                return
            at += len(piece)
            value = int.from_bytes(piece, "big", signed=True) if number else piece
            yield at, stage, value, (bad := number and not 0 < value <= most)
            if bad:
                return
            if stage == "count":
                steps += [("message-size", message), ("message-body", 0)] * value
    if len(data) - at >= line:
        yield at + line, "line", None, True

def join(pieces):
    return b"".join(bytes.fromhex(p) if isinstance(p, str) else bytes.fromhex(p["hex"]) * p["times"] for p in pieces)

def expected(item):
    words = [join(w) for w in [item["name"], *item["param"]]] if "name" in item else None
    value = join(item["body"]) if "body" in item else item.get("value", words)
    return item["after"], item["stage"], value, "bad" in item

cases = json.load(open(sys.argv[1]))["parser"]
failed = [c["id"] for c in cases if list(parse(join(c["bytes"]), c["limits"])) != [expected(i) for i in c["items"]]]
print(*failed, f"{len(cases) - len(failed)} passed, {len(failed)} failed", sep="\n")
sys.exit(bool(failed) or not cases)
