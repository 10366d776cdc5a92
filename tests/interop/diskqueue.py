"""Disk queues: nsqd 1.3.0 reads what nsq/diskqueue.h writes, and nsq/diskqueue.h reads what nsqd 1.3.0 writes.

    diskqueue.py --nsqd PATH --copy PATH

Upstream's nsqd writes messages to its data path A. The program `copy` (diskqueue.c) reads A and writes the same
queues and the same nsqd.dat to B. Its records must be the messages, and the files of queues of which nothing was read must be the same
bytes. Then upstream's nsqd starts with B: it must deliver each message once, in order, with one attempt more, and
must have nothing to complain about. At last `copy` must find nothing left in B. The last line is "N passed, N failed".
"""
import argparse
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import servers

MAX_BYTES = 400  # of a file
EPHEMERAL = "eph#ephemeral"
UNREAD = ("plain", "with:b.b", EPHEMERAL + ":kept")  # queues whose messages nobody has received
FLAGS = ["--mem-queue-size=0"]


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def same(self, what, got, expected):
        if got == expected:
            self.passed += 1
        else:
            self.failed += 1
            print("%s:\n    got      %r\n    expected %r" % (what, got, expected))


def bodies(seed, count):
    """Of many lengths, with any bytes; one of them is longer than a file may be."""
    choice = random.Random(seed)
    return [choice.randbytes(choice.choice((1, 2, 30, 60, 150))) for _ in range(count - 1)] + [choice.randbytes(2 * MAX_BYTES)]


def post(server, path, body=b"", **parameters):
    url = "http://%s%s?%s" % (server.http, path, urllib.parse.urlencode(parameters))
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=servers.ANSWER_LIMIT) as answer:
        return answer.read()


def channels(server):
    """What /stats says about each channel, by topic:channel."""
    with urllib.request.urlopen("http://%s/stats?format=json" % server.http, timeout=servers.ANSWER_LIMIT) as answer:
        topics = json.load(answer)["topics"]
    return {"%s:%s" % (t["topic_name"], c["channel_name"]): c for t in topics for c in t["channels"]}


def depth(server, topic, channel):
    """How many messages a channel has."""
    return channels(server)["%s:%s" % (topic, channel)]["depth"]


def paused(server):
    return sorted(name for name, channel in channels(server).items() if channel["paused"])


def receive(client):
    """Timestamp, attempts, id and body of the next message."""
    kind, data = client.frame()
    assert kind == 2, (kind, data)
    return *struct.unpack(">qH16s", data[:26]), data[26:]


def consume(server, topic, channel, count):
    """Takes and finishes messages, one after the other."""
    client = servers.Client(server)
    client.do("SUB %s %s" % (topic, channel))
    client.send("RDY 1")
    got = []
    while len(got) < count:
        got.append(receive(client))
        client.send("FIN " + got[-1][2].decode())
    client.send("CLS")
    assert client.frame() == (0, b"CLOSE_WAIT")
    return got


def write_with_nsqd(nsqd, log, folder, published):
    """Leaves messages in all kinds of queues; three of with:a are in flight at the end. Returns these three."""
    with servers.Server(nsqd, log, "--data-path=%s" % folder, "--max-bytes-per-file=%d" % MAX_BYTES, *FLAGS) as server:
        for queue in ("with:a", "with:b.b", EPHEMERAL + ":kept"):
            topic, channel = queue.split(":")
            post(server, "/topic/create", topic=topic)
            post(server, "/channel/create", topic=topic, channel=channel)
        for topic, messages in published.items():
            for body in messages:
                post(server, "/pub", body, topic=topic)
        post(server, "/channel/pause", topic="with", channel="b.b")
        for channel in ("a", "b.b"):
            servers.wait_until(lambda c=channel: depth(server, "with", c) == len(published["with"]), "all messages of a channel")
        # An ephemeral topic without a memory queue drops a message that its pump cannot take at once.
        servers.wait_until(lambda: depth(server, EPHEMERAL, "kept") > 0 or post(server, "/pub", b"kept", topic=EPHEMERAL) != b"OK",
                           "a message of a channel of an ephemeral topic")
        client = servers.Client(server)
        client.do("SUB with a")
        client.send("RDY 3")
        in_flight = [receive(client) for _ in range(3)]
        assert server.stop() == "exit 0", log
    return in_flight


def copy(program, source, target):
    """Copies a data path. Returns the records of each queue."""
    target.mkdir()
    said = subprocess.run([program, source, target, str(MAX_BYTES)], check=True, capture_output=True, text=True, timeout=60).stdout
    records = {}
    for line in said.splitlines():
        queue, timestamp, attempts, message, body = line.split(" ")
        records.setdefault(queue, []).append((int(timestamp), int(attempts), message.encode(), bytes.fromhex(body)))
    return records


def files_of(folder, queue):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name.startswith(queue + ".diskqueue.")}


def check(args, folder, tally):
    a, b, c = (folder / name for name in "abc")
    a.mkdir()
    published = {"plain": bodies(1, 40), "with": bodies(2, 10)}
    in_flight = write_with_nsqd(args.nsqd, folder / "first.log", a, published)
    records = copy(args.copy, a, b)
    tally.same("queues", sorted(records), sorted((*UNREAD, "with:a")))
    tally.same("nsqd.dat", (b / "nsqd.dat").read_text(), (a / "nsqd.dat").read_text())
    for queue in UNREAD:
        expected = published.get(queue.split(":")[0], [b"kept"] * len(records[queue]))
        tally.same("bodies of " + queue, [r[3] for r in records[queue]], expected)
        tally.same("attempts of " + queue, {r[1] for r in records[queue]}, {0})
        tally.same("files of " + queue, files_of(b, queue), files_of(a, queue))
    # nsqd writes what was in flight behind the others, in any order. One more message had left its file already.
    tally.same("with:a", sorted(r[3] for r in records["with:a"]), sorted(published["with"]))
    tally.same("in flight", sorted(r for r in records["with:a"] if r[1] == 1), sorted(in_flight))

    # Without --max-bytes-per-file: nsqd takes the end of a file that it rolls while it reads it for an error.
    log = folder / "second.log"
    with servers.Server(args.nsqd, log, "--data-path=%s" % b, *FLAGS) as server:
        tally.same("paused", paused(server), ["with:b.b"])
        post(server, "/channel/unpause", topic="with", channel="b.b")
        for queue in records:
            topic, channel = [*queue.split(":"), "new"][:2]
            got = consume(server, topic, channel, len(records[queue]))
            tally.same("delivered of " + queue, got, [(t, n + 1, i, body) for t, n, i, body in records[queue]])
        tally.same("the end of nsqd", server.stop(), "exit 0")
    tally.same("what nsqd says", [line for line in log.read_text().splitlines() if re.search(r"(ERROR|WARNING).*DISKQUEUE", line)], [])
    tally.same("what is left", copy(args.copy, b, c), {})


def main():
    parser = argparse.ArgumentParser(prog="diskqueue.py")
    parser.add_argument("--nsqd", required=True, help="upstream's nsqd")
    parser.add_argument("--copy", required=True, help="the program of diskqueue.c")
    args = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        check(args, pathlib.Path(folder), tally)
    print("%d passed, %d failed" % (tally.passed, tally.failed))
    return tally.failed > 0 or tally.passed == 0


if __name__ == "__main__":
    sys.exit(main())
