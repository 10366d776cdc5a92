#!/usr/bin/env python3
"""Records what clients send to upstream's nsqd, and what it answers, as session files. An nsqd is a client too, of
upstream's nsqlookupd.

    run.py --clients DIR --logs DIR --out DIR --server PATH --lookupd PATH --recorder PATH [--client NAME]...
        [--scenario NAME]...

The clients must be installed (ci/record does that), client NAME in DIR/NAME. Every scenario of a client gets a fresh
server with an empty data directory and a fresh recorder, each on a port of its own choice. The file is
OUT/NAME/SCENARIO.session. The logs folder keeps the output of all programs. The last line counts the recordings.
"""

import argparse
import http.server
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).parent
START_LIMIT = 10  # seconds
CLIENT_LIMIT = 40
STOP_LIMIT = 10
HOLD_MS = 150  # longer than any client takes to answer

# What a client does in each scenario, and the shortest pause that is recorded, in ms, where a timeout depends on pauses.
SCENARIOS = {
    "publish": ("publishes with PUB, MPUB and DPUB", 0),
    "consume": ("consumes three messages", 0),
    "requeue": ("requeues a message, at once and with a delay", 0),
    "touch": ("touches a message that takes longer than its timeout", 550),
    "timeout": ("lets a message time out", 0),
    "channels": ("consumes from two channels of a topic", 0),
    "close": ("stops consuming with a message in flight", 0),
    "reconnect": ("loses its connection with a message in flight, and connects again", 0),
}

# Scenarios that publish and consume one message over what their name says, with the server's flags as in a session
# file.
TLS = "--tls-cert={suite}/tls/cert.pem --tls-key={suite}/tls/key.pem"
AUTH = "--auth-http-address={auth}"
SPOKEN = {
    "tls": ("TLS", TLS),
    "snappy": ("Snappy", ""),
    "deflate": ("Deflate", ""),
    "tls-snappy": ("TLS and Snappy", TLS),
    "tls-deflate": ("TLS and Deflate", TLS),
    "auth": ("AUTH", AUTH),
}
SCENARIOS.update((name, ("publishes and consumes with " + what, 0)) for name, (what, _) in SPOKEN.items())

# The same for clients that are nsqds.
NSQD_SCENARIOS = {
    "start": ("starts without topics", 0),
    "topic": ("gets a topic", 0),
    "channels": ("gets a topic with two channels", 0),
    "delete": ("gets a topic with two channels, and all are deleted", 0),
    "ephemeral": ("gets ephemeral topics and a channel, which disappear", 0),
    "ping": ("says after 15 s that it is still there", 0),
    "reconnect": ("connects again when nsqlookupd was restarted", 0),
    "again": ("stops with a topic, and starts again", 0),
}

# Which client has which of SPOKEN; README.md says why others do not.
SPEAKERS = {
    "go-nsq-1.1.0": list(SPOKEN),
    "pynsq-0.9.1": list(SPOKEN),
    "nsqjs-0.13.0": list(SPOKEN),
    "asyncnsq-1.2.1": ["snappy", "deflate", "auth"],
    "gnsq-1.0.2": ["auth"],
}
SUITE = HERE.parent / "conformance"

# Clients that cannot ask for a message timeout of one second in IDENTIFY. The server is started with that timeout.
NO_TIMEOUT = "asyncnsq-1.2.1", "gnsq-1.0.2", "tokio-nsq-0.14.0"
SHORT_TIMEOUT = "touch", "timeout", "reconnect"


def wait_for_address(process, log, pattern):
    """Reads the address from a program's log line about its listener."""
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit and process.poll() is None:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found.group(1)
        time.sleep(0.02)
    raise RuntimeError("it does not listen, see %s" % log)


def stop(process):
    """Ends a program with SIGTERM, or at the limit with SIGKILL; returns its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def tell(recorder, line):
    recorder.stdin.write(line)
    recorder.stdin.flush()


def run_client(command, recorder, log, restart):
    """Runs a client to its end. "cut" on its standard output makes the recorder cut the connections. "restart" restarts
    the server, and the client gets a line when that is done."""
    with log.open("w") as errors:
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        limit = subprocess.Popen(["sh", "-c", 'sleep "$1"; kill -9 "$2"', "limit", str(CLIENT_LIMIT), str(client.pid)],
                                 start_new_session=True)
        try:
            for line in client.stdout:
                errors.write("said: " + line)
                if line == "cut\n":
                    tell(recorder, b"cut\n")
                elif line == "restart\n":
                    tell(recorder, b"restart\n")
                    restart()
                    client.stdin.write("restarted\n")
                    client.stdin.flush()
            status = client.wait()
        finally:
            limit.kill()
            limit.wait()
            client.kill()
            client.wait()
            client.stdin.close()
    if status != 0:
        raise RuntimeError("the client ended with %d, see %s" % (status, log))


class AuthServer(http.server.BaseHTTPRequestHandler):
    """Answers a secret with itself, as the auth server of nsq-conform does."""

    def do_GET(self):
        answer = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["secret"][0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def start_auth():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AuthServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "127.0.0.1:%d" % server.server_port


def is_nsqd(client):
    return client.startswith("nsqd-")


def scenarios_of(client):
    if is_nsqd(client):
        return list(NSQD_SCENARIOS)
    return [name for name in SCENARIOS if name not in SPOKEN or name in SPEAKERS.get(client, ())]


def start_server(options, client, data, flags, tcp, log):
    """The server of this client, and its address."""
    with log.open("w") as out:
        command = [options.lookupd, "--broadcast-address=127.0.0.1"] if is_nsqd(client) else \
            [options.server, "--data-path=" + data, "--https-address=127.0.0.1:0", *flags]
        server = subprocess.Popen([*command, "--tcp-address=" + tcp, "--http-address=127.0.0.1:0"],
                                  stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        return server, wait_for_address(server, log, r"TCP: listening on (127\.0\.0\.1:\d+)\n")
    except RuntimeError:
        stop(server)
        raise


def record(options, client, scenario):
    title, pause = (NSQD_SCENARIOS if is_nsqd(client) else SCENARIOS)[scenario]
    flags = "--msg-timeout=1s" if client in NO_TIMEOUT and scenario in SHORT_TIMEOUT else ""
    flags = SPOKEN[scenario][1] if scenario in SPOKEN else flags
    given = flags.replace("{suite}", str(SUITE))
    if AUTH in given:
        given = given.replace("{auth}", start_auth())
    name, version = re.fullmatch(r"(.*?)-(\d.*)", client).groups()
    logs = options.logs / client
    logs.mkdir(parents=True, exist_ok=True)
    out = options.out / client
    out.mkdir(parents=True, exist_ok=True)
    recorder_log = logs / (scenario + ".recorder")
    processes = []
    with tempfile.TemporaryDirectory() as data, recorder_log.open("w") as b:
        try:
            server, to = start_server(options, client, data, given.split(), "127.0.0.1:0", logs / (scenario + ".server"))
            processes.append(server)

            def restart():
                time.sleep(2 * HOLD_MS / 1000)  # the recorder closes the connections first
                stop(processes[0])
                processes[0], _ = start_server(options, client, data, given.split(), to, logs / (scenario + ".restarted"))

            recorder = subprocess.Popen(
                [options.recorder, "--listen", "127.0.0.1:0", "--to", to, "-o", str(out), "--id",
                 "%s/%s" % (client, scenario), "--title", "%s %s %s" % (name, version, title),
                 "--tls-cert", str(SUITE / "tls/cert.pem"), "--tls-key", str(SUITE / "tls/key.pem"),
                 "--flags", flags, "--hold", str(HOLD_MS), "--pause", str(pause)],
                stdin=subprocess.PIPE, stdout=b, stderr=b)
            processes.append(recorder)
            host, port = wait_for_address(recorder, recorder_log, r"TCP: listening on (127\.0\.0\.1:\d+)\n").split(":")
            run_client([str(HERE / "clients" / client / "run"), str(options.clients / client), scenario, host, port],
                       recorder, logs / (scenario + ".client"), restart)
            if stop(recorder) != 0:
                raise RuntimeError("not recorded, see %s" % recorder_log)
        finally:
            for process in reversed(processes):
                stop(process)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--clients", type=pathlib.Path, required=True)
    options.add_argument("--logs", type=pathlib.Path, required=True)
    options.add_argument("--out", type=pathlib.Path, required=True)
    options.add_argument("--server", required=True)
    options.add_argument("--lookupd", required=True)
    options.add_argument("--recorder", required=True)
    options.add_argument("--client", action="append")
    options.add_argument("--scenario", action="append")
    options = options.parse_args()

    passed = failed = 0
    for client in options.client or sorted(path.name for path in (HERE / "clients").iterdir()):
        for scenario in options.scenario or scenarios_of(client):
            start = time.monotonic()
            try:
                record(options, client, scenario)
                passed += 1
                print("%s/%s: %.1f s" % (client, scenario, time.monotonic() - start), flush=True)
            except (RuntimeError, OSError) as reason:
                failed += 1
                print("%s/%s: FAILED: %s" % (client, scenario, reason), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
