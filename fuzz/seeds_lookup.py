"""Inputs of the fuzz targets lookup_v1 and nsqlookupd (see fuzz/fuzz_lookup_v1.c and fuzz/fuzz_nsqlookupd.c): what clients
and servers of protocol V1 send."""
import itertools

IDENTIFY = b"IDENTIFY\n"
PEER = b'{"broadcast_address":"b","hostname":"h","http_port":4151,"tcp_port":4150,"version":"1.3.0"}'
# All white space of Unicode, and characters beside it that are none.
SPACES = "\t\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200b)))
OTHERS = "\x00\x08\x0e\x1c\x1f\x7f\x84\x86\x9f\xa1\u167f\u1681\u180e\u1fff\u200b\u2027\u202a\u202e\u2030\u205e\u2060\u2fff\u3001\ufeff"


def sized(data):
    return len(data).to_bytes(4, "big") + data


def add_requests_of_lookup(seeds):
    """Two nsqds, and each request with each choice of names."""
    nodes = b"".join(op(0, c) + op(2, c, 3, bytes([c])) + b"".join(op(2, c, 1, bytes([n])) for n in (0, 4, 8, 9, 10))
                     for c in (0, 1))
    for route in range(16):
        requests = b"".join(op(0, 2, 2) + op(3, 2, 0, bytes([route, choice])) + op(5, 2) for choice in range(32))
        seeds.add("nsqlookupd", bytes([0, 30]) + nodes + requests)
    seeds.add_named("nsqlookupd", "cluster", bytes([0, 30]) + nodes + op(0, 2, 2) + op(3, 2, 0, b"\6\0") + op(4, 0) + op(5, 1)
                    + op(3, 2, 0, b"\6\0"))
    seeds.add_named("nsqlookupd", "too-many", bytes([0, 2]) + nodes)
    seeds.add_named("nsqlookupd", "tombstone", bytes([3, 30]) + nodes + op(0, 2, 2) + op(3, 2, 0, b"\x0b\x08")
                    + op(3, 2, 0, b"\5\0") + op(6, 1) + op(3, 2, 0, b"\4\0") + op(3, 2, 0, b"\5\0"))
    seeds.add_named("nsqlookupd", "inactive", bytes([0, 30]) + nodes + op(6, 4) + op(2, 0) + op(6, 4) + op(0, 2, 2)
                    + op(3, 2, 0, b"\5\0") + op(3, 2, 0, b"\4\3"))
    seeds.add_named("nsqlookupd", "tombstone-of-another", bytes([0, 30]) + op(0, 0) + op(2, 0, 3, b"\0") + op(2, 0, 1, b"\0")
                    + op(0, 2, 2) + op(3, 2, 0, b"\x0b\x10") + op(3, 2, 0, b"\4\0"))
    seeds.add_named("nsqlookupd", "channel-without-topic", bytes([0, 30]) + op(0, 0) + op(2, 0, 3, b"\0") + op(2, 0, 1, b"\6")
                    + op(2, 0, 2, b"\2") + op(0, 2, 2) + op(3, 2, 0, b"\2\0") + op(3, 2, 0, b"\4\2"))
    for name, path in (("channels", b"GET /channels?topic="), ("lookup", b"GET /lookup?topic=")):
        request = path + b"a" * 65 + b" HTTP/1.1\r\nHost: h\r\n\r\n"
        seeds.add_named("nsqlookupd", "long-topic-" + name, bytes([0, 30]) + op(0, 2, 2) + b"".join(
            op(1, 2, 0, bytes([len(request[i:i + 31])]) + request[i:i + 31]) for i in range(0, len(request), 31)))
    seeds.add_named("nsqlookupd", "slow", bytes([0, 30]) + op(0, 0, 1) + op(1, 0, 0, b"\2  ") + op(0, 1) + op(1, 1, 0, b"\3PIN")
                    + op(6, 1, 3) + op(6, 1, 3))


def add_lookup(seeds):
    add_requests_of_lookup(seeds)

    def add(data, max_line=255, max_body=255, cuts=(0, 2)):
        seeds.add("lookup_v1", bytes([max_line, max_body, *cuts]) + data)

    def add_named(name, data, max_line=255, max_body=255, cuts=(0, 2)):
        seeds.add_named("lookup_v1", name, bytes([max_line, max_body, *cuts]) + data)

    conversation = IDENTIFY + sized(PEER) + b"PING\nREGISTER t\nREGISTER t c\nUNREGISTER t c\nUNREGISTER t\n"
    add_named("conversation", conversation)
    add_named("replies", b"".join(map(sized, (PEER, b"OK", b"", b"E_INVALID client must IDENTIFY"))))
    for name, line in itertools.product((b"PING", b"IDENTIFY", b"REGISTER", b"UNREGISTER", b"ping", b"PINGS", b""),
                                        (b"", b" t", b" t c", b"  c", b" t  c", b" t c d", b" t! c", b" t c!", b" ! ?", b"\tt")):
        add(name + line + b"\n" + sized(b"{}") + b"PING\r\n")
    for space in SPACES + OTHERS:
        code = space.encode()
        add(code + b"PING" + code + b"\n")
        add(code + code + b"REGISTER t" + code + b" c" + code + code + b"\n")
        for n in range(1, len(code)):
            add(code[:n] + b"PING" + code[n:] + b"\n")
            add(code[n:] + b"PING" + code[:n] + b"\n")
    add_named("all-white-space", "".join(SPACES).encode() + b"PING" + "".join(SPACES).encode() + b"\n")
    add_named("only-white-space", "".join(SPACES).encode() + b"\n")
    add_named("encoding-too-long", b"PING\xc0\xa0\n\xe0\x82\xa0PING\n")
    for n in range(14, 18):
        add_named(f"line-{n}-of-16", b"REGISTER t ".ljust(n - 1, b"c") + b"\n", max_line=15)
        add_named(f"line-{n}-without-end", b"REGISTER t ".ljust(n, b"c"), max_line=15)
    for n in range(3, 6):
        add_named(f"body-{n}-of-4", IDENTIFY + sized(b"{" + b" " * (n - 2) + b"}") + b"PING\n", max_body=4)
        add_named(f"body-{n}-of-4-cut-off", IDENTIFY + sized(b" " * n)[:n + 3], max_body=4)
    for name, size in (("minus", b"\xff" * 4), ("least", b"\x80\0\0\0"), ("most", b"\x7f\xff\xff\xff"), ("zero", b"\0" * 4),
                       ("cut-off", b"\0\0\0"), ("little-endian", b"\1\0\0\0x")):
        add_named("size-" + name, IDENTIFY + size)
        add_named("reply-size-" + name, size)
    add_named("limits-of-nothing", IDENTIFY + sized(b"") + sized(b"x"), max_body=0)


def op(kind, client, n=0, data=b""):
    """An operation of nsqlookupd."""
    return bytes([kind | client << 3 | n << 6]) + data


def operations(session):
    """What the clients of a session do. Each of the first clients has a number of its own."""
    out, numbers = b"", {}
    for conn, event, value in session.events:
        client = numbers.setdefault(conn, len(numbers) % 8) if conn else 0
        if event == "connect":
            out += op(0, client, 1)
        elif event == "connect http":
            out += op(0, client, 2)
        elif event in ("send", "request"):
            pieces = [value[i:i + 31] for i in range(0, len(value), 31)]
            out += b"".join(op(1, client, 0, bytes([len(piece)]) + piece) for piece in pieces)
        elif event == "end":
            out += op(4, client)
        elif event in ("close", "reset"):
            out += op(5, client)
        elif event == "wait":
            seconds = min(value // 1000 + 1, 353)
            out += op(6, seconds // 50, min(seconds % 50, 3))
        elif event == "restart":
            out += b"".join(op(5, number) for number in range(8))
    return out


def add_lookup_session(seeds, session):
    """A session about nsqlookupd."""
    sent, replies = {}, b""
    for conn, event, value in session.events:
        if event == "send":
            sent[conn] = sent.get(conn, b"") + value
        elif event == "reply":
            replies += sized(value)
    for data in [*sent.values(), replies]:
        data = data[4:] if data[:4] == b"  V1" else data
        for header in (bytes([255, 255, 0, 2]), bytes([30, 120, 3, 1])):
            seeds.add("lookup_v1", header + data[:1024])
    for effort, registrations in ((0, 255), (9, 3)):
        seeds.add("nsqlookupd", bytes([effort, registrations]) + operations(session)[:1024])
