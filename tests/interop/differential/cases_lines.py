"""The first bytes of a connection, and command lines: their ends, their length, unknown commands."""

from case import Ends, Finish, HalfClose, Quiet, Send, Table, identify, pub

COMMANDS = [b"IDENTIFY", b"AUTH", b"SUB", b"PUB", b"MPUB", b"DPUB", b"RDY", b"FIN", b"REQ", b"TOUCH", b"CLS", b"NOP"]

BAD_MAGICS = [
    ("v1", b"  V1"),
    ("v3", b"  V3"),
    ("lower-case", b"  v2"),
    ("shifted", b" V2 "),
    ("no-spaces", b"V2  "),
    ("tabs", b"\t\tV2"),
    ("nul-padded", b"\0\0V2"),
    ("high-bit", b"  V\xb2"),
    ("spaces", b"    "),
    ("nuls", b"\0\0\0\0"),
    ("ones", b"\xff\xff\xff\xff"),
    ("http-get", b"GET "),
    ("http-post", b"POST"),
    ("tls-hello", b"\x16\x03\x01\x02"),
    ("newlines", b"\r\n\r\n"),
    ("command-instead", b"NOP\n"),
    ("utf8", "¶¶".encode()),
]

# name, line: each is answered by an error that names the command
NO_COMMANDS = [
    ("empty", b"\n"),
    ("cr", b"\r\n"),
    ("two-cr", b"\r\r\n"),
    ("space", b" \n"),
    ("spaces", b"   \n"),
    ("space-cr", b" \r\n"),
    ("leading-space", b" NOP\n"),
    ("leading-tab", b"\tNOP\n"),
    ("leading-cr", b"\rNOP\n"),
    ("leading-nul", b"\0NOP\n"),
    ("trailing-tab", b"NOP\t\n"),
    ("trailing-nul", b"NOP\0\n"),
    ("trailing-two-cr", b"NOP\r\r\n"),
    ("trailing-three-cr", b"NOP\r\r\r\n"),
    ("cr-space", b"NOP\r \n"),
    ("cr-inside", b"NOP\rNOP\n"),
    ("mixed-case", b"Nop\n"),
    ("tab-separator", b"RDY\t1\n"),
    ("vertical-tab-separator", b"RDY\v1\n"),
    ("no-break-space-separator", b"RDY\xc2\xa01\n"),
    ("colon", b"PUB:t\n"),
    ("longer", b"NOPE\n"),
    ("prefixed", b"XPUB t\n"),
    ("one-nul", b"\0\n"),
    ("nul-inside", b"NO\0P\n"),
    ("invalid-utf8", b"\xff\xfe\n"),
    ("truncated-utf8", b"\xe2\x82\n"),
    ("utf8", "Ünbekannt\n".encode()),
    ("fullwidth", "\uff2e\uff2f\uff30\n".encode()),
    ("escape-sequence", b"\x1b[31mred\n"),
    ("format", b"%s%n%d%%\n"),
    ("quotes", b"\"NOP\"'\\\n"),
    ("parameters-left-out", b"FOO bar baz\n"),
    ("magic-again", b"  V2\n"),
    ("http", b"GET / HTTP/1.1\r\n"),
    ("json", b'{"a":1}\n'),
    ("v1-command", b"REGISTER t c\n"),
    ("get-command", b"GET\n"),
    ("response", b"\0\0\0\6\0\0\0\0OK\n"),
]

# name, bytes: there is no answer, and the connection stays open
QUIET_LINES = [
    ("nop", b"NOP\n"),
    ("nop-cr", b"NOP\r\n"),
    ("nop-parameters", b"NOP a b c\n"),
    ("nop-trailing-space", b"NOP \n"),
    ("nop-two-spaces", b"NOP  x\n"),
    ("nop-space-cr", b"NOP \r\n"),
    ("nop-parameter-nul", b"NOP \0\n"),
    ("nop-parameter-invalid-utf8", b"NOP \xff\xff\n"),
    ("nop-parameter-cr", b"NOP \rx\r\r\n"),
    ("nop-hundred", b"NOP\n" * 100),
    ("nop-mixed-ends", b"NOP\nNOP\r\nNOP x\nNOP \r\n"),
    ("nop-more-than-a-buffer", b"NOP 12345\n" * 5000),
]


def line_of(size, start=b"NOP "):
    """A line of this many bytes, the newline included."""
    return start + b"x" * (size - len(start) - 1) + b"\n"


def cases():
    magic = Table("magic")
    for name, data in BAD_MAGICS:
        magic.raw(name, data)
    for data in (b"", b" ", b"  ", b"  V", b"  V2", b"G", b"GE", b"GET", b"  V1"):
        name = "cut-" + (data.decode().replace(" ", "_") or "nothing")
        magic.steps(name, Send(data, "a"), HalfClose("a"), Ends("a"))
    magic.steps("slow", Send(b"  ", "a"), Quiet(1.2, "a"), Send(b"V2" + pub(), "a"), Finish("a"))
    magic.steps("slow-bad", Send(b"  V", "a"), Quiet(1.2, "a"), Send(b"x", "a"), Ends("a"))

    t = Table("line")
    for name, line in NO_COMMANDS:
        t.ends("bad-" + name, line)
    for command in COMMANDS:
        name = command.decode().lower()
        t.ends("lower-case-" + name, command.lower() + b" a b\n")
        t.ends("cut-short-" + name, command[:-1] + b"\n")
        t.ends("run-together-" + name, command + b"a b\n")
        t.cut("eof-in-" + name, command[:-1])
        t.cut("eof-before-newline-" + name, command)
        t.cut("eof-after-parameters-" + name, command + b" {topic} 0123456789abcdef")
    for start in range(0, 256, 32):
        line = bytes(b for b in range(start, start + 32) if b not in b"\n ")
        t.ends("bytes-%02x" % start, line + b"\n")
    for name, data in QUIET_LINES:
        t.silent(name, data)
    t.cut("eof-after-nop", b"NOP\n")
    t.cut("eof-after-cr", b"NOP\r")
    t.cut("eof-after-space", b" ")

    # at most 16384 bytes, newline included; with one more the connection is closed without an answer
    t.silent("length-16383", line_of(16383))
    t.silent("length-16384", line_of(16384))
    t.silent("length-16384-cr", line_of(16384)[:-2] + b"\r\n")
    t.silent("length-16384-twice", line_of(16384) * 2)
    t.silent("length-16384-of-spaces", b"NOP" + b" " * 16380 + b"\n")
    t.ends("length-16384-no-newline", line_of(16385)[:-1])
    t.ends("length-16384-cr-no-newline", line_of(16385)[:-2] + b"\r")
    t.ends("length-16384-nuls", b"\0" * 16384)
    t.ends("length-16384-after-others", b"NOP\n" + pub() + b"NOP" * 5461 + b"N")
    t.ends("length-16384-after-identify", identify(b"{}") + b"x" * 16384)
    t.cut("length-16383-eof", b"x" * 16383)
    t.ends("length-16384-unknown", line_of(16384, b"x"))
    t.ends("length-16383-unknown-after-pub", pub() + line_of(16383, b"x"))
    t.ends("length-16384-topic", line_of(16384, b"PUB "))
    t.ends("length-16384-empty-parameters", b"SUB" + b" " * 16380 + b"\n")
    return magic.cases + t.cases
