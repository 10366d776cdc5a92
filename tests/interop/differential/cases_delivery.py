"""Messages: their frames, who owns them, FIN, REQ and TOUCH of real ids, RDY as a level, several connections."""

from case import MAGIC, SUB, Close, Ends, Finish, HalfClose, Messages, Quiet, Replies, Send, Table, dpub, identify, mpub, pub

BIG = 1048576


def a(data):
    return Send(data, "a")


def b(data):
    return Send(data, "b")


def subscriber(name, rdy=b"1", channel=b"c", options=b"{}"):
    """Steps of a connection that subscribes and is ready."""
    data = MAGIC + identify(options) + b"SUB {topic} " + channel + b"\n"
    return [Send(data, name), Replies(2, name)] + ([Send(b"RDY " + rdy + b"\n", name)] if rdy else [])


def published(*commands):
    """Steps of a connection that publishes and has been answered."""
    return [Send(MAGIC + b"".join(commands), "p"), Replies(len(commands), "p")]


def cases():
    t = Table("delivery", "small")
    frames(t)
    answers(t)
    ready(t)
    ownership(t)
    channels(t)
    return t.cases


def frames(t):
    bodies = [
        ("one-byte", b"x"),
        ("any-bytes", bytes(range(256))),
        ("like-a-frame", b"\0\0\0\6\0\0\0\0OK"),
        ("1024", b"y" * 1024),
    ]
    for name, body in bodies:
        t.steps(
            "body-" + name, *subscriber("a"), *published(pub(body)), Messages(1, "a"), a(b"FIN {id1}\n"),
            Finish("a"),
        )
    t.steps(
        "body-1-mib", *subscriber("a"), *published(pub(b"z" * BIG)), Messages(1, "a"), Finish("a"),
        configuration="default",
    )
    t.steps("to-itself", a(MAGIC + SUB + b"RDY 1\n" + pub()), Messages(1, "a"), a(b"FIN {id1}\n"), Finish("a"))
    t.steps(
        "backlog", *published(pub(b"1"), pub(b"2"), pub(b"3")), *subscriber("a", b"5"), Messages(3, "a"),
        Finish("a"),
    )
    t.steps(
        "mpub-order", *subscriber("a", b"5"), *published(mpub(b"1", b"2", b"3", b"4")), Messages(4, "a"),
        Finish("a"),
    )
    t.steps(
        "order-of-pub-and-mpub", *published(pub(b"1"), mpub(b"2", b"3"), pub(b"4")), *subscriber("a", b"10"),
        Messages(4, "a"), Finish("a"),
    )
    t.steps(
        "failed-mpub-delivers-nothing", *published(mpub(b"1")),
        Send(b"MPUB {topic}\n\0\0\0\x10\0\0\0\2\0\0\0\1x\0\0\0\0", "p"), Ends("p"), *subscriber("a", b"5"),
        Messages(1, "a"), Quiet(0.3, "a"), Finish("a"),
    )
    t.steps(
        "cut-pub-delivers-nothing", Send(MAGIC + b"PUB {topic}\n\0\0\0\2x", "p"), HalfClose("p"), Ends("p"),
        *subscriber("a"), Quiet(0.3, "a"), Finish("a"),
    )
    t.steps(
        "dpub-not-before", *subscriber("a"), *published(dpub(b"1000")), Quiet(0.6, "a"), Messages(1, "a"),
        Finish("a"),
    )
    t.steps("dpub-0", *subscriber("a"), *published(dpub(b"0")), Messages(1, "a"), Finish("a"))
    t.steps(
        "dpub-wrapped-to-1-ms", *subscriber("a"), *published(dpub(b"18446744073709551617")), Messages(1, "a"),
        Finish("a"),
    )
    t.steps(
        "dpub-later-than-pub", *subscriber("a", b"5"), *published(dpub(b"500", b"late"), pub(b"early")),
        Messages(1, "a"), a(b"FIN {id1}\n"), Messages(1, "a"), Finish("a"),
    )


def answers(t):
    got_one = [*subscriber("a"), *published(pub()), Messages(1, "a")]
    t.steps("fin-twice", *got_one, a(b"FIN {id1}\nFIN {id1}\n"), Replies(1, "a"), Finish("a"))
    t.steps("fin-cr", *got_one, a(b"FIN {id1}\r\n"), Finish("a"))
    t.steps(
        "fin-upper-case-id", *got_one, a(b"FIN {ID1}\n".replace(b"{ID1}", b"0123456789ABCDEF")), Replies(1, "a"),
        Finish("a"),
    )
    t.steps("req-0", *got_one, a(b"REQ {id1} 0\n"), Messages(1, "a"), a(b"FIN {id1}\n"), Finish("a"))
    t.steps("req-three-times", *got_one, *[a(b"REQ {id1} 0\n"), Messages(1, "a")] * 3, Finish("a"))
    t.steps(
        "req-then-others", *got_one, a(b"REQ {id1} 5000\nREQ {id1} 0\nFIN {id1}\nTOUCH {id1}\n"), Replies(3, "a"),
        Finish("a"),
    )
    t.steps("req-not-before", *got_one, a(b"REQ {id1} 1200\n"), Quiet(0.8, "a"), Messages(1, "a"), Finish("a"))
    t.steps(
        "req-wrapped-to-negative", *got_one, a(b"REQ {id1} 18446744073709551615\n"), Messages(1, "a"), Finish("a"),
    )
    t.steps("touch", *got_one, a(b"TOUCH {id1}\nTOUCH {id1}\nFIN {id1}\nTOUCH {id1}\n"), Replies(1, "a"), Finish("a"))
    t.steps(
        "timeout", *subscriber("a", options=b'{"msg_timeout":2500}'), *published(pub()), Messages(1, "a"),
        Quiet(1.5, "a"), Messages(1, "a"), a(b"FIN {id1}\nFIN {id1}\n"), Replies(1, "a"), Finish("a"),
    )
    t.steps(
        "touch-puts-timeout-off", *subscriber("a", options=b'{"msg_timeout":2500}'), *published(pub()),
        Messages(1, "a"), Quiet(1.5, "a"), a(b"TOUCH {id1}\n"), Quiet(1.5, "a"), Messages(1, "a"), Finish("a"),
    )
    t.steps(
        "fin-in-any-order", *subscriber("a", b"3"), *published(pub(b"1"), pub(b"2"), pub(b"3")), Messages(3, "a"),
        a(b"FIN {id3}\nFIN {id1}\nFIN {id2}\nFIN {id2}\n"), Replies(1, "a"), Finish("a"),
    )
    t.steps("fin-after-cls", *got_one, a(b"CLS\nFIN {id1}\nFIN {id1}\n"), Replies(2, "a"), Finish("a"))
    t.steps("req-after-cls", *got_one, a(b"CLS\nREQ {id1} 0\n"), Replies(1, "a"), Quiet(0.3, "a"), Finish("a"))
    t.steps("touch-after-cls", *got_one, a(b"CLS\nTOUCH {id1}\nTOUCH {id1}\n"), Replies(1, "a"), Finish("a"))
    t.steps("pub-after-cls", *subscriber("a"), a(b"CLS\n" + pub()), Replies(2, "a"), Quiet(0.3, "a"), Finish("a"))


def ready(t):
    three = published(pub(b"1"), pub(b"2"), pub(b"3"))
    t.steps("rdy-none", *subscriber("a", None), *three, Quiet(0.3, "a"), Finish("a"))
    t.steps("rdy-0", *subscriber("a", b"0"), *three, Quiet(0.3, "a"), Finish("a"))
    t.steps(
        "rdy-2-of-3", *subscriber("a", b"2"), *three, Messages(2, "a"), Quiet(0.3, "a"), a(b"FIN {id1}\n"),
        Messages(1, "a"), Finish("a"),
    )
    t.steps(
        "rdy-raised", *subscriber("a", b"1"), *three, Messages(1, "a"), Quiet(0.3, "a"), a(b"RDY 3\n"),
        Messages(2, "a"), Finish("a"),
    )
    t.steps(
        "rdy-again-is-no-credit", *subscriber("a", b"1"), *three, Messages(1, "a"), a(b"RDY 1\nRDY 1\n"),
        Quiet(0.3, "a"), Finish("a"),
    )
    t.steps(
        "rdy-lowered", *subscriber("a", b"2"), *three, Messages(2, "a"), a(b"RDY 1\nFIN {id1}\n"), Quiet(0.3, "a"),
        a(b"FIN {id2}\n"), Messages(1, "a"), Finish("a"),
    )
    t.steps(
        "rdy-0-keeps-in-flight", *subscriber("a", b"1"), *three, Messages(1, "a"),
        a(b"RDY 0\nFIN {id1}\nFIN {id1}\n"), Replies(1, "a"), Quiet(0.3, "a"), Finish("a"),
    )
    t.steps(
        "touch-frees-no-slot", *subscriber("a", b"1"), *three, Messages(1, "a"), a(b"TOUCH {id1}\n"),
        Quiet(0.3, "a"), Finish("a"),
    )
    t.steps(
        "later-req-frees-a-slot", *subscriber("a", b"1"), *three, Messages(1, "a"), a(b"REQ {id1} 5000\n"),
        Messages(1, "a"), Finish("a"),
    )
    t.steps(
        "nop-is-no-fin", *subscriber("a", b"1"), *three, Messages(1, "a"), a(b"NOP\n"), Quiet(0.3, "a"), Finish("a"),
    )


def ownership(t):
    got_one = [*subscriber("a"), *published(pub()), Messages(1, "a"), *subscriber("b", None)]
    for command in (b"FIN {id1}", b"REQ {id1} 0", b"TOUCH {id1}"):
        name = command.split()[0].decode().lower()
        t.steps(
            name + "-of-another", *got_one, b(command + b"\n"), Replies(1, "b"), Finish("b"), a(b"FIN {id1}\n"),
            Finish("a"),
        )
        t.steps(
            name + "-in-another-channel", *got_one[:-2], *subscriber("b", None, b"d"), b(command + b"\n"),
            Replies(1, "b"), Finish("b"),
        )
    t.steps(
        "of-one-that-left", *got_one, Close("a"), Quiet(0.2, "b"), b(b"FIN {id1}\n"), Replies(1, "b"), Finish("b"),
    )
    t.steps(
        "redelivery-after-fatal-error", *got_one, a(b"BAD\n"), Ends("a"), b(b"RDY 1\n"), Quiet(1.0, "b"),
        Messages(1, "b"), b(b"FIN {id1}\n"), Finish("b"),
    )
    t.steps(
        "redelivery-after-eof", *got_one, HalfClose("a"), Ends("a"), b(b"RDY 1\n"), Quiet(1.0, "b"),
        Messages(1, "b"), Finish("b"),
    )
    t.steps(
        "requeued-goes-to-the-ready-one", *got_one, a(b"RDY 0\n"), b(b"RDY 1\n"), a(b"REQ {id1} 0\n"),
        Messages(1, "b"), b(b"FIN {id1}\n"), Finish("b"), a(b"FIN {id1}\n"), Replies(1, "a"), Finish("a"),
    )
    t.steps(
        "backlog-goes-to-the-one-with-room", *got_one, *[Send(pub(b"2"), "p"), Replies(1, "p")], b(b"RDY 1\n"),
        Messages(1, "b"), Quiet(0.2, "a"), Finish("b"),
    )

    two = [*subscriber("a", None), *subscriber("b", None)]
    t.steps(
        "third-consumer", *two, Send(MAGIC + SUB, "d"), Ends("d"), a(pub()), Replies(1, "a"), Finish("a"),
        Finish("b"),
    )
    t.steps(
        "third-consumer-of-another-channel", *two, Send(MAGIC + b"SUB {topic} d\n", "d"), Replies(1, "d"),
        Finish("d"),
    )
    t.steps(
        "third-consumer-after-one-left", *two, HalfClose("a"), Ends("a"), Send(MAGIC + SUB, "d"), Replies(1, "d"),
        Finish("d"),
    )
    t.steps(
        "third-consumer-after-one-failed", *two, a(b"BAD\n"), Ends("a"), Send(MAGIC + SUB, "d"), Replies(1, "d"),
        Finish("d"),
    )
    t.steps(
        "third-consumer-after-cls", *two, a(b"CLS\n"), Replies(1, "a"), Send(MAGIC + SUB, "d"), Ends("d"),
        Finish("a"),
    )
    t.steps(
        "third-consumer-of-ephemeral", *subscriber("a", None, b"c#ephemeral"),
        *subscriber("b", None, b"c#ephemeral"), Send(MAGIC + b"SUB {topic} c#ephemeral\n", "d"), Ends("d"),
    )


def channels(t):
    t.steps(
        "two-channels-same-id", *subscriber("a"), *subscriber("b", channel=b"d"), *published(pub()),
        Messages(1, "a"), Messages(1, "b"), a(b"FIN {id1}\n"), Finish("a"), b(b"FIN {id1}\n"), Finish("b"),
    )
    t.steps(
        "later-channel-sees-only-later", *subscriber("a"), *published(pub(b"1")), Messages(1, "a"),
        *subscriber("b", channel=b"d"), *[Send(pub(b"2"), "p"), Replies(1, "p")], Messages(1, "b"), Quiet(0.2, "b"),
        Finish("b"),
    )
    t.steps(
        "first-channel-takes-the-backlog", *published(pub(b"1")), *subscriber("a"), Messages(1, "a"),
        *subscriber("b", channel=b"d"), Quiet(0.3, "b"), Finish("b"),
    )
    t.steps(
        "channel-keeps-what-it-has", *subscriber("a", None), HalfClose("a"), Ends("a"), *published(pub(b"1")),
        *subscriber("b"), Messages(1, "b"), Finish("b"),
    )
    t.steps(
        "ephemeral-channel-forgets", *subscriber("a", b"0", b"c#ephemeral"), *published(pub(b"1")), HalfClose("a"),
        Ends("a"), Quiet(0.3, "p"), *subscriber("b", b"1", b"c#ephemeral"), Quiet(0.3, "b"), Send(pub(b"2"), "p"),
        Messages(1, "b"), Finish("b"),
    )
    t.steps(
        "ephemeral-channel-kept-by-another", *subscriber("a", b"0", b"c#ephemeral"),
        *subscriber("b", b"0", b"c#ephemeral"), *published(pub(b"1")), HalfClose("a"), Ends("a"), Quiet(0.2, "b"),
        b(b"RDY 1\n"), Messages(1, "b"), Finish("b"),
    )
    name = b"{topic}#ephemeral"
    sub = MAGIC + b"SUB " + name + b" c\nRDY 1\n"
    t.steps(
        "ephemeral-topic", Send(sub, "a"), Replies(1, "a"), *published(pub(b"1", name)), Messages(1, "a"),
        a(b"FIN {id1}\n"), Finish("a"),
    )
    t.steps(
        "other-topic-is-apart", *subscriber("a"), *published(pub(b"1", b"{topic}x")), Quiet(0.3, "a"), Finish("a"),
    )
    t.steps("eof-ends-delivery", *subscriber("a"), HalfClose("a"), Ends("a"), *published(pub()), Finish("p"))
