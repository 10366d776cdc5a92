"""A small parser of NSQ's commands, checked with the vectors: vectors_example.py VECTORS.json"""
import json, sys

def parse(data, limits):  # yields (bytes seen, stage, value, whether it is bad)
    at, line, message, body = 0, limits["line"], limits["message"], limits["body"]
    sizes = {b"PUB": message, b"DPUB": message, b"MPUB": body, b"IDENTIFY": body, b"AUTH": body}
    while (end := data.find(b"\n", at, at + line)) >= 0:
        words = data[at:end].removesuffix(b"\r").split(b" ")
        yield (at := end + 1), "line", words[:4], False
        second = ("count", (body - 4) // 5) if words[0] == b"MPUB" else ("body", 0)
        steps = [("size", sizes[words[0]]), second] if words[0] in sizes else []
        for stage, most in steps:  # a number of at most `most`; if that is 0, a body whose size is the last number
            piece = data[at:(at := at + (4 if most else value))]
            if at > len(data):
                return
            value = int.from_bytes(piece, "big", signed=True) if most else piece
            yield at, stage, value, (bad := most > 0 and not 0 < value <= most)
            if bad:
                return
            steps += [("message-size", message), ("message-body", 0)] * (value if stage == "count" else 0)
    if len(data) - at >= line:
        yield at + line, "line", None, True

def join(pieces):
    return b"".join(bytes.fromhex(p) if isinstance(p, str) else bytes.fromhex(p["hex"]) * p["times"] for p in pieces)

def expected(item):
    words = [join(w) for w in [item["name"], *item["param"]]] if "name" in item else item.get("value")
    return item["after"], item["stage"], join(item["body"]) if "body" in item else words, "bad" in item

cases = json.load(open(sys.argv[1]))["parser"]
failed = [c["id"] for c in cases if list(parse(join(c["bytes"]), c["limits"])) != [expected(i) for i in c["items"]]]
print(*failed, f"{len(cases) - len(failed)} passed, {len(failed)} failed", sep="\n")
sys.exit(bool(failed) or not cases)
