"""Topic and channel names, and how they are quoted in errors (as Go's strconv.Quote does)."""

from case import Table, identify, sized, u32

X = b"x" * 64

# Each command that has a NAME. The empty IDENTIFY makes the SUB cases different from the others.
PLACES = [
    ("pub", b"PUB NAME\n"),
    ("mpub", b"MPUB NAME\n"),
    ("dpub", b"DPUB NAME 0\n"),
    ("sub-topic", b"SUB NAME c\n"),
    ("sub-channel", b"SUB {topic} NAME\n"),
]
BODIES = {"pub": sized(b"x"), "mpub": sized(u32(1) + sized(b"x")), "dpub": sized(b"x")}

GOOD_NAMES = [
    ("length-1", b"a"),
    ("length-63", b"{topic}" + X[:47]),
    ("length-64", b"{topic}" + X[:48]),
    ("ephemeral", b"{topic}#ephemeral"),
    ("ephemeral-63", b"{topic}" + X[:37] + b"#ephemeral"),
    ("ephemeral-64", b"{topic}" + X[:38] + b"#ephemeral"),
    ("every-sign", b"{topic}._-AZaz09"),
    ("only-dots", b".."),
    ("only-dash", b"-"),
    ("only-digits", b"0"),
]
BAD_NAMES = [
    ("empty", b""),
    ("length-65", b"{topic}" + X[:49]),
    ("ephemeral-65", b"{topic}" + X[:39] + b"#ephemeral"),
    ("only-ephemeral", b"#ephemeral"),
    ("bad-and-long", b"/" * 100),
]
# Tried in one command only: the rule is the same for all.
MORE_BAD_NAMES = [
    ("ephemeral-cut", b"a#ephemera"),
    ("ephemeral-longer", b"a#ephemerals"),
    ("ephemeral-capital", b"a#Ephemeral"),
    ("ephemeral-twice", b"a#ephemeral#ephemeral"),
    ("ephemeral-inside", b"a#ephemeral.b"),
    ("hash", b"#"),
    ("hash-last", b"a#"),
    ("cr-kept", b"a\r\r"),
    ("cr-inside", b"a\rb"),
    ("format", b"%s%d"),
]
ILLEGAL_ASCII = [b for b in range(0x21, 0x7F) if not (chr(b).isalnum() or chr(b) in "._-")]
QUOTES = [
    ("letters-of-escapes", b"\a\b\f\r\t\va"),
    ("controls", bytes(b for b in range(1, 32) if b not in b"\n")),
    ("nul", b"\0"),
    ("del", b"\x7f"),
    ("double-quote", b'"'),
    ("single-quote", b"'"),
    ("backslash", b"\\"),
    ("backslash-n", b"\\n"),
    ("backquote", b"`"),
    ("high-bytes", bytes(range(0x80, 0x100))),
    ("digit-after-byte", b"\xff0\x019"),
    ("utf8-2", "é".encode()),
    ("utf8-3", "日本語".encode()),
    ("utf8-4", "😀".encode()),
    ("combining", "e\u0301".encode()),
    ("combining-first", "\u0301".encode()),
    ("c1-control", "\u0085".encode()),
    ("no-break-space", "\u00a0".encode()),
    ("soft-hyphen", "\u00ad".encode()),
    ("ogham-space", "\u1680".encode()),
    ("zero-width", "\u200b\u200d\u2060".encode()),
    ("line-separators", "\u2028\u2029".encode()),
    ("bidi-controls", "\u202e\u2066".encode()),
    ("ideographic-space", "\u3000".encode()),
    ("private-use", "\ue000\uf8ff".encode()),
    ("bom", "\ufeff".encode()),
    ("replacement", "\ufffd".encode()),
    ("noncharacters", "\ufdd0\ufffe\uffff".encode()),
    ("tag", "\U000e0001".encode()),
    ("variation-selector", "\ufe0f\U000e0100".encode()),
    ("unassigned", "\u0378\U0001ffff".encode()),
    ("last-code-point", "\U0010ffff".encode()),
    ("surrogates", b"\xed\xa0\x80\xed\xbf\xbf"),
    ("before-and-after-surrogates", "\ud7ff\ue000".encode()),
    ("too-big", b"\xf4\x90\x80\x80"),
    ("five-bytes", b"\xf8\x88\x80\x80\x80"),
    ("overlong-2", b"\xc0\xaf\xc1\xbf"),
    ("overlong-3", b"\xe0\x9f\xbf"),
    ("overlong-4", b"\xf0\x8f\xbf\xbf"),
    ("truncated-2", b"\xc3"),
    ("truncated-3", b"\xe2\x82"),
    ("truncated-4", b"\xf0\x9f\x98"),
    ("truncated-then-ascii", b"\xe2\x82a\xf0\x9fb"),
    ("truncated-then-valid", b"\xe2\xc3\xa9"),
    ("lone-continuation", b"a\x80b"),
]
# All code points, in lines that fit: every one of the planes with characters, the ends of the other planes.
SWEEP_ID = "name/quote-from-"
SWEEP_STEP = 0xE00
SWEEP = [(start, start + SWEEP_STEP) for start in range(0x80, 0x34000, SWEEP_STEP)]
SWEEP += [(0xE0000, 0xE0000 + SWEEP_STEP), (0x3FF00, 0x40100), (0xDFF00, 0xE0000)]
SWEEP += [(0xEFF00, 0xF0100), (0xFFF00, 0x100100), (0x10FF00, 0x110000)]


def cases():
    t = Table("name")
    for place, line in PLACES:
        for name, value in GOOD_NAMES:
            t.replies("%s-%s" % (place, name), 1, line.replace(b"NAME", value) + BODIES.get(place, b""))
        for name, value in BAD_NAMES:
            t.ends("%s-%s" % (place, name), line.replace(b"NAME", value))
        t.ends("%s-quoted" % place, line.replace(b"NAME", b'\x01"\\\xff' + "é\u2028".encode()))
    for name, value in MORE_BAD_NAMES:
        t.ends("bad-" + name, b"PUB " + value + b"\n")
    for byte in ILLEGAL_ASCII:
        t.ends("ascii-%02x" % byte, b"PUB a" + bytes([byte]) + b"b\n")
    for name, value in QUOTES:
        t.ends("quote-" + name, b"PUB " + value + b"\n")
    for first, end in SWEEP:
        points = "".join(map(chr, range(first, end))).encode("utf-8", "surrogatepass")
        t.ends("quote-from-%05x" % first, b"PUB " + points + b"\n")

    t.replies("cr-dropped", 1, b"PUB {topic}\r\n" + sized(b"x"))
    t.replies("sub-cr-dropped", 1, b"SUB {topic} c\r\n")
    t.ends("double-space-pub", b"PUB  {topic}\n")
    t.ends("double-space-sub", b"SUB {topic}  c\n")
    t.replies("extra-parameters-pub", 1, b"PUB {topic} a b\n" + sized(b"x"))
    t.replies("extra-parameters-sub", 1, b"SUB {topic} c d e\n")
    t.replies("extra-empty-parameters-sub", 1, b"SUB {topic} c  \n")
    t.ends("sub-both-bad", b"SUB / /\n")
    t.ends("sub-topic-with-cr", b"SUB a\r c\n")
    t.replies("sub-ephemeral-topic-and-channel", 1, b"SUB {topic}#ephemeral c#ephemeral\n")
    t.ends("sub-bad-after-identify", identify(b"{}") + b"SUB t /\n")
    return t.cases
