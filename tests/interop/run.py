#!/usr/bin/env python3
"""Runs the clients against the servers. Compares what they saw with expected.txt, and between the servers.

    run.py --clients DIR --logs DIR [--client NAME]... --server PATH...

The clients must be installed (ci/interop does that), client NAME in DIR/NAME. Every client gets a fresh server of each
kind, with a port of the server's own choice and an empty data directory. The server is then stopped with SIGTERM and
must exit with 0. The logs folder keeps what a server logged and a client printed. The last line counts the comparisons:
one for each scenario, client and server, and one for each server's exit.
"""

import argparse
import difflib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
START_LIMIT = 10  # seconds
CLIENT_LIMIT = 60  # a scenario ends itself before this
STOP_LIMIT = 10
SHOWN_LINES = 30  # lines that are printed of one difference


def by_scenario(text):
    """Sorts lines "scenario: what it saw" into a dict of lists. The scenarios run side by side; only the order of the
    lines of each scenario counts."""
    scenarios = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            scenarios.setdefault(line.split(":")[0], []).append(line)
    return scenarios


def wait_for_address(server, log):
    """Reads HOST and PORT from nsqd's log line about its listener."""
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit and server.poll() is None:
        found = re.search(r"TCP: listening on (127\.0\.0\.1):(\d+)\n", log.read_text(errors="replace"))
        if found:
            return found.groups()
        time.sleep(0.02)
    raise RuntimeError("the server did not start, see %s" % log)


def run_client(command, server_path, log):
    """Runs one client against a fresh server; returns what it printed and how the server ended."""
    with tempfile.TemporaryDirectory() as data, log.open("w") as server_log:
        server = subprocess.Popen(
            [server_path, "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--https-address=127.0.0.1:0",
             "--data-path=" + data],
            stdin=subprocess.DEVNULL, stdout=server_log, stderr=server_log)
        try:
            host, port = wait_for_address(server, log)
            printed = run_limited(command + [host, port], log.with_suffix(".client"))
            server.send_signal(signal.SIGTERM)
            try:
                status = server.wait(STOP_LIMIT)
                ended = "exit %d" % status if status >= 0 else "killed by signal %d" % -status
            except subprocess.TimeoutExpired:
                ended = "no exit within %d s" % STOP_LIMIT
            return printed, ended
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


def run_limited(command, errors):
    """Runs a client until it ends; at the limit, ends it and its children. Returns what it printed."""
    with errors.open("w") as log:
        client = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                  text=True, errors="backslashreplace", start_new_session=True)
        try:
            printed = client.communicate(timeout=CLIENT_LIMIT)[0]
        except subprocess.TimeoutExpired:
            os.killpg(client.pid, signal.SIGKILL)
            printed = client.communicate()[0]
    # A line that is never expected, so that a failure of the client after its scenarios is noticed too.
    return printed if client.returncode == 0 else printed + "\nclient: ended with %d\n" % client.returncode


def show_difference(title, want, want_name, got, got_name):
    print("    %s:" % title)
    lines = list(difflib.unified_diff(want, got, want_name, got_name, lineterm=""))
    for line in lines[:SHOWN_LINES]:
        print("        " + line)
    if len(lines) > SHOWN_LINES:
        print("        and %d lines more" % (len(lines) - SHOWN_LINES))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--clients", type=pathlib.Path, required=True)
    options.add_argument("--logs", type=pathlib.Path, required=True)
    options.add_argument("--client", action="append")
    options.add_argument("--server", action="append", required=True)
    options = options.parse_args()

    expected = by_scenario((HERE / "expected.txt").read_text())
    clients = options.client or sorted(path.name for path in (HERE / "clients").iterdir())
    options.logs.mkdir(parents=True, exist_ok=True)
    for number, server in enumerate(options.server):
        version = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=10)
        print("server %d: %s: %s" % (number, server, version.stdout.strip()), flush=True)

    passed = failed = 0

    def count(good):
        nonlocal passed, failed
        if good:
            passed += 1
        else:
            failed += 1
        return good

    for client in clients:
        first = None  # what this client saw on the first server
        for number, server in enumerate(options.server):
            start = time.monotonic()
            log = options.logs / ("%s-%d.log" % (client, number))
            try:
                printed, ended = run_client([str(HERE / "clients" / client / "run"), str(options.clients / client)],
                                            server, log)
            except (RuntimeError, OSError) as reason:
                printed, ended = "", str(reason)
            log.with_suffix(".saw").write_text(printed)
            saw = by_scenario(printed)
            if first is None:
                first = saw
            good = 0
            problems = []
            # Also the names in `saw` and `first`: a scenario that is not expected is a difference too.
            names = list(dict.fromkeys([*expected, *first, *saw]))
            for name in names:
                lines = saw.get(name, [])
                if count(lines == expected.get(name) and lines == first.get(name)):
                    good += 1
                else:
                    problems.append((name, lines))
            stopped = count(ended == "exit 0")
            print("%s on server %d: %d of %d scenarios as expected, then %s (%.1f s)"
                  % (client, number, good, len(names), ended, time.monotonic() - start), flush=True)
            for name, lines in problems:
                show_difference(name, expected.get(name, []), "expected.txt", lines, "server %d" % number)
                if lines != first.get(name, []) and expected.get(name) != first.get(name):
                    show_difference("%s, between the servers" % name, first.get(name, []), "server 0",
                                    lines, "server %d" % number)
            if problems or not stopped:
                print("    all that was seen is %s, the server's log %s" % (log.with_suffix(".saw"), log), flush=True)

    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
