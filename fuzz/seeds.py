"""What ci/fuzz-seeds runs: turns sessions and vectors into inputs of the fuzz targets.

    seeds.py OUT NAMED VECTORS.json SESSION-FILE...

OUT/TARGET/ gets one file an input, named by the SHA-256 of its bytes. What is made by hand, because no session
has it, goes to NAMED/TARGET/ with a name: a merge would drop it, since it reaches nothing new until something
breaks. The layouts of the inputs stand at the top of each fuzz/fuzz_TARGET.c, those of operations in fuzz/ops.h.
"""
import hashlib
import json
import pathlib
import re
import sys
import zlib

from seeds_diskqueue import add_diskqueue
from seeds_http import add_requests
from seeds_lookup import add_lookup, add_lookup_session
from seeds_metadata import add_metadata
from seeds_peer import add_peer, add_peer_session

MOST = 1024  # bytes of a seed: long ones are slow, and find little
FILL = 300  # bytes of a fill(): what is long in a session is long beyond 255 too
FILE_MOST = 4096  # bytes of a session file
ID_SIZE = 16

REPEAT = 3  # of a repetition
TOPICS = ["topic0", "topic1", "topic2", "topic3#ephemeral"]
CHANNELS = ["channel0", "channel1", "channel2", "channel3#ephemeral"]

OPEN, SEND, EOF, CLOSE, ADVANCE, TAKE, COMMAND, MESSAGE, ANSWER, TOPOLOGY, WALL, STOP = range(12)
TABLE = {"MAGIC": 0, "IDENTIFY": 1, "SUB": 2, "PUB": 3, "MPUB": 4, "DPUB": 5, "RDY": 6, "CLS": 7, "NOP": 8}
SIZED = {b"IDENTIFY", b"AUTH", b"PUB", b"MPUB", b"DPUB"}


# --- session files ----------------------------------------------------------------------------------

ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|\$(\w+)|(u8|u16|i32|i64)\((-?\d+)\)|fill\((\d+) "((?:[^"\\]|\\.)*)"\)|size\{|\}|\s')
WIDTH = {"u8": 1, "u16": 2, "i32": 4, "i64": 8}
ESCAPE = {"n": b"\n", "r": b"\r", "\\": b"\\", '"': b'"'}


def unescape(text):
    def byte(match):
        code = match.group(1)
        return (ESCAPE[code] if code in ESCAPE else bytes.fromhex(code[1:])).decode("latin-1")
    return re.sub(r"\\(x..|.)", byte, text).encode("latin-1")


def numbered(text, counter, number):
    """The text with a number in place of a counter."""
    text = re.sub(r"(?<=\w)\$%s\b" % counter, str(number), text)
    return re.sub(r"\$%s\b" % counter, '"%d"' % number, text)


def repeated(match):
    """The items in repeat(n $k ITEMS), a few times."""
    return " ".join(numbered(match.group(3), match.group(2), n) for n in range(1, min(int(match.group(1)), REPEAT) + 1))


def written_out(lines):
    """The steps of a file without repetitions, but each of them only a few times."""
    out = []
    while lines:
        line = lines.pop(0)
        block = re.match(r"(\s*)(?:repeat|any) (\d+) \$(\w+) \{$", line)
        if not block:
            out.append(re.sub(r"repeat\((\d+) \$(\w+) ([^()]*)\)", repeated, line))
            continue
        inside = []
        while lines[0] != block.group(1) + "}":
            inside.append(lines.pop(0))
        lines.pop(0)
        for number in range(1, min(int(block.group(2)), REPEAT) + 1):
            out += written_out([numbered(step, block.group(3), number) for step in inside])
    return out


def items(text, value):
    """The bytes of items; `value` knows those of names."""
    stack = [b""]
    for m in ITEM.finditer(text):
        string, var, kind, number, count, filling = m.groups()
        if string is not None:
            stack[-1] += unescape(string)
        elif var:
            stack[-1] += value(var)
        elif kind:
            stack[-1] += (int(number) % 256 ** WIDTH[kind]).to_bytes(WIDTH[kind], "big")
        elif count:
            piece = unescape(filling)
            stack[-1] += (piece * (min(int(count), FILL) // len(piece) + 1))[:min(int(count), FILL)]
        elif m.group() == "size{":
            stack.append(b"")
        elif m.group() == "}" and len(stack) > 1:
            inside = stack.pop()
            stack[-1] += len(inside).to_bytes(4, "big") + inside
    return stack[0]


class Session:
    """What the clients of a session file do, in order: (connection, event, value). In a file about nsqlookupd, there are
    replies and requests of HTTP too."""

    def __init__(self, text):
        self.lookup = "\nserver: nsqlookupd\n" in text.partition("\n\n")[0]
        self.flags = dict(re.findall(r"--([\w-]+)=(\S+)", next(iter(re.findall(r"(?m)^flags: (.*)$", text)), "")))
        self.events = []
        self.names = {}
        self.ids = []  # names of captured ids, in the order of their messages
        for line in written_out(text.partition("\n\n")[2].splitlines()):
            self.line(line.strip())

    def value(self, name):
        if name in self.ids:
            return b"@%015d" % self.ids.index(name)
        for kind, table in (("topic", TOPICS), ("channel", CHANNELS)):
            if name.startswith(kind):
                known = [n for n in self.names if n.startswith(kind)]
                self.names.setdefault(name, table[len(known) % 3])
                return self.names[name].encode()
        return b"\0" * 8

    def wait(self, text):
        for ms in re.findall(r"(?:after|within|wait) (\d+)ms", text):
            self.events.append((None, "wait", int(ms)))

    def lookup_line(self, line):
        """Whether it was one that only files about nsqlookupd have."""
        m = re.match(r'(\w+) (?:(connect http)|> ([A-Z]+) (.*?)(?: (?:header|body) ".*)?|< (response|error) (?:(\{.*)|(.*)))$', line)
        if not m:
            return False
        conn, http, method, target, reply, document, text = m.groups()
        if http:
            self.events.append((conn, http, None))
        elif method:
            request = method.encode() + b" " + items(target, self.value) + b" HTTP/1.1\r\nHost: h\r\n\r\n"
            self.events.append((conn, "request", request))
        else:
            code = text.split(" ")[0].encode() + b" " if reply == "error" else b""
            self.events.append((conn, "reply", document.encode() if document else code + items(text, self.value)))
        return True

    def line(self, line):
        if self.lookup and self.lookup_line(line):
            return
        if line == "restart" and self.lookup:
            self.events.append((None, line, None))
            return
        m = re.match(r"(\w+) (?:(connect)|> (end|close|reset)|> (.*)|< message \$(\w+) .*|< .*)$", line)
        if not m or line.startswith("wait "):
            return self.wait(line)
        conn, connect, end, sent, message = m.groups()
        if message:
            self.wait(line)
            if message not in self.ids:
                self.ids.append(message)
            self.events.append((conn, "got", message))
        elif " < " in line:
            self.wait(line)
        else:
            self.events.append((conn, connect or end or "send", items(sent, self.value) if sent else None))


def commands(data):
    """Cuts what a client sends into (command line's words, its bytes); the rest that is none at the end."""
    if data[:4] == b"  V2":
        yield [b"MAGIC"], data[:4]
        data = data[4:]
    while data:
        end = data.find(b"\n")
        if end < 0:
            break
        words, size = data[:end].split(b" "), end + 1
        if words[0] in SIZED:
            body = int.from_bytes(data[size:size + 4], "big", signed=True)
            if len(data) < size + 4 + max(body, 0):
                break
            size += 4 + max(body, 0)
        yield words, data[:size]
        data = data[size:]
    if data:
        yield [b""], data


def as_ids(data, form):
    return re.sub(rb"@(\d{15})", lambda m: form(int(m.group(1))), data)


def first_ids(data):
    """Ids as where the clock of ids stands still at its beginning."""
    return as_ids(data, lambda n: b"%016x" % n)


# --- operations -------------------------------------------------------------------------------------

def time_byte(ms):
    """The least time of ops.h that is not shorter."""
    for shift in range(16):
        if ms <= 15 << shift:
            return shift << 4 | -(-ms >> shift)
    return 255


class Operations:
    def __init__(self, plain):
        self.plain = plain  # everything is sent as bytes
        self.out = b""
        self.numbers = {}
        self.held = {}  # connection: messages in flight
        self.finished = []

    def op(self, conn, kind, *args):
        number = self.numbers.setdefault(conn, len(self.numbers) % 16) if conn else 0
        self.out += bytes([number << 4 | kind, *args])

    def send(self, conn, data):
        for i in range(0, len(data), 255):
            self.op(conn, SEND, len(data[i:i + 255]), *data[i:i + 255])

    def message(self, conn, words):
        m = re.fullmatch(rb"@(\d{15})", words[1]) if len(words) > 1 else None
        if not m:
            return False
        what = {b"FIN": 0, b"REQ": 1, b"TOUCH": 2}[words[0]]
        name = int(m.group(1))
        mine = self.held.setdefault(conn, [])
        delay = int(words[2]) if len(words) > 2 and words[2].isdigit() else 0
        k = 0
        if name in mine:
            k = mine.index(name)
            if what < 2:
                mine.remove(name)
            if what == 0:
                self.finished.append(name)
        elif any(name in held for held in self.held.values()):
            what |= 2 << 2
        elif name in self.finished:
            what |= 3 << 2
            k = self.finished.index(name)
        self.op(conn, MESSAGE, what, k % 256, time_byte(min(delay, 15 << 15)))
        return True

    def command(self, conn, words, data):
        name = words[0].decode("latin-1")
        args = [w.decode("latin-1") for w in words[1:]]
        topic = TOPICS.index(args[0]) if args and args[0] in TOPICS else None
        if name == "SUB" and topic is not None and len(args) == 2 and args[1] in CHANNELS:
            self.op(conn, COMMAND, TABLE[name], topic, CHANNELS.index(args[1]))
        elif name in ("PUB", "MPUB") and topic is not None and len(args) == 1:
            self.op(conn, COMMAND, TABLE[name], topic, 1)
        elif name == "DPUB" and topic is not None and len(args) == 2 and args[1].isdigit():
            time = time_byte(min(int(args[1]), 15 << 12))
            self.op(conn, COMMAND, TABLE[name], topic | (time & 15) << 2 | (time >> 6) << 6, 1)
        elif name == "RDY" and len(args) == 1 and args[0].isdigit() and int(args[0]) < 256:
            self.op(conn, COMMAND, TABLE[name], int(args[0]), 0)
        elif name in ("MAGIC", "CLS", "NOP") and not args:
            self.op(conn, COMMAND, TABLE[name], 0, 0)
        else:
            self.send(conn, data)

    def sent(self, conn, data):
        for words, piece in commands(data):
            if words[0] in (b"FIN", b"REQ", b"TOUCH") and self.message(conn, words):
                continue
            if self.plain:
                self.send(conn, first_ids(piece))
            else:
                self.command(conn, words, first_ids(piece))


def operations(session, plain):
    ops = Operations(plain)
    for conn, event, value in session.events:
        if event == "connect":
            ops.op(conn, OPEN)
        elif event == "send":
            ops.sent(conn, value)
        elif event == "end":
            ops.op(conn, EOF)
        elif event in ("close", "reset"):
            ops.op(conn, CLOSE)
        elif event == "wait":
            ops.op(None, ADVANCE, time_byte(min(value, 15 << 15)))
        elif event == "got":
            name = session.ids.index(value)
            if name not in ops.held.setdefault(conn, []):
                ops.held[conn].append(name)
    return ops.out


# --- the seeds --------------------------------------------------------------------------------------

class Seeds:
    def __init__(self, out, named):
        self.out = pathlib.Path(out)
        self.named = pathlib.Path(named)
        self.count = {}

    def add_named(self, target, name, data):
        (self.named / target).mkdir(parents=True, exist_ok=True)
        (self.named / target / name).write_bytes(data)

    def add(self, target, data):
        folder = self.out / target
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / hashlib.sha256(data).hexdigest()
        if not path.exists():
            path.write_bytes(data)
            self.count[target] = self.count.get(target, 0) + 1


def number_of(text, most=255):
    digits = re.match(r"\d+", text or "")
    return min(int(digits.group()), most) if digits else 0


def session_header(session, alone):
    """The ten bytes of struct choice in client_parts.h, without codecs. Bounds that do not fit into a byte are left at their defaults."""
    flags = {name: number_of(value) for name, value in session.flags.items()}
    waits = any(event == "wait" for _, event, _ in session.events)
    bits = 8 | (16 if waits else 0) | (64 if alone else 0)
    return bytes([bits, 0, flags.get("max-msg-size", 0), flags.get("max-body-size", 0),
                  flags.get("max-rdy-count", 0), 0, 0, 0x55 if waits else 0, 0, 6])


def engine_header(session, pending):
    """The eight bytes of struct engine_choice."""
    flags = {name: number_of(value) for name, value in session.flags.items()}
    return bytes([pending, 0, flags.get("max-msg-size", 0), flags.get("max-rdy-count", 0), 0, 0,
                  flags.get("mem-queue-size", 0), 0])


def add_stream(seeds, session, stream):
    """One client's bytes, the magic included."""
    data = first_ids(stream)[:MOST]
    behind = data[4:] if data[:4] == b"  V2" else data
    for tiny in (bytes([255, 255, 255, 0, 6]), bytes([31, 8, 24, 2, 10])):
        seeds.add("command", tiny + behind)
    seeds.add("session", session_header(session, False) + data)
    for words, piece in commands(stream):
        if words[0] in (b"SUB", b"PUB", b"MPUB", b"DPUB"):
            for name in words[1:3]:
                seeds.add("name", b"\0" + name[:100])
                if len(name) > 60:
                    seeds.add("name", bytes([56]) + name[56:100])
        if words[0] in (b"RDY", b"REQ", b"DPUB"):
            seeds.add("decimal", b"\0" + words[-1][:40])
        if words[0] == b"IDENTIFY":
            document = piece[piece.find(b"\n") + 5:]
            seeds.add("identify", b"\0" + document[:MOST])
            seeds.add("identify", bytes([100]) + document[:MOST])


def add_session(seeds, text):
    session = Session(text)
    streams = {}
    for conn, event, value in session.events:
        if event == "send":
            streams[conn] = streams.get(conn, b"") + value
    for stream in streams.values():
        add_stream(seeds, session, stream)
    # All that is said, said by one client: who subscribes gets what it publishes itself.
    merged, begun = b"", False
    for _, event, value in session.events:
        if event == "send":
            merged += value[4:] if begun and value[:4] == b"  V2" else value
            begun = True
    if len(streams) > 1:
        add_stream(seeds, session, merged)
    for plain in (False, True):
        stream = operations(session, plain)[:2 * MOST]
        seeds.add("engine", engine_header(session, 0) + stream)
        seeds.add("engine", engine_header(session, 1) + stream.replace(bytes([CLOSE]), bytes([CLOSE, ANSWER, 0])))
    seeds.add("sessionfile", text.encode("latin-1")[:FILE_MOST])


def join(pieces):
    return b"".join(bytes.fromhex(p) if isinstance(p, str) else bytes.fromhex(p["hex"]) * min(p["times"], FILL)
                    for p in pieces)


def add_frames(seeds, session):
    streams = {}
    for output in session["output"]:
        if "bytes" in output:
            streams[output["conn"]] = streams.get(output["conn"], b"") + join(output["bytes"])
    for stream in streams.values():
        for header in (bytes([255, 0, 0, 10]), bytes([64, 2, 4, 63])):
            seeds.add("frame", header + stream[:MOST])


def length(data):
    return len(data).to_bytes(4, "big") + data


def add_by_hand(seeds):
    numbers = {"most": b"18446744073709551615", "over": b"18446744073709551616", "long": b"9" * 70, "letter": b"12x",
               "least": b"9223372036854775808", "sign": b"-1", "nul": b"1\0", "empty": b""}
    for name, digits in numbers.items():
        seeds.add_named("decimal", name, b"\0" + digits)
    names = {"empty": b"", "suffix": b"#ephemeral", "ephemeral": b"a#ephemeral", "suffix-short": b"a#ephemera",
             "nul": b"a\0", "blank": b"a b", "others": b"-._Z9"}
    for name, text in names.items():
        seeds.add_named("name", name, b"\0" + text)
        seeds.add_named("name", name + "-long", bytes([64 - len(text)]) + text)
        seeds.add_named("name", name + "-too-long", bytes([65 - len(text)]) + text)
    for field in range(13):
        for form in (0, 1, 2, 3, 128):
            seeds.add("identify", bytes([128, field, form, 2, 1, 2]))
    seeds.add_named("identify", "made", b"".join([b"\x80", *(bytes([f, f, 2, 65, 66]) for f in range(13))]))
    for k in range(8):
        seeds.add_named("identify", f"nested-{k}", bytes([96 + k]) + b"{}")
    for k in range(4):
        seeds.add_named("identify", f"made-bound-{k}", b"\x80" + bytes([3, 2, 1, k, 6, 3, 1, k]))
        seeds.add_named("identify", f"made-text-{k}", b"\x80" + bytes([k, 128 + 6 + k, 0]))
    # joins, registers, leaves and deletes, of the registry of nsqlookupd (fuzz/registry_model.c)
    seeds.add_named("lookup", "cluster", bytes([31, 255]) + b"".join(bytes(op) for op in (
        (0, 0, 0, 0), (0, 1, 0, 0), (3, 0, 1, 0), (3, 0, 1, 1), (3, 1, 1, 1), (9, 0, 1, 0), (10, 40, 0, 0), (2, 1, 0, 0),
        (10, 200, 0, 0), (5, 0, 1, 4), (5, 1, 1, 1), (8, 0, 1, 0), (7, 0, 1, 0), (3, 1, 1, 0), (11, 8, 8, 0), (1, 1, 0, 0))))
    seeds.add_named("lookup", "ephemeral", bytes([31, 255]) + b"".join(bytes(op) for op in (
        (0, 0, 0, 0), (0, 1, 0, 0), (3, 0, 0, 1), (3, 1, 0, 1), (1, 0, 0, 0), (5, 1, 0, 1), (5, 1, 0, 4), (6, 0, 5, 4))))
    seeds.add_named("heap", "ties", bytes([5, 5, 5, 3, 3, 9, 0x81, 5, 5, 0xc1, 0x40, 0x41, 0x82, 0xc7]))
    seeds.add_named("heap", "grows", bytes(k * 7 % 64 for k in range(40)) + bytes([0x94, 0x83, 0xc7, 0xc7, 1, 1, 1]))
    frames = {"empty": b"\0\0\0\4\0\0\0\0", "no-type": b"\0\0\0\4\0\0\0\3", "size-3": b"\0\0\0\3",
              "size-minus": b"\xff" * 4, "size-most": b"\x7f\xff\xff\xff\0\0\0\2", "heartbeat": b"\0\0\0\x0f\0\0\0\0_heartbeat_",
              "error": b"E_INVALID", "error-blank": b"E_INVALID ", "error-longer": b"E_INVALIDX", "message-short": b"\0" * 25}
    for name, data in frames.items():
        seeds.add_named("frame", name, bytes([255, 1, 0, 2]) + data)
        seeds.add("frame", bytes([4, 2, 3, 0]) + data)
    for field in ("heartbeat_interval", "msg_timeout", "output_buffer_timeout", "output_buffer_size"):
        document = b'{"%s":%d}' % (field.encode(), 2 ** 63 - 1)
        command = b"IDENTIFY\n" + length(document)
        seeds.add_named("session", field.replace("_", "-") + "-most", bytes([9, 0, 0, 0, 0, 0, 0, 0, 0, 6]) + command)
        seeds.add_named("engine", field.replace("_", "-") + "-most",
                        bytes([0, 1, 0, 0, 0, 0, 0, 0, SEND, len(command)]) + command)
    # Three reports to statsd (they begin every 3 s and are sent for 2 s). Before the second one a topic is deleted. The
    # server stops while the third one is sent.
    report = bytes([ADVANCE, 0x8c, ADVANCE, 0x40, ADVANCE, 0x88])
    reports = bytes([COMMAND, TABLE["SUB"], 0, 0, COMMAND, TABLE["RDY"], 5, 0, COMMAND | 16, TABLE["PUB"], 0, 9,
                     COMMAND | 16, TABLE["MPUB"], 1, 2, COMMAND | 16, TABLE["PUB"], 3, 0]) + report + bytes(
                         [MESSAGE, 0, 0, 0, TOPOLOGY, 0xc6]) + report + bytes([ADVANCE, 0x8c, ADVANCE, 0x40, STOP])
    for name, flags in (("reports", 32), ("reports-refused", 32 | 16)):
        seeds.add_named("engine", name, bytes([flags, 2, 0, 0, 0, 0, 0, 0]) + reports)


# Bits of `time` in client_parts.h with codecs.
RAW, TLS, LATE, TLS_REQUIRED = 1, 2, 64, 128
HANDSHAKES = {"fails": 1 << 4, "ends": 2 << 4, "stalls": 3 << 4}
SNAPPY_BEGIN = b"\xff\6\0\0sNaPpY"


def snappy_chunk(data, kind=1, packed=None, wrong=0):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    crc ^= 0xffffffff
    masked = ((crc >> 15 | crc << 17) + 0xa282ead8) % 2 ** 32 ^ wrong
    packed = data if packed is None else packed
    return bytes([kind]) + (4 + len(packed)).to_bytes(3, "little") + masked.to_bytes(4, "little") + packed


def deflated(data, last=b""):
    stream = zlib.compressobj(1, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH) + (stream.flush() + last if last else b"")


def toy_tls(data):
    return bytes(b ^ 0x2a for b in data).replace(b"\xff", b"\xff\xff")


def add_negotiated(seeds):
    """Conversations with codecs, for fuzz_upgrade.c."""
    publish = b"PUB a\n" + length(b"x" * 100)
    consume = (b"SUB a b\nRDY 2\nPUB a\n" + length(b"hello") + b"MPUB a\n" + length(b"\0\0\0\2" + length(b"xy") + length(b"xyz"))
               + b"FIN " + b"0" * 16 + b"\nREQ " + b"0" * 15 + b"1 0\nCLS\nNOP\n")
    nop = b"\4\x0cNOP\n"  # a snappy block of one literal

    def add(name, bits, data, flags=9, high_water=0, memory=0, **settings):
        asked = json.dumps(dict(feature_negotiation=True, **settings), separators=(",", ":")).encode()
        seeds.add_named("upgrade", name, bytes([flags, 0, 0, 0, 0, high_water, memory, bits, 0, 6])
                        + b"IDENTIFY\n" + length(asked) + data)

    again = b"IDENTIFY\n" + length(b'{"feature_negotiation":true}')
    for what in ("snappy", "deflate"):
        on = {what: True}
        asked = b"IDENTIFY\n" + length(b'{"feature_negotiation":true,"%s":true}' % what.encode())
        add(what, 0, consume, **on)
        add(what + "-late", LATE, publish + consume, flags=9 | 16, **on)
        add(what + "-high-water", 0, publish + consume, high_water=30, **on)
        add(what + "-identify-again", 0, again + publish, **on)
        add(what + "-twice", 0, asked + publish, **on)
        add(what + "-stop", 0, publish, flags=128 | 1, **on)
        add("tls-then-" + what, TLS, asked + consume, tls_v1=True)
        add("raw-" + what + "-clear", RAW, publish, **on)
    for what in ("none", "snappy", "deflate"):
        on = {"tls_v1": True} | ({} if what == "none" else {what: True})
        add("tls-" + what, TLS, consume, **on)
        add("tls-" + what + "-open", TLS, publish, flags=1, **on)
        add("tls-" + what + "-pending", TLS | TLS_REQUIRED, publish + publish, flags=8 | 2 | 1, **on)
        for how, bits in HANDSHAKES.items():
            add(f"tls-{what}-{how}", TLS | bits, publish, flags=1, **on)
            add(f"tls-{what}-{how}-eof", TLS | bits, publish, flags=32 | 8 | 1, **on)
    add("tls-stop-in-handshake", TLS | HANDSHAKES["stalls"], b"", flags=128 | 1, tls_v1=True)
    add("tls-required", TLS | TLS_REQUIRED, publish)
    add("tls-twice", TLS, b"IDENTIFY\n" + length(b'{"feature_negotiation":true,"tls_v1":true}'), tls_v1=True)
    add("tls-no-room", TLS, b"", memory=8, tls_v1=True)
    add("snappy-no-room", 0, b"", memory=20, snappy=True)
    add("snappy-and-deflate", 0, b"", snappy=True, deflate=True)
    authorize = b"AUTH\n" + length(b"secret")
    for k in range(4):
        add(f"auth-{k}", 128 | k << 4, authorize + publish + b"PUB b\n" + length(b"x"))
        add(f"auth-{k}-sub", 128 | k << 4, authorize + b"SUB a b\nRDY 2\n" + publish * 2)
        add(f"auth-{k}-late", 128 | LATE | k << 4, authorize + publish * 2 + (b"PUB a\n" + length(b"x")) * 9)
        add(f"auth-{k}-twice", 128 | k << 4, authorize + authorize, snappy=True)
        add(f"auth-{k}-other", 128 | k << 4, b"AUTH\n" + length(b"other!!") + publish)
    add("auth-sub-late", 128 | LATE | 3 << 4, authorize + b"NOP\n" * 5 + b"SUB a b\nRDY 1\n" + publish)
    add("auth-sub-denied", 128 | 3 << 4, authorize + b"SUB b b\n")
    add("auth-log", 128, authorize + publish, flags=32 | 8 | 1)
    for room in range(28, 56, 4):
        add(f"auth-room-{room}", 128, authorize + publish, memory=room)
    add("auth-first", 128, publish)
    add("auth-no-room", 128, authorize + publish, memory=24)
    for k in (1, 2, 3):
        add(f"snappy-damaged-{k}", k << 4, b"SUB a b\nRDY 2\n" + publish + publish, snappy=True)
    add("deflate-level", 0, publish, deflate=True, deflate_level=9)
    both = publish + consume
    snappy = {"whole": snappy_chunk(both), "two": snappy_chunk(both[:50]) + snappy_chunk(both[50:]),
              "skipped": b"\x80\3\0\0abc" + SNAPPY_BEGIN + snappy_chunk(publish),
              "packed": snappy_chunk(b"NOP\n", 0, nop) + snappy_chunk(publish),
              "bad-sum": snappy_chunk(publish) + snappy_chunk(publish, wrong=1) + snappy_chunk(publish),
              "bad-packed-sum": snappy_chunk(b"NOP\n", 0, nop, wrong=1 << 31) + snappy_chunk(publish)}
    for name, data in snappy.items():
        add("raw-snappy-" + name, RAW, SNAPPY_BEGIN + data, snappy=True)
    add("raw-deflate", RAW, deflated(both), deflate=True)
    add("raw-deflate-ends", RAW, deflated(both, b"xx"), deflate=True)
    add("raw-deflate-bomb", RAW, deflated(b"NOP\n" * 6000), deflate=True)
    add("raw-tls", RAW | TLS, b"\x16\4abcd" + toy_tls(both) + b"\xff\0", tls_v1=True)
    add("raw-tls-breaks", RAW | TLS, b"\x16\3abc" + toy_tls(publish) + b"\xff\7" + toy_tls(publish), tls_v1=True)
    add("raw-tls-clear", RAW | TLS, publish, tls_v1=True)
    add("raw-tls-eof", RAW | TLS, b"\x16", tls_v1=True)
    add("raw-tls-late", RAW | TLS | LATE, b"\x16\x60" + b"a" * 60, tls_v1=True)
    add("raw-tls-snappy", RAW | TLS, SNAPPY_BEGIN + snappy_chunk(both), tls_v1=True, snappy=True)
    add("raw-tls-deflate", RAW | TLS, deflated(both), tls_v1=True, deflate=True)


def add_short_files(seeds, texts):
    """Each form of a step in a file of its own: where there is little, a change hits what matters."""
    head = "id: a/b\ntitle: t\nreq: R\nlevel: MUST\nsource: spec\n\n"
    seen = set()
    for line in (line for text in texts for line in text.partition("\n\n")[2].splitlines()):
        form = re.sub(r"\d+", "0", re.sub(r'"((?:[^"\\]|\\.)*)"', '""', line))
        if form not in seen and len(line) < 100 and not line.startswith((" ", "#", "any", "}", "repeat")):
            seen.add(form)
            seeds.add("sessionfile", (head + line + "\n").encode("latin-1"))
            seeds.add("sessionfile", (head + "repeat 2 $i {\n    " + line + "\n}\n").encode("latin-1"))
            seeds.add("sessionfile", (head + "any {\n    " + line + "\n}\n").encode("latin-1"))
    for name, items in (("numbers", "u8(0) u16(1) i32(-1) i64(-10)"), ("fill", 'fill(3 "ab")'), ("escapes", r'"\x00\x1f\n\\\""'),
                        ("sizes", "size{size{size{$a}}}"), ("repeat", 'repeat(3 $k repeat(2 $i "m" $k $i))'), ("open-string", '"abc')):
        seeds.add_named("sessionfile", name, (head + "c > " + items + "\n").encode("latin-1"))
    seeds.add_named("sessionfile", "numbered", (head + """repeat 2 $i {
    c$i connect
    repeat 2 $k {
        c$i > $topic$k $i
    }
    any 2 $k {
        c$i < message $m$i$k attempts $k body $k
    }
}
any {
    c* < message $m1_2 attempts * body *
}
""").encode("latin-1"))
    seeds.add_named("sessionfile", "too-many", (head + """repeat 10000 $i {
    repeat 10000 $k {
        wait 1ms
    }
}
""").encode("latin-1"))


def add_documents(seeds):
    """Documents of auth servers, made from choices: fuzz/auth_document.c has their order and their lists."""
    patterns, wrong = 27, 9
    ttl, expires, publish_and_subscribe = [0, 0], [3, 11], [2, 9, 2, 0, 1]
    any_channel = [1, 9, 1, 3]

    def rules(*objects):
        return [4, 9, len(objects), *(byte for o in objects for byte in o)]

    def rule(*members):
        return [8, len(members), *(byte for m in members for byte in m)]

    def add(name, documents):
        made = [bytes([len(d), *(byte for member in d for byte in member)]) for d in documents]
        seeds.add_named("auth_reply", "made-" + name, bytes([0, 0, 0, 0, 2]) + b"".join(made))

    def time(year=4, month=1, day=1, hour=0, minute=0, second=0, fraction=0, zone=0):
        return [ttl, [*expires, year, month, day, hour, minute, second, fraction, zone]]

    add("ttl", [[ttl, [0, k]] for k in range(16)] + [[[0, k]] for k in range(5)])
    for key, name in (1, "identity"), (2, "identity-url"):
        add(name, [[ttl, [key, k]] for k in range(5 + wrong + 1)] + [[ttl, [key, 1], [key, k]] for k in (0, 2, 14)])
    add("ports", [[ttl, [5, 1], [5, k]] for k in range(13)] + [[[5, k]] for k in range(4)])
    add("ignored", [[ttl, [key, k], [1, 1]] for key in (6, 7) for k in range(10)] +
        [[ttl, rules(rule([key, k], [0, 1], any_channel, publish_and_subscribe))] for key in (3, 4) for k in range(10)])
    add("expires", [[ttl, [3, k]] for k in range(11)] + [time(hour=h) for h in (22, 23, 24)] +
        [time(minute=m) for m in (58, 59, 60)] + [time(second=k) for k in (58, 59, 60)] +
        [time(month=12, day=31, hour=23, minute=59, second=59)])
    add("months", [time(month=m, day=d) for m in range(14) for d in (0, 1, 28, 29, 30, 31, 32)])
    add("leap-years", [time(year=y, month=2, day=d) for y in range(8) for d in (28, 29, 30)])
    add("zones", [time(fraction=f, zone=z) for f in range(6) for z in range(16)])
    add("authorizations", [[ttl, rules([7], [7]), [4, k]] for k in range(9)] +
        [[ttl, rules([7], [k], [7])] for k in range(8)] + [[ttl, rules([7], [7]), rules()], [ttl, rules([7]), rules([7], [7], [7])]] +
        [[ttl, rules(rule([0, 5], any_channel, [2, 9, 1, 0]), rule([0, 2], [1, 9, 1, 2], publish_and_subscribe),
                     rule([0, 1], [1, 9, 2, 1, 4], [2, 9, 1, 1]))]])
    all_topics = [rule([0, k], any_channel, publish_and_subscribe) for k in range(patterns + wrong + 1)]
    add("topics", [[ttl, rules(r)] for r in all_topics])
    add("topics-twice", [[ttl, rules(rule([0, 1], [0, k], any_channel, publish_and_subscribe))] for k in (3, 17, 18, 36)])
    add("channels", [[ttl, rules(rule([1, 9, 1, k], publish_and_subscribe))] for k in range(patterns + wrong + 1)])
    add("channel-lists", [[ttl, rules(rule(any_channel, [1, k], publish_and_subscribe))] for k in range(9)] +
        [[ttl, rules(rule(any_channel, [1, 9, 0], publish_and_subscribe))],
         [ttl, rules(rule([1, 9, 3, 2, 1, 5], publish_and_subscribe))], [ttl, rules(rule(publish_and_subscribe))]])
    add("permissions", [[ttl, rules(rule(any_channel, [2, 9, 1, k]))] for k in range(15)] +
        [[ttl, rules(rule(any_channel, publish_and_subscribe, [2, k]))] for k in range(9)] +
        [[ttl, rules(rule(any_channel, publish_and_subscribe, [2, 9, 0]))],
         [ttl, rules(rule(any_channel, [2, 9, 3, 1, 1, 0]))]])


def add_configurations(seeds):
    """Configuration files, and documents made from choices (fuzz/fuzz_toml.c)."""
    rows, forms = 58, 13
    words, lists, numbers = (2, 48, 49, 57), (10, 14, 42), (6, 24, 52)

    def made(name, some_rows, some_forms, values):
        seeds.add_named("toml", "made-" + name, bytes([128]) + b"".join(
            bytes([0, row, form, value]) for row in some_rows for form in some_forms for value in range(values)))

    for form in range(forms):
        made(f"form-{form}", range(rows), [form], 1)
    made("words", words, (0, 1, 2, 4, 6), 6)
    made("lists", lists, (4, 5, 6, 7, 8, 9), 6)
    made("numbers", numbers, (0, 1, 2, 4, 5), 11)
    everything = b"""id = 5
snappy = false
max_rdy_count = 0x1F # a comment
msg_timeout = "1m30s"
max_msg_timeout = 5000
log_prefix = 'a'
log_level = "debug"
auth_http_addresses = ["a:1", "b:2"]
nsqlookupd_tcp_addresses = "a,b"
e2e_processing_latency_percentiles = [0.5, 0.99]
tls_required = "tcp-https"
tls_min_version = 'tls1.2'
[other]
a.b = {c = 1979-05-27T07:32:00Z, d = [true, 1.5e3, inf]}
[[more]]
"""
    for flag in range(10):
        seeds.add_named("toml", f"everything-{flag}", bytes([flag]) + everything)
    for name, text in (
            ("bool-as-integer", b"snappy = 0"), ("list-as-integer", b"auth_http_addresses = 5"),
            ("list-of-wrong-items", b"auth_http_addresses = [5]"), ("string-as-float", b"log_prefix = 1.5"),
            ("nul", b'log_prefix = "a\\u0000"'), ("duration-too-long", b"msg_timeout = 9223372036855"),
            ("percentiles-as-text", b"e2e_processing_latency_percentiles = ' 0.5, 1 '"),
            ("many-values", b"auth_http_addresses = '" + b"," * 63 + b"'"), ("too-many-values", b"auth_http_addresses = '" + b"," * 64 + b"'"),
            ("many-percentiles", b"e2e_processing_latency_percentiles = [" + b"1.0," * 65 + b"]"),
            ("twice", b"a = 1\na = 2"), ("control-in-a-key", b'"\\n" = 1\n"\\n" = 2'), ("del-in-a-key", b'"\\u007f" = 1\n"\\u007f" = 2'),
            ("del-in-a-value", b'id = "\\u007f\\n\\u0080"'), ("not-utf-8", b'a = "\xff"'), ("nested", b"a = " + b"[" * 300),
            ("nested-tables", b"a = " + b"{a = " * 90), ("dots", b"a" + b".a" * 200 + b" = 1"), ("mark", b"\xef\xbb\xbfid = 5"),
            ("open", b"a = '''x"), ("assert-of-the-library", b" [`]"), ("unreachable-of-the-library", b"\xef\xb9\xbfid = 0"),
            ("empty", b"")):
        seeds.add_named("toml", name, bytes([0]) + text)


def main():
    out, named, vectors, *files = sys.argv[1:]
    seeds = Seeds(out, named)
    texts = [pathlib.Path(path).read_text(encoding="latin-1") for path in sorted(files)]
    for text in texts:
        add_session(seeds, text)
        session = Session(text)
        if session.lookup:
            add_lookup_session(seeds, session)
            add_peer_session(seeds, session)
    add_short_files(seeds, texts)
    for session in json.loads(pathlib.Path(vectors).read_text())["sessions"]:
        add_frames(seeds, session)
    add_by_hand(seeds)
    add_documents(seeds)
    add_configurations(seeds)
    add_negotiated(seeds)
    add_requests(seeds)
    add_lookup(seeds)
    add_diskqueue(seeds)
    add_metadata(seeds)
    add_peer(seeds)
    print(" ".join(f"{target} {count}" for target, count in sorted(seeds.count.items())))


if __name__ == "__main__":
    main()
