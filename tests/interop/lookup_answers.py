"""nsqlookupd's side: upstream's nsqlookupd and this project's give the same answers, over V1 and over HTTP, and write the
same log lines.

    lookup_answers.py --lookupd-a PATH --lookupd-b PATH [--only PART] [--show]

`a` must be upstream's. Each case plays the same conversation with both. Lists are sorted, because upstream's are in
random order. Where this project departs on purpose (tests/conformance/DEPARTURES.md), a case is marked with the number
of the row, and both answers must differ; the log lines may differ too. Upstream's log lines are compared with ours
after the departures that concern all lines are made to them. The last line is "N passed, N failed".
"""
import argparse
import json
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

LIMIT = 10  # seconds; for every wait
NODE = {"broadcast_address": "h", "hostname": "x", "http_port": 4151, "tcp_port": 4150, "version": "1.3.0"}


def identify(body):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"IDENTIFY\n" + struct.pack(">i", len(body)) + body


ID = b"  V1" + identify(NODE)


def changed_nodes():
    for key in NODE:
        yield {k: v for k, v in NODE.items() if k != key}
        for value in ("", 0, None, 1.5, "s", -1, 2**63, 2**31, 70000, True, [], {}):
            yield dict(NODE, **{key: value})
    yield dict(NODE, Version=1)
    yield dict(NODE, x={"version": 1})
    yield dict(NODE, remote_address=5)
    yield dict(NODE, remote_address="z", id=5)


# What a client sends before it ends its output; and the row of the departure, if there is one.
V1 = [
    (b"  V2", None), (b"  V", None), (b"", None), (b"  V1PING\n", None), (b"  V1 PING \r\n\nPING\n", None),
    (b"  V1\xc2\xa0PING\xe3\x80\x80\n", None), (b"  V1\x85PING\n", None), (b"  V1PING\tx\n", None), (b"  V1PING x\n", None),
    (b"  V1  \n", None), (ID, None), (ID + identify(NODE), None), (ID + b"FOO bar\n", None), (ID + b"register t\n", None),
    (ID + b"PING\nREGISTER t c\nREGISTER t  c\nREGISTER t c d e\nUNREGISTER t c\nUNREGISTER no x\nUNREGISTER t\n", None),
    (ID + b"REGISTER  t\n", None), (ID + b"REGISTER\n", None), (ID + b"UNREGISTER\n", None), (ID + b"REGISTER t*\n", None),
    (ID + b"REGISTER t c*\n", None), (ID + b"UNREGISTER t \xff\n", None), (ID + b"REGISTER " + b"a" * 65 + b"\n", None),
    (ID + b"REGISTER a#ephemeral b#ephemeral\nUNREGISTER a#ephemeral b#ephemeral\nUNREGISTER a#ephemeral\n", None),
    (b"  V1REGISTER t c\n", None), (b"  V1UNREGISTER\n", None),
    *((b"  V1" + identify(body), None) for body in (b"", b"null", b"[]", b"{", b"{}", b"{}x", b'"x"', b" {} ")),
    *((b"  V1" + identify(node), None) for node in changed_nodes()),
    (b"  V1IDENTIFY x y\n" + ID[13:], None), (b"  V1 IDENTIFY\r\n" + ID[13:], None),
    *((b"  V1" + cut, None) for cut in (b"PIN", b"IDENTIFY\n", b"IDENTIFY\n\0\0", b"IDENTIFY\n\0\0\0\5", b"IDENTIFY\n\0\0\0\5{")),
    (b"  V1" + b"x" * 20000 + b"\n", 120),
    (ID + b"PING\nREGISTER left c\nREGISTER left d\nREGISTER left#ephemeral c#ephemeral\n", None),
    (ID + b"REGISTER left c\nFOO\n", None), (ID + b"UNREGISTER left d\n", None),
]

# Cases whose log lines differ although the answers are the same, and the row of the departure.
LOG_ROWS = {"http/POST /topic/delete?topic=*": 122}

# What a client sends before it breaks the connection, and how many replies it waits for.
RESET = [(b"", 0), (b"  V", 0), (b"  V1", 0), (ID, 1), (ID + b"REGISTER left c\n", 2), (ID + b"PIN", 1)]

# Requests one after the other, to servers with the same nodes a and b.
HTTP = [
    *(("GET", target, None) for target in (
        "/ping", "/info", "/topics", "/nodes", "/debug", "/channels", "/channels?topic=x", "/channels?topic=", "/channels?topic=*",
        "/lookup", "/lookup?topic=x", "/lookup?topic=", "/lookup?topic=*", "/lookup?topic=%zz", "/topics?%zz", "/nodes?%zz", "/debug?%zz",
        "/info?%zz", "/ping/", "/PING", "/debug/", "/x", "/topic/create")),
    ("HEAD", "/ping", None), ("POST", "/ping", None), ("OPTIONS", "/lookup", None), ("PUT", "/topic/create", None),
    *(("POST", target, None) for target in (
        "/topic/create", "/topic/create?topic=", "/topic/create?topic=a!", "/topic/create?topic=%zz", "/topic/create?topic=t1",
        "/topic/delete", "/topic/delete?topic=", "/topic/delete?topic=none", "/channel/create", "/channel/create?topic=a!",
        "/channel/create?topic=t1", "/channel/create?topic=t1&channel=*", "/channel/create?topic=t1&channel=c1",
        "/channel/create?topic=t2&channel=c2", "/channel/create?channel=c2", "/channel/delete", "/channel/delete?topic=t9",
        "/channel/delete?topic=t9&channel=c", "/channel/delete?topic=t1&channel=*", "/channel/delete?topic=t1&channel=c1",
        "/channel/delete?topic=*&channel=c1", "/topic/tombstone", "/topic/tombstone?topic=t1", "/topic/tombstone?node=a:4151",
        "/topic/tombstone?topic=t1&node=x", "/topic/tombstone?topic=shared&node=a:415", "/topic/tombstone?topic=shared&node=a:4151")),
    *(("GET", target, None) for target in (
        "/topics", "/channels?topic=shared", "/channels?topic=*", "/lookup?topic=shared", "/lookup?topic=own", "/lookup?topic=t2",
        "/nodes", "/debug")),
    ("POST", "/topic/delete?topic=own", None), ("GET", "/nodes", None), ("GET", "/debug", None), ("GET", "/lookup?topic=own", None),
    ("GET", "/debug/pprof", 123),
]
# The same when the nodes have left.
LATER = [("GET", "/nodes", None), ("GET", "/debug", None), ("POST", "/topic/delete?topic=*", None), ("GET", "/topics", 122)]


class Server:
    def __init__(self, path, folder, name):
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [path, "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--broadcast-address=me"], stderr=log)
        self.tcp, self.http = self.port("TCP"), self.port("HTTP")
        self.read = 0  # of the log

    def port(self, name):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            found = re.search(rf"{name}: listening on 127\.0\.0\.1:(\d+)", self.log.read_text(errors="replace"))
            if found:
                return int(found[1])
            time.sleep(0.02)
        raise RuntimeError(f"{name}: no port in {self.log}")

    def connect(self, port):
        return socket.create_connection(("127.0.0.1", port), timeout=LIMIT)

    def converse(self, port, data):
        """Sends data and the end, and returns all that is received."""
        received = b""
        with self.connect(port) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                received += part
        return received

    def client(self, data, wanted):
        """A client that has sent data and has received so many replies."""
        client = self.connect(self.tcp)
        client.sendall(data)
        with client.makefile("rb") as replies:
            for _ in range(wanted):
                replies.read(struct.unpack(">i", replies.read(4))[0])
        return client

    def node(self, name, commands):
        return self.client(b"  V1" + identify(dict(NODE, broadcast_address=name)) + commands, 1 + commands.count(b"\n"))

    def lines(self):
        """The new lines of the log. What was before this call has written its lines: the last one is about a request
        that is made here."""
        self.converse(self.http, b"GET /ping?last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        text = self.wait_for(rb"GET /ping\?last .*\n")
        self.read += len(text)
        return [line for line in text.splitlines() if b"/ping?last" not in line]

    def wait_for(self, pattern):
        """The new part of the log, when it has this."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            text = self.log.read_bytes()[self.read:]
            if re.search(pattern, text) and text.endswith(b"\n"):
                return text
            time.sleep(0.01)
        raise RuntimeError(f"no {pattern} in {self.log}")

    def stop(self):
        """Its exit code, and the last lines of its log."""
        self.process.terminate()
        return self.process.wait(LIMIT), self.log.read_bytes()[self.read:].splitlines()


def v1_answer(server, data):
    answer = server.converse(server.tcp, data)
    return re.sub(rb'(?s)....(\{"broadcast_address":"me".*?\})', lambda m: m[1], answer).replace(
        b'"http_port":%d,"tcp_port":%d' % (server.http, server.tcp), b"PORTS")


def sort_json(value):
    if isinstance(value, dict):
        if "topics" in value and "tombstones" in value:  # they belong together
            value["topics"] = sorted(zip(value["topics"], value.pop("tombstones"), strict=True))
        return {k: sort_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return sorted((sort_json(v) for v in value), key=json.dumps)
    return value


def http_answer(server, method, target):
    answer = server.converse(server.http, f"{method} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    head = re.sub(rb"Date: [^\r]*", b"Date", head)
    if body.startswith(b"{"):
        text = re.sub(rb"127\.0\.0\.1:\d+", b"PEER", body)
        text = re.sub(rb'("last_update":|"tombstoned_at":)\d+', rb"\1TIME", text).replace(b"TIME", b"0")
        head = re.sub(rb"Content-Length: \d+", b"Content-Length", head)
        keys = list(json.loads(text))  # of /debug: upstream's are sorted
        body = json.dumps([keys, sort_json(json.loads(text))]).encode()
    return head + b"\n" + body


def reset_answer(server, data, wanted):
    client = server.client(data, wanted)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    server.wait_for(rb"connection (reset by peer|lost)\n")


def comparable(line):
    """A log line without its time, ports and versions."""
    line = re.sub(rb"^\[nsqlookupd\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} ", b"", line)
    line = re.sub(rb"127\.0\.0\.1:\d+", b"PEER", line)
    line = re.sub(rb"\(built w/[^)]*\)", b"BUILT", line)
    return re.sub(rb"(pinged \(last ping )[0-9.hms]+(\xc2\xb5s|ns)?\)$", rb"\1TIME)", line)


def as_ours(line):
    """A line of upstream's with the departures that concern all lines: 13, 59, 133 and 134."""
    line = re.sub(rb"[^ -~]", lambda m: b"\\x%02x" % m[0][0], line)
    line = re.sub(rb"^(INFO: \d+ \S+ \S+ \(PEER\)) [0-9.hmsn]+(\\xc2\\xb5s)?$", rb"\1", line)
    line = re.sub(rb"(E_BAD_BODY IDENTIFY failed to decode JSON body) - .*", rb"\1", line)
    return re.sub(rb"(client\(PEER\)|failed to read protocol version) - read tcp .*: connection reset by peer$",
                  rb"client(PEER) - connection lost", line)


def with_sorted_end(lines):
    """From where a connection ends, upstream's lines are in random order (134)."""
    ends = [n for n, line in enumerate(lines) if b"exiting ioloop" in line or b"connection lost" in line]
    return lines[:ends[0]] + sorted(lines[ends[0]:]) if ends else lines


def comparable_logs(theirs, ours):
    return with_sorted_end([as_ours(comparable(line)) for line in theirs]), with_sorted_end([comparable(line) for line in ours])


def cases(pair):
    for number, (data, row) in enumerate(V1):
        yield f"v1/{number} {data[:60]!r}", row, lambda s, d=data: v1_answer(s, d)
    for data, wanted in RESET:
        yield f"reset/{data[:60]!r}", None, lambda s, d=data, n=wanted: reset_answer(s, d, n)
    nodes = [[s.node("a", b"REGISTER shared c\nREGISTER own d\n"), s.node("b", b"REGISTER shared\n")] for s in pair]
    yield from requests(HTTP)
    yield "the end of the nodes", None, lambda s: [leave(client) for client in nodes[pair.index(s)]]
    yield from requests(LATER)


def requests(rows):
    for method, target, row in rows:
        yield f"http/{method} {target}", row, lambda s, m=method, t=target: http_answer(s, m, t)


def leave(client):
    with client:
        client.shutdown(socket.SHUT_WR)
        return client.recv(1)


def check(name, row, answers, logs, show):
    """Whether a case is as it should be."""
    same = comparable_logs(*logs)
    good = (answers[0] == answers[1]) == (row is None) and (row is not None or name in LOG_ROWS or same[0] == same[1])
    if show or not good:
        print(f"{'ok' if good else 'FAILED'} {name}{f' (departure {row})' if row else ''}")
        for letter, answer, log in zip("ab", answers, same):
            print(f"  {letter}: {answer!r}", *log, sep="\n     ")
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lookupd-a", required=True)
    parser.add_argument("--lookupd-b", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        pair = [Server(path, pathlib.Path(folder), name) for path, name in ((args.lookupd_a, "a"), (args.lookupd_b, "b"))]
        results.append(check("the start", None, (0, 0), [sorted(s.lines(), key=comparable) for s in pair], args.show))
        for name, row, answer in cases(pair):
            answers = [answer(server) for server in pair]
            logs = [server.lines() for server in pair]
            if args.only in name:  # the changes of the others are needed
                results.append(check(name, row, answers, logs, args.show))
        codes, logs = zip(*(server.stop() for server in pair))
        results.append(check("the stop", None, codes, [sorted(log, key=comparable) for log in logs], args.show) and codes[0] == 0)
    passed, failed = results.count(True), results.count(False)
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
