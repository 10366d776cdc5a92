"""AUTH against a scripted auth server: upstream's nsqd and this project's send clients the same replies and send the
auth server the same queries.

    auth.py --server-a PATH --server-b PATH [--only PART] [--show]

A case is the bytes that the auth server answers, and what a client then sends. The auth server finds the case by its
name in the secret. All commands are sent at once, and the last one is unknown to every server, so that every
conversation ends. The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import gzip
import json
import os
import pathlib
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

import certificates

LIMIT = 12  # seconds a conversation may take


def reply(body, status="200 OK", *headers):
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def grant(topic=".*", channels=(".*",), permissions=("publish", "subscribe"), **more):
    rule = {"topic": topic, "channels": list(channels), "permissions": list(permissions)}
    return json.dumps({"ttl": 60, "identity": "me", "identity_url": "url", "authorizations": [rule], **more})


def chunked(body, *pieces, tail=b"0\r\n\r\n"):
    out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    at = 0
    for n in [*pieces, len(body)]:
        piece = body[at:at + n]
        at += n
        out += b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""
    return out + tail


G = grant()
AUTH, SUB, PUB, MPUB, DPUB = (lambda secret: b"AUTH\n" + struct.pack(">i", len(secret)) + secret, b"SUB topic chan\n",
                              b"PUB topic\n\0\0\0\1m", b"MPUB topic\n\0\0\0\x09\0\0\0\1\0\0\0\1m", b"DPUB topic 1\n\0\0\0\1m")
PATTERNS = r"""
topic|topic$|^topic$|^top|pic$|opi|x||^$|.*|t.pic|(?i)TOPIC|(?i:TOP)IC|(?i:TOP)ic|(?i)TOP(?-i)IC|(?s).|(?m)^topic$|(?U)t.+c|top\w+|top\W+|\d|\D|\S+|\s|
\bt|c\b|\Bp|\Atop|pic\z|pic\Z|\Qtopic\E|\Qtop|[a-z]+|[^a-z]|[[:alpha:]]+|[[:^alpha:]]|[[:foo:]]|\pL+|\p{Latin}|\p{Greek}|\P{Latin}|\p{Foo}|\p{^L}|
t{1}opic|to{2}pic|to{0,1}pic|o{1000}|o{1001}|o{2,1}|(o{100}){10}|(o{100}){11}|o{,1}|t{1,}|(?:t|o)+|(t)(o)|(?P<n>t)o|(?P<n t|()|a*|(a*)*|(a|b)*$|
(?=t)|(?!t)|(?<=t)o|(?<!t)o|(?>t)|t++|t**|t*+|t?+|\1|(t)\1|\8|(?#x)t|(?R)|(?1)|(?(1)a)|\K|\G|\R|\X|\h|\e|\C|\x74|\x{74}|\164|\0164|*|+|?|{|}|]|[|(|)|
[t-a]|[]t]|[^]t]|[\d-z]|[a-|\|t\|t\_|t\-|tópic|(?i)ſ|(?i)tOPıC|[\x{0}-\x{10FFFF}]+|\x{110000}|(*UTF)t|(?x)t|(?i-)t|(?-i)t|(?)t|(?C)t|t|x|x|^topic\.|topic#
""".replace("\n", "").split("|")
# These patterns contain "|", so they cannot stand in the list above.
ALTERNATIVES = ["topic|x", "x|topic", "^(topic|x)$", "x|y", "|", "a||b"]

CASES = {  # name: (what the auth server sends, what the client sends behind AUTH)
    "grant": (reply(G), SUB),
    "grant/pub": (reply(G), PUB + MPUB + DPUB + SUB),
    "grant/twice": (reply(G), AUTH(b"grant")),
    "grant/publish-only": (reply(grant(permissions=["publish"])), PUB + MPUB + DPUB + SUB),
    "grant/subscribe-only": (reply(grant(permissions=["subscribe"])), SUB),
    "grant/subscribe-only-pub": (reply(grant(permissions=["subscribe"])), PUB),
    "grant/subscribe-only-mpub": (reply(grant(permissions=["subscribe"])), MPUB),
    "grant/subscribe-only-dpub": (reply(grant(permissions=["subscribe"])), DPUB),
    "grant/channel-other": (reply(grant(channels=["^other$"])), SUB),
    "grant/channel-publish": (reply(grant(channels=["^chan$"])), PUB),
    "grant/channel-none": (reply(grant(channels=[])), SUB),
    "grant/no-permission": (reply(grant(permissions=[])), PUB),
    "grant/unknown-permission": (reply(grant(permissions=["publish", "Subscribe"])), PUB),
    "grant/none": (reply('{"ttl":60}'), PUB),
    "grant/second-rule": (reply(json.dumps({"ttl": 9, "authorizations": [
        {"topic": "x", "channels": [".*"], "permissions": ["publish"]},
        {"topic": "topic", "channels": [".*"], "permissions": ["publish"]}]})), PUB + SUB),
    "http/chunked": (chunked(G.encode(), 1, 2, 30), SUB),
    "http/chunked-extension": (chunked(G.encode()).replace(b"\r\n\r\n", b"\r\n\r\n", 1), SUB),
    "http/chunked-trailer": (chunked(G.encode(), tail=b"0\r\nX: y\r\n\r\n"), SUB),
    "http/chunked-cut": (chunked(G.encode(), tail=b""), SUB),
    "http/until-close": (b"HTTP/1.0 200 OK\r\n\r\n" + G.encode(), SUB),
    "http/until-close-1.1": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + G.encode(), SUB),
    "http/cut": (reply(G)[:-1], SUB),
    "http/more": (reply(G) + b"more", SUB),
    "http/head-cut": (b"HTTP/1.1 200 OK\r\nContent-Length", SUB),
    "http/nothing": (b"", SUB),
    "http/garbage": (b"\0\1\2\r\n\r\n", SUB),
    "http/no-http": (b"HTTQ/1.1 200 OK\r\n\r\n", SUB),
    "http/continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + reply(G), SUB),
    "http/hints": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + reply(G), SUB),
    "http/gzip": (reply(gzip.compress(G.encode()), "200 OK", "Content-Encoding: gzip"), SUB),
    "http/gzip-capitals": (reply(gzip.compress(G.encode()), "200 OK", "content-encoding: GZIP"), SUB),
    "http/gzip-two": (reply(gzip.compress(G[:9].encode()) + gzip.compress(G[9:].encode()), "200 OK",
                            "Content-Encoding: gzip"), SUB),
    "http/gzip-cut": (reply(gzip.compress(G.encode())[:-5], "200 OK", "Content-Encoding: gzip"), SUB),
    "http/gzip-not": (reply(G, "200 OK", "Content-Encoding: gzip"), SUB),
    "http/gzip-unsaid": (reply(gzip.compress(G.encode())), SUB),
    "http/gzip-rest": (reply(gzip.compress(G.encode()) + b"rest", "200 OK", "Content-Encoding: gzip"), SUB),
    "http/gzip-flipped": (reply(gzip.compress(G.encode())[:-8] + b"\0" * 8, "200 OK", "Content-Encoding: gzip"), SUB),
    "http/deflate": (reply(G, "200 OK", "Content-Encoding: deflate"), SUB),
    "status/201": (reply(G, "201 Created"), SUB),
    "status/204": (b"HTTP/1.1 204 No Content\r\n\r\n", SUB),
    "status/304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", SUB),
    "status/400": (reply(G, "400 Bad"), SUB),
    "status/401": (reply(G, "401 No"), SUB),
    "status/403": (reply("no", "403 Forbidden"), SUB),
    "status/403-json": (reply("{}", "403 Forbidden"), SUB),
    "status/403-port": (reply('{"https_port":1}', "403 Forbidden"), SUB),
    "status/404": (reply("", "404 Not Found"), SUB),
    "status/500": (reply(G, "500 Oops"), SUB),
    "status/502": (reply("", "502 Bad Gateway"), SUB),
    "redirect/path-301": (reply("", "301 Go", "Location: /grant"), SUB),
    "redirect/path-302": (reply("", "302 Go", "Location: /grant?x=%20y"), SUB),
    "redirect/path-303": (reply("", "303 Go", "Location: /grant#x"), SUB),
    "redirect/path-307": (reply("", "307 Go", "Location: /grant"), SUB),
    "redirect/path-308": (reply("", "308 Go", "Location: /grant"), SUB),
    "redirect/path-300": (reply("", "300 Go", "Location: /grant"), SUB),
    "redirect/nowhere": (reply(G, "302 Go"), SUB),
    "redirect/loop": (reply("", "302 Go", "Location: /redirect/loop"), SUB),
    "redirect/scheme": (reply("", "302 Go", "Location: ftp://127.0.0.1/"), SUB),
    "redirect/port-closed": (reply("", "302 Go", "Location: http://127.0.0.1:1/"), SUB),
    "json/empty": (reply(""), SUB),
    "json/null": (reply("null"), SUB),
    "json/array": (reply("[]"), SUB),
    "json/text": (reply('"x"'), SUB),
    "json/rest": (reply(G + "x"), SUB),
    "json/blank-rest": (reply(" \r\n\t" + G + " \r\n\t"), SUB),
    "json/bom": (reply("\ufeff" + G), SUB),
    "json/cut": (reply(G[:-1]), SUB),
    "json/unknown": (reply(grant(x={"a": [1, {"b": None}]}, y=1.5e3, z="s", w=False)), SUB),
    "json/capitals": (reply(G.upper().replace(".*", ".*").replace("PUBLISH", "publish").replace("SUBSCRIBE", "subscribe")), SUB),
    "json/long-s": (reply(G.replace("channels", "channel\u017f")), SUB),
    "json/identity-html": (reply(grant(identity='<a href="x">&\u2028\u2029\x7f\b\f\n\r\t\x01\\')), SUB),
    "json/identity-unicode": (reply(grant(identity="ü\U0001F600")), SUB),
    "json/identity-half-pair": (reply(G.replace('"me"', r'"\ud800x\udc00\ud83d\ude00\ud800\ud83d\ude00\\ud800"')), SUB),
    "json/identity-no-utf8": (reply(G.encode().replace(b"me", b"m\xff\xc3(\xed\xa0\x80e")), SUB),
    "json/identity-number": (reply(grant(identity=1)), SUB),
    "json/identity-null": (reply(grant(identity=None, identity_url=None)), SUB),
    "json/identity-missing": (reply(G.replace("identity", "identitx")), SUB),
    "json/identity-list": (reply(grant(identity=[])), SUB),
    "json/ttl-0": (reply(grant(ttl=0)), SUB),
    "json/ttl-negative": (reply(grant(ttl=-1)), SUB),
    "json/ttl-float": (reply(grant(ttl=1.5)), SUB),
    "json/ttl-exponent": (reply(G.replace("60", "1e2")), SUB),
    "json/ttl-text": (reply(grant(ttl="60")), SUB),
    "json/ttl-null": (reply(grant(ttl=None)), SUB),
    "json/ttl-missing": (reply(G.replace("ttl", "tt")), SUB),
    "json/ttl-most": (reply(G.replace("60", "9223372036854775807")), SUB),
    "json/ttl-over": (reply(G.replace("60", "9223372036854775808")), SUB),
    "json/ttl-wraps": (reply(G.replace("60", "10000000000")), SUB),
    "json/ttl-twice": (reply(G.replace('"ttl": 60', '"ttl": 0, "TTL": 9')), SUB),
    "json/expires-time": (reply(grant(expires="2020-01-01T00:00:00Z")), SUB),
    "json/expires-zone": (reply(grant(Expires="2020-02-29T23:59:59.5+01:30")), SUB),
    "json/expires-day": (reply(grant(expires="2021-02-29T00:00:00Z")), SUB),
    "json/expires-comma": (reply(grant(expires="2020-01-01T00:00:00,5Z")), SUB),
    "json/expires-text": (reply(grant(expires="soon")), SUB),
    "json/expires-number": (reply(grant(expires=1)), SUB),
    "json/expires-null": (reply(grant(expires=None)), SUB),
    "json/expires-object": (reply(grant(expires={})), SUB),
    "json/rules-object": (reply(grant(authorizations={})), SUB),
    "json/rules-null": (reply(grant(authorizations=None)), SUB),
    "json/rule-null": (reply(grant(authorizations=[None])), SUB),
    "json/rule-text": (reply(grant(authorizations=["x"])), SUB),
    "json/rule-empty": (reply(grant(authorizations=[{}])), PUB),
    "json/channels-null": (reply(G.replace('[".*"]', "null")), SUB),
    "json/channels-null-in": (reply(G.replace('[".*"]', "[null]")), SUB),
    "json/channels-text": (reply(G.replace('[".*"]', '".*"')), SUB),
    "json/channels-number": (reply(G.replace('[".*"]', "[1]")), SUB),
    "json/channels-nested": (reply(G.replace('[".*"]', "[[]]")), SUB),
    "json/permissions-null-in": (reply(G.replace('"publish"', "null")), SUB),
    "json/topic-null": (reply(G.replace('"topic": ".*"', '"topic": null')), SUB),
    "json/topic-missing": (reply(G.replace('"topic"', '"t"')), SUB),
    "json/topic-number": (reply(G.replace('"topic": ".*"', '"topic": 1')), SUB),
    "json/topic-twice": (reply(G.replace('"topic": ".*"', '"topic": "x", "Topic": "topic"')), SUB),
    "first/sub": (None, SUB), "first/pub": (None, PUB), "first/mpub": (None, MPUB), "first/dpub": (None, DPUB),
    "first/mpub-line": (None, b"MPUB topic\n"), "first/bad-name": (None, b"PUB $\n"),
    "secret/odd": (reply(G), b""),
}
for number, pattern in enumerate(PATTERNS + ALTERNATIVES):
    CASES[f"pattern/topic-{number}"] = (reply(grant(topic=pattern)), PUB)
    CASES[f"pattern/channel-{number}"] = (reply(grant(channels=[pattern.replace("topic", "chan")])), SUB)
SECRETS = {"secret/odd": bytes(range(256))}

# --auth-http-address, with the {port} of the auth server, which gives all of them the same answer
ADDRESSES = ["127.0.0.1:{port}", "localhost:{port}", "http://127.0.0.1:{port}", "http://127.0.0.1:{port}/",
             "HTTP://127.0.0.1:{port}/x/y?z=1", "http://u:p%40@127.0.0.1:{port}/a b", "http://u@127.0.0.1:{port}/%7e%41",
             "http://127.0.0.1:{port}/ü\"<>^`{{}}", "http://127.0.0.1:{port}#x", "http://127.0.0.1:{port}/a#x",
             "http://127.0.0.1:{port}/?", "http://127.0.0.1:{port}/;a=1,b:c@d!$&'()*+[]", "u:p@127.0.0.1:{port}",
             "127.0.0.1:{port}/more", "", "ftp://127.0.0.1:{port}", "http://", "http:///x", "://x", "127.0.0.1", "[::1]:1",
             "http://127.0.0.1:{port}/%zz", "http://127.0.0.1:x/", "127.0.0.1:99999", "127.0.0.1:1", "https://127.0.0.1:{port}",
             "nowhere.invalid:80", "http://127.0.0.1:{port}/\\", "http://127.0.0.1:{port}/a/../b//c/."]


class AuthServer(socketserver.ThreadingTCPServer):
    """Answers a request as its case says, and keeps the request under the name of the case."""
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        self.port = self.server_address[1]
        self.seen = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self):
        with self.lock:
            seen, self.seen = self.seen, {}
        return seen


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        head = b""
        self.request.settimeout(LIMIT)
        try:
            if self.server.tls:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            while b"\r\n\r\n" not in head:
                more = self.request.recv(65536)
                if not more:
                    return
                head += more
        except OSError:
            return
        line = head.split(b" ")[1].decode("latin-1")
        name = next((n for n in sorted(CASES, key=len, reverse=True)
                     if n.replace("/", "%2F") + "&tls" in line or line.split("?")[0] == "/" + n), "grant")
        # nsqd tells the target of a redirect where it comes from, with the secret: a departure.
        lines = [h for h in head.decode("latin-1").split("\r\n") if not h.startswith("Referer: ")]
        with self.server.lock:
            self.server.seen.setdefault(name, []).append(lines)
        answer = CASES[name][0]
        try:
            self.request.sendall(answer if answer is not None else b"")
            if self.server.tls:
                self.request.unwrap()
                return
            self.request.shutdown(socket.SHUT_WR)
            self.request.recv(1)
        except OSError:
            pass


class Nsqd:
    def __init__(self, path, addresses, *flags, unix=False):
        self.folder = tempfile.TemporaryDirectory()
        at = self.folder.name
        if unix:
            self.address = os.path.join(at, "tcp.sock")
            http = os.path.join(at, "http.sock")
        else:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                self.address = "127.0.0.1:%d" % s.getsockname()[1]
            http = "127.0.0.1:0"
        self.log = open(os.path.join(at, "log"), "wb")
        self.process = subprocess.Popen([path, f"--tcp-address={self.address}", f"--http-address={http}", "--https-address=127.0.0.1:0",
                                         f"--data-path={at}",
                                         *[f"--auth-http-address={a}" for a in addresses], *flags], stderr=self.log)
        for _ in range(200):
            try:
                self.connect().close()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit(f"auth.py: {path} does not listen: {pathlib.Path(self.log.name).read_text()}")

    def connect(self):
        s = socket.socket(socket.AF_UNIX if "/" in self.address else socket.AF_INET)
        s.settimeout(LIMIT)
        host, _, port = self.address.rpartition(":")
        s.connect(self.address if "/" in self.address else (host, int(port)))
        return s

    def talk(self, *pieces):
        """What a client receives until the end of the connection, as text. A number is a wait."""
        heard = b""
        with self.connect() as s:
            try:
                for piece in pieces:
                    if isinstance(piece, bytes):
                        s.sendall(piece)
                    else:
                        time.sleep(piece)
                while (more := s.recv(65536)):
                    heard += more
            except TimeoutError:
                return [*frames(heard), "no end"]
            except ConnectionError:
                pass  # a reset is an end too
        return frames(heard)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


def frames(data):
    out = []
    while len(data) >= 8:
        size, kind = struct.unpack(">ii", data[:8])
        out.append(f"{kind} {data[8:4 + size].decode('latin-1')}")
        data = data[4 + size:]
    return [f for f in out if "_heartbeat_" not in f] + ([f"rest {data!r}"] if data else [])


def one(nsqd, name):
    first, then = CASES[name]
    secret = AUTH(SECRETS.get(name, name.encode())) if first is not None else b""
    return nsqd.talk(b"  V2" + secret + then + b"END\n")


def run(path, auth, names):
    """{case: (what the client received, the queries that the auth server got)}"""
    results = {}
    with Nsqd(path, [f"127.0.0.1:{auth.port}"]) as nsqd, concurrent.futures.ThreadPoolExecutor(8) as pool:
        auth.take()
        heard = dict(zip(names, pool.map(lambda n: one(nsqd, n), names)))
        time.sleep(0.1)
        seen = auth.take()
        # The pool runs the cases side by side, so a redirected request is kept under the case that it leads to.
        seen_by = {n: seen.get(n, []) for n in names if not n.startswith("grant")}
        results = {n: (heard[n], seen_by.get(n, "")) for n in names}
    return results


def run_addresses(path, auth):
    results = {}

    def ask(address):
        with Nsqd(path, [address.format(port=auth.port)]) as nsqd:
            return nsqd.talk(b"  V2" + AUTH(b"grant") + SUB + b"END\n")
    for address in ADDRESSES:
        auth.take()
        heard = ask(address)
        seen = auth.take()
        if address.startswith("https"):
            seen = {}  # the beginning of a handshake
        results[f"address/{address}"] = (heard, list(seen.values()))
    return results


def run_special(path, auth):
    """The cases that need flags, time or another kind of address."""
    here = f"127.0.0.1:{auth.port}"
    results = {}
    identify = b'IDENTIFY\n' + struct.pack(">i", 28) + b'{"feature_negotiation":true}'
    with Nsqd(path, ["127.0.0.1:1", here, "127.0.0.1:1"]) as nsqd:
        auth.take()
        results["special/next-server"] = (nsqd.talk(b"  V2" + AUTH(b"grant") + SUB + b"END\n"), auth.take())
    with Nsqd(path, [here], unix=True) as nsqd:
        results["special/unix"] = (nsqd.talk(b"  V2" + AUTH(b"grant") + SUB + b"END\n"), auth.take())
    CASES["special/short"] = (reply(grant(ttl=1)), b"")
    with Nsqd(path, [here]) as nsqd:
        auth.take()
        short = AUTH(b"special/short")
        results["special/expired"] = (nsqd.talk(b"  V2" + short + PUB, 1.3, PUB + PUB + MPUB + DPUB + SUB + b"END\n"), auth.take())
        said = [f for f in nsqd.talk(b"  V2" + identify + b"END\n")]
        results["special/identify"] = (["auth_required\":true" in said[0], said[1:]], auth.take())
        CASES["special/revoked"] = (reply(grant(ttl=1)), b"")

        def revoke(piece):
            CASES["special/revoked"] = (reply('{"ttl":1}'), b"")
            return piece
        wait = 1.3
        thread = threading.Timer(0.6, revoke, [b""])
        thread.start()
        results["special/revoked"] = (nsqd.talk(b"  V2" + AUTH(b"special/revoked") + PUB, wait, PUB + b"END\n"), auth.take())
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(8)
    with Nsqd(path, ["127.0.0.1:%d" % silent.getsockname()[1]], "--http-client-request-timeout=300ms") as nsqd:
        begun = time.monotonic()
        results["special/request-timeout"] = (nsqd.talk(b"  V2" + AUTH(b"x") + b"END\n"), 0.2 < time.monotonic() - begun < 1.5)
    silent.close()
    return results


def run_https(path, auth, secure, folder):
    """The same by https: which certificates are accepted, and how the https address is found."""
    results = {}
    ca, wrong = f"--tls-root-ca-file={folder / 'ca.pem'}", f"--tls-root-ca-file={folder / 'wrong.pem'}"
    CASES["https/turn"] = (reply(json.dumps({"https_port": secure.port}), "403 Forbidden"), b"")
    CASES["https/turn-again"] = (reply("", "302 Go", f"Location: https://localhost:{secure.port}/grant"), b"")
    for name, address, secret, flags in [
            ("address", f"https://127.0.0.1:{secure.port}/x", b"grant", [ca]),
            ("name", f"https://localhost:{secure.port}", b"grant", [ca]),
            ("other-name", f"https://127.0.0.2:{secure.port}", b"grant", [ca]),
            ("system", f"https://localhost:{secure.port}", b"grant", []),
            ("unknown-authority", f"https://localhost:{secure.port}", b"grant", [wrong]),
            ("version", f"https://localhost:{secure.port}", b"grant", [ca, "--tls-min-version=tls1.3"]),
            ("plain-to-tls", f"http://localhost:{secure.port}", b"grant", [ca]),
            ("tls-to-plain", f"https://127.0.0.1:{auth.port}", b"grant", [ca]),
            ("turn", f"127.0.0.1:{auth.port}", b"https/turn", [ca]),
            ("turn-system", f"127.0.0.1:{auth.port}", b"https/turn", []),
            ("redirect", f"127.0.0.1:{auth.port}", b"https/turn-again", [ca])]:
        auth.take(), secure.take()
        with Nsqd(path, [address], *flags) as nsqd:
            heard = nsqd.talk(b"  V2" + AUTH(secret) + SUB + b"END\n")
        results[f"https/{name}"] = (heard, {} if name == "tls-to-plain" else auth.take(), secure.take())
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server-a", required=True)
    parser.add_argument("--server-b", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    auth = AuthServer()
    made = tempfile.TemporaryDirectory()
    folder = pathlib.Path(made.name) / "certificates"
    certificates.make(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    secure = AuthServer(context)
    names = [n for n in CASES if args.only in n]
    results = []
    for path in (args.server_a, args.server_b):
        got = run(path, auth, names)
        if "address/".startswith(args.only):
            got |= run_addresses(path, auth)
        if "special/".startswith(args.only):
            got |= run_special(path, auth)
        if "https/".startswith(args.only):
            got |= run_https(path, auth, secure, folder)
        results.append(got)
    passed = failed = 0
    for name, a in results[0].items():
        b = results[1][name]
        same = a == b
        passed, failed = passed + same, failed + (not same)
        if not same or args.show:
            case = CASES.get(name, (None,))[0]
            print(f"{'same' if same else 'DIFFERS'} {name}\n  answer {case}\n  a {a}\n  b {b if not same else '-'}")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
