"""For the scripts of this folder: starts servers and upstream's programs, is a client of the protocol V2, and replaces
what differs from run to run."""

import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time

START_LIMIT = 20  # seconds
STOP_LIMIT = 20
ANSWER_LIMIT = 20
LAST_LINES = 40  # of a server that has ended badly
LISTENING = r"listening on (127\.[0-9.]+:\d+)\n"
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

    def end(self):
        """Ends it with SIGTERM. Returns what is wrong with its end, and its last lines; "" if nothing is wrong."""
        wrong = "ended by itself, " if self.process.poll() is not None else ""
        how = self.stop()
        said = self.said()
        if re.search(r"Sanitizer: |: runtime error: ", said):
            wrong += "a sanitizer has found something, "
        if not wrong and how == "exit 0":
            return ""
        return "\n".join([wrong + how, *said.splitlines()[-LAST_LINES:]])


class Server(Program):
    """An nsqd on ports of its own choice of an address of this machine, with an empty data folder. `tcp`, `http` and, with
    a certificate, `https` are where it listens."""

    def __init__(self, path, log, *flags, tls=False, host="127.0.0.1"):
        self.folder = tempfile.TemporaryDirectory()
        super().__init__(
            [path, *("--%s-address=%s:0" % (name, host) for name in ("tcp", "http", "https")),
             "--broadcast-address=" + host, "--data-path=" + self.folder.name, *flags], log)
        self.tls = tls
        self.tcp = self.http = self.https = ""

    def __enter__(self):
        try:
            self.tcp = self.wait_for(r"TCP: " + LISTENING)
            self.http = self.wait_for(r"HTTP: " + LISTENING)
            if self.tls:
                self.https = self.wait_for(r"HTTPS: " + LISTENING)
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


class Nsqlookupd(Program):
    """An nsqlookupd on ports of its own choice; `tcp` and `http` are where it listens."""

    def __init__(self, path, log):
        super().__init__([path, "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0",
                          "--broadcast-address=127.0.0.1"], log)
        self.tcp = self.http = ""

    def __enter__(self):
        try:
            self.tcp = self.wait_for(r"TCP: " + LISTENING)
            self.http = self.wait_for(r"HTTP: " + LISTENING)
        except BaseException:
            self.__exit__()
            raise
        return self


class Client:
    """A client of the protocol V2. `identity`: a dict that it sends with IDENTIFY; `tls`: the version of TLS that it uses
    afterwards."""

    def __init__(self, server, identity=None, tls=None):
        host, port = server.tcp.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), ANSWER_LIMIT)
        self.socket.sendall(b"  V2")
        if identity is not None:
            self.send("IDENTIFY", json.dumps(identity, ensure_ascii=False).encode("utf-8", "surrogateescape"))
            kind, answer = self.frame()
            assert kind == 0, answer
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.minimum_version = context.maximum_version = tls
            context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")  # each server would choose another one
            self.socket = context.wrap_socket(self.socket)
            assert self.frame() == (0, b"OK")

    def read(self, n):
        data = b""
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            assert piece, "the server has closed the connection"
            data += piece
        return data

    def frame(self):
        """The type and the data of the next frame."""
        size, kind = struct.unpack(">II", self.read(8))
        return kind, self.read(size - 4)

    def send(self, line, body=None):
        self.socket.sendall(line.encode() + b"\n" + (b"" if body is None else struct.pack(">I", len(body)) + body))

    def do(self, line, body=None):
        """Sends a command that is answered with OK."""
        self.send(line, body)
        answer = self.frame()
        assert answer == (0, b"OK"), (line, answer)

    def message(self):
        """The id of the next message."""
        kind, data = self.frame()
        assert kind == 2, (kind, data)
        return data[10:26].decode()

    @property
    def address(self):
        return "%s:%d" % self.socket.getsockname()


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
