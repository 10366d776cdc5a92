#!/usr/bin/env python3
"""A server with faults, for the tests of nsq-conform. It knows PUB and NOP, and answers each other command with E_INVALID.
The command DIE ends it at once. It answers PUB with the word that FILE contains.

    fake_server.py PORT [WORD-FILE]      FILE may change while the server runs; default: OK
    fake_server.py PORT --at-connect     it ends when somebody connects
    fake_server.py PORT --silent         it never listens
"""
import os
import pathlib
import signal
import socket
import sys
import threading


def frame(kind, data):
    return (4 + len(data)).to_bytes(4, "big") + kind.to_bytes(4, "big") + data


def serve(client, word):
    with client, client.makefile("rb") as commands:
        commands.read(4)
        for line in commands:
            name = line.split()[0]
            if name == b"PUB":
                commands.read(int.from_bytes(commands.read(4), "big"))
                client.sendall(frame(0, word()))
            elif name == b"DIE":
                os.kill(os.getpid(), signal.SIGKILL)
            elif name != b"NOP":
                client.sendall(frame(1, b"E_INVALID invalid command " + name))
                return


def main():
    port, more = int(sys.argv[1]), sys.argv[2:]
    if more == ["--silent"]:
        signal.pause()
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    while True:
        client = listener.accept()[0]
        if more == ["--at-connect"]:
            os.kill(os.getpid(), signal.SIGKILL)
        word = pathlib.Path(more[0]).read_bytes if more else lambda: b"OK"
        threading.Thread(target=serve, args=(client, word), daemon=True).start()


main()
