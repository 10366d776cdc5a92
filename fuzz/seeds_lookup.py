"""Inputs of the fuzz target lookup_v1 (see fuzz/fuzz_lookup_v1.c): what clients and servers of protocol V1 send."""
import itertools

IDENTIFY = b"IDENTIFY\n"
PEER = b'{"broadcast_address":"b","hostname":"h","http_port":4151,"tcp_port":4150,"version":"1.3.0"}'
# All white space of Unicode, and characters beside it that are none.
SPACES = "\t\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200b)))
OTHERS = "\x00\x08\x0e\x1c\x1f\x7f\x84\x86\x9f\xa1\u167f\u1681\u180e\u1fff\u200b\u2027\u202a\u202e\u2030\u205e\u2060\u2fff\u3001\ufeff"


def sized(data):
    return len(data).to_bytes(4, "big") + data


def add_lookup(seeds):
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
