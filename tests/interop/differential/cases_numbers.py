"""Decimal parameters of RDY, REQ and DPUB: digits only, wrapping arithmetic, ranges."""

from case import SUB, Table, sized

ID = b"0123456789abcdef"

NO_NUMBERS = [
    ("minus", b"-1"),
    ("plus", b"+1"),
    ("letters", b"abc"),
    ("letter-last", b"1a"),
    ("letter-first", b"a1"),
    ("point", b"1.0"),
    ("comma", b"1,000"),
    ("exponent", b"1e3"),
    ("hex", b"0x1"),
    ("underscore", b"1_0"),
    ("nul", b"1\0"),
    ("only-nul", b"\0"),
    ("tab", b"\t1"),
    ("cr", b"1\r\r"),
    ("slash", b"1/"),
    ("colon", b"1:"),
    ("invalid-utf8", b"\xff"),
    ("arabic-digits", "\u0661".encode()),
    ("fullwidth-digits", "\uff11".encode()),
    ("unit", b"1ms"),
    ("format", b"%d"),
    ("quotes", b'"1"'),
    ("overflow-then-letter", b"99999999999999999999x"),
]
# Values around every limit of the arithmetic; the servers decide whether they are valid.
NUMBERS = [
    ("0", b"0"),
    ("1", b"1"),
    ("leading-zeros", b"0" * 30 + b"1"),
    ("many-zeros", b"0" * 1000),
    ("int32-max", b"%d" % (2**31 - 1)),
    ("uint32-wrap", b"%d" % (2**32 + 1)),
    ("int64-max", b"%d" % (2**63 - 1)),
    ("int64-over", b"%d" % 2**63),
    ("int64-over-1", b"%d" % (2**63 + 1)),
    ("uint64-max", b"%d" % (2**64 - 1)),
    ("uint64-over", b"%d" % 2**64),
    ("uint64-over-1", b"%d" % (2**64 + 1)),
    ("uint64-twice", b"%d" % (2**65 + 2)),
    ("many-nines", b"9" * 400),
    ("nanoseconds-max", b"%d" % (2**63 // 10**6)),
    ("nanoseconds-over", b"%d" % (2**63 // 10**6 + 1)),
    ("nanoseconds-wrap-to-0", b"%d" % (2**64 // 10**6)),
    ("nanoseconds-wrap-to-small", b"%d" % (2**64 // 10**6 + 1)),
    ("nanoseconds-wrap-to-5-s", b"%d" % (2**64 // 10**6 + 5000)),
    ("nanoseconds-wrap-over-5-s", b"%d" % (2**64 // 10**6 + 5001)),
]
RANGES = [
    ("rdy", "default", (2499, 2500, 2501)),
    ("rdy", "small", (9, 10, 11)),
    ("req", "default", (3599999, 3600000, 3600001)),
    ("req", "small", (4999, 5000, 5001)),
    ("dpub", "default", (3599999, 3600000, 3600001)),
    ("dpub", "small", (4999, 5000, 5001)),
]


def rdy(number):
    return SUB + b"RDY " + number + b"\n"


def req(number):
    """No such message is in flight: a valid number is answered by an error that is not fatal."""
    return SUB + b"REQ " + ID + b" " + number + b"\n"


def dpub(number):
    return b"DPUB {topic} " + number + b"\n"


COMMANDS = {"rdy": rdy, "req": req, "dpub": dpub}


def cases():
    t = Table("number", "small")
    for command, write in COMMANDS.items():
        for name, value in NO_NUMBERS:
            t.ends("%s-no-%s" % (command, name), write(value))
    for name, value in NUMBERS:
        # A RDY that is out of range ends the connection, so the last command would be sent after the fatal byte.
        number = int(value) % 2**64
        if number <= 10:
            t.silent("rdy-" + name, rdy(value))
        else:
            t.ends("rdy-" + name, rdy(value))
        t.replies("req-" + name, 2, req(value))
        nanoseconds = number * 10**6 % 2**64
        is_good = nanoseconds <= 5 * 10**9
        t.replies("dpub-" + name, 1, dpub(value) + (sized(b"x") if is_good else b""))
    for command, configuration, values in RANGES:
        for value in values:
            data = COMMANDS[command](b"%d" % value)
            name = "%s-%s-%d" % (command, configuration, value)
            is_over = value == values[-1]
            if command == "rdy":
                (t.ends if is_over else t.silent)(name, data, configuration=configuration)
            elif command == "req":
                t.replies(name, 2, data, configuration=configuration)
            else:
                t.replies(name, 1, data + (b"" if is_over else sized(b"x")), configuration=configuration)

    t.silent("rdy-missing", SUB + b"RDY\n")
    t.silent("rdy-missing-cr", SUB + b"RDY\r\n")
    t.silent("rdy-empty", SUB + b"RDY \n")
    t.silent("rdy-empty-then-number", SUB + b"RDY  5\n")
    t.silent("rdy-extra", SUB + b"RDY 5 x\n")
    t.silent("rdy-cr", SUB + b"RDY 5\r\n")
    t.silent("rdy-many", SUB + b"".join(b"RDY %d\n" % (n % 11) for n in range(200)))
    t.replies("req-empty", 2, SUB + b"REQ " + ID + b" \n")
    t.replies("req-empty-then-number", 2, SUB + b"REQ " + ID + b"  5\n")
    t.replies("req-extra", 2, SUB + b"REQ " + ID + b" 5 x\n")
    t.ends("req-bad-id-and-number", SUB + b"REQ x y\n")
    t.replies("dpub-empty", 1, b"DPUB {topic} \n" + sized(b"x"))
    t.replies("dpub-double-space", 1, b"DPUB {topic}  0\n" + sized(b"x"))
    t.replies("dpub-extra", 1, b"DPUB {topic} 5 x\n" + sized(b"x"))
    t.ends("dpub-bad-topic-and-number", b"DPUB / x\n")
    return t.cases
