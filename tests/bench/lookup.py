#!/usr/bin/env python3
"""Measures build/nsqlookupd beside upstream's nsqlookupd 1.3.0, in turns (A B A B), each run on a fresh server, and
prints a table.

    lookup.py [--quick]

A crowd of 200 nsqds registers 100 topics of 10 channels each: in one half of the runs all have the same topics, in the
other half each has its own. Then all send PINGs, and a client asks for /lookup and for /nodes, 100 times a second each.
CPU is what the kernel accounted to the server's process meanwhile. Memory is what the process has when all are
registered. Every number is the median of the rounds. The target: at most half of upstream's CPU and memory.
"""
import argparse, http.client, json, os, selectors, signal, socket, statistics, struct, subprocess, sys, time

SERVERS = {"upstream": "build/upstream/nsqlookupd", "nsqref": "build/nsqlookupd"}
TOPICS, CHANNELS = 100, 10
PINGS = 50  # of each nsqd
A_SECOND = 100  # requests
TARGET = 0.5
SECONDS = 120  # the longest time of registering
REQUEST_SECONDS = 10  # after this time no more requests of one kind are sent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    return time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid computes it from a process id


def resident_mib(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Server:
    """A running server; it is ended by its process id."""

    def __init__(self, side):
        self.tcp, self.http = free_port(), free_port()
        self.process = subprocess.Popen(
            [SERVERS[side], "--tcp-address=127.0.0.1:%d" % self.tcp, "--http-address=127.0.0.1:%d" % self.http,
             "--log-level=error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid

    def __enter__(self):
        for _ in range(500):
            try:
                self.get("/ping")
                return self
            except OSError:
                time.sleep(0.01)
        self.__exit__()
        sys.exit("does not listen: " + " ".join(self.process.args))

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def get(self, path):
        client = http.client.HTTPConnection("127.0.0.1", self.http, timeout=10)
        client.request("GET", path)
        answer = client.getresponse()
        body = answer.read()
        client.close()
        if answer.status != 200:
            sys.exit("%s: %d %s" % (path, answer.status, body[:100]))
        return body


def identify(number):
    body = json.dumps({"broadcast_address": "host-%d" % number, "hostname": "host-%d" % number, "http_port": 4151,
                       "tcp_port": 4150, "version": "1.3.0"}).encode()
    return b"  V1IDENTIFY\n" + struct.pack(">i", len(body)) + body


def registrations(number, own):
    names = ("topic-%d-%d" % (number, t) if own else "topic-%d" % t for t in range(TOPICS))
    return b"".join(b"REGISTER %s channel-%d\n" % (name.encode(), c) for name in names for c in range(CHANNELS))


def send_and_count(sockets, inputs, replies):
    """Sends each socket its input, and reads until each has got this many replies."""
    selector = selectors.DefaultSelector()
    left = {}
    for s, data in zip(sockets, inputs):
        s.setblocking(False)
        left[s] = [memoryview(data), replies, b""]
        selector.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
    end = time.monotonic() + SECONDS
    while left:
        if time.monotonic() > end:
            sys.exit("not registered after %d seconds" % SECONDS)
        for key, events in selector.select(1):
            s, state = key.fileobj, left[key.fileobj]
            if events & selectors.EVENT_WRITE:
                state[0] = state[0][s.send(state[0][:16384]):]
                if not state[0]:
                    selector.modify(s, selectors.EVENT_READ)
            if events & selectors.EVENT_READ:
                data = s.recv(65536)
                if not data:
                    sys.exit("the server has closed a connection")
                data = state[2] + data
                at = 0
                while len(data) - at >= 4:
                    size = struct.unpack_from(">i", data, at)[0]
                    if len(data) - at < 4 + size:
                        break
                    at += 4 + size
                    state[1] -= 1
                state[2] = data[at:]
                if state[1] == 0:
                    selector.unregister(s)
                    del left[s]


def requests(server, path, count):
    """The CPU of a request, at a fixed rate, or as fast as the server answers if that is slower."""
    client = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    before, start, done = cpu_seconds(server.pid), time.monotonic(), 0
    while done < count and time.monotonic() < start + REQUEST_SECONDS:
        wait = start + done / A_SECOND - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        client.request("GET", path)
        answer = client.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit("%s: %d" % (path, answer.status))
        done += 1
    client.close()
    return 1e6 * (cpu_seconds(server.pid) - before) / done


def measure(side, own, nsqds, count):
    figures = {}
    with Server(side) as server:
        sockets = [socket.create_connection(("127.0.0.1", server.tcp)) for _ in range(nsqds)]
        start = cpu_seconds(server.pid)
        send_and_count(sockets, [identify(i) + registrations(i, own) for i in range(nsqds)], 1 + TOPICS * CHANNELS)
        figures["REGISTER, us"] = 1e6 * (cpu_seconds(server.pid) - start) / (nsqds * TOPICS * CHANNELS)
        figures["memory, MiB"] = resident_mib(server.pid)
        start = cpu_seconds(server.pid)
        send_and_count(sockets, [b"PING\n" * PINGS] * nsqds, PINGS)
        figures["PING, us"] = 1e6 * (cpu_seconds(server.pid) - start) / (nsqds * PINGS)
        figures["/lookup, us"] = requests(server, "/lookup?topic=" + ("topic-0-5" if own else "topic-5"), count)
        figures["/nodes, us"] = requests(server, "/nodes", count)
        for s in sockets:
            s.close()
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    nsqds, count, rounds = (20, 50, 1) if quick else (200, 200, 3)
    print("| %d nsqds with %d topics of %d channels | nsqd's | here | ratio | target |" % (nsqds, TOPICS, CHANNELS))
    print("|---|---|---|---|---|")
    for own in (False, True):
        runs = {side: [] for side in SERVERS}
        for _ in range(rounds):
            for side in SERVERS:
                runs[side].append(measure(side, own, nsqds, count))
        for name in runs["nsqref"][0]:
            a, b = (statistics.median(r[name] for r in runs[side]) for side in ("upstream", "nsqref"))
            print("| %s: %s | %.1f | %.1f | %.2f | at most %.1f %s |" %
                  ("each its own topics" if own else "the same topics", name, a, b, b / a, TARGET,
                   "met" if b <= TARGET * a else "**missed**"))


main()
