"""Odd HTTP requests: tables of (id, configuration, bytes).

The configuration "tls" has --tls-required=true; "https" sends the bytes through TLS to its HTTPS port, and
"clear" sends them to the same port without TLS.

The bytes are all that a client sends on one connection. Then it ends its side, and the server must end the connection.
{topic} becomes a topic that no other case uses. Most cases end with a GET of /ping, whose answer shows that the server
has found the end of the request before it at the same byte.
"""

import collections

Case = collections.namedtuple("Case", "id configuration data")

HOST = b"Host: h\r\n"
PING = b"GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
CREATE = b"POST /topic/create?topic={topic} HTTP/1.1\r\nHost: h\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

METHODS = [b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"TRACE", b"BREW", b"get", b"M-SEARCH"]
CHANGES = [b"/topic/create", b"/topic/delete", b"/topic/empty", b"/topic/pause", b"/topic/unpause", b"/channel/create",
           b"/channel/delete", b"/channel/empty", b"/channel/pause", b"/channel/unpause"]
CONFIG = [b"/config/log_level", b"/config/nsqlookupd_tcp_addresses", b"/config/tcp_address", b"/config/nothing", b"/config/"]
ROUTES = [b"/ping", b"/info", b"/stats?topic=nothing", *CONFIG, b"/pub", b"/mpub", *CHANGES]


def name_of(data):
    """A short name for an id."""
    return data.decode("latin-1").encode("unicode_escape").decode().replace("/", "_").replace(" ", "_")[:60]


def request(line, *headers, body=None, host=HOST, version=b"HTTP/1.1"):
    """A request; with a body it has a Content-Length."""
    length = () if body is None else (b"Content-Length: %d" % len(body),)
    lines = b"".join(header + b"\r\n" for header in (*headers, *length))
    return line + b" " + version + b"\r\n" + host + lines + b"\r\n" + (body or b"")


def pub(*headers, body=b"x", **options):
    return request(b"POST /pub?topic={topic}", *headers, body=body, **options)


def chunks(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Table:
    def __init__(self, prefix):
        self.prefix = "http/" + prefix
        self.cases = []
        self.uses = collections.Counter()

    def raw(self, name, data, configuration="default"):
        self.uses[name] += 1
        if self.uses[name] > 1:  # names are short, so some are equal
            name += "~%d" % self.uses[name]
        self.cases.append(Case(f"{self.prefix}/{name}", configuration, data))

    def then_ping(self, name, data, configuration="default"):
        self.raw(name, data + PING, configuration)


def methods():
    table = Table("methods")
    for path in ROUTES:
        for method in METHODS:
            table.then_ping(name_of(method + path), request(method + b" " + path))
    for path in (b"/", b"*", b"/topic", b"/topic/", b"/config", b"/nothing", b"/stats/x", b"/debug", b"//"):
        for method in METHODS:
            table.then_ping(name_of(method + b" " + path), request(method + b" " + path))
    for method in (b"", b"G ET", b"GE\tT", b"G\x00T", b"(GET)", b"G\xc3\xa9T", b"GET" * 100):
        table.then_ping("odd-" + name_of(method), request(method + b" /ping"))
    return table.cases


def paths():
    table = Table("paths")
    odd = [
        b"/ping/", b"/PING", b"/Ping/", b"//ping", b"/./ping", b"/../ping", b"/x/../ping", b"/ping/.", b"/ping/..", b"/ping//",
        b"/%70ing", b"/%50ing", b"/ping%2f", b"/ping%2F", b"/ping%", b"/ping%zz", b"/ping%0", b"/ping%00", b"/ping%0d%0aA:b",
        b"/ping?", b"/ping??", b"/ping?a=%zz", b"/ping?a;b", b"/ping#a", b"/ping;a", b"/p+ing", b"/ping%20", b"ping", b"", b"?",
        b"http://h/ping", b"http://h", b"http://h/", b"http://h?a", b"HTTP://h/ping", b"h:80/ping", b"http:///ping", b"http:/ping",
        b"http://u:p@h/ping", b"http://h:80/ping", b"http://[::1]/ping", b"http://h h/ping", b"ftp://h/ping", b"//h/ping", b"///ping", b"/pub/",
        b"/PUB", b"/Topic/Create", b"/topic//create", b"/topic/./create", b"/topic/create/", b"/topic/%63reate", b"/TOPIC/CREATE/",
        b"/\xc3\xa9", b"/%c3%a9", b"/\xff", b"/ping\x7f", b"/ping\x01", b"/pi\tng", b"/<a>", b"/<a>/../ping", b'/"/../ping', b"/'&/../ping/",
        b"/stats/", b"/STATS?format=json", b"/info/", b"/INFO", b"/a/b/c/../../../../ping", b"/%2e%2e/ping", b"/%2e/ping", b"/ping%3f", b"/\\ping",
        b"/" + b"a" * 5000, b"/ping?" + b"a" * 5000, b"/pinG?x=%20y&z=<", b"/PING?" + b"a" * 3000,
    ]
    for path in odd:
        for method in (b"GET", b"POST"):
            table.then_ping(name_of(method + b" " + path), request(method + b" " + path))
    for data in (b"GET /ping\r\n\r\n", b"GET  /ping HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /ping  HTTP/1.1\r\nHost: h\r\n\r\n", b" GET /ping HTTP/1.1\r\nHost: h\r\n\r\n",
                 b"GET /ping HTTP/1.1 \r\nHost: h\r\n\r\n", b"GET\t/ping HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /ping HTTP/1.1 x\r\nHost: h\r\n\r\n",
                 b"\r\nGET /ping HTTP/1.1\r\nHost: h\r\n\r\n", b"\nGET /ping HTTP/1.1\r\nHost: h\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
                 b"  V2", b"  V2IDENTIFY\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n\r\n", b"\x00", b"G", b"GET ", b"GET /ping HTTP/1.1", b"GET /ping HTTP/1.1\r\n",
                 b"GET /ping HTTP/1.1\r\nHost: h", b"GET /ping HTTP/1.1\r\nHost: h\r\n", b""):
        table.raw("raw-" + name_of(data), data)
    for version in (b"HTTP/0.9", b"HTTP/1.0", b"HTTP/1.1", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/0.0", b"HTTP/11.1", b"HTTP/1.10",
                    b"http/1.1", b"HTTP/1.", b"HTTP/.1", b"HTTP/01.1", b"HTTP/1,1", b"HTTP/1.1a", b"HTTP", b"HTTPS/1.1", b"HTTP/+1.1", b"XTTP/1.1"):
        table.then_ping("version-" + name_of(version), request(b"GET /ping", version=version))
    return table.cases


NAMES = [b"", b"a", b"a b", b"a+b", b"a%20b", b"*", b"a*", b"%00", b"a%00", b"%ff", b"%c3%a9", b"..", b"-", b".", b"0", b"#ephemeral", b"%23ephemeral", b"{topic}%23ephemeral",
         b"a%23ephemera", b"a%23ephemeral%23ephemeral", b"{topic}" + b"x" * 48, b"{topic}" + b"x" * 49, b"{topic}" + b"x" * 38 + b"%23ephemeral", b"{topic}" + b"x" * 39 + b"%23ephemeral",
         b"a/b", b"a%2fb", b"a:b", b"_", b"%41", b"a%0a", b"a%0d%0aX:y", b"a%3cb%3e", b"a%22b"]


def names():
    table = Table("names")
    for path in (b"/pub", b"/mpub", *CHANGES):
        for name in NAMES:
            channel = b"&channel=c" if path.startswith(b"/channel") else b""
            table.then_ping(name_of(path[1:] + b" topic " + name), request(b"POST " + path + b"?topic=" + name + channel, body=b"x"))
    for path in (path for path in CHANGES if path.startswith(b"/channel")):
        for name in NAMES[:20]:
            table.then_ping(name_of(path[1:] + b" channel " + name), CREATE + request(b"POST " + path + b"?topic={topic}&channel=" + name, body=b""))
    return table.cases


def queries():
    table = Table("queries")
    odd = [b"", b"topic", b"topic=", b"=x", b"=", b"&", b"&&", b"topic={topic}&topic=b*", b"topic=b*&topic={topic}", b"topic={topic}&%zz", b"topic={topic}&a=%", b"topic={topic};a=b",
           b"a;b&topic={topic}", b"topic={topic}&a;b", b"Topic={topic}", b"TOPIC={topic}", b"t%6fpic={topic}", b"topic%3d{topic}", b"topic=%7btopic%7d", b"topic={topic}&channel",
           b"topic={topic}&channel=", b"channel=c", b"channel=c&topic={topic}", b"topic={topic}&channel=c&channel=d*", b"topic={topic}&x=" + b"y" * 2000, b"topic={topic}&" + b"&" * 100,
           b"topic={topic}" + b"&a" * 9998, b"topic={topic}" + b"&a" * 9999, b"topic={topic}" + b"&a" * 10000, b"topic={topic}#a", b"topic={topic}?a", b"topic={topic}&\xff=1", b"?topic={topic}", b"topic={topic}=x",
           b"+topic={topic}", b"topic=+{topic}", b"topics={topic}", b"topi={topic}", b"topic={topic}&binary"]
    for path in (b"/pub", b"/mpub", b"/topic/create", b"/topic/delete", b"/channel/create", b"/channel/pause"):
        for query in odd:
            table.then_ping(name_of(path[1:] + b"?" + query[:40] + b"%d" % len(query)), request(b"POST " + path + b"?" + query, body=b"x"))
    form = b"Content-Type: application/x-www-form-urlencoded"
    for path in (b"/pub", b"/topic/create", b"/channel/create"):
        table.then_ping("form" + name_of(path), request(b"POST " + path, form, body=b"topic={topic}&channel=c"))
    return table.cases


def publishing():
    table = Table("publishing")
    for defer in (b"", b"0", b"1", b"-1", b"+1", b"3600000", b"3600001", b"5000", b"5001", b"1.5", b"1e3", b"0x10", b"010", b"1_000", b" 1", b"1 ", b"%2B1", b"-0", b"9223372036854775807", b"9223372036854775808",
                  b"-9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"9223372036855", b"18446744073710", b"27670116110565", b"a", b"1a", b"%00", b"00", b"1&defer=a", b"a&defer=1", b"\xd9\xa1"):
        for configuration in ("default", "small"):
            table.then_ping(f"defer-{configuration}-" + name_of(defer), request(b"POST /pub?topic={topic}&defer=" + defer, body=b"x"), configuration)
    table.then_ping("defer-and-bad-topic", request(b"POST /pub?topic=*&defer=a", body=b"x"))
    table.then_ping("defer-and-no-body", request(b"POST /pub?topic={topic}&defer=a", body=b""))
    table.then_ping("defer-of-mpub", request(b"POST /mpub?topic={topic}&defer=a", body=b"x"))
    for size in (0, 1, 1023, 1024, 1025, 5119, 5120, 5121, 100000):
        for path in (b"/pub", b"/mpub", b"/topic/create", b"/topic/delete", b"/ping"):
            method = b"GET " if path == b"/ping" else b"POST "
            line = method + path + b"?topic={topic}"
            table.then_ping(f"size{name_of(path)}-{size}", request(line, body=size * b"x"), "small")
            table.then_ping(f"size{name_of(path)}-{size}-chunked", request(line, CHUNKED[:-2]) + (chunks(size * b"x") if size else chunks()), "small")
    lines = [b"", b"\n", b"\n\n\n", b"a", b"a\n", b"a\nb", b"a\n\nb\n", b"\na", b"a\r\nb\r\n", b"\r\n", b"\0\n\0", b"x" * 1024, b"x" * 1025, b"x" * 1024 + b"\n", b"x" * 1025 + b"\n", b"a\n" + b"x" * 1025 + b"\nb",
             b"x\n" * 2560, b"x\n" * 2560 + b"y", b"x" * 1024 + b"\n" + b"y" * 1024, b"\xff\xfe\n"]
    for binary in (b"", b"&binary=false", b"&binary=0"):
        for number, body in enumerate(lines):
            table.then_ping(f"lines{name_of(binary)}-{number}", request(b"POST /mpub?topic={topic}" + binary, body=body) + stats(b"json"), "small")
    u32 = lambda n: n.to_bytes(4, "big")
    one = u32(1) + b"a"
    binary = [b"", b"\0", b"\0\0\0", u32(0), u32(1), u32(2**31), u32(2**32 - 1), u32(1) + one, u32(1) + one + b"rest", u32(2) + one, u32(1) + u32(0), u32(1) + u32(2**32 - 1), u32(1) + u32(1025) + b"x" * 1025, u32(1) + u32(1024) + b"x" * 1024,
              u32(1) + u32(2) + b"a", u32(1) + b"\0\0", u32(3) + 3 * one, u32(1023) + 1023 * one, u32(1024) + 1024 * one, u32(1025) + one, u32(1) + u32(4) + b"a\nb\n", u32(2) + one + u32(0), u32(5120) + one, u32(1) + one + one]
    for flag in (b"true", b"1", b"", b"yes", b"TRUE", b"False"):
        for number, body in enumerate(binary):
            if flag in (b"true", b"1") or number in (0, 3, 7):
                table.then_ping(f"binary-{name_of(flag)}-{number}", request(b"POST /mpub?topic={topic}&binary=" + flag, body=body) + stats(b"json"), "small")
    table.then_ping("binary-twice", request(b"POST /mpub?topic={topic}&binary=false&binary=true", body=u32(1) + one))
    table.then_ping("binary-without-value", request(b"POST /mpub?topic={topic}&binary", body=u32(1) + one))
    table.then_ping("binary-chunked", request(b"POST /mpub?topic={topic}&binary=1", CHUNKED[:-2]) + chunks(u32(1)[:2], u32(1)[2:] + one[:2], one[2:]) + stats(b"json"))
    return table.cases


def stats(form, *more):
    return request(b"GET /stats?format=" + form + b"&topic={topic}" + b"".join(more))


def statistics():
    table = Table("stats")
    # Without a message, because upstream moves messages to channels some time after it has answered.
    made = CREATE + request(b"POST /channel/create?topic={topic}&channel=c") + request(b"POST /channel/create?topic={topic}&channel=d%23ephemeral")
    for form in (b"", b"json", b"text", b"JSON", b"xml", b"json%20", b"json&format=text"):
        for more in (b"", b"&channel=c", b"&channel=nothing", b"&channel=*", b"&include_clients=true", b"&include_clients=false", b"&include_clients=x", b"&include_clients=", b"&include_clients=0", b"&include_clients=t",
                     b"&include_clients=TRUE", b"&include_mem=false", b"&include_mem=x", b"&include_mem=true", b"&a;b", b"&a=%zz"):
            table.then_ping(name_of(form + more), made + stats(form, more))
    for query in (b"topic=nothing", b"topic=nothing&format=json", b"topic=%20&format=json", b"topic=*&format=json", b"topic=" + b"x" * 200 + b"&format=json", b"format=json&topic=nothing&channel=c"):
        table.then_ping(name_of(query), request(b"GET /stats?" + query))
    table.then_ping("paused", made + request(b"POST /channel/pause?topic={topic}&channel=c") + request(b"POST /topic/pause?topic={topic}") + stats(b"json") + stats(b"text"))
    table.then_ping("with-body", made + request(b"GET /stats?format=json&topic={topic}", body=b"abc"))
    table.then_ping("old", made + request(b"GET /stats?format=json&topic={topic}", b"Connection: keep-alive", version=b"HTTP/1.0"))
    table.then_ping("head", made + request(b"HEAD /stats?format=json&topic={topic}"))
    return table.cases


def changes():
    """Each change on what is there, and on what is not there."""
    table = Table("changes")
    channel = request(b"POST /channel/create?topic={topic}&channel=c")
    for path in CHANGES:
        line = b"POST " + path + b"?topic={topic}&channel=c"
        name = name_of(path[1:])
        table.then_ping(name + "-nothing", request(line))
        table.then_ping(name + "-topic", CREATE + request(line) + stats(b"json"))
        table.then_ping(name + "-channel", CREATE + channel + request(line) + stats(b"json"))
        table.then_ping(name + "-twice", CREATE + channel + 2 * request(line) + stats(b"json"))
        table.then_ping(name + "-chunked", CREATE + channel + request(line, CHUNKED[:-2]) + chunks(b"abc") + stats(b"json"))
        table.raw(name + "-cut", CREATE + channel + request(line, b"Content-Length: 9") + b"abc")
        table.then_ping(name + "-broken", CREATE + channel + request(line, CHUNKED[:-2]) + b"x\r\n")
    return table.cases


def framing():
    table = Table("framing")
    line = b"POST /pub?topic={topic} HTTP/1.1\r\nHost: h\r\n"
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    values = [b"1", b"+1", b"-1", b" 1", b"1 ", b"\t1", b"01", b"0x1", b"1,1", b"1, 1", b"1, 2", b"", b"a", b"1a", b"1 1", b"1\x0b", b"9223372036854775807", b"9223372036854775808", b"18446744073709551617", b"0", b"1.0", b"00000000000000000000001", b"\xd9\xa1"]
    for value in values:
        table.then_ping("length-" + name_of(value), line + b"Content-Length: " + value + b"\r\n\r\n" + (b"" if value == b"0" else b"x"))
    headers = [b"Content-Length:1", b"Content-Length : 1", b" Content-Length: 1", b"Content-Length\t: 1", b"content-length: 1", b"CONTENT-LENGTH: 1", b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length: 1\r\nContent-Length: 2", b"Content-Length:\r\n 1",
               b"Content_Length: 1", b"Content-Length", b": 1", b"Content-Length: 1\rX: y", b"X: y\nContent-Length: 1", b"X\x00: y", b"X: y\x00", b"X: y\x01", b"X: \x7f", b"X: \xff", b"X(: y", b"X\xc3: y", b"X: y\r\n z", b"X: y\r\n\tz", b"X:", b"X: " + b"y" * 5000, b"X y: z",
               b"Content-Length: 1\n", b"Content-Length: 1\nX: y", b"\x0bContent-Length: 1"]
    for number, header in enumerate(headers):
        table.then_ping(f"header-{number}-" + name_of(header[:30]), line + header + b"\r\n\r\n" + (b"x" if b"content-length" in header.lower() else b""))
    encodings = [b"chunked", b"Chunked", b"CHUNKED", b" chunked", b"chunked ", b"\tchunked", b"\x0bchunked", b"chunked\x0b", b"identity", b"gzip", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked, identity", b"identity, chunked", b"", b"chunked;a=b", b"'chunked'", b"\"chunked\"", b"xchunked", b"chunkedx", b"chunke", b"deflate", b"chunked,"]
    for encoding in encodings:
        table.then_ping("encoding-" + name_of(encoding), line + b"Transfer-Encoding: " + encoding + b"\r\n\r\n" + chunks(b"x"))
        table.then_ping("both-" + name_of(encoding), line + b"Content-Length: 5\r\nTransfer-Encoding: " + encoding + b"\r\n\r\n0\r\n\r\n" + smuggled)
        table.then_ping("old-" + name_of(encoding), b"POST /pub?topic={topic} HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: " + encoding + b"\r\n\r\n" + chunks(b"x"))
    for number, header in enumerate([b"Transfer-Encoding : chunked", b" Transfer-Encoding: chunked", b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                                     b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer_Encoding: chunked", b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked", b"Transfer-Encoding:chunked", b"TRANSFER-ENCODING: chunked", b"Transfer-Encoding\x00: chunked"]):
        table.then_ping(f"smuggles-{number}", line + b"Content-Length: 5\r\n" + header + b"\r\n\r\n0\r\n\r\n" + smuggled)
        table.then_ping(f"smuggles-back-{number}", line + header + b"\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled)
        table.then_ping(f"encodes-{number}", line + header + b"\r\n\r\n" + chunks(b"x"))
    bodies = [b"0\r\n\r\n", b"1\r\nx\r\n0\r\n\r\n", b"01\r\nx\r\n0\r\n\r\n", b"0000000000000001\r\nx\r\n0\r\n\r\n", b"00000000000000001\r\nx\r\n0\r\n\r\n", b"1 \r\nx\r\n0\r\n\r\n", b" 1\r\nx\r\n0\r\n\r\n", b"1\t\r\nx\r\n0\r\n\r\n", b"0x1\r\nx\r\n0\r\n\r\n", b"-1\r\nx\r\n0\r\n\r\n", b"+1\r\nx\r\n0\r\n\r\n",
              b"\r\nx\r\n0\r\n\r\n", b";\r\nx\r\n0\r\n\r\n", b"1;a\r\nx\r\n0\r\n\r\n", b"1;a=b\r\nx\r\n0\r\n\r\n", b"1;a=\"b\"\r\nx\r\n0\r\n\r\n", b"1; a = b\r\nx\r\n0\r\n\r\n", b"1;\r\nx\r\n0\r\n\r\n", b"1;;\r\nx\r\n0\r\n\r\n", b"1;a\nb\r\nx\r\n0\r\n\r\n", b"1;\x00\r\nx\r\n0\r\n\r\n", b"1;\xff\r\nx\r\n0\r\n\r\n",
              b"1\nx\n0\n\n", b"1\r\nx\n0\r\n\r\n", b"1\r\nxy\r\n0\r\n\r\n", b"2\r\nx\r\n0\r\n\r\n", b"A\r\n0123456789\r\n0\r\n\r\n", b"a\r\n0123456789\r\n0\r\n\r\n", b"g\r\nx\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx", b"7fffffffffffffff\r\nx", b"8000000000000000\r\nx", b"10000000000000000\r\nx", b"1,1\r\nx\r\n0\r\n\r\n",
              b"1\r\nx\r\n0\r\nA: b\r\n\r\n", b"1\r\nx\r\n0\r\nA: b\nC: d\r\n\r\n", b"1\r\nx\r\n0\r\n A: b\r\n\r\n", b"1\r\nx\r\n0\r\nA\r\n\r\n", b"1\r\nx\r\n0\r\n: b\r\n\r\n", b"1\r\nx\r\n0\r\nA b: c\r\n\r\n", b"1\r\nx\r\n0\r\nContent-Length: 9\r\n\r\n", b"1\r\nx\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
              b"1\r\nx\r\n0\r\nA: " + b"b" * 4000 + b"\r\n\r\n", b"1\r\nx\r\n0\r\nA: " + b"b" * 5000 + b"\r\n\r\n", b"1;" + b"a" * 4000 + b"\r\nx\r\n0\r\n\r\n", b"1;" + b"a" * 5000 + b"\r\nx\r\n0\r\n\r\n", b"1;" + b"a" * 100 + b"\r\nx\r\n" + 300 * (b"1;" + b"a" * 100 + b"\r\nx\r\n") + b"0\r\n\r\n",
              b"1\r\nx\r\n0;a\r\n\r\n", b"1\r\nx\r\n00\r\n\r\n", b"1\r\nx\r\n", b"1\r\nx", b"1\r\n", b"1", b"", b"1\r\nx\r\n0\r\n", b"1\r\nx\r\n0\r\nA: b\r\n", b"0\r\n\n", b"1\r\nx\r\r\n0\r\n\r\n", b"1\r\r\nx\r\n0\r\n\r\n"]
    for number, body in enumerate(bodies):
        table.then_ping(f"chunks-{number}-" + name_of(body[:20]), line + CHUNKED + b"\r\n" + body)
    for number, body in enumerate(bodies[-10:]):
        table.raw(f"cut-chunks-{number}", line + CHUNKED + b"\r\n" + body)
    for ends in range(7):
        table.then_ping(f"line-ends-after-post-{ends}", pub() + ends * b"\r\n")
        table.then_ping(f"line-ends-after-get-{ends}", request(b"GET /ping") + ends * b"\r\n")
    table.then_ping("lf-after-post", pub() + b"\n")
    table.then_ping("cr-after-post", pub() + b"\r")
    table.then_ping("bare-lf", b"GET /ping HTTP/1.1\nHost: h\n\n")
    table.then_ping("bare-lf-last", b"GET /ping HTTP/1.1\r\nHost: h\r\n\n")
    table.then_ping("bare-cr", b"GET /ping HTTP/1.1\rHost: h\r\r")
    table.then_ping("body-of-get", request(b"GET /ping", body=b"GET /smuggled HTTP/1.1\r\n\r\n"))
    table.then_ping("chunks-of-get", request(b"GET /ping", CHUNKED[:-2]) + chunks(b"abc"))
    table.raw("cut-in-body", request(b"POST /pub?topic={topic}", b"Content-Length: 9") + b"abc")
    table.raw("cut-in-body-of-mpub", request(b"POST /mpub?topic={topic}", b"Content-Length: 9") + b"abc\nd")
    table.raw("cut-in-body-of-get", request(b"GET /ping", b"Content-Length: 9") + b"abc")
    table.raw("upgrade", request(b"GET /ping", b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"))
    table.raw("websocket", request(b"GET /ping", b"Connection: Upgrade", b"Upgrade: websocket"))
    table.raw("connect", request(b"CONNECT h:80") + PING)
    table.raw("connect-path", request(b"CONNECT /ping") + PING)
    return table.cases


def connections():
    table = Table("connections")
    for version in (b"HTTP/1.0", b"HTTP/1.1"):
        for value in (b"close", b"Close", b"keep-alive", b"Keep-Alive", b"keep-alive, close", b"close, keep-alive", b"close,x", b"x, close", b"", b"upgrade", b"close\r\nConnection: keep-alive", b"keep-alive\r\nConnection: close", b"closed", b"close;q=1",
                      b"x close", b"close x", b"x keep-alive", b"keep-alive x", b"x\r\nConnection: close", b"x\r\nConnection: y close", b"x\r\nConnection: keep-alive", b"\tclose\t", b"xclose", b"close-x", b"CLOSE"):
            name = f"{name_of(version)}-{name_of(value)}"
            table.then_ping("get-" + name, request(b"GET /ping", b"Connection: " + value, version=version))
            table.then_ping("pub-" + name, pub(b"Connection: " + value, version=version))
        table.then_ping("get-" + name_of(version), request(b"GET /ping", version=version))
        table.then_ping("head-" + name_of(version), request(b"HEAD /ping", b"Connection: keep-alive", version=version))
        table.then_ping("error-" + name_of(version), request(b"GET /nothing", b"Connection: keep-alive", version=version))
        table.then_ping("redirect-" + name_of(version), request(b"GET /PING", b"Connection: keep-alive", version=version))
        for value in (b"100-continue", b"100-Continue", b"x", b"", b"100-continue, x", b"x, 100-continue", b"100-continue\r\nExpect: x", b"x\r\nExpect: 100-continue", b"200-ok", b"100", b"100-continue;a", b"x 100-continue", b"100-continue y", b"x100-continue"):
            name = f"expect-{name_of(version)}-{name_of(value)}"
            table.then_ping(name, pub(b"Expect: " + value, version=version))
            table.then_ping(name + "-get", request(b"GET /ping", b"Expect: " + value, version=version))
            table.then_ping(name + "-too-big", pub(b"Expect: " + value, body=b"x" * 2000, version=version), "small")
            table.then_ping(name + "-unread", request(b"GET /ping", b"Expect: " + value, body=b"abc", version=version))
            table.then_ping(name + "-chunked", request(b"POST /pub?topic={topic}", b"Expect: " + value, CHUNKED[:-2], version=version) + chunks(b"x"))
    hosts = [b"", b"Host:\r\n", b"Host: \r\n", b"Host: h\r\nHost: h\r\n", b"Host: h\r\nHost: g\r\n", b"Host: a b\r\n", b"Host: a/b\r\n", b"Host: a?b\r\n", b"Host: a#b\r\n", b"Host: a@b\r\n", b"Host: a\\b\r\n", b"Host: [::1]\r\n", b"Host: h:80\r\n", b"Host: h:\r\n", b"Host: h:x\r\n", b"Host: \xc3\xa9\r\n",
             b"Host: a\"b\r\n", b"Host: a'b\r\n", b"Host: <h>\r\n", b"Host: a%b\r\n", b"Host: a^b\r\n", b"Host: a|b\r\n", b"Host: {h}\r\n", b"Host: a`b\r\n", b"HOST: h\r\n", b"host: h\r\n", b"Host : h\r\n", b"Host: a,b\r\n", b"Host: a;b\r\n"]
    for version in (b"HTTP/1.1", b"HTTP/1.0"):
        for number, host in enumerate(hosts):
            table.then_ping(f"host-{name_of(version)}-{number}", request(b"GET /ping", host=host, version=version))
    for count in (2, 5, 20, 100):
        table.then_ping(f"pipeline-{count}", count * request(b"GET /ping"))
        table.then_ping(f"pipeline-pub-{count}", count * pub() + stats(b"json"))
    table.then_ping("pipeline-mixed", CREATE + pub() + request(b"GET /ping") + request(b"DELETE /ping") + request(b"GET /PING") + request(b"POST /nothing", body=b"abc") + request(b"HEAD /ping") + request(b"OPTIONS *") + stats(b"json"))
    table.raw("pipeline-after-close", request(b"GET /ping", b"Connection: close") + 5 * request(b"GET /ping"))
    table.raw("pipeline-after-error", request(b"GET /ping", host=b"") + 5 * request(b"GET /ping"))
    for size in (1000, 60000, 65300, 1040000, 1052000, 1052600, 1052700, 1060000):
        table.then_ping(f"head-{size}", request(b"GET /ping", b"X: " + b"y" * size))
        table.raw(f"head-{size}-cut", b"GET /ping HTTP/1.1\r\nHost: h\r\nX: " + b"y" * size)
    table.then_ping("heads-many", request(b"GET /ping", *(b"X%d: y" % n for n in range(2000))))
    table.then_ping("target-long", request(b"GET /ping?" + b"a" * 60000))
    for size in (262143, 262144, 262145, 600000):
        table.then_ping(f"unread-{size}", request(b"POST /nothing", body=b"x" * size))
        table.then_ping(f"unread-{size}-chunked", request(b"POST /nothing", CHUNKED[:-2]) + chunks(b"x" * size))
        table.then_ping(f"unread-{size}-too-big", pub(body=b"x" * size), "small")
    for header in (b"X-HTTP-Method-Override: POST", b"Accept: application/json", b"Accept: application/vnd.nsq; version=1.0", b"Accept-Encoding: gzip", b"Range: bytes=0-1", b"If-None-Match: *", b"If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT", b"Origin: http://h", b"Content-Type: application/json", b"TE: trailers",
                   b"Cookie: a=b", b"Authorization: Basic x", b"Via: 1.1 h", b"Max-Forwards: 0", b"Pragma: no-cache", b"Trailer: A", b"Content-Encoding: gzip", b"Date: x"):
        table.then_ping("header-" + name_of(header), request(b"GET /ping", header) + pub(header))
    return table.cases


def configuration():
    table = Table("config")
    options = [b"log_level", b"nsqlookupd_tcp_addresses", b"id", b"log-prefix", b"verbose", b"tcp_address", b"max_rdy_count", b"msg_timeout", b"broadcast_address", b"auth_http_address", b"auth_http_addresses", b"e2e_processing_latency_percentiles",
               b"e2e_processing_latency_percentile", b"max_msg_size", b"snappy", b"tls_required", b"tls_min_version", b"statsd_prefix", b"statsd_interval", b"mem_queue_size", b"sync_timeout", b"LOG_LEVEL", b"LogLevel", b"log%5flevel", b"nothing", b"a%2fb",
               b"max_output_buffer_timeout", b"deflate", b"max_deflate_level", b"http_client_connect_timeout", b"worker_id", b"tls_cert", b"log_level%00"]
    for option in options:
        table.then_ping("get-" + name_of(option), request(b"GET /config/" + option))
        table.then_ping("put-" + name_of(option), request(b"PUT /config/" + option, body=b'"a"'))
    # The level is the same for all cases, because they share a server.
    for body in (b"", b"info", b'"info"', b"INFO", b"Info", b"info ", b" info", b"info\n", b"nothing", b"2", b'"nothing"', b"null", b"[]", b"infoinfo", b"\xff", b"x" * 2000, b"info\0"):
        table.then_ping("level-" + name_of(body), request(b"PUT /config/log_level", body=body) + request(b"GET /config/log_level"))
    for body in (b"", b"[]", b"null", b"{}", b"[1]", b'[""]', b'["a"', b'["a",]', b"[null]", b"1", b'"a:1"', b"x", b"[] x", b"[[]]", b'{"a":1}', b"  []  "):
        table.then_ping("addresses-" + name_of(body), request(b"PUT /config/nsqlookupd_tcp_addresses", body=body))
    table.then_ping("chunked", request(b"PUT /config/log_level", CHUNKED[:-2]) + chunks(b"in", b"fo"))
    table.raw("cut", request(b"PUT /config/log_level", b"Content-Length: 9") + b"info")
    for size in (1023, 1024, 1025, 1026, 5000):
        table.then_ping(f"size-{size}", request(b"PUT /config/log_level", body=b"x" * size), "small")
        table.then_ping(f"size-{size}-chunked", request(b"PUT /config/log_level", CHUNKED[:-2]) + chunks(b"x" * size), "small")
    for path in (b"/config", b"/config/", b"/config//", b"/config/log_level/", b"/config/log_level/x", b"/CONFIG/log_level", b"/Config/Log_Level", b"//config/log_level", b"/config/../config/log_level", b"/config/%20", b"/config/\xff", b"/config/?a", b"/config/log_level?a;b"):
        for method in (b"GET", b"PUT", b"POST", b"OPTIONS"):
            table.then_ping("path-" + name_of(method + b" " + path), request(method + b" " + path))
    return table.cases


def tls():
    """In clear text every request is refused; through TLS the same requests are answered."""
    table = Table("tls")
    requests = [request(method + b" " + path) for method in (b"GET", b"POST", b"OPTIONS", b"HEAD") for path in (b"/ping", b"/PING", b"/nothing", b"/topic/create", b"*", b"/%zz")]
    requests += [pub(), pub(b"Expect: 100-continue"), pub(b"Expect: x"), pub(host=b""), request(b"POST /pub?topic={topic}", CHUNKED[:-2]) + chunks(b"x"), request(b"GET /ping", version=b"HTTP/1.0"),
                 request(b"GET /ping", b"Connection: keep-alive", version=b"HTTP/1.0"), request(b"GET /ping", body=b"abc"), pub(body=b"x" * 300000), b"GET  /ping HTTP/1.1\r\n\r\n", b"\r\n\r\n", 3 * request(b"GET /ping"),
                 CREATE + stats(b"json") + request(b"POST /topic/delete?topic={topic}"), request(b"PUT /config/log_level", body=b"info"), request(b"GET /config/tls_required")]
    for number, data in enumerate(requests):
        for configuration in ("tls", "https"):
            table.then_ping(f"{configuration}-{number}-{name_of(data[:20])}", data, configuration)
    for number, data in enumerate((b"", b"G", b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n", b"POST / HTTP/1.0\r\n\r\n", b"PUT /", b"HEAD ", b"OPTIONS * HTTP/1.1\r\n\r\n", b"DELETE /", b"  V2", b"\x16\x03\x01\x02", b"get / HTTP/1.1\r\n\r\n")):
        table.raw(f"clear-{number}-{name_of(data[:20])}", data, "clear")
    return table.cases


def information():
    table = Table("info")
    for version in (b"HTTP/1.0", b"HTTP/1.1"):
        table.then_ping("get-" + name_of(version), request(b"GET /info", version=version))
    table.then_ping("query", request(b"GET /info?a=%zz;b"))
    table.then_ping("body", request(b"GET /info", body=b"abc"))
    table.then_ping("small", request(b"GET /info"), "small")
    return table.cases


TABLES = (methods, paths, names, queries, publishing, statistics, changes, framing, connections, configuration, tls, information)


def all_cases():
    return [case for table in TABLES for case in table()]
