"""The reports to statsd: upstream's nsqd and this project's do the same, and send the same datagrams in the same order.

    statsd.py --server-a PATH --server-b PATH [--only PART] [--show]

Each case starts one server of each kind, with a UDP socket of its own as the statsd server, and plays the same
conversation with both. What a case does between two reports begins when the first datagram of a report has arrived,
because its figures are complete then. All servers have the same prefix, by --broadcast-address and
--broadcast-http-port, so that datagrams are equal byte for byte; memory figures and latencies are masked. Each case ends
with SIGTERM while the last report is being sent. The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import http.client
import pathlib
import re
import signal
import socket
import sys
import tempfile
import threading
import time

import servers

LIMIT = 20  # seconds; for every wait
LANES = 8  # servers that run side by side; they only wait
INTERVAL = 3  # seconds between two reports
SPREAD_SLACK = 0.5  # seconds by which a report may be longer or shorter than its spread; only other programs delay it
TRIES = 3  # of a case, for the sake of this slack and of the time between reports. A bad end of a server is final
FLAGS = ["--statsd-interval=%ds" % INTERVAL, "--broadcast-address=h.example", "--broadcast-http-port=4151",
         "--max-msg-timeout=1h", "--msg-timeout=1h"]


class BadEnd(Exception):
    """A server has ended by itself, or with another code than 0, or a sanitizer has found something."""


class Receiver:
    """A statsd server: keeps all datagrams with the times at which they came."""

    def __init__(self, family=socket.AF_INET, host="127.0.0.1"):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.settimeout(0.1)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        self.got = []
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                self.got.append((time.monotonic(), self.socket.recv(1 << 17)))
            except socket.timeout:
                if self.over:
                    return

    def end(self):
        self.over = True
        self.thread.join()
        self.socket.close()


class Run:
    """One server under a case."""

    def __init__(self, server, receiver):
        self.server = server
        self.receiver = receiver
        self.clients = []
        self.firsts = []  # the numbers of the first datagrams of all reports

    def post(self, target, body=b""):
        connection = http.client.HTTPConnection(self.server.http, timeout=LIMIT)
        connection.request("POST", target, body)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, (target, answer.status)

    def pub(self, topic, *bodies):
        for body in bodies:
            self.post("/pub?topic=" + topic.replace("#", "%23"), body)

    def create(self, topic, *channels):
        self.post("/topic/create?topic=" + topic.replace("#", "%23"))
        for channel in channels:
            self.post("/channel/create?topic=%s&channel=%s" % (topic.replace("#", "%23"), channel.replace("#", "%23")))

    def delete(self, topic, channel=""):
        target = "/channel/delete?topic=%s&channel=%s" % (topic, channel) if channel else "/topic/delete?topic=" + topic
        self.post(target)

    def subscribe(self, topic, channel, ready=1):
        client = servers.Client(self.server)
        self.clients.append(client)
        client.do("SUB %s %s" % (topic, channel))
        client.send("RDY %d" % ready)
        return client

    def await_report(self):
        """Waits for the next report and its first datagram. The report before is over since a second at least."""
        said = len(self.firsts) + 1
        servers.wait_until(lambda: self.pushes() >= said, "report %d" % said, LIMIT)
        begun = time.monotonic() - 0.5
        first = lambda: [i for i, (at, _) in enumerate(self.receiver.got) if at > begun]
        self.firsts.append(servers.wait_until(first, "its first datagram", LIMIT)[0])

    def pushes(self):
        return self.server.said().count("STATSD: pushing stats")

    def spread(self, report):
        """How long a whole report took, and how many datagrams it had."""
        got = self.receiver.got[self.firsts[report]:self.firsts[report + 1]]
        return got[-1][0] - got[0][0], len(got)


# --- what the cases do ------------------------------------------------------------------------------------------------

def fill(run):
    """Messages that are queued, finished, requeued, deferred and in flight."""
    run.create("alpha", "one", "two")
    run.create("gamma")
    run.pub("beta", b"hello", b"x")
    run.pub("alpha", b"m0", b"m1", b"m22", b"m333")
    run.post("/pub?topic=alpha&defer=600000", b"later")
    client = run.subscribe("alpha", "one")
    client.send("FIN " + client.message())
    client.send("REQ %s 600000" % client.message())
    client.message()
    run.subscribe("alpha", "one", 0)


def one_report(run):
    fill(run)
    run.await_report()


def deltas(run):
    fill(run)
    run.create("going", "a", "b")
    run.create("coming", "a")
    run.pub("going", b"1", b"22", b"333")
    run.pub("coming", b"1", b"22")
    run.await_report()
    run.pub("beta", b"more")
    run.delete("coming")  # made again with less: its counts go back
    run.create("coming", "a", "0", "z")
    run.pub("coming", b"1")
    run.delete("going", "a")
    run.delete("gamma")
    run.pub("aardvark", b"new")
    run.await_report()
    run.delete("going")
    run.create("gamma", "new")
    run.pub("gamma", b"from", b"zero")
    run.delete("coming", "z")
    run.create("coming", "z")
    run.await_report()


def spread(run):
    fill(run)
    run.await_report()
    run.await_report()
    took, count = run.spread(0)
    assert abs(took - (INTERVAL - 1) * (count - 1) / count) < SPREAD_SLACK, "%d datagrams in %.2f s" % (count, took)


def ephemeral(run):
    run.create("alpha#ephemeral", "one")
    run.create("beta", "one#ephemeral", "two")
    run.pub("alpha#ephemeral", b"x")
    run.pub("beta", b"xx")
    run.await_report()


def latencies(run):
    run.create("empty")
    run.create("beta", "idle")
    run.pub("alpha", *[b"x"] * 5)
    client = run.subscribe("alpha", "one")
    for _ in range(5):
        client.send("FIN " + client.message())
    run.await_report()


def two_reports(run):
    run.create("t")
    run.await_report()
    run.await_report()


def no_report(run):
    run.create("t")


def only_said(run):
    servers.wait_until(lambda: run.pushes() >= 2, "two reports", LIMIT)


def failing(run):
    run.create("t")
    said = lambda: run.server.said().count("failed to create UDP socket")
    servers.wait_until(lambda: said() >= 2, "two failures", LIMIT)


PERCENTILES = "--e2e-processing-latency-percentile=0.5,0.99,0.999,1.0,0.015,0.025,0.005"
LONG = "p" * 10000
CASES = {  # name: (what is done, flags; "PORT" is replaced)
    "deltas": (deltas, ["--statsd-mem-stats=false"]),
    "spread": (spread, ["--statsd-mem-stats=false", "--statsd-udp-packet-size=300"]),
    "memory": (one_report, []),
    "memory/alone": (two_reports, ["--statsd-udp-packet-size=60"]),
    "latencies": (latencies, ["--statsd-mem-stats=false", PERCENTILES]),
    "ephemeral/told": (ephemeral, ["--statsd-mem-stats=false"]),
    "ephemeral/excluded": (ephemeral, ["--statsd-mem-stats=false", "--statsd-exclude-ephemeral"]),
    "end/before-a-report": (no_report, []),
    **{"packet/%d" % n: (one_report, ["--statsd-mem-stats=false", "--statsd-udp-packet-size=%d" % n])
       for n in (-5, 0, 1, 47, 48, 49, 95, 96, 97, 508, 1400, 65507)},
    **{"prefix/" + p: (one_report, ["--statsd-mem-stats=false", "--statsd-prefix=" + p])
       for p in ("", "x", "x.", ".", "%s", "%s.%s.", "a.%sb")},
    "prefix/v6": (one_report, ["--statsd-mem-stats=false", "--broadcast-address=::1"]),
    "prefix/port": (one_report, ["--statsd-mem-stats=false", "--broadcast-http-port=0", "--statsd-udp-packet-size=1"]),
    "prefix/percent": (one_report, ["--statsd-mem-stats=false", "--statsd-prefix=a%b", "--statsd-udp-packet-size=1"]),
    "prefix/long": (one_report, ["--statsd-mem-stats=false", "--statsd-prefix=" + LONG, "--statsd-udp-packet-size=100000"]),
    "address/name": (two_reports, ["--statsd-mem-stats=false", "--statsd-address=localhost:PORT"]),
    "address/no-host": (two_reports, ["--statsd-mem-stats=false", "--statsd-address=:PORT"]),
    "address/v6": (two_reports, ["--statsd-mem-stats=false", "--statsd-address=[::1]:PORT"]),
    "address/no-port": (failing, ["--statsd-address=127.0.0.1"]),
    "address/large-port": (failing, ["--statsd-address=127.0.0.1:99999"]),
    "address/unknown": (failing, ["--statsd-address=name.invalid:PORT"]),
    "address/no-scope": (failing, ["--statsd-address=[fe80::1]:PORT"]),
    "address/broadcast": (only_said, ["--statsd-address=127.255.255.255:PORT"]),
}


# --- comparing --------------------------------------------------------------------------------------------------------

def is_complete_line(line):
    return re.fullmatch(rb"\S+:-?\d+\|[cg]", line) is not None


def masked(run):
    """What a server sent and said, comparable."""
    port = run.server.http.rsplit(":", 1)[1].encode()
    datagrams = []
    for _, datagram in run.receiver.got:
        datagram = re.sub(rb"(mem\.heap\w+|mem\.next\w+|mem\.gc\w+):\d+", rb"\1:MEMORY", datagram)
        datagram = re.sub(rb"(e2e_processing_latency_\d+):[1-9]\d*", rb"\1:TIME", datagram)
        datagrams.append(datagram.replace(b"h_example_" + port, b"h_example_PORT"))
    said = re.findall(r"[A-Z]+: (?:STATSD|failed to create UDP).*", run.server.said())
    return datagrams, [line.replace(":%d" % run.receiver.port, ":PORT") for line in said]


def differ_as_numbered(name, a, b):
    """The cases in which the servers differ on purpose: departures 70 and 71."""
    a, b = b"".join(a[0]), b"".join(b[0])
    if name == "prefix/percent":
        lines = [re.sub(rb"^a%b\.", b"", line) for line in b.split(b"\n")[:-1]]
        cut = [re.sub(rb"^a-?\d+\.", b"", line) for line in a.split(b"\n")[:-1]]
        return all(b":%!d(MISSING)|" in line for line in cut) and all(is_complete_line(line) for line in lines) and \
            [re.sub(rb":.*\|", b"|", line) for line in cut] == [re.sub(rb":.*\|", b"|", line) for line in lines]
    return b.endswith(a) and len(b) > len(a)  # upstream loses all but the last datagram


NUMBERED = {"prefix/percent", "prefix/long"}


def play(path, name, log):
    do, flags = CASES[name]
    v6 = name == "address/v6"
    receiver = Receiver(*((socket.AF_INET6, "::1") if v6 else ()))
    flags = FLAGS + ["--statsd-address=127.0.0.1:PORT"] + flags
    try:
        with servers.Server(path, log, *[flag.replace("PORT", str(receiver.port)) for flag in flags]) as server:
            run = Run(server, receiver)
            try:
                do(run)
            finally:
                wrong = server.end()
                if wrong:  # counts more than a failure of the case, of which it may be the cause
                    raise BadEnd("%s: %s" % (path, wrong))
    finally:
        receiver.end()
    return masked(run)


def compare(options, name, logs):
    """What is wrong, or an empty text."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        paths = (options.server_a, options.server_b)
        jobs = [pool.submit(play, path, name, logs / ("%s-%s.log" % (name.replace("/", "_").replace("%", "")[:40], side)))
                for side, path in zip("ab", paths)]
        troubles = [job.exception() for job in jobs if job.exception()]
    if troubles:
        raise next((trouble for trouble in troubles if isinstance(trouble, BadEnd)), troubles[0])
    a, b = (job.result() for job in jobs)
    if options.show:
        for side, (datagrams, said) in zip("ab", (a, b)):
            print("%s %s: %d datagrams, %d bytes" % (name, side, len(datagrams), sum(map(len, datagrams))))
            print("\n".join(["    " + line for line in said] + ["    %.300r" % datagram for datagram in datagrams]))
    if name in NUMBERED:
        return "" if a[1] == b[1] and differ_as_numbered(name, a, b) else "not the numbered departure: %.600s" % ((a, b),)
    for what, left, right in (("log", a[1], b[1]), ("datagrams", a[0], b[0])):
        if "memory" in name and what == "datagrams":  # the lengths of the figures differ
            left, right = b"".join(left).split(b"\n"), b"".join(right).split(b"\n")
        if left != right:
            at = next((i for i, (x, y) in enumerate(zip(left, right)) if x != y), min(len(left), len(right)))
            return "%s differ at %d of %d and %d: %.300r, %.300r" % (
                what, at, len(left), len(right), left[at:at + 1], right[at:at + 1])
    return ""


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
