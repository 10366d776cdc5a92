"""Heartbeats, and the read deadline of twice their interval. Times count from the opening of the connection."""

from case import MAGIC, SUB, Ends, Finish, Quiet, Replies, Send, Table, identify, pub

FAST = identify(b'{"heartbeat_interval":1000}')


def cases():
    t = Table("time")

    def fast(name, *steps, heartbeats=1):
        t.steps(name, Send(MAGIC + FAST, "a"), Replies(1, "a"), *steps, heartbeats=heartbeats)

    def a(data):
        return Send(data, "a")

    # The second heartbeat and the end are due at the same time, so only the first heartbeat is checked.
    fast("silent", Ends("a"))
    fast("command-puts-the-end-off", Quiet(0.6, "a"), a(b"NOP\n"), Ends("a"), heartbeats=2)
    fast(
        "failing-command-puts-the-end-off", a(SUB), Replies(1, "a"), Quiet(0.6, "a"), a(b"FIN 0123456789abcdef\n"),
        Replies(1, "a"), Ends("a"), heartbeats=2,
    )
    fast("part-of-a-line-does-not", Quiet(0.6, "a"), a(b"NO"), Ends("a"))
    fast("stalled-in-size", Quiet(0.6, "a"), a(b"PUB {topic}\n\0"), Ends("a"))
    fast("stalled-in-body", Quiet(0.6, "a"), a(pub(b"abc")[:-1]), Ends("a"))
    fast("stalled-in-dpub", Quiet(0.6, "a"), a(b"DPUB {topic} 0\n\0\0\0\1"), Ends("a"))
    fast("stalled-in-mpub", Quiet(0.6, "a"), a(b"MPUB {topic}\n\0\0\0\x10\0\0\0\2\0\0\0\1x"), Ends("a"))
    fast("stalled-in-second-identify", Quiet(0.6, "a"), a(b"IDENTIFY\n\0\0\0\2{"), Ends("a"))
    fast("subscribed-and-silent", a(SUB + b"RDY 1\n"), Replies(1, "a"), Ends("a"))
    fast(
        "beats-go-on", *[step for _ in range(3) for step in (Quiet(0.8, "a"), a(b"NOP\n"))], Finish("a"),
        heartbeats=2,
    )
    fast(
        "beats-while-a-body-comes", a(b"PUB {topic}\n\0\0\0\2a"), Quiet(1.5, "a"), a(b"b"), Replies(1, "a"),
        Finish("a"), heartbeats=1,
    )

    off = identify(b'{"heartbeat_interval":-1}')
    t.steps(
        "off", Send(MAGIC + off, "a"), Replies(1, "a"), Quiet(3.1, "a"), Send(pub(), "a"), Replies(1, "a"),
        Finish("a"), heartbeats=9,
    )
    t.steps(
        "default-is-slow", Send(MAGIC, "a"), Quiet(2.5, "a"), Send(pub(), "a"), Replies(1, "a"), Finish("a"),
        heartbeats=9,
    )

    # a second IDENTIFY moves the deadline, but heartbeats keep the interval of the first
    slow = identify(b'{"heartbeat_interval":1500}')
    t.steps("again-faster", Send(MAGIC + slow + FAST, "a"), Replies(2, "a"), Ends("a"), heartbeats=1)
    t.steps("again-slower", Send(MAGIC + FAST + slow, "a"), Replies(2, "a"), Ends("a"), heartbeats=2)
    t.steps("again-off", Send(MAGIC + FAST + off, "a"), Replies(2, "a"), Quiet(2.7, "a"), Finish("a"), heartbeats=2)
    t.steps("off-then-on", Send(MAGIC + off + FAST, "a"), Replies(2, "a"), Ends("a"), heartbeats=1)
    t.steps(
        "again-at-the-limit", Send(MAGIC + identify(b'{"heartbeat_interval":1001}'), "a"), Replies(1, "a"),
        Ends("a"), heartbeats=1,
    )
    return t.cases
