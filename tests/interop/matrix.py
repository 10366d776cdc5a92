#!/usr/bin/env python3
"""What IDENTIFY negotiates, and AUTH, with real clients. Every client publishes and consumes messages under every
combination of TLS and compression that it offers. It is accepted or refused by its certificate, and by an auth server.
The expected results are the same for every server and were seen on upstream's nsqd. In some transfers bytes are
changed on their way, and this must be noticed.

    matrix.py --clients DIR --logs DIR --certificates DIR [--client NAME]... [--cells REGEX] [--bytes N] [--limit S]
              --server PATH...

The clients must be installed (ci/interop-matrix does that), client NAME in DIR/NAME. A client only prints what it
published and received; this program judges it, by the SHA-256 of every body. It prints a table, and "N passed, N
failed".
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import certificates
import flipper
import gatekeeper
from run import HERE, STOP_LIMIT, wait_for_address

AT_ONCE = 2  # cells
COUNT = 500
LARGEST = 100 * 1024
WINDOW = 50  # messages in flight
GRACE_MS = 100  # how long a client waits for messages beyond the last
REFUSAL_LIMIT = 10  # seconds, for runs that do not transfer many messages

TLS = ("clear", "1.2", "1.3")
COMPRESSION = (("none", 0), ("snappy", 0), ("deflate", 1), ("deflate", 6), ("deflate", 9))
# What a client prints about the level; go-nsq cannot tell the level that the server answered.
SAYS_LEVEL = ("pynsq", "nsqjs")
# (client, compression): why the client does not offer it.
NOT_OFFERED = {}

# The certificates that a client may send, and which policies accept them. Every policy needs TLS.
SHOWN = ("good", "missing", "expired", "wrong", "forged")
LET_IN = {"require": ("good", "expired", "wrong", "forged"), "require-verify": ("good",)}

# What a client prints when it is refused: a pattern in which %s is the topic. Either of its two connections may be
# refused first.
IN_CLEAR = r"E_INVALID cannot (SUB|PUB) in current state \(TLS required\)"
AUTH = {  # secret: the result of the auth server's answer; None: accepted
    gatekeeper.GOOD: None,
    gatekeeper.WRONG: "E_AUTH_FAILED AUTH failed",
    gatekeeper.NOTHING: "E_UNAUTHORIZED AUTH no authorizations found",
    gatekeeper.ELSEWHERE: 'E_UNAUTHORIZED AUTH failed for (SUB on "%s" "c"|PUB on "%s" "")',
    gatekeeper.READER: 'E_UNAUTHORIZED AUTH failed for PUB on "%s" ""',
    "": "E_AUTH_FIRST AUTH required before (SUB|PUB)",
}
# go-nsq refuses to go on without a secret.
NO_SECRET = {"go-nsq": "Auth Required"}

SERVERS = {  # the servers to start, with their flags; {} is the folder of the certificates
    "TLS1.2": ["--tls-min-version=tls1.2"],
    "TLS1.3": ["--tls-min-version=tls1.3"],
    "require": ["--tls-client-auth-policy=require"],
    "require-verify": ["--tls-client-auth-policy=require-verify", "--tls-root-ca-file={}/ca.pem"],
    "auth": ["--auth-http-address={auth}"],
    "auth-verify": ["--auth-http-address={auth}", "--tls-client-auth-policy=require-verify",
                    "--tls-root-ca-file={}/ca.pem"],
}


def make_bodies(total):
    """At least COUNT bodies, and more while they fit into `total` bytes. They have 1 byte to 100 KiB, with the same
    number between each power of two and the next. Some compress well, some a little, some not at all. Every call
    returns the same bodies."""
    chance = random.Random(1)
    words = [bytes(chance.choices(range(97, 123), k=chance.randint(2, 9))) for _ in range(500)]
    bodies = []
    size_so_far = 0
    while True:
        index = len(bodies)
        least = 1 << index % 17
        most = min(2 * least - 1, LARGEST)
        # In turn: the power itself, the largest size below the next, and a random size between.
        size = (least, most, chance.randint(least, most))[index // 17 % 3]
        size_so_far += size
        if index >= COUNT and size_so_far > total:
            return bodies
        kind = index % 4
        if kind == 0:
            body = bytes([chance.randrange(256)]) * size
        elif kind == 1:
            body = b" ".join(chance.choices(words, k=size // 3 + 1))[:size]
        else:
            body = chance.randbytes(size)
        bodies.append(body.ljust(size, b"."))


class Bodies:
    """Bodies in a file for the clients, and their SHA-256."""

    def __init__(self, path, bodies):
        self.path = path
        self.size = sum(map(len, bodies))
        self.sums = collections.Counter(hashlib.sha256(body).hexdigest() for body in bodies)
        path.write_bytes(b"".join(struct.pack(">I", len(body)) + body for body in bodies))

    def judge(self, got):
        """What is wrong with the lines "got SHA256 ATTEMPTS", or None."""
        came = collections.Counter(line.split()[1] for line in got)
        lost, odd = self.sums - came, came - self.sums
        wrong = []
        if lost:
            wrong.append("%d not there" % sum(lost.values()))
        if changed := sum(n for name, n in odd.items() if name not in self.sums):
            wrong.append("%d changed" % changed)
        if twice := sum(n for name, n in odd.items() if name in self.sums):
            wrong.append("%d too many" % twice)
        if again := sum(line.split()[2] != "1" for line in got):
            wrong.append("%d not at the first attempt" % again)
        return ", ".join(wrong) or None


def judge_the_judge(bodies):
    """Tests the judgement on outputs that a client could print. Returns how many were judged right and wrong."""
    good = ["got %s 1" % name for name in bodies.sums.elements()]
    bad = [good[1:], good + good[:1], good[:-1] + good[:1], good[1:] + ["got %s 1" % ("0" * 64)],
           good[1:] + [good[0][:-1] + "2"], []]
    right = (bodies.judge(good) is None) + sum(bodies.judge(lines) is not None for lines in bad)
    return right, 1 + len(bad) - right


class Server:
    """One nsqd with its flags, until stop()."""

    def __init__(self, path, flags, log):
        self.data = tempfile.TemporaryDirectory()
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [path, "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--https-address=127.0.0.1:0",
                 "--data-path=" + self.data.name, "--max-deflate-level=9", *flags],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        try:
            self.host, self.port = wait_for_address(self.process, log)
        except RuntimeError:
            self.end()
            raise

    def stop(self):
        """Ends it. Returns what was wrong with its exit, or None."""
        if self.process.poll() is not None:
            return "it had ended before, with %d" % self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_LIMIT)
            return "it ended with %d" % status if status else None
        except subprocess.TimeoutExpired:
            return "no exit within %d s" % STOP_LIMIT
        finally:
            self.end()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.data.cleanup()


# The result of a client's run: the lines "got", its first error or "", and what both connections negotiated.
Seen = collections.namedtuple("Seen", "got error publisher consumer")


def run_transfer(command, job, log, limit):
    with log.open("w") as errors:
        client = subprocess.Popen([*command, json.dumps(job)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=errors, text=True, errors="backslashreplace", start_new_session=True)
        late = ""
        try:
            printed = client.communicate(timeout=limit)[0]
        except subprocess.TimeoutExpired:
            os.killpg(client.pid, signal.SIGKILL)
            printed = client.communicate()[0]
            late = "no end within %d s" % limit
    lines = printed.splitlines()
    starting = lambda word: [line[len(word):].strip() for line in lines if line.startswith(word)]
    error = (starting("error: ") or [""])[0] or late
    if not error and client.returncode != 0:
        error = "ended with %d, see %s" % (client.returncode, log)
    return Seen([line for line in lines if line.startswith("got ")], error,
                *((starting(end + ":") or [""])[0] for end in ("publisher", "consumer")))


class Cell:
    """One run of one client against one server. `row` and `column` are its place in a table."""

    def __init__(self, table, row, client, server_name, **job):
        self.table, self.row, self.client, self.server_name, self.job = table, row, client, server_name, job
        self.moves = True  # true: all messages must arrive; false: the client must be refused
        self.refusal = ""  # a pattern of what the client prints then
        self.asked = None  # the query that the auth server must get for each connection
        self.flipped = False  # true: bytes are changed on their way, and the judgement must notice

    def name(self):
        return "%s %s %s" % (self.table, self.row, self.client)


def transfers(clients):
    for client in clients:
        for tls in TLS:
            for compression, level in COMPRESSION:
                if (client, compression) not in NOT_OFFERED:
                    server = "TLS1.3" if tls == "1.3" else "TLS1.2"
                    yield Cell("transfer", row_name(tls, compression, level), client, server, TLS=tls,
                               Compression=compression, Level=level)


def row_name(tls, compression, level):
    name = "%s %d" % (compression, level) if level else compression
    return "%-6s %s" % ("clear" if tls == "clear" else "TLS" + tls, name)


def admissions(clients):
    for client in clients:
        old = Cell("certificates", "TLS1.2 where 1.3 is the least", client, "TLS1.3", TLS="1.2")
        old.moves = False
        yield old
        for policy, let_in in LET_IN.items():
            clear = Cell("certificates", "%-14s clear" % policy, client, policy, TLS="clear")
            clear.moves = False
            clear.refusal = IN_CLEAR
            yield clear
            for tls in TLS[1:]:
                for shown in SHOWN:
                    cell = Cell("certificates", "%-14s TLS%s %s" % (policy, tls, shown), client, policy, TLS=tls,
                                Shown=shown)
                    cell.moves = shown in let_in
                    yield cell


def authorizations(clients):
    names = {getattr(gatekeeper, name): name.lower() for name in ("GOOD", "WRONG", "NOTHING", "ELSEWHERE", "READER")}
    for client in clients:
        for tls, compression in (("clear", "none"), ("1.3", "none"), ("1.3", "deflate")):
            for secret, refusal in AUTH.items():
                if compression != "none" and refusal:
                    continue
                cell = Cell("auth", "%s, secret %s" % (row_name(tls, compression, 0), names.get(secret, "missing")),
                            client, "auth", TLS=tls, Compression=compression, Level=6, Secret=secret)
                cell.moves = refusal is None
                cell.refusal = refusal if secret else NO_SECRET.get(client, refusal)
                if secret:
                    cell.asked = {"common_name": "", "remote_ip": "127.0.0.1", "tls": str(tls != "clear").lower()}
                yield cell
        cell = Cell("auth", "TLS1.3, a certificate, secret good", client, "auth-verify", TLS="1.3", Shown="good",
                    Secret=gatekeeper.GOOD)
        cell.asked = {"common_name": "a good client", "remote_ip": "127.0.0.1", "tls": "true"}
        yield cell


def proofs(clients):
    """Proves that the judgement can fail: with bytes changed on their way, it must."""
    for tls, compression in (("clear", "none"), ("clear", "snappy"), ("clear", "deflate"), ("1.3", "none")):
        cell = Cell("flipped bytes", row_name(tls, compression, 0), clients[0], "TLS1.3" if tls == "1.3" else "TLS1.2",
                    TLS=tls, Compression=compression, Level=6)
        cell.flipped = True
        yield cell


class Matrix:
    def __init__(self, options):
        self.options = options
        self.folder = options.certificates.resolve()
        certificates.make(self.folder)
        self.many = Bodies(options.logs / "matrix-bodies", make_bodies(options.bytes))
        self.few = Bodies(options.logs / "matrix-bodies-few", make_bodies(0)[:17])
        self.gatekeepers = {}
        self.number = 0
        self.lock = threading.Lock()

    def start(self, path, index, names):
        """The servers of one kind; None in place of one that does not start."""
        servers = {}
        for name in sorted(names):
            keeper = gatekeeper.Gatekeeper() if name.startswith("auth") else None
            if keeper:
                self.gatekeepers[name, index] = keeper
            words = [flag.format(self.folder, auth=keeper and keeper.address) for flag in SERVERS[name]]
            log = self.options.logs / ("matrix-%s-%d.log" % (name, index))
            try:
                servers[name] = Server(path, ["--tls-cert=%s/server.pem" % self.folder,
                                              "--tls-key=%s/server.key" % self.folder, *words], log)
            except RuntimeError:
                servers[name] = None
        return servers

    def run(self, cell, index, server):
        """Returns what is wrong, or None, and what the client printed."""
        if server is None:
            return "the server did not start", Seen([], "", "", "")
        with self.lock:
            self.number += 1
            number = self.number
        bodies = self.few if cell.table in ("certificates", "auth") else self.many
        shown = cell.job.get("Shown")
        proxy = flipper.Flipper(server.host, server.port) if cell.flipped else None
        end = proxy or server
        topic = "matrix-%d" % number
        job = {"Host": end.host, "Port": end.port, "Topic": topic, "Bodies": str(bodies.path), "TLS": "clear",
               "CA": str(self.folder / "ca.pem"), "Compression": "none", "Level": 0, "Secret": "", "Window": WINDOW,
               "Grace": GRACE_MS, "Cert": "", "Key": ""}
        job.update((key, value) for key, value in cell.job.items() if key != "Shown")
        if job["Secret"]:
            job["Secret"] += " %d" % number
        if shown and shown != "missing":
            job.update(Cert=str(self.folder / (shown + ".pem")), Key=str(self.folder / (shown + ".key")))
        limit = self.options.limit if bodies is self.many and not cell.flipped else REFUSAL_LIMIT
        log = self.options.logs / ("matrix-%03d-%s-%d.client" % (number, cell.client, index))
        seen = run_transfer([str(HERE / "clients" / cell.client / "transfer"),
                             str(self.options.clients / cell.client)], job, log, limit)
        with log.open("a") as file:
            file.write("%s\njob %s\nerror %s\npublisher %s\nconsumer %s\n%d came\n"
                       % (cell.name(), json.dumps(job), seen.error, seen.publisher, seen.consumer, len(seen.got)))
        if proxy:
            proxy.close()
            wrong = seen.error or bodies.judge(seen.got)
            if not proxy.flips:
                return "no byte was flipped", seen
            return (None if wrong else "it was not noticed"), seen._replace(error=wrong or "")
        return self.judge(cell, index, job, bodies, seen), seen

    def judge(self, cell, index, job, bodies, seen):
        if cell.asked is not None:
            asked = [(method, path, query) for method, path, query in self.gatekeepers[cell.server_name, index].asked
                     if query.get("secret") == job["Secret"]]
            # There is one query for each connection. A refused connection may end the client before the other's query.
            if any(one != ("GET", "/auth", {**cell.asked, "secret": job["Secret"]}) for one in asked):
                return "the auth server was asked %s" % asked
            if len(asked) not in ((2,) if cell.moves else (1, 2)):
                return "the auth server was asked %d times" % len(asked)
        if not cell.moves:
            refusal = cell.refusal.replace("%s", job["Topic"])
            if not seen.error or seen.error.startswith("no end"):
                return "it was not refused" + (": " + seen.error if seen.error else "")
            good = re.search(refusal, seen.error) and not seen.got
            return None if good else "not %r but %r" % (refusal, seen.error)
        if seen.error:
            return seen.error
        words = [] if job["TLS"] == "clear" else ["tls" + job["TLS"]]
        if job["Compression"] != "none":
            words.append(job["Compression"])
            if job["Compression"] == "deflate" and cell.client in SAYS_LEVEL:
                words.append("level %d" % job["Level"])
        for end in ("publisher", "consumer"):
            if getattr(seen, end) != " ".join(words):
                return "the %s negotiated %r" % (end, getattr(seen, end))
        return bodies.judge(seen.got)


def plain(error):
    """What a client printed, without the parts that differ from run to run: which of its connections was first, and
    pynsq's words for a closed connection."""
    error = re.sub(r"^(consumer|publisher): |\b[0-9A-F]{16}:", "", error).replace(" PUB ", " SUB ")
    return re.sub("^(Stream is closed|failed to unpack size|closed: .*)$", "closed", error)


def print_table(title, rows, columns, texts):
    width = max(len(row) for row in rows)
    print("\n%s" % title)
    print("  %s  %s" % (" " * width, "  ".join("%-10s" % column for column in columns)))
    for row in rows:
        print("  %-*s  %s" % (width, row, "  ".join("%-10s" % texts.get((row, column), "-") for column in columns)))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--clients", type=pathlib.Path, required=True)
    options.add_argument("--logs", type=pathlib.Path, required=True)
    options.add_argument("--certificates", type=pathlib.Path, required=True)
    options.add_argument("--client", action="append")
    options.add_argument("--cells", type=re.compile, default="")
    options.add_argument("--bytes", type=int, default=0)
    options.add_argument("--limit", type=int, default=40)
    options.add_argument("--server", action="append", required=True)
    options = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended on the way out
    options.logs = options.logs.resolve()
    options.logs.mkdir(parents=True, exist_ok=True)
    for old in options.logs.glob("matrix-*"):
        old.unlink()

    clients = options.client or sorted(path.name for path in (HERE / "clients").iterdir())
    cells = [cell for kind in (proofs, transfers, admissions, authorizations) for cell in kind(clients)]
    cells = [cell for cell in cells if re.search(options.cells, cell.name())]
    started = time.monotonic()
    matrix = Matrix(options)
    print("%d messages, %.1f MiB, a transfer" % (sum(matrix.many.sums.values()), matrix.many.size / (1 << 20)))
    passed, failed = judge_the_judge(matrix.many)
    texts, said = {}, {}
    for index, path in enumerate(options.server):
        version = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10)
        print("server %d: %s: %s" % (index, path, version.stdout.strip()), flush=True)

        def timed(cell):
            start = time.monotonic()
            return (*matrix.run(cell, index, servers[cell.server_name]), time.monotonic() - start)

        # The proofs test this program, not a server, so one server is enough.
        here = [cell for cell in cells if not cell.flipped or index == 0]
        servers = matrix.start(path, index, {cell.server_name for cell in here})
        pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        try:
            for cell, (wrong, seen, seconds) in zip(here, pool.map(timed, here)):
                passed, failed = (passed, failed + 1) if wrong else (passed + 1, failed)
                good = "noticed" if cell.flipped else "moved" if cell.moves else "refused"
                if cell.table == "transfer":
                    good = "%.1f s" % seconds
                place = cell.table, cell.row, "%s %d" % (cell.client, index)
                texts[place] = "FAILED" if wrong else good
                said.setdefault((cell.table, cell.row, cell.client), []).append(seen.error)
                if wrong:
                    print("FAILED %s on server %d: %s" % (cell.name(), index, wrong), flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
            for name, server in servers.items():
                wrong = server.stop() if server else "it did not start"
                if wrong:
                    print("FAILED server %d, %s: %s, see its log" % (index, name, wrong), flush=True)
                    failed += 1
                else:
                    passed += 1

    for table in dict.fromkeys(cell.table for cell in cells):
        rows = list(dict.fromkeys(cell.row for cell in cells if cell.table == table))
        columns = ["%s %d" % (client, index) for client in clients for index in range(len(options.server))]
        print_table(table, rows, columns, {place[1:]: text for place, text in texts.items() if place[0] == table})
    for (client, compression), reason in NOT_OFFERED.items():
        if client in clients:
            print("  %s, %s: not offered: %s" % (client, compression, reason))
    # Not counted: the alert that upstream sends depends on the version of Go that built it.
    different = []
    with (options.logs / "matrix-said").open("w") as file:
        for (table, row, client), errors in said.items():
            file.write("%s, %s, %s:\n%s" % (table, row, client, "".join("    %s\n" % error for error in errors)))
            if table == "certificates" and len(set(map(plain, errors))) > 1:
                different.append("%s, %s:" % (row, client))
                different += ["    server %d: %s" % each for each in enumerate(errors)]
    print("\nrefusals that do not read the same on all servers: %s" % ("" if different else "none"))
    for line in different:
        print("  " + line)
    print("\n%.0f s" % (time.monotonic() - started))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
