"""nsqd's side of protocol V1: upstream's nsqd and this project's send the same bytes to the same nsqlookupds.

    lookup.py --server-a PATH --server-b PATH --lookupd PATH [--only PART] [--show]

Most cases have scripted nsqlookupds, which keep all that they receive. Each case starts one nsqd of each kind and plays
the same conversation with both; what their nsqlookupds have received must be equal. Upstream's nsqd registers in
random order, so the lines of several registrations in a row are sorted. The cases `real/` run upstream's nsqlookupd,
and compare what it shows of each nsqd. The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import http.client
import itertools
import json
import pathlib
import signal
import socket
import struct
import sys
import tempfile
import threading
import time

import servers

LIMIT = 20  # seconds; for every wait
LANES = 8  # servers that run side by side; they only wait
TRIES = 3  # of a case, for the sake of the 1 s that an nsqlookupd has. A bad end of a server is final
CALM = 0.4  # seconds in which nothing may happen


class BadEnd(Exception):
    """A server has ended by itself, or with another code than 0, or a sanitizer has found something."""


def framed(data):
    return struct.pack(">i", len(data)) + data


class Lookupd:
    """A scripted nsqlookupd. `script(connection, command)` returns what follows a command: bytes to send, None for the
    usual reply, or CLOSE. `connections` has a list of commands for each connection, and "END" when it is closed."""

    CLOSE = object()
    usual = {}  # no broadcast address

    def __init__(self, script=None, channels=None):
        self.script = script or (lambda connection, command: None)
        self.connections = []
        self.requests = []
        self.channels = channels  # the answer to GET /channels
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.web = socket.create_server(("127.0.0.1", 0))
        self.web_port = self.web.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener, self.talk), daemon=True).start()
        threading.Thread(target=self.accept, args=(self.web, self.answer), daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def accept(self, listener, serve):
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            self.sockets.append(client)
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    def talk(self, client):
        number = len(self.connections)
        commands = []
        self.connections.append(commands)
        stream = client.makefile("rb")
        try:
            commands.append(stream.read(4).decode())
            for line in stream:
                command = line.decode()
                if command == "IDENTIFY\n":
                    command += stream.read(struct.unpack(">i", stream.read(4))[0]).decode()
                commands.append(command)
                reply = self.script(number, command)
                if reply is self.CLOSE:
                    client.shutdown(socket.SHUT_RDWR)
                    break
                client.sendall(self.reply_to(command) if reply is None else reply)
        except OSError:
            pass
        commands.append("END")

    def reply_to(self, command):
        if not command.startswith("IDENTIFY"):
            return framed(b"OK")
        info = {"broadcast_address": "127.0.0.1" if self.channels is not None else "", "hostname": "h",
                "http_port": self.web_port, "tcp_port": self.port, "version": "1.3.0"}
        return framed(json.dumps(info).encode())

    def answer(self, client):
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            piece = client.recv(4096)
            if not piece:
                return
            request += piece
        self.requests.append(request.decode())
        body = self.channels
        client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        client.close()

    def close_all(self):
        for client in self.sockets:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def end(self):
        for one in (self.listener, self.web):
            one.close()
        self.close_all()

    def wait(self, *commands, connection=-1):
        """Waits until these commands have arrived on a connection: by number, or on the latest one."""
        def there():
            got = self.connections[connection] if len(self.connections) > max(connection, 0) else []
            return all(any(one == c or one == c + "\n" for one in got) for c in commands)
        servers.wait_until(there, "%r: %r" % (commands, self.connections), LIMIT)

    def wait_connections(self, count):
        servers.wait_until(lambda: len(self.connections) >= count, "connection %d" % count, LIMIT)
        servers.wait_until(lambda: len(self.connections[-1]) > 1, "its first command", LIMIT)


class Run:
    """One server under a case."""

    def __init__(self, server, lookupds):
        self.server = server
        self.lookupds = lookupds
        self.notes = []  # what is compared besides

    def http(self, method, target, body=b""):
        connection = http.client.HTTPConnection(self.server.http, timeout=LIMIT)
        connection.request(method, target.replace("#", "%23"), body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == 200, (target, answer.status, text)
        return text

    def create(self, topic, channel=""):
        """Makes a topic, or a channel of a topic that exists."""
        kind = "channel" if channel else "topic"
        self.http("POST", "/%s/create?topic=%s" % (kind, topic) + ("&channel=" + channel if channel else ""))

    def delete(self, topic, channel=""):
        kind = "channel" if channel else "topic"
        self.http("POST", "/%s/delete?topic=%s" % (kind, topic) + ("&channel=" + channel if channel else ""))

    def create_and_see(self, topic, channel="", at=0):
        self.create(topic, channel)
        self.lookupds[at].wait(("REGISTER %s %s" % (topic, channel)).strip())

    def depths(self, topic):
        stats = json.loads(self.http("GET", "/stats?format=json&topic=" + topic))["topics"][0]
        return {"": stats["depth"], **{c["channel_name"]: c["depth"] for c in stats["channels"]}}


# --- cases: (lookupds, flags, what is done). Each returns when the nsqlookupds have received everything ----------------

def start(run):
    run.lookupds[0].wait_connections(1)
    time.sleep(CALM)


def changes(run):
    lookupd = run.lookupds[0]
    run.lookupds[0].wait_connections(1)
    run.create_and_see("t")
    run.create_and_see("t", "c")
    client = servers.Client(run.server)
    client.do("SUB u#ephemeral d#ephemeral")
    lookupd.wait("REGISTER u#ephemeral", "REGISTER u#ephemeral d#ephemeral")
    client.socket.close()
    lookupd.wait("UNREGISTER u#ephemeral", "UNREGISTER u#ephemeral d#ephemeral")
    client = servers.Client(run.server)
    client.do("PUB p", b"x")
    lookupd.wait("REGISTER p")
    run.create_and_see("p", "e")
    run.delete("p", "e")
    lookupd.wait("UNREGISTER p e")
    run.delete("t")
    lookupd.wait("UNREGISTER t", "UNREGISTER t c")
    time.sleep(CALM)


def ping(run):
    lookupd = run.lookupds[0]
    lookupd.wait("PING")
    begun = time.monotonic()
    servers.wait_until(lambda: lookupd.connections[0].count("PING\n") == 2, "the second PING", LIMIT)
    assert abs(time.monotonic() - begun - 15) < 2, "PINGs are %.1f s apart" % (time.monotonic() - begun)


def reconnects(run):
    """The nsqlookupd closes the connection after the script's choice; the next change connects again."""
    lookupd = run.lookupds[0]
    lookupd.wait_connections(1)
    run.create("a")
    lookupd.wait("END", connection=0)
    time.sleep(0.1)
    run.create("b")
    lookupd.wait_connections(2)
    servers.wait_until(lambda: lookupd.connections[1].count("REGISTER b\n") == 2, "b again", LIMIT)
    run.create_and_see("b", "c")
    time.sleep(CALM)


def reconnects_after_identify(run):
    lookupd = run.lookupds[0]
    lookupd.wait("END", connection=0)
    run.create("a")
    lookupd.wait_connections(2)
    servers.wait_until(lambda: lookupd.connections[1].count("REGISTER a\n") == 2, "a again", LIMIT)
    time.sleep(CALM)


def silence(run):
    run.lookupds[0].wait_connections(1)
    begun = time.monotonic()
    run.create("a")
    run.lookupds[0].wait("REGISTER a")
    run.lookupds[0].wait("END", connection=0)
    assert 0.9 < time.monotonic() - begun < 2, "%.2f s" % (time.monotonic() - begun)


def idle_end(run):
    """Departure 111: this server connects at the first change, upstream's at the second one."""
    lookupd = run.lookupds[0]
    lookupd.wait_connections(1)
    run.create_and_see("a")
    time.sleep(0.1)
    lookupd.close_all()
    lookupd.wait("END", connection=0)
    run.create("b")
    time.sleep(CALM)
    run.create("c")
    lookupd.wait("REGISTER a", "REGISTER b", "REGISTER c", connection=1)
    time.sleep(CALM)
    for connection in lookupd.connections:
        connection[:] = sorted(set(connection))


def odd_replies(run):
    run.lookupds[0].wait_connections(1)
    for topic in "abcdef":
        run.create_and_see(topic)
    time.sleep(CALM)


def known_channels(run):
    lookupd = run.lookupds[0]
    lookupd.wait_connections(1)
    time.sleep(CALM)  # the reply to IDENTIFY is read
    run.http("POST", "/pub?topic=t", b"first")
    lookupd.wait("REGISTER t", "REGISTER t one", "REGISTER t two")
    time.sleep(CALM)
    run.notes.append(run.depths("t"))


def both(run):
    for lookupd in run.lookupds:
        lookupd.wait_connections(1)
    run.create("t")
    for lookupd in run.lookupds:
        lookupd.wait("REGISTER t")
    time.sleep(CALM)


def one_dead(run):
    run.lookupds[0].wait_connections(1)
    run.create_and_see("t")
    run.create_and_see("t", "c")
    time.sleep(CALM)


def live_list(run):
    first, second = run.lookupds
    first.wait_connections(1)
    run.create_and_see("t")
    put = lambda *addresses: run.notes.append(len(json.loads(run.http(
        "PUT", "/config/nsqlookupd_tcp_addresses", json.dumps(addresses).encode()))))
    put(second.address)
    first.wait("END", connection=0)
    second.wait("REGISTER t")
    run.create_and_see("u", at=1)
    put(first.address, second.address)
    first.wait_connections(2)
    first.wait("REGISTER t", "REGISTER u")
    run.create("v")
    first.wait("REGISTER v")
    second.wait("REGISTER v")
    put()
    first.wait("END", connection=1)
    second.wait("END", connection=0)
    run.create("w")
    time.sleep(CALM)


def real_scene(run, lookupd):
    """What upstream's nsqlookupd shows after some changes."""
    def show(target):
        connection = http.client.HTTPConnection(lookupd, timeout=LIMIT)
        connection.request("GET", target)
        text = connection.getresponse().read().decode()
        connection.close()
        return json.loads(text)

    def shows(target, key, expected):
        servers.wait_until(lambda: sorted(show(target).get(key, [])) == expected, "%s: %s" % (target, expected), LIMIT)

    servers.wait_until(lambda: show("/nodes")["producers"], "the nsqd", LIMIT)
    begun = time.monotonic()
    run.create("t")
    shows("/topics", "topics", ["t"])
    assert time.monotonic() - begun < 1, "registered after %.2f s" % (time.monotonic() - begun)
    run.create("t", "c")
    run.create("t", "d")
    run.create("u")
    client = servers.Client(run.server)
    client.do("SUB u e#ephemeral")
    shows("/channels?topic=t", "channels", ["c", "d"])
    shows("/channels?topic=u", "channels", ["e#ephemeral"])
    client.socket.close()
    shows("/channels?topic=u", "channels", [])
    run.delete("t", "d")
    run.create("v")
    run.delete("v")
    time.sleep(CALM)
    nodes = show("/nodes")["producers"]
    for node in nodes:
        node["remote_address"] = node["tcp_port"] = node["http_port"] = ""
        node["topics"].sort()
    lookup = show("/lookup?topic=t")
    for producer in lookup["producers"]:
        producer["remote_address"] = producer["tcp_port"] = producer["http_port"] = ""
    lookup["channels"].sort()
    run.server.stop()
    shows("/nodes", "producers", [])
    return [nodes, lookup, show("/lookup?topic=t")["producers"]]


def real_channels(run, lookupd):
    """The channels that nsqlookupd knows exist before the first message flows. One of them was made by hand."""
    connection = http.client.HTTPConnection(lookupd, timeout=LIMIT)
    for target in ("/topic/create?topic=n", "/channel/create?topic=n&channel=known"):
        connection.request("POST", target, b"")
        connection.getresponse().read()
    connection.close()
    run.server.wait_for(r"(peer info)")
    run.http("POST", "/pub?topic=n", b"first")
    servers.wait_until(lambda: run.depths("n").get("known") == 1, "the message in the channel", LIMIT)
    return run.depths("n")


def at(place, reply):
    """A script: this reply to the first command of the first connection that begins with `place`."""
    said = []

    def script(connection, command):
        if connection == 0 and command.startswith(place) and not said:
            said.append(command)
            return reply
        return None
    return script


def cycle(*replies):
    rest = itertools.cycle(replies)
    return lambda connection, command: None if command.startswith("IDENTIFY") else next(rest)


ODD = [framed(b"E_INVALID"), framed(b""), framed(b"\x00\xff"), framed(b"OK") + framed(b"x") + b"\0\0", b"\0\0\0\1x"]

CASES = {
    "start": ([Lookupd], [], start),
    "start/broadcast": ([Lookupd], ["--broadcast-address=b.example", "--broadcast-tcp-port=1", "--broadcast-http-port=2"],
                        start),
    "start/twice": ([Lookupd], ["twice"], start),
    "changes": ([Lookupd], [], changes),
    "ping": ([Lookupd], [], ping),
    "ping/end": ([lambda: Lookupd(at("PING", Lookupd.CLOSE))], [], lambda run: run.lookupds[0].wait("END", connection=0)),
    "reconnects": ([lambda: Lookupd(at("REGISTER", Lookupd.CLOSE))], [], reconnects),
    "reconnects/size": ([lambda: Lookupd(at("REGISTER", b"\x7f\xff\xff\xff"))], [], reconnects),
    "reconnects/silence": ([lambda: Lookupd(at("REGISTER", b""))], [], silence),
    "reconnects/part": ([lambda: Lookupd(at("REGISTER", b"\0\0\0\2O"))], [], silence),
    "reconnects/idle": ([Lookupd], [], idle_end),
    "identify/invalid": ([lambda: Lookupd(at("IDENTIFY", framed(b"E_INVALID")))], [], reconnects_after_identify),
    "identify/text": ([lambda: Lookupd(at("IDENTIFY", framed(b"OK")))], [], reconnects_after_identify),
    "identify/type": ([lambda: Lookupd(at("IDENTIFY", framed(b'{"tcp_port":"1"}')))], [], reconnects_after_identify),
    "identify/array": ([lambda: Lookupd(at("IDENTIFY", framed(b"[]")))], [], reconnects_after_identify),
    "identify/empty": ([lambda: Lookupd(at("IDENTIFY", framed(b"")))], [], reconnects_after_identify),
    "identify/large": ([lambda: Lookupd(at("IDENTIFY", b"\x7f\0\0\0"))], [], reconnects_after_identify),
    "identify/object": ([lambda: Lookupd(at("IDENTIFY", framed(b"{}")))], [], odd_replies),
    "identify/null": ([lambda: Lookupd(at("IDENTIFY", framed(b"null")))], [], odd_replies),
    "identify/unknown": ([lambda: Lookupd(at("IDENTIFY", framed(b'{"x":[1],"VERSION":null}')))], [], odd_replies),
    "odd-replies": ([lambda: Lookupd(cycle(*ODD))], [], odd_replies),
    "channels": ([lambda: Lookupd(channels=b'{"channels":["two","one","e#ephemeral","one"]}')], [], known_channels),
    "two": ([Lookupd, Lookupd], [], both),
    "two/dead": ([Lookupd], ["dead"], one_dead),
    "list": ([Lookupd, Lookupd], ["only-first"], live_list),
    "real": (None, [], real_scene),
    "real/channels": (None, [], real_channels),
}


# --- the comparison ---------------------------------------------------------------------------------------------------

def in_order(commands):
    """Sorts the lines of registrations in a row."""
    kind = lambda command: command.split(" ")[0]
    return [line for _, group in itertools.groupby(commands, kind) for line in sorted(group)]


def transcript(run):
    """All that the nsqlookupds have received, without ports."""
    def mask(text):
        for number, lookupd in enumerate(run.lookupds):
            text = text.replace(":%d" % lookupd.web_port, ":WEB%d" % number)
        return run.server.mask(text)
    lines = []
    for lookupd in run.lookupds:
        for commands in lookupd.connections:
            lines += ["-- connection"] + [mask(command) for command in in_order(commands)]
        lines += [mask(request) for request in lookupd.requests]
    return lines + run.notes


def flags_for(lookupds, words):
    given = [word for word in words if word.startswith("--")]
    used = lookupds[:1] if "only-first" in words else lookupds
    addresses = [lookupd.address for lookupd in used]
    if "twice" in words:
        addresses *= 2
    if "dead" in words:
        dead = socket.socket()  # bound, and nobody listens
        dead.bind(("127.0.0.1", 0))
        addresses.insert(0, "127.0.0.1:%d" % dead.getsockname()[1])
    return given + ["--lookupd-tcp-address=" + address for address in addresses]


def end_well(server):
    trouble = server.end() if server.process.poll() is None else ""
    if trouble:
        raise BadEnd(trouble)


def play(path, case, log):
    kinds, words, do = case
    lookupds = [kind() for kind in kinds]
    try:
        with servers.Server(path, log, *flags_for(lookupds, words)) as server:
            run = Run(server, lookupds)
            do(run)
            end_well(server)
            for lookupd in lookupds:
                for number in range(len(lookupd.connections)):
                    lookupd.wait("END", connection=number)
            return transcript(run)
    finally:
        for lookupd in lookupds:
            lookupd.end()


def play_real(path, lookupd, case, log):
    command = [lookupd, "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--broadcast-address=127.0.0.1"]
    with servers.Program(command, log.with_suffix(".lookupd")) as program:
        tcp = program.wait_for(r"TCP: listening on (127\.0\.0\.1:\d+)\n")
        web = program.wait_for(r"HTTP: listening on (127\.0\.0\.1:\d+)\n")
        # nsqlookupd announces the ports of its flags, which are 0 here.
        if case[2] is real_channels:
            program.stop()
            command[1:3] = ["--tcp-address=" + tcp, "--http-address=" + web]
            with servers.Program(command, log.with_suffix(".lookupd2")) as again:
                again.wait_for(r"HTTP: listening on (127\.0\.0\.1:\d+)\n")
                return play_with(path, tcp, web, case, log)
        return play_with(path, tcp, web, case, log)


def play_with(path, tcp, web, case, log):
    with servers.Server(path, log, "--lookupd-tcp-address=" + tcp) as server:
        result = case[2](Run(server, []), web)
        end_well(server)
        return [result]


def compare(options, name, logs):
    case = CASES[name]
    results = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for side, path in (("a", options.server_a), ("b", options.server_b)):
            log = logs / (name.replace("/", "-") + "-" + side)
            if case[0] is None:
                results.append(pool.submit(play_real, path, options.lookupd, case, log))
            else:
                results.append(pool.submit(play, path, case, log))
    a, b = (result.result() for result in results)
    if options.show:
        print("\n".join("%s %s: %s" % (name, side, line) for side, lines in (("a", a), ("b", b)) for line in lines))
    return "" if a == b else "differs:\n%s\n%s" % (a, b)


def try_case(options, name, logs):
    for left in reversed(range(TRIES)):
        try:
            trouble = compare(options, name, logs)
        except BadEnd as error:
            return str(error)
        except (AssertionError, RuntimeError, OSError) as error:
            trouble = "%s: %s" % (type(error).__name__, error)
        if not trouble or not left:
            return trouble
        print("again  %s: %s" % (name, trouble), flush=True)
    return "unreachable"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server-a", required=True)
    parser.add_argument("--server-b", required=True)
    parser.add_argument("--lookupd", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, servers.end_all)
    names = [name for name in CASES if options.only in name]
    failed = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        jobs = {name: pool.submit(try_case, options, name, pathlib.Path(folder)) for name in names}
        for name, job in jobs.items():
            trouble = job.result()
            failed += trouble != ""
            if trouble:
                print("failed %s: %s" % (name, trouble), flush=True)
    print("%d passed, %d failed" % (len(names) - failed, failed))
    return 0 if names and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
