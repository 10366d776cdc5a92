"""Each command in each state, missing parameters, bad message ids, and which errors are fatal."""

from case import SUB, Table, dpub, identify, mpub, pub, sized, u32

ID = b"0123456789abcdef"

STATES = [("init", b"", 0), ("subscribed", SUB, 1), ("closing", SUB + b"CLS\n", 2)]

# Commands without a body: as short as possible, and complete. The state is checked before the parameters.
LINES = [
    ("rdy", [b"RDY\n", b"RDY 1\n", b"RDY x\n", b"RDY 2501\n"]),
    ("fin", [b"FIN\n", b"FIN x\n", b"FIN " + ID + b"\n"]),
    ("req", [b"REQ\n", b"REQ x\n", b"REQ " + ID + b"\n", b"REQ " + ID + b" x\n", b"REQ " + ID + b" 0\n", b"REQ x 0\n"]),
    ("touch", [b"TOUCH\n", b"TOUCH x\n", b"TOUCH " + ID + b"\n"]),
    ("cls", [b"CLS\n", b"CLS x y\n", b"CLS \n"]),
    ("sub", [b"SUB\n", b"SUB {topic}\n", b"SUB / /\n", b"SUB {topic} d\n"]),
    ("unknown", [b"UNKNOWN\n"]),
]
# How many replies are certain if a line is not fatal: (state, line) -> replies.
ANSWERS = {
    ("subscribed", b"RDY\n"): 0,
    ("subscribed", b"RDY 1\n"): 0,
    ("closing", b"RDY\n"): 0,
    ("closing", b"RDY 1\n"): 0,
    ("closing", b"RDY x\n"): 0,
    ("closing", b"RDY 2501\n"): 0,
}
NO_IDS = [
    ("empty", b""),
    ("15", ID[:15]),
    ("17", ID + b"0"),
    ("32", ID * 2),
    ("cr", ID[:15] + b"\r\r"),
    ("utf8-16-characters", "é".encode() * 16),
]
# Any sixteen bytes are an id; the error repeats them unchanged.
STRANGE_IDS = [
    ("upper-case", ID.upper()),
    ("nuls", b"\0" * 16),
    ("high-bytes", b"\xff" * 16),
    ("quotes", b'"' * 16),
    ("cr-inside", b"\r" * 15 + b"x"),
    ("format", b"%s" * 8),
    ("utf8-8-characters", "é".encode() * 8),
]


def cases():
    t = Table("state")
    for state, start, answered in STATES:
        for command, lines in LINES:
            for number, line in enumerate(lines, 1):
                count = answered + ANSWERS.get((state, line), 1)
                t.replies("%s-%s-%d" % (state, command, number), count, start + line)
        t.replies(state + "-pub", answered + 1, start + pub())
        t.replies(state + "-mpub", answered + 1, start + mpub(b"x", b"y"))
        t.replies(state + "-dpub", answered + 1, start + dpub(b"0"))
        t.silent(state + "-nop-many", start + b"NOP\n" * 3)
        for command in (b"PUB", b"MPUB", b"DPUB"):
            name = "%s-%s-no-topic" % (state, command.decode().lower())
            t.ends(name, start + command + b"\n")
            t.ends(name + "-cr", start + command + b"\r\n")
            if state != "init":
                t.ends(name + "-but-a-space", start + command + b" \n")
        t.ends(state + "-dpub-no-timeout", start + b"DPUB {topic}\n")
        t.ends(state + "-dpub-bad-topic-no-timeout", start + b"DPUB /\n")
        t.ends(state + "-pub-size-0", start + b"PUB {topic}\n" + u32(0))
        if state != "init":
            t.ends(state + "-identify", start + b"IDENTIFY\n")
            t.ends(state + "-auth", start + b"AUTH\n")
            t.ends(state + "-auth-parameter", start + b"AUTH x\n")
            t.cut(state + "-eof", start)
            t.cut(state + "-eof-in-line", start + b"FIN 0123")

    for command, rest in ((b"FIN ", b""), (b"TOUCH ", b""), (b"REQ ", b" 0")):
        word = command.decode().strip().lower()
        for name, value in NO_IDS:
            t.ends("%s-id-%s" % (word, name), SUB + command + value + rest + b"\n")
        for name, value in STRANGE_IDS:
            t.replies("%s-id-%s" % (word, name), 2, SUB + command + value + rest + b"\n")
        t.replies(word + "-cr", 2, SUB + command + ID + rest + b"\r\n")
        t.replies(word + "-extra", 2, SUB + command + ID + rest + b" x y\n")
        t.ends(word + "-double-space", SUB + command + b" " + ID + rest + b"\n")
        t.replies(word + "-ten-times", 11, SUB + (command + ID + rest + b"\n") * 10)
        t.ends(word + "-then-fatal", SUB + command + ID + rest + b"\n" + command + b"x" + rest + b"\n")

    off = identify(b'{"heartbeat_interval":-1}')
    t.replies("no-heartbeat-sub", 2, off + b"SUB {topic} c\n")
    t.replies("no-heartbeat-sub-no-parameters", 2, off + b"SUB\n")
    t.replies("no-heartbeat-pub", 2, off + pub())
    t.ends("sub-twice", SUB + SUB)
    t.ends("sub-other-topic", SUB + b"SUB {topic}2 c\n")
    t.ends("cls-twice", SUB + b"CLS\nCLS\n")
    t.silent("rdy-after-cls-many", SUB + b"CLS\n" + b"RDY 1\nRDY\nRDY x\nRDY -1\n")
    t.replies("auth-then-nothing-else", 1, b"AUTH\n" + sized(b"x"))
    return t.cases
