"""A small reader of disk queues, checked with the vectors: vectors_diskqueue_example.py VECTORS.json"""
import json, re, struct, sys

def read(data, max_body):  # yields what the vectors say about each record
    at = 0
    while len(data) - at >= 4:
        (size,) = struct.unpack_from(">i", data, at)
        if size < 26 or size - 26 > max_body:
            yield {"after": at + 4, "bad": "size too small" if size < 26 else "size too big", "size": size}
            return
        if len(data) - at - 4 < size:
            return
        timestamp, attempts, name = struct.unpack_from(">qH16s", data, at + 4)
        item = {"size": size, "timestamp": str(timestamp), "attempts": attempts, "message_id": name, "body": data[at + 30:at + 4 + size]}
        yield {"after": (at := at + 4 + size), **item, **({} if re.fullmatch(rb"[0-9a-f]{16}", name) else {"bad": "bad id"})}

def parse_meta(text):  # the five numbers; None if the text is wrong
    blank = r"[^\S\n\x1c-\x1f]*"  # Go's white space, which is not quite Python's
    pattern = rf"{blank}([-+]?[0-9]+)".join(["", blank + r"\n", ",", blank + r"\n", ",", blank + r"(?:\n.*)?"])
    found = re.fullmatch(pattern, text.decode("utf-8", "replace"), re.DOTALL)
    numbers = [int(n) for n in found.groups()] if found else [2**63]
    return numbers if all(-2**63 <= n < 2**63 for n in numbers) else None

def parse_name(name):  # kind, topic, channel, number
    found = re.fullmatch(r"(.*)\.diskqueue\.(meta|[0-9]{6}|[1-9][0-9]{6,18})\.dat(\.bad)?", name)
    queue, number, bad = found.groups() if found else ("", "", None)
    words = queue.split(":")
    valid = all(re.fullmatch(r"[.a-zA-Z0-9_-]+(#ephemeral)?", word) and len(word) <= 64 for word in words)
    if not valid or len(words) > 2 or queue.endswith("#ephemeral") or (number == "meta" and bad):
        return ("none",)
    if number == "meta":
        return ("meta", words[0], "".join(words[1:]))
    return ("bad" if bad else "data", words[0], "".join(words[1:]), str(int(number))) if int(number) < 2**63 else ("none",)

def join(pieces):
    return b"".join(bytes.fromhex(p) if isinstance(p, str) else bytes.fromhex(p["hex"]) * p["times"] for p in pieces)

vectors = json.load(open(sys.argv[1]))
data = [(list(read(join(c["bytes"]), c["max_body"])),
         [{k: join(v) if k in ("message_id", "body") else v for k, v in r.items()} for r in c["records"]], c["id"]) for c in vectors["diskqueue_data"]]
metas = [(parse_meta(join(c["bytes"])), None if "bad" in c else [int(c[k]) for k in ("depth", "read_file", "read_pos", "write_file", "write_pos")],
          join(c["bytes"])) for c in vectors["diskqueue_meta"]]
names = [(parse_name(c["name"]), tuple(c[k] for k in ("kind", "topic", "channel", "number") if k in c), c["name"]) for c in vectors["diskqueue_names"]]
failed = [what for got, expected, what in data + metas + names if got != expected]
print(*failed, f"{len(data + metas + names) - len(failed)} passed, {len(failed)} failed", sep="\n")
sys.exit(bool(failed) or not data or not metas or not names)
