"""A proxy between a client and a server that changes three bytes on their way to the client. It proves that matrix.py
notices this."""

import socket
import threading

LIMIT = 60  # seconds without data after which a connection is closed
# The bytes are changed in the first large read after this many bytes, when messages are being delivered. Not all of the
# 34 bytes before a body are checked, so the three places are further apart than that: at least one is in a body.
AFTER = 1 << 20
LARGE = 4096
PLACES = (100, 1100, 2100)


class Flipper:
    def __init__(self, host, port):
        self.target = (host, int(port))
        self.flips = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, port = self.listener.getsockname()
        self.port = str(port)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
                server = socket.create_connection(self.target, LIMIT)
            except OSError:  # closed
                return
            client.settimeout(LIMIT)
            threading.Thread(target=self.copy, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, True), daemon=True).start()

    def copy(self, source, sink, to_client):
        passed = 0
        try:
            while data := source.recv(65536):
                passed += len(data)
                if to_client and passed > AFTER and len(data) >= LARGE:
                    data = self.flip(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in source, sink:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def flip(self, data):
        with self.lock:
            if self.flips:
                return data
            self.flips = len(PLACES)
        data = bytearray(data)
        for place in PLACES:
            data[place] ^= 1
        return bytes(data)

    def close(self):
        self.listener.close()
