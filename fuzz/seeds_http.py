"""Inputs of the fuzz targets query, http_request and http_api that are made by hand, for seeds.py.

Each has a name that says what it shows. The layouts of the inputs are described in fuzz/fuzz_query.c,
fuzz/http_desk_run.h, fuzz/ops.h and fuzz/request_writer.h.
"""

EOF, REFUSES, LOST = 1, 2, 4

TARGETS = {
    "topic-create": (32, b"/topic/create?topic=a&channel=b"), "escapes": (0, b"/stats?format=json&topic=%61+b"),
    "clean-me": (0, b"/a//b/./../c/"), "redirect": (0, b"/PING/"), "absolute": (0, b"http://h/Ping?a"),
    "absolute-without-path": (0, b"http://h?a"), "connect": (1, b"h:80"), "star": (0, b"*"), "semicolon": (0, b"/p?a=1;b=2"),
    "bad-escape": (0, b"/p?%zz"), "cut-escape": (0, b"/p%4"), 
    "written": (0, b"\x03t+ value %&="), "written-in-escapes": (6, b"\x03t+ value %&="),
    "written-in-capitals": (2, b"\x03t+\xff value %&="), "two-slashes": (0, b"//h/../ping?"), "escaped-dots": (0, b"/%2e%2e/%2f"),
    "line-end-in-location": (0, b"/x%0d%0aA:b/../ping"), "twice": (0, b"/p?a=1&a=2&%61=3&&b"), "empty-parameter": (0, b"/config//"),
    "dot-last": (0, b"/topic/create/."), "up-too-far": (0, b"/../../a/.."), "no-path": (0, b"a"),
}

HOST = b" HTTP/1.1\r\nHost: h\r\n"
GET = b"GET /p" + HOST
POST = b"POST /e" + HOST
SKIP = b"POST /s" + HOST
HOLD = b"GET /h" + HOST
END = b"\r\n"
LENGTH = b"Content-Length: %d\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EXPECT = b"Expect: 100-continue\r\n"
ABC = b"3\r\nabc\r\n"
LAST = b"0\r\n\r\n"


def with_length(body, request=POST):
    return request + LENGTH % len(body) + END + body


# name: the bytes, or the header that differs from zeros (a list) and the bytes.
REQUESTS = {
    "get": GET + END, "two": 2 * (GET + END), "length": with_length(b"abc"), "chunked": POST + CHUNKED + END + ABC + LAST,
    "chunks": POST + CHUNKED + END + ABC + b"A;x=y\r\n0123456789\r\n" + b"0\r\nA: b\r\n\r\n" + GET + END,
    "length-and-chunked": POST + LENGTH % 4 + CHUNKED + END + b"0\r\n\r\nGET /smuggled" + HOST + END,
    "chunked-and-length": POST + CHUNKED + LENGTH % 4 + END + LAST + GET + END,
    "two-lengths": POST + LENGTH % 3 + LENGTH % 5 + END + b"abcde", "equal-lengths": POST + 2 * (LENGTH % 3) + END + b"abc",
    "length-list": POST + b"Content-Length: 3, 3\r\n\r\nabc", "length-plus": POST + b"Content-Length: +3\r\n\r\nabc",
    "length-blank": POST + b"Content-Length : 3\r\n\r\nabc", "length-empty": POST + b"Content-Length:\r\n\r\nabc",
    "length-hex": POST + b"Content-Length: 0x3\r\n\r\nabc", "length-most": POST + LENGTH % (2**63 - 1) + END + b"a",
    "length-over": POST + LENGTH % 2**63 + END + b"a", "length-wraps": POST + LENGTH % (2**64 + 3) + END + b"abc",
    "gzip-chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + LAST, "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "two-encodings": POST + CHUNKED + CHUNKED + END + LAST, "chunked-twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + LAST,
    "encoding-folded": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + LAST, "encoding-tab": POST + b"Transfer-Encoding:\tchunked\r\n\r\n" + LAST,
    "encoding-vt": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + LAST, "encoding-blank": POST + b"Transfer-Encoding : chunked\r\n\r\n" + LAST,
    "old-chunked": b"POST /e HTTP/1.0\r\n" + CHUNKED + END + ABC + LAST, "old": b"GET /p HTTP/1.0\r\n\r\n",
    "old-keep": b"GET /p HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET + END, "close": GET + b"Connection: close\r\n\r\n" + GET + END,
    "bare-lf": b"GET /p HTTP/1.1\nHost: h\n\n", "bare-cr": b"GET /p HTTP/1.1\r\nHost: h\rA: b\r\n\r\n",
    "lf-ends-head": b"GET /p HTTP/1.1\r\nHost: h\r\n\n" + GET + END, "lf-in-chunk": POST + CHUNKED + END + b"3\nabc\n0\n\n",
    "chunk-minus": POST + CHUNKED + END + b"-1\r\n", "chunk-0x": POST + CHUNKED + END + b"0x3\r\nabc\r\n" + LAST,
    "chunk-blank": POST + CHUNKED + END + b"3 \r\nabc\r\n" + LAST, "chunk-empty": POST + CHUNKED + END + b"\r\nabc\r\n" + LAST,
    "chunk-most": POST + CHUNKED + END + b"ffffffffffffffff\r\na", "chunk-wraps": POST + CHUNKED + END + b"10000000000000003\r\nabc\r\n" + LAST,
    "chunk-data-long": POST + CHUNKED + END + b"2\r\nabc\r\n" + LAST, "extension-lf": POST + CHUNKED + END + b"3;a\nb\r\nabc\r\n" + LAST,
    "trailer-is-request": POST + CHUNKED + END + b"0\r\nContent-Length: 30\r\n\r\n" + GET + END,
    "trailer-folded": POST + CHUNKED + END + b"0\r\n A: b\r\n\r\n", "skips": with_length(b"abc") + b"\r\n\r\n" + GET + END,
    "skips-no-more": with_length(b"abc") + b"\r\n\r\n\r\n" + GET + END, "skips-not-after-get": GET + END + END + GET + END,
    "lf-first": b"\nGET /p" + HOST + END, "two-blanks": b"GET  /p" + HOST + END, "no-host": b"GET /p HTTP/1.1\r\n\r\n",
    "two-hosts": GET + b"Host: g\r\n\r\n", "bad-host": b"GET /p HTTP/1.1\r\nHost: a/b\r\n\r\n", "name-blank": GET + b"A b: c\r\n\r\n",
    "name-empty": GET + b": c\r\n\r\n", "no-colon": GET + b"A\r\n\r\n", "nul": GET + b"A: \0\r\n\r\n", "version-2": b"GET /p HTTP/2.0\r\n\r\n",
    "version-12": b"GET /p HTTP/1.2\r\nHost: h\r\n\r\n", "preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "lower-method": b"get /p" + HOST + END,
    "unknown-method": b"BREW /p" + HOST + END, "head": b"HEAD /p" + HOST + END + GET + END, "head-of-stream": b"HEAD /b" + HOST + END,
    "put": b"PUT /c/x" + HOST + END, "param": b"GET /c/%3Cx%0D%0A" + HOST + END, "options": b"OPTIONS /c/x" + HOST + END,
    "options-star": b"OPTIONS *" + HOST + END, "star": b"GET *" + HOST + END, "connect": b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
    "connect-path": b"CONNECT /p" + HOST + END, "absolute": b"GET http://h/P" + HOST + END, "not-allowed": b"DELETE /p" + HOST + END,
    "redirect": b"GET /P/" + HOST + END + b"PUT /C/x" + HOST + END, "redirect-of-post": with_length(b"abc", b"POST //e" + HOST) + GET + END,
    "not-found": b"GET /%" + b"61" + HOST + END, "bad-escape": b"GET /%zz" + HOST + END, "hold": HOLD + END + GET + END,
    "hold-after-piece": with_length(b"abc", b"POST /h" + HOST), "hold-of-chunks": b"POST /h" + HOST + CHUNKED + END + ABC + ABC + LAST + GET + END,
    "hold-unread": ([0, 0, 0, 4], with_length(b"abcdefghij", b"POST /h" + HOST)), "loud": with_length(b"a!b") + GET + END, "loud-chunks": POST + CHUNKED + END + ABC + b"1\r\n!\r\n" + ABC + LAST + GET + END,
    "skip": with_length(b"abc", SKIP) + GET + END, "expect": with_length(b"abc", POST + EXPECT) + GET + END,
    "expect-not-read": with_length(b"abc", GET + EXPECT) + GET + END, "expect-other": with_length(b"abc", POST + b"Expect: x\r\n"),
    "expect-old": b"POST /e HTTP/1.0\r\n" + EXPECT + LENGTH % 3 + END + b"abc", "expect-list": with_length(b"abc", POST + b"Expect: x, 100-Continue\r\n"),
    "stream": b"GET /b?33" + HOST + END + GET + END, "stream-long": ([0, 0, 0, 16], b"GET /b?99" + HOST + END + GET + END),
    "stream-old": ([0, 0, 0, 16], b"GET /b?99 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    "stream-slow": ([0, 0, 0, 16, 8], b"GET /b?999" + HOST + END + GET + END), "stream-empty": b"GET /b" + HOST + END,
    "discards": ([0, 0, 0, 15], with_length(b"!bcdefghijklmno") + GET + END), "discards-too-much": ([0, 0, 0, 4], with_length(b"!bcdefghij") + GET + END),
    "discards-chunks": ([0, 0, 0, 4], POST + CHUNKED + END + b"1\r\n!\r\n" + ABC + ABC + LAST), "get-with-body": with_length(b"abc", GET) + GET + END,
    "get-with-chunks": GET + CHUNKED + END + ABC + LAST + GET + END, "broken-late": POST + CHUNKED + END + b"1\r\n!\r\nx",
    "head-too-long": ([0, 10], GET + END), "head-just-fits": ([0, 6], GET + END), "extension-too-long": ([0, 0, 6], POST + CHUNKED + END + b"3;abcdefgh\r\nabc"),
    "trailer-too-long": ([0, 0, 0xF8], POST + CHUNKED + END + b"0\r\nA: bcdefghijk\r\n\r\n"), "extensions-too-many": ([0, 0, 0x1F], POST + CHUNKED + END + 9 * b"1;abcdefgh\r\na\r\n"),
    "eof": ([EOF], GET), "eof-early": ([EOF], b"G"), "eof-next": ([EOF], GET + END + b"GE"), "eof-in-body": ([EOF], POST + LENGTH % 9 + END + b"abc"),
    "eof-in-chunk": ([EOF], POST + CHUNKED + END + b"9\r\nabc"), "eof-in-discard": ([EOF], POST + LENGTH % 9 + END + b"!bc"), "eof-of-nothing": ([EOF], GET + END),
    "lost": ([LOST], b"GET /b?99" + HOST + END), "lost-in-body": ([LOST], POST + LENGTH % 9 + END + b"abc"), "refused": ([REFUSES], GET + END + with_length(b"abc")),
    "slow-head": ([0, 0, 0, 0, 0, 0x63], GET + END), "slow-body": ([0, 0, 0, 0, 0, 0x65], with_length(20 * b"abc") + GET + END), "idle": ([0, 0, 0, 0, 0, 0xA5], GET + END + GET + END),
    "slow-discard": ([0, 0, 0, 0, 0, 0x65], with_length(b"!" + 20 * b"abc") + GET + END), "linger": b"\n" + 40 * b"x", "held-and-slow": ([0, 0, 0, 0, 1, 0x53], 3 * (GET + END)),
}

# Operations of http_api. The connections 10 to 15 are clients of the HTTP API; T and U are TCP clients.
T, U, W, X = 0, 1, 10, 11
PUB, LINES, BINARY, CREATE, DELETE, EMPTY, PAUSE, ADD, DROP, CLEAR, HALT, STATS, DEFER, CONFIG, METRICS = range(1, 16)


def op(conn, kind, *args):
    return bytes([conn << 4 | kind, *args])


def ask(conn, which, a=0, b=0):
    return op(conn, 6, which, a, b)


def sends(conn, data):
    return op(conn, 1, len(data)) + data


OPEN = op(T, 0) + sends(T, b"  V2") + op(U, 0) + sends(U, b"  V2") + op(W, 0) + op(X, 0)
CONSUMER = ask(T, 2) + ask(T, 6, 2)  # SUB a p, RDY 2
API = {
    "each": OPEN + b"".join(ask(W, which) for which in range(16)), "each-old": OPEN + b"".join(ask(W, which, 64) for which in range(16)),
    "each-expects": OPEN + b"".join(ask(W, which, 16) for which in range(16)), "each-cut": OPEN + b"".join(ask(W, which, 128) for which in range(16)),
    "publishes": OPEN + CONSUMER + ask(W, PUB) + ask(W, LINES, 0, 0xC1) + ask(W, BINARY, 0, 0x81) + op(T, 7, 0, 0, 0) + op(T, 7, 0, 0, 0),
    "deferred": OPEN + CONSUMER + ask(W, DEFER, 0, 0x41) + op(0, 4, 0x81) + op(T, 7, 0, 0, 0), "delete-topic": OPEN + CONSUMER + ask(W, PUB) + ask(W, DELETE) + ask(X, STATS),
    "delete-channel": OPEN + CONSUMER + ask(W, PUB) + ask(W, DROP) + ask(W, PUB), "delete-of-others": OPEN + CONSUMER + ask(U, 2) + ask(U, 6, 1) + ask(W, PUB) + ask(X, DROP) + ask(W, DELETE),
    "empty-topic": OPEN + ask(W, PUB) + ask(W, PUB) + ask(X, EMPTY) + CONSUMER, "empty-channel": OPEN + CONSUMER + 4 * ask(W, PUB) + ask(X, CLEAR) + ask(W, PUB),
    "pause": OPEN + CONSUMER + ask(W, HALT) + ask(X, PUB) + ask(W, HALT, 0, 1) + ask(W, PAUSE) + ask(X, PUB) + ask(W, PAUSE, 0, 1),
    "ephemeral": OPEN + ask(W, CREATE, 3) + ask(W, ADD, 15) + ask(T, 2, 3, 3) + ask(W, PUB, 3) + op(T, 3), "stats": OPEN + CONSUMER + ask(W, PUB) + b"".join(ask(X, STATS, 0, b) for b in range(16)) + ask(W, METRICS),
    "slow": OPEN + op(W, 5, 3) + ask(W, STATS) + ask(W, PUB) + op(W, 5, 9) + op(W, 5, 255), "pipeline": OPEN + CONSUMER + sends(W, 2 * b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n") + ask(W, PUB),
    "closes": OPEN + ask(W, PUB, 32) + ask(W, PUB), "eof-in-body": OPEN + sends(W, b"POST /mpub?topic=a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na\nb") + op(W, 2),
    "lost-in-body": OPEN + sends(W, b"POST /pub?topic=a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab") + op(W, 3), "slow-body": OPEN + ask(W, PUB, 128) + op(0, 4, 0xFF),
    "stops": OPEN + CONSUMER + ask(W, PUB, 128) + op(0, 11) + ask(W, PUB), "delete-with-body": OPEN + CONSUMER + ask(W, PUB) + sends(W, b"POST /channel/delete?topic=a&channel=p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
    "waits": ([1], OPEN + CONSUMER + ask(W, PUB) + ask(X, PUB) + ask(T, 3) + op(0, 8, 0) + op(0, 8, 1) + op(0, 8, 0)), "waits-and-leaves": ([1], OPEN + ask(W, PUB) + op(W, 3) + op(0, 8, 0)),
    "waits-for-a-deleted-topic": ([1], OPEN + CONSUMER + ask(W, PUB) + ask(X, DELETE) + op(0, 8, 0)), "answered-at-once": ([9], OPEN + CONSUMER + ask(W, PUB) + ask(W, LINES)), "refused": ([25], OPEN + CONSUMER + ask(W, PUB) + ask(W, BINARY)),
    "no-memory": ([0, 0, 0, 0, 0, 60], OPEN + ask(W, CREATE) + ask(W, PUB) + ask(X, STATS) + ask(W, ADD)), "little-memory": ([0, 0, 0, 0, 0, 200], OPEN + CONSUMER + ask(W, PUB) + ask(W, LINES, 0, 0xFF) + ask(W, BINARY, 0, 0xFF) + ask(X, METRICS)),
    "small-messages": ([0, 0, 9], OPEN + ask(W, PUB, 0, 1) + ask(W, PUB, 0, 2) + ask(W, LINES, 0, 0xC2) + ask(W, BINARY, 0, 2) + ask(W, DEFER)), "head": OPEN + sends(W, b"HEAD /ping HTTP/1.1\r\nHost: h\r\n\r\nHEAD /info HTTP/1.1\r\nHost: h\r\n\r\n"),
    "level": OPEN + sends(W, b"PUT /config/log_level HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\ndebug") + ask(W, PUB), "redirect": OPEN + sends(W, b"POST /Topic/Create/?topic=a HTTP/1.1\r\nHost: h\r\n\r\n"),
}


def add_requests(seeds):
    for name, (choices, target) in TARGETS.items():
        seeds.add_named("query", name, bytes([choices]) + target)
    for name, what in REQUESTS.items():
        header, data = what if isinstance(what, tuple) else ([], what)
        seeds.add_named("http_request", name, bytes(header + [0] * (8 - len(header))) + data)
    for name, what in API.items():
        header, data = what if isinstance(what, tuple) else ([], what)
        seeds.add_named("http_api", name, bytes(header + [0] * (8 - len(header))) + data)
