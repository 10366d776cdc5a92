"""One TCP connection to a server: what was sent, the frames that were received, how it ended.

This file does not know what the right answer is. It only turns bytes into frames, and waits with hard limits.
"""

import collections
import select
import socket
import struct
import time

RESPONSE, ERROR, MESSAGE = 0, 1, 2
HEARTBEAT = b"_heartbeat_"
NOT_FATAL = (b"E_FIN_FAILED ", b"E_REQ_FAILED ", b"E_TOUCH_FAILED ")
LARGEST_FRAME = 16 << 20

Frame = collections.namedtuple("Frame", "kind data at")


def is_heartbeat(frame):
    return frame.kind == RESPONSE and frame.data == HEARTBEAT


def is_fatal(frame):
    return frame.kind == ERROR and not frame.data.startswith(NOT_FATAL)


class Peer:
    """A client's side of one connection. `end` is None while it is open; afterwards it says how it ended."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]
        self.opened = time.monotonic()
        self.frames = []
        self.end = None
        self.ended = None
        self.input = bytearray()
        self.is_framed = True

    def send(self, data):
        """Sends everything, or as much as possible if the server has closed its side."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.socket.close()
        self.end = self.end or "closed by the client"

    def wait(self, is_enough, seconds):
        """Reads until is_enough() is true, the connection ends, or the time is over. Returns is_enough()."""
        limit = time.monotonic() + seconds
        while not is_enough():
            left = limit - time.monotonic()
            if self.end is not None or left <= 0:
                return False
            self._read(left)
        return True

    def replies(self):
        return [f for f in self.frames if f.kind != MESSAGE and not is_heartbeat(f)]

    def messages(self):
        return [f for f in self.frames if f.kind == MESSAGE]

    def has_failed(self):
        """A fatal error has arrived, so nothing may be sent any more."""
        return self.end is not None or any(is_fatal(f) for f in self.frames)

    def _read(self, seconds):
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        if not poller.poll(max(1, int(seconds * 1000))):
            return
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            self._ends("RST")
            return
        if not data:
            self._ends("FIN")
            return
        self.input += data
        self._parse()

    def _ends(self, how):
        self.end = how
        self.ended = time.monotonic()

    def _parse(self):
        now = time.monotonic()
        while self.is_framed and len(self.input) >= 8:
            size, kind = struct.unpack_from(">ii", self.input)
            if not 4 <= size <= LARGEST_FRAME or kind not in (RESPONSE, ERROR, MESSAGE):
                self.is_framed = False
                return
            if len(self.input) < 4 + size:
                return
            self.frames.append(Frame(kind, bytes(self.input[8:4 + size]), now))
            del self.input[:4 + size]
