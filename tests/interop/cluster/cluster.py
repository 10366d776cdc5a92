"""A cluster on this machine, for the scenes: nsqlookupds and nsqds of one pair of programs, what they are asked, and
what must be seen. Every program has a name of one word, which stands for its addresses in what is seen."""

import collections
import contextlib
import http.client
import itertools
import json
import os
import shutil
import socket
import statistics
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from servers import Program

LIMIT = 45  # seconds for what must happen in the end; an nsqd sends a PING every 15 seconds
PROMISE = 0.1  # seconds in which a change must be seen, in most of the tries
TRIES = 7
MORE_TRIES = 21  # when other programs keep the machine busy
POLL = 0.02  # seconds between two questions
POLL_SOON = 0.005

Pair = collections.namedtuple("Pair", "name nsqd nsqlookupd")

# Ports below those that systems give to outgoing connections, so that a program can be started again at its port. The
# first is different for each run, so that two runs on one machine seldom meet.
PORTS = itertools.cycle(range(11000, 31000))
PORTS_LOCK = threading.Lock()
for _ in range(os.getpid() * 97 % 20000):
    next(PORTS)


def free_port():
    """A port of 127.0.0.1 where nothing listens, which this function gives once."""
    with PORTS_LOCK:
        for port in itertools.islice(PORTS, 2000):
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("no port is free")


def address(port):
    return "127.0.0.1:%d" % port


class Failed(Exception):
    """What a scene saw is not what it wants."""


class Node:
    """An nsqd or nsqlookupd with two fixed ports. It can be started again, with the same files."""

    def __init__(self, cluster, name, path, flags):
        self.cluster, self.name = cluster, name
        self.tcp_port, self.http_port = free_port(), free_port()
        self.tcp, self.http = address(self.tcp_port), address(self.http_port)
        self.starts = 0
        self.program = None
        self.command = [path, "--tcp-address=" + self.tcp, "--http-address=" + self.http, *flags]

    def start(self):
        self.starts += 1
        self.program = Program(self.command, self.cluster.folder / ("%s-%d.log" % (self.name, self.starts)))
        self.cluster.programs.append(self.program)
        self.program.wait_for(r"TCP: listening on (.*)\n")
        self.program.wait_for(r"HTTP: listening on (.*)\n")
        return self

    def stop(self):
        """Ends it with SIGTERM. Its end must be clean."""
        wrong = self.program.end()
        if wrong:
            raise Failed("%s: %s" % (self.name, wrong))

    def kill(self):
        self.program.process.kill()
        self.program.process.wait()

    def ask(self, path, method="GET", body=None):
        """The status, and the body as a text."""
        connection = http.client.HTTPConnection(self.http, timeout=LIMIT)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def json(self, path):
        return json.loads(self.ask(path)[1])

    def post(self, path, body=b"", method="POST"):
        status, text = self.ask(path, method, body)
        if status != 200:
            raise Failed("%s: %s %s: %d %s" % (self.name, method, path, status, text))


class Nsqd(Node):
    def topic(self, topic):
        self.post("/topic/create?topic=" + topic.replace("#", "%23"))

    def channel(self, topic, channel):
        self.post("/channel/create?topic=%s&channel=%s" % (topic, channel.replace("#", "%23")))

    def channel_of_new_topic(self, topic, channel):
        self.topic(topic)
        self.channel(topic, channel)

    def come_back(self, topics):
        """Starts it again. `topics` is what it had on disk: {topic: [channel]}. An nsqd that stores nothing, and says
        so, is told them once more."""
        self.start()
        if "no message is stored" in self.program.said():
            for topic, channels in topics.items():
                self.topic(topic)
                for channel in channels:
                    self.channel(topic, channel)

    def publish(self, topic, body):
        self.post("/pub?topic=" + topic, body.encode())

    def channels(self, topic):
        """What /stats says of a topic's channels: "name depth", in order."""
        topics = self.json("/stats?format=json&topic=" + topic)["topics"] or []
        return " ".join("%s %d" % (channel["channel_name"], channel["depth"])
                        for found in topics for channel in found["channels"])


class Nsqlookupd(Node):
    def producers(self, topic):
        """What /lookup says: the names of the nsqds, then the channels, as in "A B [x y]"; or the error."""
        status, text = self.ask("/lookup?topic=" + topic.replace("#", "%23"))
        answer = json.loads(text)
        if status != 200:
            return "%d %s" % (status, answer["message"])
        names = sorted(self.cluster.name_of(producer) for producer in answer["producers"])
        return " ".join([*names, "[%s]" % " ".join(sorted(answer["channels"]))])

    def nodes(self):
        """What /nodes says: "A(x -y) B()", where topic y of A is tombstoned."""
        def shown(producer):
            topics = sorted(("-" if dead else "") + topic
                            for topic, dead in zip(producer["topics"], producer["tombstones"]))
            return "%s(%s)" % (self.cluster.name_of(producer), " ".join(topics))
        return " ".join(sorted(shown(producer) for producer in self.json("/nodes")["producers"]))

    def topics(self):
        return " ".join(sorted(self.json("/topics")["topics"]))

    def channels(self, topic):
        return " ".join(sorted(self.json("/channels?topic=" + topic)["channels"]))


class Cluster:
    """The programs of a scene."""

    def __init__(self, pair, folder, clients):
        self.pair, self.folder, self.clients = pair, folder, clients
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.nodes = []
        self.programs = []
        self.took = []  # how many seconds passed until a change was seen, for each try
        self.closing = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        try:
            for node in reversed(self.nodes):  # the nsqds first
                if failed is None and node.program and node.program.process.poll() is None:
                    node.stop()
        finally:
            for program in self.programs:
                program.__exit__()
            self.closing.close()

    def add(self, node, start):
        self.nodes.append(node)
        return node.start() if start else node

    def nsqlookupd(self, name, *flags, start=True):
        return self.add(Nsqlookupd(self, name, self.pair.nsqlookupd, ["--broadcast-address=127.0.0.1", *flags]), start)

    def nsqd(self, name, *lookupds, flags=(), start=True):
        """An nsqd that registers with these nsqlookupds; each is a Node or an address."""
        data = self.folder / ("data-" + name)
        data.mkdir()
        told = ["--lookupd-tcp-address=" + getattr(lookupd, "tcp", lookupd) for lookupd in lookupds]
        return self.add(Nsqd(self, name, self.pair.nsqd, ["--broadcast-address=127.0.0.1", "--data-path=%s" % data,
                                                          *told, *flags]), start)

    def program(self, name, command):
        program = Program(command, self.folder / (name + ".log"))
        self.programs.append(program)
        return program

    def refusing(self):
        """An address that refuses every connection until the end of the scene."""
        held = self.closing.enter_context(socket.socket())
        held.bind(("127.0.0.1", free_port()))
        return address(held.getsockname()[1])

    def silent(self):
        """An address that accepts connections and never says anything."""
        held = self.closing.enter_context(socket.create_server(("127.0.0.1", free_port())))
        return address(held.getsockname()[1])

    def name_of(self, producer):
        for node in self.nodes:
            if producer["tcp_port"] == node.tcp_port:
                return node.name
        return "unknown:%d" % producer["tcp_port"]

    # What must be seen. A function `ask` returns what there is.

    @staticmethod
    def is_now(ask, wanted):
        seen = ask()
        if seen != wanted:
            raise Failed("wanted %r, saw %r" % (wanted, seen))

    @staticmethod
    def becomes(ask, wanted, limit=LIMIT, poll=POLL):
        """Asks until it is so; returns how long that took, in seconds."""
        start = time.monotonic()
        while True:
            seen = ask()
            passed = time.monotonic() - start
            if seen == wanted:
                return passed
            if passed > limit:
                raise Failed("wanted %r within %g s, saw %r" % (wanted, limit, seen))
            time.sleep(poll)

    @classmethod
    def stays(cls, ask, wanted, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            cls.is_now(ask, wanted)
            time.sleep(0.05)

    def is_seen_soon(self, change, ask, wanted):
        """Makes a change several times. Most of these changes must be seen within the time promised: the median counts,
        because a single one may have to wait for other programs of the machine. All three functions are told which try
        it is."""
        took = []
        while len(took) < TRIES or (statistics.median(took) > PROMISE and len(took) < MORE_TRIES):
            number = len(took)
            change(number)
            took.append(self.becomes(lambda: ask(number), wanted(number), poll=POLL_SOON))
        self.took += took
        if statistics.median(took) > PROMISE:
            raise Failed("the median of %d tries is %d ms, not %d ms at most"
                         % (len(took), statistics.median(took) * 1000, PROMISE * 1000))
