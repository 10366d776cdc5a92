"""Bodies of PUB, DPUB, MPUB and AUTH: sizes at their limits, counts, and input that ends at every stage."""

from case import SUB, Table, dpub, identify, mpub, pub, sized, u32

SIZES = [("0", 0), ("minus-1", -1), ("2e31-1", 0x7FFFFFFF), ("2e31", 0x80000000), ("minus-2e16", -0x10000)]
ANY_BYTES = bytes(range(256))
MOST_MESSAGES = (5120 - 4) // 5  # the largest count that a body of the small configuration may have


def cases():
    t = Table("body", "small")

    publishing = [("pub", b"PUB {topic}\n"), ("dpub", b"DPUB {topic} 0\n")]
    for name, line in publishing + [("mpub", b"MPUB {topic}\n"), ("auth", b"AUTH\n")]:
        for size_name, size in SIZES:
            t.ends("%s-size-%s" % (name, size_name), line + u32(size))
        t.cut(name + "-eof-after-line", line)
        for n in (1, 2, 3):
            t.cut("%s-eof-in-size-%d" % (name, n), line + u32(4)[:n])
        t.cut(name + "-eof-after-size", line + u32(4))
        t.cut(name + "-eof-in-body", line + u32(4) + b"\0")

    for name, line in publishing:
        for size in (2, 1023, 1024):
            t.replies("%s-small-%d" % (name, size), 1, line + sized(b"x" * size))
        t.ends(name + "-small-1025", line + u32(1025))
        t.ends(name + "-default-1048577", line + u32(1048577), configuration="default")
        t.cut(name + "-eof-before-last-byte", line + u32(1024) + b"x" * 1023)
        t.cut(name + "-eof-after-body", line + sized(b"x"))
        t.replies(name + "-any-bytes", 1, line + sized(ANY_BYTES))
        t.replies(name + "-body-of-newlines", 1, line + sized(b"\n" * 100))
        t.replies(name + "-body-of-commands", 1, line + sized(b"NOP\nFOO\n"))
    t.replies("pub-default-1048576", 1, b"PUB {topic}\n" + sized(b"x" * 1048576), configuration="default")
    t.replies("pub-cr-lf-then-size", 1, b"PUB {topic}\r\n" + sized(b"\r\n"))
    t.replies("pub-then-body-left", 2, pub(b"ab") + b"c\n")

    # AUTH without an auth server: everything is checked first
    t.ends("auth", b"AUTH\n" + sized(b"secret"))
    t.ends("auth-parameter", b"AUTH x\n")
    t.ends("auth-trailing-space", b"AUTH \n")
    t.ends("auth-cr", b"AUTH\r\n" + sized(b"s"))
    t.ends("auth-at-limit", b"AUTH\n" + sized(b"s" * 5120))
    t.ends("auth-over-limit", b"AUTH\n" + u32(5121))
    t.ends("auth-default-over-limit", b"AUTH\n" + u32(5242881), configuration="default")
    t.ends("auth-after-identify", identify(b"{}") + b"AUTH\n" + sized(b"s"))
    t.cut("auth-eof-after-body", b"AUTH\n" + sized(b"s"))

    mpub_cases(t)
    pipelined_cases(t)
    return t.cases


def mpub_cases(t):
    line = b"MPUB {topic}\n"

    t.replies("mpub-1", 1, mpub(b"x"))
    t.replies("mpub-3", 1, mpub(b"a", b"bb", ANY_BYTES))
    t.replies("mpub-then-nop-and-pub", 2, mpub(b"a", b"b") + b"NOP\n" + pub())

    # the length of the body is only checked against its limits
    body = u32(2) + sized(b"ab") + sized(b"cd")
    for length in (1, 3, 4, 15, 17, 5119, 5120):
        t.replies("mpub-says-length-%d" % length, 2, line + u32(length) + body + pub())
    t.ends("mpub-says-length-5121", line + u32(5121))
    t.ends("mpub-default-5242881", line + u32(5242881), configuration="default")
    t.replies("mpub-more-than-a-body", 2, line + u32(5120) + u32(6) + sized(b"x" * 1024) * 6 + pub())

    # count
    counts = [("0", 0), ("minus-1", -1), ("most-plus-1", MOST_MESSAGES + 1), ("2e31-1", 0x7FFFFFFF), ("2e31", 0x80000000)]
    for name, count in counts:
        t.ends("mpub-count-" + name, line + u32(100) + u32(count))
    for name, count in (("most-less-1", MOST_MESSAGES - 1), ("most", MOST_MESSAGES)):
        t.replies("mpub-count-" + name, 1, line + u32(100) + u32(count) + sized(b"x") * count)
    t.cut("mpub-default-count-1048575", line + u32(100) + u32(1048575), configuration="default")
    t.ends("mpub-default-count-1048576", line + u32(100) + u32(1048576), configuration="default")

    # the size of each message
    for size_name, size in SIZES + [("1025", 1025)]:
        t.ends("mpub-message-0-size-" + size_name, line + u32(100) + u32(3) + u32(size))
        t.ends("mpub-message-2-size-" + size_name, line + u32(100) + u32(3) + sized(b"a") + sized(b"b") + u32(size))
    for size in (1, 1023, 1024):
        t.replies("mpub-message-size-%d" % size, 1, mpub(b"y", b"x" * size))
    t.ends("mpub-default-message-1048577", line + u32(100) + u32(1) + u32(1048577), configuration="default")

    # input that ends
    start = line + u32(100)
    for n in (1, 2, 3):
        t.cut("mpub-eof-in-count-%d" % n, start + u32(3)[:n])
    t.cut("mpub-eof-after-count", start + u32(3))
    t.cut("mpub-eof-in-message-0-size", start + u32(3) + u32(5)[:2])
    t.cut("mpub-eof-after-message-0-size", start + u32(3) + u32(5))
    t.cut("mpub-eof-in-message-0", start + u32(3) + u32(5) + b"ab")
    t.cut("mpub-eof-after-message-0", start + u32(3) + sized(b"a"))
    t.cut("mpub-eof-in-message-1-size", start + u32(3) + sized(b"a") + u32(5)[:3])
    t.cut("mpub-eof-in-message-2", start + u32(3) + sized(b"a") * 2 + u32(5) + b"abcd")
    t.cut("mpub-eof-after-last", mpub(b"a", b"b"))

    # only the first error is reported
    t.ends("mpub-bad-topic-and-size", b"MPUB /\n")


def pipelined_cases(t):
    t.replies("many-pubs", 200, b"".join(pub(b"%d" % n) for n in range(200)))
    t.replies("many-of-each", 90, (pub() + b"NOP\n" + dpub(b"1") + b"NOP x\n" + mpub(b"a", b"b")) * 30)
    t.replies("identify-pub-sub-rdy-cls", 5, identify(b"{}") + pub() + b"NOP\n" + SUB + b"RDY 0\n" + b"CLS\n" + pub())
    t.cut("many-pubs-then-eof", pub() * 50)
    t.cut("many-pubs-then-eof-in-line", pub() * 50 + b"PUB {top")
    t.cut("many-pubs-then-eof-in-body", pub() * 50 + pub(b"abc")[:-1])
    t.ends("pubs-then-bad-line", pub() * 20 + b"BAD\n")
    t.ends("pubs-then-bad-size", pub() * 20 + b"PUB {topic}\n" + u32(0))
    t.replies(
        "soft-errors-between-pubs", 10, SUB + (b"FIN 0123456789abcdef\n" + pub()) * 4 + b"TOUCH 0123456789abcdef\n",
    )
