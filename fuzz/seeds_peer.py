"""Inputs of the fuzz target peer (see fuzz/fuzz_peer.c): what happens between nsqd and an nsqlookupd."""


def op(kind, n=0, data=b""):
    return bytes([kind | n << 3]) + data


def v1(data):
    return b"".join(op(0, len(data[i:i + 31]), data[i:i + 31]) for i in range(0, len(data), 31))


def web(data):
    return b"".join(op(1, len(data[i:i + 31]), data[i:i + 31]) for i in range(0, len(data), 31))


def sized(data):
    return len(data).to_bytes(4, "big") + data


OK = op(2, 1)
MAKE, DROP = (lambda topic, channel=0: op(4, topic + 4 * channel)), (lambda topic, channel=0: op(5, topic + 4 * channel))
PASS = lambda seconds: op(6, 2 * seconds)
END, BREAK, BREAK_WEB, REFUSE = op(7, 0), op(7, 1), op(7, 2), op(7, 3)
LIST = [op(7, 12), op(7, 13), op(7, 14)]  # of no, one and two nsqlookupds


def number_of(name):
    """topic2 is topic number 2, and channel2 is channel number 3, because 0 is none."""
    if name.endswith(b"#ephemeral"):
        return 3
    return int(name[-1:]) + name.startswith(b"channel") if name[-1:].isdigit() else 0


def told(value):
    """What has happened to nsqd before it tells this."""
    out = b""
    for line in value.split(b"\n"):
        words = line.split(b" ")
        if words[0] in (b"REGISTER", b"UNREGISTER") and len(words) > 1:
            out += (MAKE if words[0] == b"REGISTER" else DROP)(*map(number_of, words[1:3]))
        elif words[0] == b"PING":
            out += PASS(15)
    return out


def add_peer_session(seeds, session):
    """A session about nsqlookupd, as nsqd sees it: what it tells, and the replies."""
    out = b""
    for _, event, value in session.events:
        if event == "send":
            out += told(value)
        elif event == "reply":
            out += OK if value == b"OK" or value[:1] == b"{" else v1(sized(value))
        elif event in ("end", "close", "reset", "restart"):
            out += END if event == "end" else BREAK
        elif event == "wait":
            out += op(6, min(value // 500 + 1, 31))
    for cut, effort in ((2, 255), (1, 0)):
        seeds.add("peer", bytes([cut, effort]) + out[:298])


def add_peer(seeds):
    def add(name, *ops, cut=2, effort=255):
        seeds.add_named("peer", name, bytes([cut, effort]) + b"".join(ops))

    add("registers", OK, MAKE(0), OK, MAKE(0, 1), OK, MAKE(1, 2), OK, OK, DROP(0, 1), OK, DROP(0), OK, OK)
    add("walks", MAKE(0, 1), MAKE(0, 2), MAKE(1), MAKE(2, 3), OK, OK, MAKE(0, 3), DROP(2), OK, MAKE(3), OK, DROP(1), OK, OK, OK)
    add("walk-behind", MAKE(0, 2), MAKE(0, 3), OK, MAKE(0, 1), OK, OK, OK)
    add("pings", OK, PASS(15), OK, PASS(15), OK)
    add("connects-again", OK, MAKE(0), OK, END, MAKE(1, 1), OK, OK, BREAK, PASS(15), OK, OK)
    add("refuses", REFUSE, BREAK, MAKE(0), PASS(15), REFUSE, PASS(15), OK)
    add("times-out", PASS(1), MAKE(0), OK, PASS(1), PASS(15), OK)
    for name, reply in (("invalid", sized(b"E_INVALID")), ("text", sized(b"OK")), ("empty", sized(b"")), ("null", sized(b"null")),
                        ("types", sized(b'{"http_port":"1","version":[]}')), ("negative", b"\xff" * 4), ("large", b"\0\0\0\x3d"),
                        ("array", sized(b'[{"tcp_port":1}]')), ("partly", b"\0\0\0\2{"), ("other-keys", sized(b'{"x":{"y":[1]},"VERSION":"v"}'))):
        add("identify-" + name, v1(reply), MAKE(0), OK, PASS(15), OK)
        add("reply-" + name, OK, MAKE(0), v1(reply), MAKE(1), PASS(15), OK, OK, cut=1)
    add("early-replies", v1(sized(b"{}") + sized(b"OK") * 3 + b"\0\0"), MAKE(0, 1), MAKE(1), MAKE(2), PASS(2))
    for name, body in (("one", b'{"channels":["x"]}'), ("names", b'{"channels":["","a b","y"]}'), ("type", b'{"channels":["x",1]}'),
                       ("ephemeral", b'{"channels":["x#ephemeral"]}'), ("none", b"{}"), ("object", b'{"channels":{"a":[]}}'),
                       ("lists", b'{"channels":["a"],"channels":0}'), ("depth", b'{"a":[[["x"]]],"channels":null}')):
        body = body[:31]
        add("channels-" + name, OK, MAKE(0), op(3, len(body), body), OK, OK, OK, effort=1)
    add("channels-status", OK, MAKE(0), web(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
    add("channels-silence", OK, MAKE(0, 1), MAKE(1), web(b"HTTP/1.1 200 OK\r\n"), OK, PASS(5), OK)
    add("channels-break", OK, MAKE(0), MAKE(1), BREAK_WEB, REFUSE, MAKE(2), OK, DROP(0), OK)
    add("channels-deleted", OK, MAKE(0), DROP(0), MAKE(0), op(3, 18, b'{"channels":["x"]}'), op(3, 18, b'{"channels":["y"]}'))
    add("list-emptied", OK, MAKE(0), OK, LIST[0], MAKE(1), PASS(15), LIST[1], OK, OK, OK, OK)
    add("list-of-two", OK, LIST[2], MAKE(0), MAKE(1), op(3, 18, b'{"channels":["x"]}'), LIST[1], OK, PASS(5), OK)
    add("list-emptied-while-asking", OK, MAKE(0), MAKE(1), LIST[0], MAKE(2), LIST[2], PASS(15), OK, OK, effort=0)
    add("list-of-two-emptied", LIST[2], LIST[0], LIST[2], LIST[1], OK)
    for name, body in (("bool", b'{"channels":[true]}'), ("bool-elsewhere", b'{"a":false}'), ("top", b"[1]"), ("number", b"1"),
                       ("twice", b'{"channels":["x","x","x"]}')):
        add("channels-" + name, OK, MAKE(0), op(3, len(body), body), OK, OK)
