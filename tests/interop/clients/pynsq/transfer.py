"""A transfer for ../../matrix.py: publishes bodies through one connection and consumes them through another, both
negotiated as the job says. It prints what was negotiated and what was received; matrix.py judges that.

    transfer.py JOB
"""

import asyncio
import hashlib
import json
import logging
import os
import ssl
import struct
import sys
import types

import nsq
import nsq.deflate_socket
import nsq.snappy_socket

# The only change to pynsq 0.9.1: when it has read only a part of a compressed block, it raises socket.error with an
# argument in place of an errno. Tornado since 6.1 treats that as a broken connection, whatever the server does.
for module in nsq.deflate_socket, nsq.snappy_socket:
    module.socket = types.SimpleNamespace(error=lambda code: BlockingIOError(code, os.strerror(code)))


def read_bodies(path):
    with open(path, "rb") as file:
        data = file.read()
    bodies = []
    at = 0
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        bodies.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return bodies


def options(job):
    """The options of both ends. pynsq speaks only TLS 1.2 unless it is given an ssl protocol. The protocol that speaks
    several versions cannot be limited, so for TLS 1.3 the server's lowest version decides."""
    given = {}
    if job["Secret"]:
        given["auth_secret"] = job["Secret"]
    if job["TLS"] != "clear":
        tls = {"ca_certs": job["CA"]}
        if job["TLS"] == "1.3":
            tls["ssl_version"] = ssl.PROTOCOL_TLS_CLIENT
        if job["Cert"]:
            tls["certfile"] = job["Cert"]
            tls["keyfile"] = job["Key"]
        given.update(tls_v1=True, tls_options=tls)
    if job["Compression"] == "snappy":
        given["snappy"] = True
    if job["Compression"] == "deflate":
        given.update(deflate=True, deflate_level=job["Level"])
    return given


class End:
    """One of the two connections, mixed into a Reader or a Writer."""

    def watch(self, name):
        self.end = name
        self.words = []
        self.failed = asyncio.get_running_loop().create_future()
        self.is_ready = asyncio.get_running_loop().create_future()

    def negotiated(self):
        return "%s: %s" % (self.end, " ".join(self.words))

    def fail(self, reason):
        if not self.failed.done():
            self.failed.set_result("error: %s: %s" % (self.end, reason.replace("\n", " ")))

    def _on_connection_identify_response(self, conn, data, **kwargs):
        super()._on_connection_identify_response(conn, data, **kwargs)
        self.words += [name for name in ("snappy", "deflate") if data[name]]
        if data["deflate"]:
            self.words.append("level %d" % data["deflate_level"])

    def _on_connection_ready(self, conn, **kwargs):
        super()._on_connection_ready(conn, **kwargs)
        if conn.tls_v1:
            self.words.insert(0, conn.socket.version().replace("TLSv", "tls"))
        self.is_ready.set_result(True)

    def _on_connection_error(self, conn, error, **kwargs):
        self.fail(" ".join(a.decode() if isinstance(a, bytes) else str(a) for a in error.args if a)
                  + (" - %s" % error.error if getattr(error, "error", None) else ""))
        super()._on_connection_error(conn, error, **kwargs)

    def _on_connection_close(self, conn, **kwargs):
        reason = conn.stream.error if conn.stream else None
        self.fail("closed: %s" % reason if reason else "closed")
        super()._on_connection_close(conn, **kwargs)


class Publisher(End, nsq.Writer):
    pass


class Consumer(End, nsq.Reader):
    pass


async def transfer(job):
    bodies = read_bodies(job["Bodies"])
    address = ["%s:%s" % (job["Host"], job["Port"])]
    got = asyncio.Queue()

    def take(message):
        got.put_nowait("got %s %d" % (hashlib.sha256(message.body).hexdigest(), message.attempts))
        return True

    consumer = Consumer(job["Topic"], "c", message_handler=take, nsqd_tcp_addresses=address,
                        max_in_flight=job["Window"], **options(job))
    consumer.watch("consumer")
    publisher = Publisher(address, **options(job))
    publisher.watch("publisher")

    async def publish():
        await publisher.is_ready
        for body in bodies:
            answer = asyncio.get_running_loop().create_future()
            publisher.pub(job["Topic"], body, callback=lambda conn, data: answer.set_result(data))
            data = await answer
            if data != b"OK":
                publisher.fail(str(data))
                return

    async def collect():
        for _ in bodies:
            print(await got.get())
        await asyncio.sleep(job["Grace"] / 1000)
        while not got.empty():
            print(got.get_nowait())

    publishing = asyncio.create_task(publish())
    done, _ = await asyncio.wait([asyncio.create_task(collect()), publisher.failed, consumer.failed],
                                 return_when=asyncio.FIRST_COMPLETED)
    for end in publisher, consumer:
        if end.failed in done:
            print(end.failed.result())
            break
    print(publisher.negotiated())
    print(consumer.negotiated(), flush=True)
    publishing.cancel()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: transfer.py JOB")
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(transfer(json.loads(sys.argv[1])))
