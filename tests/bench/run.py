#!/usr/bin/env python3
"""Runs build/nsqd and upstream's nsqd 1.3.0 under the load client, in turns (A B A B), each run on a fresh server, and
writes the results into build/bench/: table.md, results.json, picture.svg.

    run.py [--quick] [--only WORD]      WORD: part of the names of the rows; no files are written

Every number is a median over the rounds. CPU is what the kernel accounted to the server's process while the
messages passed. A target is a limit for the ratio to upstream, or for the number itself.
"""
import argparse, http.client, json, mmap, os, platform, re, shutil, signal, socket, statistics, subprocess, sys, time

OUT = "build/bench"
# Rows of HTTP name another port; a later flag counts.
NOWHERE = ["--http-address=127.0.0.1:0", "--https-address=127.0.0.1:0"]
SERVERS = {
    "upstream": ["build/upstream/nsqd", *NOWHERE],
    "nsqref": ["build/nsqd", *NOWHERE],
    "epoll": ["build/nsqd", *NOWHERE, "--waiter=epoll"],
    "floor": [OUT + "/floor"],
}
SIDES = ["upstream", "nsqref"]
ALL = ["upstream", "nsqref", "epoll"]
# In memory, as in upstream's own benchmark: otherwise the disk would be measured.
FLAGS = ["--mem-queue-size=1000000", "--log-level=error"]
CERTIFICATE = ["--tls-cert=tests/conformance/tls/cert.pem", "--tls-key=tests/conformance/tls/key.pem"]
# The client offers one cipher that both servers accept. Otherwise each server would choose a different one.
CLIENT_TLS = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = client
[client]
Ciphersuites = TLS_AES_128_GCM_SHA256
"""
RUN_SECONDS = 180  # the longest time of one run
FLOORS = {"PUB, 1 connection": None, "MPUB of 200": None,  # name of a scenario: the most CPU, as a ratio to the floor's
          "PUB, 100 KiB": 1.15, "MPUB of 40, 100 KiB": 1.3}
PACES = (5000, 10000, 20000, 40000)  # messages a second
PACED_CPU = 0.5  # the most CPU at each of them, as a ratio to upstream's
CLIENT_IS_LIMIT = 0.95  # of a core; the client has one thread


def scenarios(quick):
    """(name, options of the load client, targets: {metric: limit of the ratio}). Options with `connections` are those of
    the HTTP load client."""
    n = 0.2 if quick else 1
    count = lambda most: max(200, int(most * n) // 200 * 200)
    pub = lambda publishers, messages, **more: dict(publishers=publishers, count=count(messages), **more)
    consume = lambda messages, **more: dict(publishers=1, count=count(messages), prefill=1, **{"channels": 1, **more})
    rows = [("PUB, %d connection%s" % (c, "s" * (c > 1)), pub(c, 60000),
             {"cpu": 1 / 3, "rate": 1.5} if c == 1 else {}) for c in (1, 2, 16)]
    rows += [("MPUB of 200", pub(1, 800000, batch=200), {"cpu": 1 / 4, "rate": 2})]
    rows += [("MPUB of %d, %s" % (batch, label), pub(1, messages, batch=batch, size=size), {})
             for size, label, batch, messages in
             ((10, "10 B", 200, 800000), (4096, "4 KiB", 200, 100000), (102400, "100 KiB", 40, 4000))]
    rows += [("PUB, %s" % label, pub(1, messages, size=size), {})
             for size, label, messages in ((4096, "4 KiB", 40000), (102400, "100 KiB", 4000))]
    rows += [("consume, RDY %d" % rdy, consume(messages, batch=200, rdy=rdy),
              {"cpu": 1 / 4, "rate": 2} if rdy == 2500 else {}) for rdy, messages in ((1, 40000), (200, 400000), (2500, 400000))]
    rows += [("consume, %s" % label, consume(messages, batch=batch, rdy=2500, size=size),
              {"cpu": 0.6} if size == 102400 else {})
             for size, label, batch, messages in
             ((10, "10 B", 200, 400000), (4096, "4 KiB", 200, 60000), (102400, "100 KiB", 40, 4000))]
    rows += [("fan-out to %d" % c, dict(publishers=1, batch=200, count=count(messages), channels=c, rdy=2500), {})
             for c, messages in ((1, 400000), (4, 160000), (16, 40000))]
    for label, on in (("TLS", "tls"), ("snappy", "snappy")):
        rows += [(label + ": PUB, 1 connection", pub(1, 30000, **{on: 1}), {}),
                 (label + ": MPUB of 200", pub(1, 400000, batch=200, **{on: 1}), {}),
                 (label + ": consume, RDY 2500", consume(400000, batch=200, rdy=2500, **{on: 1}), {})]
    rows += [("POST /%s, %d connection%s" % (path, c, "s" * (c > 1)),
              dict(connections=c, batch=batch, count=count(messages)), {"cpu": 1 / 2, "rate": 1.5})
             for path, batch, messages in (("pub", 1, 60000), ("mpub of 200", 200, 800000)) for c in (1, 16)]
    rows += [("/stats of 1,000 channels", dict(connections=1, get=1, count=40 if quick else 200), {"cpu": 1 / 3})]
    return rows


# --- one run --------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    return time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid computes it from a process id


def run(*command):
    """The finished process, with its output. Ends this program if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS,
                              env={**os.environ, "OPENSSL_CONF": OUT + "/openssl.cnf"})
    except subprocess.TimeoutExpired:
        sys.exit("still running after %d seconds: %s" % (RUN_SECONDS, " ".join(command)))
    if done.returncode != 0:
        sys.exit("failed (%d): %s\n%s" % (done.returncode, " ".join(command), done.stderr.strip()))
    return done


def command_line(side, more=()):
    """The command line of a fresh server with an empty folder, and its port."""
    data = os.path.abspath(OUT + "/data")
    shutil.rmtree(data, ignore_errors=True)
    os.makedirs(data)
    port = free_port()
    return SERVERS[side] + FLAGS + [*more, "--tcp-address=127.0.0.1:%d" % port, "--data-path=" + data], port


class Server:
    """A running server; it is ended by its process id."""

    def __init__(self, side, more=()):
        command, self.port = command_line(side, more)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid

    def __enter__(self):
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                time.sleep(0.05)
                return self
            except OSError:
                time.sleep(0.01)
        self.__exit__()
        sys.exit("does not listen: " + " ".join(self.process.args))

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def load(self, **options):
        options = ["--%s=%d" % o for o in options.items()]
        return json.loads(run(OUT + "/load", "--port=%d" % self.port, "--pid=%d" % self.pid, *options).stdout)


def http_load(side, options):
    port = free_port()
    with Server(side, ["--http-address=127.0.0.1:%d" % port]) as server:
        if "get" in options:
            make_channels(port)
        words = ["--%s=%d" % o for o in options.items()]
        return json.loads(run(OUT + "/http", "--port=%d" % port, "--pid=%d" % server.pid, *words).stdout)


def make_channels(port):
    """10 topics with 100 channels each."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for topic in range(10):
        for path in ["/topic/create?topic=t%d" % topic,
                     *("/channel/create?topic=t%d&channel=c%d" % (topic, c) for c in range(100))]:
            client.request("POST", path)
            answer = client.getresponse()
            if answer.read() != b"" or answer.status != 200:
                sys.exit("POST %s: %d" % (path, answer.status))
    client.close()


def load(side, options):
    if "connections" in options:
        r = http_load(side, options)
    else:
        with Server(side, CERTIFICATE if "tls" in options else ()) as server:
            r = server.load(**options)
    m = r["messages"]
    return {"cpu": r["cpu_ns"] / 1e3 / m, "rate": m / r["ns"] * 1e9, "peak": r["rss_peak"] / 1024,
            "client": r["client_cpu_ns"] / r["ns"], "raw": r}


def turns(rounds, sides, act):
    """The results of act(side) by side; the sides take turns."""
    got = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            got[side].append(act(side))
    return got


def medians(runs):
    return {key: statistics.median(r[key] for r in runs) for key in runs[0] if key != "raw"}


# --- the parts ------------------------------------------------------------------------------------


def throughput(rounds, quick, only):
    rows = []
    for name, options, targets in scenarios(quick):
        if only in name:
            got = {side: medians(runs) for side, runs in turns(rounds, SIDES, lambda s: load(s, options)).items()}
            rows.append({"name": name, "targets": targets, **got})
            print("%-34s cpu %7.2f %7.2f us   %8.0f %8.0f /s   client %3.0f%% %3.0f%%" % (
                name, *(got[s]["cpu"] for s in SIDES), *(got[s]["rate"] for s in SIDES),
                *(got[s]["client"] * 100 for s in SIDES)), flush=True)
    return rows


def floor(rounds, quick, only):
    """PUB one at a time and MPUB, with a server that only keeps what it receives, and answers."""
    rows = {}
    for name, options, _ in scenarios(quick):
        if name in FLOORS and only in name:
            got = turns(rounds, ["nsqref", "floor"], lambda s: load(s, options))
            rows[name] = {s: medians(r) for s, r in got.items()}
            cpu = {s: r["cpu"] for s, r in rows[name].items()}
            print("%-24s cpu %6.2f us, floor %6.2f, ratio %.2f" % (
                name, cpu["nsqref"], cpu["floor"], cpu["nsqref"] / cpu["floor"]), flush=True)
    return rows


def points(side, options):
    raw = load(side, options)["raw"]
    return {p: raw[p] / 1e6 for p in ("p50", "p99", "p999")} | {"cpu": raw["cpu_ns"] / 1e3 / raw["messages"]}


def paced(rounds, quick, only):
    """CPU and latency of messages that come at a fixed rate through one publisher and one consumer. A server that waits
    awake costs little at full load and much here."""
    rows = {}
    for rate in PACES:
        name = "paced, %s/s" % format(rate, ",")
        if only in name:
            through = dict(publishers=1, rate=rate, count=rate // 2 if quick else rate * 2, channels=1, rdy=2500)
            rows[name] = {s: medians(r) for s, r in turns(rounds, SIDES, lambda s: points(s, through)).items()}
            print("%-24s cpu %6.2f %6.2f us   p50 %.2f %.2f ms   p99 %.2f %.2f ms" % (
                name, *(rows[name][s][key] for key in ("cpu", "p50", "p99") for s in SIDES)), flush=True)
    return rows


def half_load(rounds, quick):
    """Latency at half the rate that the slower server reaches."""
    messages = 10000 if quick else 40000
    through = dict(publishers=16, count=messages, channels=1, rdy=2500)
    capacity = {s: medians(r) for s, r in turns(1 if quick else 3, SIDES, lambda s: load(s, through)).items()}
    rate = int(min(c["rate"] for c in capacity.values()) / 2)
    half = dict(publishers=1, rate=rate, count=min(messages, rate * 3), channels=1, rdy=2500)
    return {"rate": rate} | {s: medians(r) for s, r in turns(rounds, SIDES, lambda s: points(s, half)).items()}


def lone_messages(rounds, quick):
    """Latency of lone messages. The machine without a server is measured in the same turns, so that a disturbance hits
    all of them."""
    lone = dict(publishers=1, rate=100, lone=1, count=50 if quick else 300, channels=1)
    bare, held = "as many bytes there and back, no server", "RDY 2500, 64 KiB and 30 s of buffering asked for, the most"
    kinds = {"RDY 1": dict(lone, rdy=1), "RDY 2500": dict(lone, rdy=2500),
             held: dict(lone, rdy=2500, buffer_size=64 * 1024, buffer_timeout=30000)}

    def act(case):
        return bare_loopback(lone["count"]) if case == (bare, "bare") else points(case[1], kinds[case[0]])

    once = (held, "upstream")  # nsqd really waits as long as asked: one round takes half a minute, and is enough
    cases = [(kind, side) for kind in kinds for side in SIDES if (kind, side) != once] + [(bare, "bare")]
    got = turns(rounds, cases, act) | ({} if quick else turns(1, [once], act))
    return {kind: {side: medians(r) for (k, side), r in got.items() if k == kind} for kind in (*kinds, bare)}


def bare_loopback(count):
    """How long the same number of bytes takes to another process and back, sent at the same intervals."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        echo = os.fork()
        if echo == 0:
            try:
                peer = listener.accept()[0]
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while peer.send(peer.recv(4096)) > 0:
                    pass
            finally:
                os._exit(0)
        took = []
        with socket.create_connection(listener.getsockname()) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(count):
                time.sleep(0.01)
                start = time.monotonic()
                s.send(bytes(200))
                s.recv(4096)
                took.append((time.monotonic() - start) * 1000)
        os.waitpid(echo, 0)
    took.sort()
    return {"p50": took[count // 2], "p99": took[count * 99 // 100], "p999": took[count * 999 // 1000]}


def start_up(rounds):
    def act(side):
        command, port = command_line(side)
        return {"ms": json.loads(run(OUT + "/start", str(port), *command).stdout)["ns"] / 1e6}
    return {s: medians(r) for s, r in turns(rounds * 3, SIDES, act).items()}


def idle(rounds, quick):
    most, interval = (1000, 3) if quick else (10000, 30)

    def memory(side):
        with Server(side) as s:
            r = s.load(idle=1000)
        return {"bytes": (r["rss_idle"] - r["rss_start"]) / 1000 * 1024}

    # Heartbeats are due as the clients connected: all at once, or one after the other.
    def beats(side, pace):
        with Server(side) as s:
            r = s.load(idle=most, pace=pace, heartbeat=interval * 1000, hold=interval * 1000)
        return {"percent": r["cpu_ns"] / r["ns"] * 100, "wakeups": r["wakeups"] / r["ns"] * 1e9,
                "heartbeats": r["heartbeats"], "bytes": (r["rss_idle"] - r["rss_start"]) / most * 1024}

    def one_active(side):
        with Server(side) as s:  # poll() looks at all connections for each message, 10 ms each: few messages are enough
            r = s.load(idle=most, publishers=1, count=300 if side == "nsqref" else 10000)
        return {"cpu": r["cpu_ns"] / 1e3 / r["messages"], "rate": r["messages"] / r["ns"] * 1e9}

    median = lambda act: {side: medians(runs) for side, runs in turns(rounds, ALL, act).items()}
    at_once = median(lambda side: beats(side, 0))
    return {"connections": most, "interval": interval, "bytes, 1,000": median(memory), "at once": at_once,
            "evenly": median(lambda side: beats(side, most // interval)), "one active": median(one_active)}


def queued(rounds, quick):
    n = 100000 if quick else 500000

    def act(side):
        with Server(side) as s:
            r = s.load(publishers=1, batch=200, count=n, prefill=1, rdy=0)
        return {"bytes": (r["rss_filled"] - r["rss_start"]) / n * 1024}

    return {side: medians(runs)["bytes"] for side, runs in turns(rounds, SIDES, act).items()}


def upstreams_own(rounds):
    """Upstream's own bench_writer and bench_reader, with their own running times."""
    def program(server, name, *more):
        cpu = cpu_seconds(server.pid)
        out = run("build/upstream/" + name, "--nsqd-tcp-address=127.0.0.1:%d" % server.port, "--runfor=1s", *more)
        cpu = cpu_seconds(server.pid) - cpu
        found = re.search(r"duration: ([\d.]+)(m?s).*?([\d.]+)ops/s", out.stderr)
        seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
        rate = float(found[3])
        return {"rate": rate, "cpu": cpu * 1e6 / (rate * seconds)}

    def act(side):
        with Server(side) as server:
            writer = program(server, "bench_writer")
            reader = program(server, "bench_reader")
        return {"writer_" + k: v for k, v in writer.items()} | {"reader_" + k: v for k, v in reader.items()}

    got = {s: medians(r) for s, r in turns(rounds, SIDES, act).items()}
    return {name: {s: {k: got[s][name + "_" + k] for k in ("rate", "cpu")} for s in SIDES} for name in ("writer", "reader")}


def parser():
    """The parser on bytes that real clients sent, from the recordings in corpus/sessions."""
    run("build/nsq-vectors", OUT + "/recorded.json", "corpus/sessions")
    piece = lambda p: bytes.fromhex(p) if isinstance(p, str) else bytes.fromhex(p["hex"]) * p["times"]
    with open(OUT + "/recorded.json") as f:
        recorded = b"".join(piece(p) for c in json.load(f)["parser"] for p in c["bytes"])
    with open(OUT + "/recorded.bin", "wb") as f:
        f.write(recorded)
    return json.loads(run(OUT + "/parser", OUT + "/recorded.bin").stdout)


def warm_memory():
    """Touches much memory once. A virtual machine's host provides memory when it is first touched, which takes 10 us a
    page; clearing a page takes a tenth of that. Without this the server that runs first would pay for all."""
    with open("/proc/meminfo") as f:
        free = int(re.search(r"MemAvailable: +(\d+)", f.read())[1]) * 1024
    with mmap.mmap(-1, min(free // 2, 4 << 30)) as memory:
        for page in range(0, len(memory), mmap.PAGESIZE):
            memory[page] = 1


def processor_ticks():
    """The time of all processors since the machine started: used here, and given to others by the host."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return user + nice + system + irq + softirq, steal


def machine():
    line = lambda *command: run(*command).stdout.splitlines()[0]
    with open("/proc/cpuinfo") as f:
        model = next((l.split(":")[1].strip() for l in f if l.startswith("model name")), platform.machine())
    return {"cores": os.cpu_count(), "cpu": model, "kernel": platform.release(), "gcc": line("gcc", "--version"),
            "upstream": line("build/upstream/nsqd", "--version"), "load": "%.1f" % os.getloadavg()[0]}


# --- what is shown --------------------------------------------------------------------------------


def verdict(met):
    return "met" if met else "**missed**"


def judge(row):
    u, n = row["upstream"], row["nsqref"]
    said = []
    if max(u["client"], n["client"]) >= CLIENT_IS_LIMIT:
        said.append("the client is the limit")
    for metric, bound in row["targets"].items():
        ratio = n[metric] / u[metric]
        met = ratio <= bound if metric == "cpu" else ratio >= bound
        most = "1/%d" % round(1 / bound) if abs(1 / bound - round(1 / bound)) < 1e-9 else "%gx" % bound
        said.append("%s %s" % ("CPU at most " + most if metric == "cpu" else "%gx" % bound, verdict(met)))
    return ", ".join(said)


def table(results):
    out = ["| server CPU, throughput, memory | CPU us/message: nsqd | here | ratio | messages/s: nsqd | here | ratio | client's CPU: nsqd | here | peak MiB: nsqd | here | target |",
           "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in results["throughput"]:
        u, n = row["upstream"], row["nsqref"]
        out.append("| %s | %.2f | %.2f | %.2f | %s | %s | %.1f | %.0f%% | %.0f%% | %.0f | %.0f | %s |" % (
            row["name"], u["cpu"], n["cpu"], n["cpu"] / u["cpu"], format(round(u["rate"]), ","), format(round(n["rate"]), ","),
            n["rate"] / u["rate"], u["client"] * 100, n["client"] * 100, u["peak"], n["peak"], judge(row)))
    others = [(name + ", beside a server that only receives and answers (in nsqd's place)", got["floor"], got["nsqref"],
               FLOORS[name]) for name, got in results["floor"].items()]
    others += [("upstream's bench_" + name, got["upstream"], got["nsqref"], None)
               for name, got in results["upstream's own"].items()]
    for name, u, n, most in others:
        ratio = n["cpu"] / u["cpu"]
        out.append("| %s | %.2f | %.2f | %.2f | %s | %s | %.1f | | | | | %s |" % (
            name, u["cpu"], n["cpu"], ratio, format(round(u["rate"]), ","), format(round(n["rate"]), ","),
            n["rate"] / u["rate"], "CPU at most %gx %s" % (most, verdict(ratio <= most)) if most else ""))
    out += ["", "| at a fixed rate, 1 publisher, 1 consumer | CPU us/message: nsqd | here | ratio | p50 ms: nsqd | here | p99 ms: nsqd | here | target |",
            "|---|---|---|---|---|---|---|---|---|"]
    for name, got in results["paced"].items():
        u, n = got["upstream"], got["nsqref"]
        out.append("| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | CPU at most %gx: %s |" % (
            name, u["cpu"], n["cpu"], n["cpu"] / u["cpu"], u["p50"], n["p50"], u["p99"], n["p99"], PACED_CPU,
            verdict(n["cpu"] <= u["cpu"] * PACED_CPU)))
    half, lone, idle_, start, mem = results["half load"], results["lone"], results["idle"], results["start"], results["queued"]
    busy = idle_["one active"]
    bare = next(row["bare"] for row in lone.values() if "bare" in row)
    within = lambda p99: verdict(p99 <= 1) + (", as without a server" if p99 > 1 and bare["p99"] > 1 else "")
    three = lambda d: "%.2f / %.2f / %.2f" % (d["p50"], d["p99"], d["p999"]) if d else ""
    few, many = ({side: got["bytes"] for side, got in idle_[of].items()} for of in ("bytes, 1,000", "at once"))
    most = format(idle_["connections"], ",")
    each = lambda shape, of: " | ".join(shape % of(s) for s in ALL)
    whole = lambda of: " | ".join(format(round(of(s)), ",") for s in ALL)
    out += ["", "| latency, idle load | nsqd | here | here, --waiter=epoll | target |", "|---|---|---|---|---|",
            "| published to delivered at %s/s, ms: p50 / p99 / p99.9 | %s | %s | | p99 at most nsqd's: %s |" % (
                format(half["rate"], ","), three(half["upstream"]), three(half["nsqref"]), verdict(half["nsqref"]["p99"] <= half["upstream"]["p99"])),
            *("| the same of a lone message, %s | %s | %s | | %s |" % (
                name, three(row.get("upstream")), three(row.get("nsqref")),
                three(row["bare"]) if "bare" in row else "p99 within 1 ms: %s" % within(row["nsqref"]["p99"]))
              for name, row in lone.items()),
            "| start to the first answer, ms | %.1f | %.1f | | at most nsqd's: %s |" % (
                start["upstream"]["ms"], start["nsqref"]["ms"], verdict(start["nsqref"]["ms"] <= start["upstream"]["ms"])),
            "| memory of an idle connection of 1,000, bytes | %s | at most 2,048: %s |" % (
                whole(few.get), verdict(few["nsqref"] <= 2048)),
            "| the same of %s | %s | at most 2,048: %s |" % (most, whole(many.get), verdict(many["nsqref"] <= 2048)),
            *("| %s idle, a heartbeat each %d s, %s: CPU of a core, (wake-ups a second) | %s | outside poll(), so with epoll, under 1%%: %s; poll() itself %.2f%% |" % (
                most, idle_["interval"], how, each("%.2f%% (%.0f)", lambda s: (beats[s]["percent"], beats[s]["wakeups"])),
                verdict(beats["epoll"]["percent"] < 1), beats["nsqref"]["percent"] - beats["epoll"]["percent"])
              for how, beats in ((how, idle_[how]) for how in ("at once", "evenly"))),
            "| PUB, 1 connection beside %s idle, messages/s | %s | at least nsqd's with epoll: %s |" % (
                most, whole(lambda s: busy[s]["rate"]), verdict(busy["epoll"]["rate"] >= busy["upstream"]["rate"])),
            "| the same, CPU us/message | %s | |" % each("%.2f", lambda s: busy[s]["cpu"]),
            "| memory of a queued message of 200 B, bytes | %.0f | %.0f | | at most 300: %s |" % (
                mem["upstream"], mem["nsqref"], verdict(mem["nsqref"] <= 300))]
    p = results["parser"]
    out += ["", "The parser alone, on %s commands of recorded clients (%s bytes): %.1f million commands/s, %.2f GB/s; memchr for each newline %.1f GB/s, memcpy %.1f GB/s." % (
        format(p["commands"], ","), format(p["bytes"], ","), p["commands_a_second"] / 1e6, p["parse"] / 1e9, p["memchr"] / 1e9, p["memcpy"] / 1e9)]
    m = results["machine"]
    out += ["", "%(cores)s cores (%(cpu)s), Linux %(kernel)s, %(gcc)s, %(upstream)s" % m +
            "; medians of %d rounds, load average %s when it began; for each second of processor time that was used here the host"
            " gave %.2f s to others." % (results["rounds"], m["load"], results["stolen"])]
    return "\n".join(out) + "\n"


def picture(results):
    """CPU per message; upstream's is 100%."""
    rows = [(r["name"], r["nsqref"]["cpu"] / r["upstream"]["cpu"]) for r in results["throughput"]]
    step, left, full = 22, 220, 400
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">' % (
        left + full + 90, 44 + step * len(rows)),
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="10" y="20">Server CPU per message; the grey bar is nsqd 1.3.0</text>']
    for i, (name, ratio) in enumerate(rows):
        y = 34 + i * step
        out += ['<text x="10" y="%d">%s</text>' % (y + 12, name),
                '<rect x="%d" y="%d" width="%d" height="15" fill="#ddd"/>' % (left, y, full),
                '<rect x="%d" y="%d" width="%d" height="15" fill="#2a6"/>' % (left, y, min(full * ratio, full + 20)),
                '<text x="%d" y="%d">%.0f%%</text>' % (left + full + 30, y + 12, ratio * 100)]
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--quick", action="store_true")
    args.add_argument("--only", default="")
    args = args.parse_args()
    rounds = 1 if args.quick else 5
    os.makedirs(OUT, exist_ok=True)
    with open(OUT + "/openssl.cnf", "w") as f:
        f.write(CLIENT_TLS)
    warm_memory()
    used, stolen = processor_ticks()
    results = {"machine": machine(), "rounds": rounds, "throughput": throughput(rounds, args.quick, args.only),
               "floor": floor(rounds, args.quick, args.only), "paced": paced(rounds, args.quick, args.only)}
    if args.only:
        return
    results |= {"upstream's own": upstreams_own(rounds),
                "half load": half_load(rounds, args.quick),
                "lone": lone_messages(rounds, args.quick), "start": start_up(rounds), "idle": idle(rounds, args.quick),
                "queued": queued(rounds, args.quick), "parser": parser()}
    used, stolen = (after - before for after, before in zip(processor_ticks(), (used, stolen)))
    results["stolen"] = stolen / used
    for name, text in (("results.json", json.dumps(results, indent=1) + "\n"), ("table.md", table(results)),
                       ("picture.svg", picture(results))):
        with open(OUT + "/" + name, "w") as f:
            f.write(text)
    print("\n" + table(results))
    print("written: %s/{table.md,results.json,picture.svg}" % OUT)


if __name__ == "__main__":
    sys.exit(main())
