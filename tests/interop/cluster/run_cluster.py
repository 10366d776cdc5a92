#!/usr/bin/env python3
"""What README.md says about `make run-cluster`: it starts at ports that are free, the lines of README.md for another
terminal show what they must, and no process is left after SIGTERM, after Ctrl-C, and when one of the programs ends.

    run_cluster.py --logs DIR

The last line counts one for each of these.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

from cluster import Failed, free_port  # this finds `servers` too
from servers import run, wait_until

ROOT = pathlib.Path(__file__).parents[3]
PORTS = [0, 1, 2, 3, 10, 11]  # after the first one
STARTS = 5  # another program may take a port in the meantime


def free_ports():
    """The first port of six that are free."""
    while True:
        first = free_port()
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for more in PORTS:
                held.enter_context(socket.socket()).bind(("127.0.0.1", first + more))
            return first


class Command:
    """`make run-cluster`, in a session of its own as in a terminal."""

    def __init__(self, first, log):
        self.first, self.log = first, log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                ["make", "-s", "run-cluster"], cwd=ROOT, env={**os.environ, "FIRST_PORT": str(first)},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for left in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        self.process.wait()

    def said(self):
        return self.log.read_text()

    def has_started(self):
        """Waits until it says how to end it, or ends. It builds first."""
        wait_until(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None, "the cluster starts", 120)
        return "Ctrl-C" in self.said()

    def processes(self):
        """The processes of the session, by number, without those that have ended."""
        listed = run(["ps", "-s", str(self.process.pid), "-o", "pid=,stat=,args="])[0]
        return {int(pid): args for pid, stat, args in (line.split(None, 2) for line in listed.splitlines())
                if not stat.startswith("Z")}

    def must_end(self):
        wait_until(lambda: self.process.poll() is not None, "make ends")
        wait_until(lambda: not self.processes(), "no process is left of %s" % self.processes())


@contextlib.contextmanager
def started(log):
    for _ in range(STARTS):
        with Command(free_ports(), log) as command:
            if command.has_started():
                yield command
                shutil.rmtree(ROOT / "build" / ("cluster-%d" % command.first))
                return
    raise Failed(command.said())


def lines_of_readme(first):
    """The lines for another terminal, with these ports."""
    part = re.search(r"^## A cluster\n(.*?)^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL).group(1)
    lines = re.findall(r"^```\n(.*?)^```", part, re.MULTILINE | re.DOTALL)[1]
    return re.sub(r"\b41(5[0-3]|6[01])\b", lambda port: str(first + int(port.group()) - 4150), lines)


def expect(pattern, text):
    if not re.search(pattern, text):
        raise Failed("no %r in:\n%s" % (pattern, text))


def lines_and_sigterm(command):
    def bash(lines):
        return run(["bash", "-c", lines])[0]

    second = '"tcp_port":%d,' % (command.first + 2)
    found, _, dump = bash(lines_of_readme(command.first)).partition("\n")
    expect(r'^OK\{"channels":\[\],"producers":\[\{[^}]*%s[^}]*\}\]\}$' % second, found)
    shown = re.sub(r"\n\d+|\s", "", dump[7:])  # without what od adds: the frame OK, then the message
    expect(r"^\\0\\0\\0006\\0\\0\\0\\0OK\\0\\0\\0#\\0\\0\\0002.*hello$", shown)
    # The lines that the program prints.
    publish, lookup = re.findall(r"^    (curl .*)$", command.said(), re.MULTILINE)
    expect("^OK$", bash(publish))
    expect(second, bash(lookup))
    nodes, *stats = re.findall(r"http://\S+/(?:nodes|stats)\b", command.said())
    expect(r'"tcp_port".*"tcp_port"', bash("curl " + nodes))
    expect("greetings", "".join(bash("curl " + url) for url in stats))
    command.process.terminate()
    command.must_end()


def ctrl_c(command):
    os.killpg(command.process.pid, signal.SIGINT)
    command.must_end()


def one_ends(command):
    nsqd = [pid for pid, args in command.processes().items() if args.startswith("build/nsqd ")][-1]
    os.kill(nsqd, signal.SIGTERM)
    command.must_end()
    expect("a program has ended", command.said())


def ports_are_taken(command):
    with Command(command.first, command.log.with_suffix(".second.log")) as second:
        if second.has_started():
            raise Failed("a second cluster has started at the same ports")
        second.must_end()
        expect("does not listen", second.said())
    if command.process.poll() is not None:
        raise Failed("the first cluster has ended")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--logs", type=pathlib.Path, required=True)
    options = options.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    failed = 0
    checks = lines_and_sigterm, ctrl_c, one_ends, ports_are_taken
    for check in checks:
        log = options.logs / ("run-cluster-%s.log" % check.__name__)
        try:
            with started(log) as command:
                check(command)
        except Exception as reason:  # whatever it is, the check has failed
            failed += 1
            print("%s: %s: %s; see %s" % (check.__name__, type(reason).__name__, reason, log))
    print("%d passed, %d failed" % (len(checks) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
