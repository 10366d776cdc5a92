#!/usr/bin/env python3
"""curl and upstream's tools with two servers: the same scenes must see the same, and what tools-expected.txt says.

    tools.py --logs DIR --pynsq DIR [--only TEXT] [--write] --server PATH...

Each scene gets a fresh server of each kind. It prints lines "scene: what it saw"; addresses, times and what the machine
is called are replaced by names. The last line counts the comparisons: one for each scene and server.
"""

import argparse
import concurrent.futures
import difflib
import gzip
import http.server
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import certificates
import servers
from servers import Program, Server, masked_json, path_of, run, wait_until

HERE = pathlib.Path(__file__).parent
SCENES = {}


def scene(function):
    SCENES[function.__name__.replace("_", "-")] = function
    return function


class World:
    """What a scene has: a folder of its own, the server's path, and the lines that it saw."""

    def __init__(self, name, path, number, options):
        self.name, self.path, self.options = name, path, options
        self.logs = options.logs / ("tools-%s-%d" % (name, number))
        self.logs.mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.logs))
        self.lines = []
        self.server = None
        self.programs = 0

    def saw(self, text):
        for line in (self.server.mask(text) if self.server else text).splitlines():
            self.lines.append("%s: %s" % (self.name, line.rstrip()))

    def start(self, *flags, tls=False):
        self.server = Server(self.path, self.logs / "nsqd.log", *flags, tls=tls)
        return self.server

    def ended(self):
        """Stops the server, which must end by itself."""
        self.saw("nsqd after SIGTERM: %s" % self.server.stop())

    def program(self, *command, stdin=subprocess.DEVNULL):
        self.programs += 1
        log = self.logs / ("%d-%s.log" % (self.programs, pathlib.Path(str(command[0])).name))
        return Program(command, log, stdin)

    def curl(self, path, *options, stdin=None, base=None):
        """Runs curl; returns what it printed."""
        url = (base or "http://" + self.server.http) + path
        printed, errors, ended = run(["curl", "-sS", "--max-time", "10", *options, url], stdin)
        return printed if ended == "exit 0" else "%scurl: %s %s" % (printed, ended, errors)

    def http(self, path, *options, stdin=None, base=None):
        """Runs curl and sees the whole answer, headers first. Dates are masked."""
        answer = self.curl(path, "-i", *options, stdin=stdin, base=base)
        answer = re.sub(r"(?m)^Date: .*$", "Date: DATE", answer.replace("\r\n", "\n"))
        self.saw("%s %s" % (path, " ".join(options).replace("\n", "\\n")))
        for part in answer.rstrip("\n").split("\n\n"):  # headers, and then the body
            self.saw("    " + part.replace("\n", " | "))

    def post(self, path, body=b""):
        """A POST whose answer must be OK or empty, when a scene is about something else."""
        answer = self.curl(path, "-f", "-X", "POST", "--data-binary", "@-", stdin=body)
        if answer not in ("", "OK"):
            raise RuntimeError("POST %s: %s" % (path, answer))

    def stats(self, query="", see=True):
        text = self.curl("/stats?format=json" + query)
        if see:
            self.saw("stats %s: %s" % (query, masked_json(text)))
        return json.loads(text)

    def saw_stats_text(self, query=""):
        text = re.sub(r"(?m)^(start_time|uptime) .*$", r"\1 VARIES", self.curl("/stats" + query))
        text = re.sub(r"\(built w/\S+\)", "(built w/VARIES)", text)
        text = re.sub(r"(?m)^( {3}\w+ *\t).*$", r"\1VARIES", text)  # figures of memory
        text = re.sub(r"connected: \S+", "connected: VARIES", re.sub(re.escape(socket.gethostname()) + r"(:\d+)?", "HOST", text))
        self.saw(text)

    def channel(self, topic, channel):
        """A channel's numbers in /stats, or None."""
        for one in self.stats("&topic=%s&channel=%s" % (topic, channel), see=False)["topics"]:
            for inner in one["channels"]:
                return inner
        return None

    def wait_for_channel(self, topic, channel, **values):
        """Waits until a channel's numbers in /stats are these."""
        def there():
            found = self.channel(topic, channel)
            return found and all(found[name] == value for name, value in values.items())
        wait_until(there, "%s/%s with %s" % (topic, channel, values))

    def take(self, topic, count):
        """Consumes `count` messages with nsq_tail, and sees them in the order of their text."""
        printed, errors, ended = run([path_of("nsq_tail"), "--topic", topic, "--channel", "take", "-n", count,
                                      "--nsqd-tcp-address", self.server.tcp])
        for line in sorted(printed.splitlines()):
            self.saw("    got %s" % (line if len(line) <= 80 else "%s... (%d)" % (line[:40], len(line))))
        if ended != "exit 0":
            self.saw("nsq_tail: %s %s" % (ended, errors))


# -- curl

@scene
def curl_publish(w):
    """Each way in which curl sends a body; the messages come out of TCP."""
    with w.start():
        w.post("/topic/create?topic=t")
        w.post("/channel/create?topic=t&channel=take")
        w.http("/pub?topic=t", "-d", "one")
        w.http("/pub?topic=t", "-H", "Transfer-Encoding: chunked", "-d", "two, chunked")
        w.http("/pub?topic=t", "-H", "Expect: 100-continue", "-d", "three, after 100 Continue")
        w.http("/pub?topic=t", "--http1.0", "-d", "four, HTTP/1.0")
        w.http("/pub?topic=t", "--data-binary", "@-", stdin=b"5" * 100000)
        w.http("/pub?topic=t&defer=200", "-d", "six, 200 ms later")
        w.http("/mpub?topic=t", "--data-binary", "seven\neight\n\nnine")
        w.http("/mpub?topic=t&binary=true", "--data-binary", "@-",
               stdin=b"\0\0\0\2" + b"\0\0\0\3ten" + b"\0\0\0\6eleven")
        w.http("/pub?topic=t%2Ewith%2Ddots_1", "-d", "escaped")
        w.take("t", 11)
        w.ended()


@scene
def curl_refused(w):
    """What nsqd refuses."""
    with w.start("--max-msg-size=100", "--max-body-size=1000"):
        w.http("/pub", "-d", "x")
        w.http("/pub?topic=", "-d", "x")
        w.http("/pub?topic=not%20a%20name", "-d", "x")
        w.http("/pub?topic=t", "-X", "POST")
        w.http("/pub?topic=t")
        w.http("/pub?topic=t", "-X", "PUT", "-d", "x")
        w.http("/pub?topic=t", "--data-binary", "@-", stdin=b"5" * 101)
        w.http("/pub?topic=t", "-H", "Transfer-Encoding: chunked", "--data-binary", "@-", stdin=b"5" * 101)
        w.http("/pub?topic=t&defer=-1", "-d", "x")
        w.http("/pub?topic=t&defer=soon", "-d", "x")
        w.http("/mpub?topic=t", "--data-binary", "@-", stdin=b"5\n" * 501)
        w.http("/mpub?topic=t", "--data-binary", "@-", stdin=b"5" * 101)
        w.http("/mpub?topic=t&binary=true", "--data-binary", "@-", stdin=b"\0\0\0\1\0\0\0\0")
        w.http("/mpub?topic=t&binary=true", "--data-binary", "@-", stdin=b"\0\0\0\2\0\0\0\1x")
        w.http("/mpub?topic=t&binary=perhaps", "-d", "x")
        w.http("/nothing")
        w.http("/ping/")
        w.http("/PING")
        w.http("//ping")
        w.http("/ping", "-X", "DELETE")
        w.http("/ping", "-I")
        w.http("/ping", "-X", "OPTIONS")
        w.http("/topic/create?topic=t", "-X", "GET")
        w.http("/topic/delete?topic=unknown", "-X", "POST")
        w.http("/channel/create?topic=t&channel=c", "-X", "POST")
        w.http("/channel/create?topic=unknown&channel=c", "-X", "POST")
        w.http("/channel/pause?topic=t&channel=unknown", "-X", "POST")
        w.http("/channel/empty?topic=t", "-X", "POST")
        w.http("/topic/pause", "-X", "POST")
        w.stats()
        w.ended()


@scene
def curl_one_connection(w):
    """Many requests on one connection: how many connections curl made."""
    with w.start():
        urls = ["http://%s%s" % (w.server.http, path) for path in ("/ping", "/nothing", "/info", "/ping/", "/ping")]
        asked = []
        for url in urls:
            asked += ["-o", "/dev/null", url]
        printed, errors, ended = run(["curl", "-sS", "-w", "%{http_code} %{content_type} connections: %{num_connects}\\n",
                                      *asked])
        w.saw(printed + errors + ended)
        asked = []
        for number in range(4):
            asked += ["-d", "message %d" % number] if number == 0 else []
            asked += ["http://%s/pub?topic=t" % w.server.http]
        printed, errors, ended = run(["curl", "-sS", "-w", " %{http_code} connections: %{num_connects}\\n", *asked])
        w.saw(printed + errors + ended)
        w.http("/ping", "-H", "Connection: close")
        w.http("/ping", "--http1.0")
        w.http("/ping", "-L", "--path-as-is")
        w.ended()


@scene
def curl_topology(w):
    """Creating, pausing, emptying and deleting, and what /stats says after each."""
    with w.start():
        for path in ("/topic/create?topic=t", "/channel/create?topic=t&channel=a",
                     "/channel/create?topic=t&channel=b%23ephemeral", "/topic/pause?topic=t"):
            w.http(path, "-X", "POST")
        w.post("/pub?topic=t", b"one")
        w.post("/mpub?topic=t", b"two\nthree")
        w.stats()
        w.http("/topic/unpause?topic=t", "-X", "POST")
        w.wait_for_channel("t", "a", depth=3)
        w.http("/channel/pause?topic=t&channel=a", "-X", "POST")
        w.stats()
        w.saw_stats_text()
        w.stats("&topic=t&channel=a")
        w.stats("&topic=unknown")
        w.stats("&include_mem=false&include_clients=false")
        for path in ("/channel/empty?topic=t&channel=a", "/channel/unpause?topic=t&channel=a",
                     "/topic/empty?topic=t", "/channel/delete?topic=t&channel=a"):
            w.http(path, "-X", "POST")
            w.stats("&include_mem=false")
        w.http("/topic/delete?topic=t", "-X", "POST")
        w.stats("&include_mem=false")
        w.ended()


@scene
def curl_info(w):
    with w.start():
        w.saw(masked_json(re.sub(r"(go|c11-)[\w.-]+", "BUILT", w.curl("/info"))))
        w.http("/ping")
        w.http("/config/nsqlookupd_tcp_addresses")
        w.http("/config/log_level", "-X", "PUT", "-d", "debug")
        w.http("/config/log_level", "-X", "PUT", "-d", "loud")
        w.http("/config/unknown")
        w.ended()


@scene
def curl_https(w):
    """HTTPS, with and without a certificate of the client, and what --tls-required does to clear HTTP."""
    keys = w.options.certificates
    flags = ["--tls-cert=%s" % (keys / "server.pem"), "--tls-key=%s" % (keys / "server.key"),
             "--tls-root-ca-file=%s" % (keys / "ca.pem")]
    good = ["--cert", str(keys / "good.pem"), "--key", str(keys / "good.key")]
    wrong = ["--cert", str(keys / "wrong.pem"), "--key", str(keys / "wrong.key")]

    def ask(title, *options):
        answer = w.curl("/pub?topic=t", "--cacert", str(keys / "ca.pem"), "-d", "x", *options,
                        base="https://" + w.server.https)
        # Which alert a client sees depends on its TLS library and on how far its request had come.
        w.saw("%s: %s" % (title, "refused" if "curl: exit" in answer else answer))

    for policy in ("", "require", "require-verify"):
        for required in ("false", "true", "tcp-https"):
            more = ["--tls-required=" + required] + (["--tls-client-auth-policy=" + policy] if policy else [])
            with w.start(*flags, *more, tls=True):
                w.saw("policy %s, tls-required %s" % (policy or "none", required))
                ask("no certificate")
                ask("a good certificate", *good)
                ask("a certificate of another authority", *wrong)
                ask("TLS 1.2", "--tls-max", "1.2", *good)
                w.saw("HTTP/%s over TLS" % w.curl("/ping", "--cacert", str(keys / "ca.pem"), "-o", "/dev/null", "-w",
                                                 "%{http_version}", *good, base="https://" + w.server.https))
                w.http("/ping", base="http://" + w.server.https)
                w.saw("clear: %s" % w.curl("/pub?topic=t", "-d", "clear"))
                w.saw("clear, a path that is not there: %s" % w.curl("/nothing"))
                w.ended()


@scene
def curl_unix_socket(w):
    """--http-address with the path of a socket."""
    path = w.folder / "http.sock"
    with w.program(w.path, "--tcp-address=%s" % (w.folder / "tcp.sock"), "--http-address=%s" % path,
                   "--data-path=%s" % w.folder) as server:
        wait_until(path.exists, path)
        for one in ("/ping", "/pub?topic=t", "/stats?format=json&include_mem=false"):
            printed, errors, ended = run(["curl", "-sS", "--unix-socket", path, *(["-d", "x"] if "pub" in one else []),
                                          "http://nsqd" + one])
            w.saw("%s %s %s" % (masked_json(printed) if "json" in one else printed, errors, ended))
        w.saw("nsqd after SIGTERM: %s; its socket is there: %s" % (server.stop(), path.exists()))


@scene
def curl_addresses(w):
    """Addresses with names, and of IPv6: what is logged about them, and that they answer."""
    for host in ("localhost", "[::1]"):
        with w.program(w.path, "--tcp-address=%s:0" % host, "--http-address=%s:0" % host, "--broadcast-address=here",
                       "--broadcast-http-port=4711", "--data-path=%s" % w.folder) as server:
            tcp, http_at = (server.wait_for(r"\b%s: listening on (\S+)\n" % name) for name in ("TCP", "HTTP"))
            w.saw("%s: %s %s" % (host, re.sub(r"\d+$", "TCP", tcp), re.sub(r"\d+$", "HTTP", http_at)))
            info = json.loads(run(["curl", "-sS", "-g", "http://%s/info" % http_at])[0])
            # Not the port of --broadcast-http-port, which only nsqlookupd is told.
            ports = [int(address.rsplit(":", 1)[1]) for address in (tcp, http_at)]
            w.saw("/info: %s; its ports are those of the listeners: %s"
                  % (info["broadcast_address"], [info["tcp_port"], info["http_port"]] == ports))
            w.saw("nsqd after SIGTERM: %s" % server.stop())


# -- how a test suite starts a server

@scene
def start_like_gnsq(w):
    """gnsq's way: ports of the server's own choice, read from stderr, which ends after SIGTERM."""
    keys = w.options.certificates
    with tempfile.TemporaryDirectory() as data:
        server = subprocess.Popen(
            [w.path, "--broadcast-address", "127.0.0.1", "--tcp-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0",
             "--https-address", "127.0.0.1:0", "--data-path", data, "--tls-cert", str(keys / "server.pem"), "--tls-key",
             str(keys / "server.key")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        timer = threading.Timer(30, server.kill)  # bounds the reading of stderr
        timer.start()
        try:
            ports = {}
            while len(ports) < 3:
                line = server.stderr.readline()
                if not line:
                    break
                found = re.search(r"\b(TCP|HTTP|HTTPS): listening on (127\.0\.0\.1):([0-9]+)\n$", line)
                if found:
                    ports[found.group(1)] = int(found.group(3))
            w.saw("listening: %s" % " ".join(sorted(ports)))
            w.saw("distinct ports above 0: %d" % len({port for port in ports.values() if port > 0}))
            info = json.loads(run(["curl", "-sS", "http://127.0.0.1:%d/info" % ports["HTTP"]])[0])
            w.saw("/info has these ports: %s" % ((info["tcp_port"], info["http_port"]) == (ports["TCP"], ports["HTTP"])))
            w.saw("HTTPS: %s" % run(["curl", "-sS", "--cacert", str(keys / "ca.pem"),
                                     "https://127.0.0.1:%d/ping" % ports["HTTPS"]])[0])
            # Connections that are open must not keep the server from ending.
            with socket.create_connection(("127.0.0.1", ports["TCP"])) as tcp, \
                    socket.create_connection(("127.0.0.1", ports["HTTP"])) as idle:
                tcp.sendall(b"  V2")
                idle.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
                w.saw("an idle connection: %s" % idle.recv(1000).split(b"\r\n")[0].decode())
                server.send_signal(signal.SIGTERM)
                rest = server.stderr.read()
                w.saw("listening after that: %s" % ("listening on" in rest))
                w.saw("stderr ended, stdout: %r, exit %d" % (server.stdout.read(), server.wait(10)))
        finally:
            timer.cancel()
            if server.poll() is None:
                server.kill()
                server.wait()


# -- upstream's tools

@scene
def to_nsq_and_nsq_tail(w):
    with w.start():
        w.post("/topic/create?topic=t")
        w.post("/channel/create?topic=t&channel=take")
        printed, errors, ended = run([path_of("to_nsq"), "--topic", "t", "--nsqd-tcp-address", w.server.tcp],
                                     stdin=b"one\ntwo\nthree\n")
        w.saw("to_nsq: %s" % ended)
        printed, errors, ended = run([path_of("to_nsq"), "--topic", "t", "--nsqd-tcp-address", w.server.tcp,
                                      "--delimiter", ",", "--rate", "100"], stdin=b"four,five,")
        w.saw("to_nsq: %s" % ended)
        w.wait_for_channel("t", "take", depth=5)
        w.post("/pub?topic=t", b"six, over HTTP")
        w.take("t", 6)
        with w.program(path_of("nsq_tail"), "--topic", "t", "--topic", "u", "--channel", "tail#ephemeral", "--print-topic",
                       "--nsqd-tcp-address", w.server.tcp) as tail:
            for topic in "tu":
                w.wait_for_channel(topic, "tail%23ephemeral", client_count=1)
            w.post("/pub?topic=t", b"seven")
            tail.wait_for(r"(t \| seven)\n")
            w.post("/pub?topic=u", b"eight")
            tail.wait_for(r"(u \| eight)\n")
            for topic in "tu":
                w.wait_for_channel(topic, "tail%23ephemeral", in_flight_count=0)
            stats = w.stats("&topic=u&include_mem=false")
            w.saw("clients: %d" % len(stats["topics"][0]["channels"][0]["clients"]))
            w.saw_stats_text("?topic=u")
            w.saw("nsq_tail: %s" % tail.stop())
        w.ended()


@scene
def nsq_stat(w):
    with w.start():
        w.post("/topic/create?topic=t")
        w.post("/channel/create?topic=t&channel=c")
        w.post("/mpub?topic=t", b"one\ntwo\nthree")
        w.wait_for_channel("t", "c", depth=3)
        printed, errors, ended = run([path_of("nsq_stat"), "--topic", "t", "--channel", "c", "--interval", "100ms",
                                      "--count", "2", "--nsqd-http-address", w.server.http])
        w.saw(printed + ended)
        for topic, channel in (("unknown", "c"), ("t", "unknown")):
            printed, errors, ended = run([path_of("nsq_stat"), "--topic", topic, "--channel", channel, "--count", "1",
                                          "--interval", "100ms", "--nsqd-http-address", w.server.http])
            w.saw("%s%s %s" % (printed, re.sub(r"(?m)^\S+ \S+ ", "", errors), ended))
        w.ended()


@scene
def nsq_to_file(w):
    with w.start():
        for topic in "tu":
            w.post("/mpub?topic=%s" % topic, b"\n".join(b"%s %d" % (topic.encode(), n) for n in range(100)))
        for zipped in ([], ["--gzip"]):
            out = w.folder / ("zipped" if zipped else "plain")
            channel = out.name
            with w.program(path_of("nsq_to_file"), "--topic", "t", "--topic", "u", "--channel", channel, "--output-dir", out,
                           "--filename-format", "<TOPIC><REV>.log", "--sync-interval", "200ms", "--nsqd-tcp-address",
                           w.server.tcp, *zipped) as tool:
                # The messages went to the first channel; for the second there are new ones.
                if zipped:
                    for topic in "tu":
                        w.wait_for_channel(topic, channel, client_count=1)
                        w.post("/mpub?topic=%s" % topic,
                               b"\n".join(b"%s %d" % (topic.encode(), n) for n in range(100)))
                for topic in "tu":
                    w.wait_for_channel(topic, channel, message_count=100, depth=0, in_flight_count=0, client_count=1)
                w.saw("nsq_to_file %s: %s" % (" ".join(zipped), tool.stop()))
            for file in sorted(out.iterdir()):
                text = (gzip.open(file, "rt") if zipped else file.open()).read()
                lines = sorted(text.splitlines())
                w.saw("    %s: %d lines, from '%s' to '%s'" % (file.name, len(lines), lines[0], lines[-1]))
        w.ended()


class Listener(http.server.BaseHTTPRequestHandler):
    """What nsq_to_http calls; notes each request."""

    def note(self, body):
        self.server.seen.append("%s %s %s %s" % (self.command, self.path, self.headers.get("Content-Type"), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.note("")

    def do_POST(self):
        self.note(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def log_message(self, *_):
        pass


@scene
def nsq_to_http(w):
    """To a listener by GET and POST, and into another topic of the same nsqd."""
    with w.start(), http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as listener:
        listener.seen = []
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        here = "http://127.0.0.1:%d" % listener.server_port
        for channel, target in (("get", ["--get", here + "/got?body=%s"]),
                                ("post", ["--post", here + "/posted", "--content-type", "text/plain"]),
                                ("nsqd", ["--post", "http://%s/pub?topic=copy" % w.server.http])):
            w.post("/topic/create?topic=t")
            w.post("/channel/create?topic=t&channel=" + channel)
            w.post("/mpub?topic=t", b"one\ntwo & more\nthree")
            with w.program(path_of("nsq_to_http"), "--topic", "t", "--channel", channel, "--nsqd-tcp-address", w.server.tcp,
                           *target) as tool:
                w.wait_for_channel("t", channel, depth=0, in_flight_count=0, client_count=1)
                w.saw("nsq_to_http %s: %s" % (channel, tool.stop()))
            w.post("/channel/delete?topic=t&channel=" + channel)
        listener.shutdown()
        for line in sorted(listener.seen):
            w.saw("    " + line)
        w.take("copy", 3)
        w.ended()


@scene
def nsq_to_nsq(w):
    """From one topic to another, all messages, and those whose JSON has a field."""
    with w.start():
        bodies = [json.dumps({"kind": kind, "number": n, "secret": "x"}) for n, kind in enumerate(("a", "b", "a"))]
        for destination, more in (("all", []), ("some", ["--require-json-field", "kind", "--require-json-value", "a",
                                                        "--whitelist-json-field", "number"])):
            w.post("/topic/create?topic=t")
            w.post("/channel/create?topic=t&channel=" + destination)
            w.post("/mpub?topic=t", "\n".join(bodies).encode())
            with w.program(path_of("nsq_to_nsq"), "--topic", "t", "--channel", destination, "--nsqd-tcp-address",
                           w.server.tcp, "--destination-nsqd-tcp-address", w.server.tcp, "--destination-topic", destination,
                           *more) as tool:
                w.wait_for_channel("t", destination, depth=0, in_flight_count=0, client_count=1)
                w.saw("nsq_to_nsq: %s" % tool.stop())
            w.take(destination, 2 if more else 3)
            w.post("/channel/delete?topic=t&channel=" + destination)
        w.ended()


@scene
def nsqadmin_api(w):
    """The JSON behind nsqadmin's pages, and its actions; ci/interop-nsqadmin shows the pages in a browser."""
    with w.start():
        w.post("/mpub?topic=t", b"one\ntwo")
        w.post("/channel/create?topic=t&channel=c")
        w.wait_for_channel("t", "c", depth=2)
        w.post("/topic/create?topic=u")
        with w.program(path_of("nsqadmin"), "--http-address=127.0.0.1:0", "--nsqd-http-address", w.server.http) as admin:
            base = "http://" + admin.wait_for(r"HTTP: listening on (127\.0\.0\.1:\d+)\n")
            node = "/api/nodes/%s" % w.server.http

            def see(path, *options):
                answer = w.curl(path, *options, base=base)
                w.saw("%s %s" % (path, " ".join(options)))
                w.saw("    " + (masked_json(answer) if answer[:1] in "{[" else answer))

            for path in ("/api/topics", "/api/topics/t", "/api/topics/t/c", "/api/nodes", node, "/api/counter",
                         "/api/topics/unknown"):
                see(path)
            for action in ("pause", "unpause", "empty"):
                for path in ("/api/topics/t", "/api/topics/t/c"):
                    see(path, "-d", '{"action": "%s"}' % action)
                    w.stats("&include_mem=false")
            see("/api/topics", "-d", '{"topic": "new", "channel": "c"}')
            see("/api/topics/t/c", "-X", "DELETE")
            see("/api/topics/u", "-X", "DELETE")
            see("/api/topics")
            w.stats("&include_mem=false")
            w.saw("nsqadmin: %s" % admin.stop())
        w.ended()


@scene
def pynsq_publishes_over_http(w):
    """pynsq has no call that publishes over HTTP; its users take Tornado's client, as pynsq does for nsqlookupd."""
    with w.start():
        printed, errors, ended = run([w.options.pynsq / "venv/bin/python", "-B", HERE / "publish_http.py", w.server.tcp,
                                      w.server.http], limit=40)
        w.saw(printed + (ended if ended == "exit 0" else errors + ended))
        w.ended()


def play(job):
    """Plays a scene on a server; returns what it saw."""
    name, path, number, options = job
    w = World(name, path, number, options)
    start = time.monotonic()
    try:
        SCENES[name](w)
    except Exception as reason:  # whatever it is, it is a difference
        lines = [frame.lineno for frame in traceback.extract_tb(reason.__traceback__) if frame.filename == __file__]
        w.lines.append("%s: failed: %s, at the lines %s" % (name, repr(reason), lines))
    return name, number, w.lines, time.monotonic() - start


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--logs", type=pathlib.Path, required=True)
    options.add_argument("--pynsq", type=pathlib.Path, required=True)
    options.add_argument("--only", default="")
    options.add_argument("--write", action="store_true", help="write what the first server showed as expected")
    options.add_argument("--server", action="append", required=True)
    options = options.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    options.logs = options.logs.resolve()
    signal.signal(signal.SIGTERM, servers.end_all)
    options.pynsq = options.pynsq.resolve()
    options.certificates = options.logs / "certificates"
    certificates.make(options.certificates)

    expected, head = {}, []
    for line in (HERE / "tools-expected.txt").read_text().splitlines():
        if line.startswith("#"):
            head.append(line)
        elif line:
            expected.setdefault(line.split(":")[0], []).append(line)
    names = [name for name in SCENES if options.only in name]
    jobs = [(name, path, number, options) for name in names for number, path in enumerate(options.server)]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for name, number, lines, seconds in pool.map(play, jobs):
            if options.write:
                expected[name] = lines
            good = lines == expected.get(name)
            passed, failed = passed + good, failed + (not good)
            print("%s on %s: %d lines, %s (%.1f s)"
                  % (name, options.server[number], len(lines), "as expected" if good else "NOT as expected", seconds))
            if not good:
                for line in list(difflib.unified_diff(expected.get(name, []), lines, "expected", "seen", lineterm=""))[:40]:
                    print("    " + line[:400])
            sys.stdout.flush()
    if options.write:
        blocks = ["\n".join(lines) for lines in expected.values()]
        (HERE / "tools-expected.txt").write_text("\n\n".join(["\n".join(head), *blocks]) + "\n")
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
