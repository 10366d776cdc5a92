"""For tools.py and nsqadmin.py: starts servers and upstream's programs, and replaces what differs from run to run."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

START_LIMIT = 20  # seconds
STOP_LIMIT = 20
RUNNING = set()  # the processes of all Programs


def end_all(*_):
    """What SIGTERM does: no process is left behind, whatever thread waits for it."""
    for process in list(RUNNING):
        process.kill()
    os._exit(1)


def wait_until(true, what, limit=START_LIMIT):
    """Calls `true` until it returns something; returns that."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        result = true()
        if result:
            return result
        time.sleep(0.02)
    raise RuntimeError("not within %d s: %s" % (limit, what))


class Program:
    """A process whose output goes to a file. It ends with SIGTERM, at the end of a `with` at the latest."""

    def __init__(self, command, log, stdin=subprocess.DEVNULL):
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen([str(word) for word in command], stdin=stdin, stdout=output, stderr=output)
        RUNNING.add(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        RUNNING.discard(self.process)

    def said(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern):
        """Waits until the output has the pattern; returns its first group."""
        def found():
            match = re.search(pattern, self.said())
            if match is None and self.process.poll() is not None:
                raise RuntimeError("%s ended before it printed %r; see %s" % (self.process.args[0], pattern, self.log))
            return match
        return wait_until(found, "%r in %s" % (pattern, self.log)).group(1)

    def wait(self, limit=STOP_LIMIT):
        """Waits for the end and returns how it was."""
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return "no end within %d s" % limit
        return "exit %d" % status if status >= 0 else "killed by signal %d" % -status

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()


class Server(Program):
    """An nsqd on ports of its own choice, with an empty data folder. `tcp`, `http` and, with a certificate, `https` are
    its addresses."""

    def __init__(self, path, log, *flags, tls=False):
        self.folder = tempfile.TemporaryDirectory()
        super().__init__(
            [path, "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--https-address=127.0.0.1:0",
             "--broadcast-address=127.0.0.1", "--data-path=" + self.folder.name, *flags], log)
        self.tls = tls
        self.tcp = self.http = self.https = ""

    def __enter__(self):
        try:
            self.tcp = self.wait_for(r"TCP: listening on (127\.0\.0\.1:\d+)\n")
            self.http = self.wait_for(r"HTTP: listening on (127\.0\.0\.1:\d+)\n")
            if self.tls:
                self.https = self.wait_for(r"HTTPS: listening on (127\.0\.0\.1:\d+)\n")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        super().__exit__()
        self.folder.cleanup()

    def mask(self, text):
        """Replaces this server's addresses and ports by names."""
        for name, address in (("TCP", self.tcp), ("HTTPS", self.https), ("HTTP", self.http)):
            if address:
                port = address.split(":")[1]
                text = text.replace(address, name).replace(":" + port, ":" + name)
                text = re.sub(r"(_port\W+)%s\b" % port, r"\1" + name, text)
        return re.sub(r"\b127\.0\.0\.1:\d+\b", "CLIENT", text)


# Fields of /stats and /info whose values differ from run to run, or between two servers.
VARYING = {"start_time", "connect_ts", "memory", "hostname", "client_id", "tcp_port", "http_port", "remote_address"}


def masked_json(text):
    """JSON with every value of VARYING replaced by its type, the order of the keys kept."""
    def mask(value, key=""):
        if isinstance(value, dict):
            return {name: mask(inner, "memory" if key == "memory" else name) for name, inner in value.items()}
        if isinstance(value, list):
            return [mask(inner, key) for inner in value]
        return type(value).__name__ if key in VARYING else value
    return json.dumps(mask(json.loads(text)))


def run(command, stdin=None, limit=20):
    """Runs a program to its end; returns what it printed to stdout, and to stderr, and how it ended."""
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, timeout=limit, check=False)
    return (done.stdout.decode(errors="backslashreplace"), done.stderr.decode(errors="backslashreplace"),
            "exit %d" % done.returncode)


def path_of(name):
    """One of upstream's programs, which ci/upstream built."""
    return pathlib.Path(os.environ.get("UPSTREAM", "build/upstream")) / name
