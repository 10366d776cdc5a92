"""pynsq for ../../scenarios.py."""

import asyncio
import os
import ssl
import types

import nsq
import nsq.deflate_socket
import nsq.snappy_socket

sleep = asyncio.sleep
spoken = {}

# The only change to pynsq 0.9.1: when it has read only a part of a compressed block, it raises socket.error with an
# argument in place of an errno. Tornado since 6.1 treats that as a broken connection, whatever the server does.
for module in nsq.deflate_socket, nsq.snappy_socket:
    module.socket = types.SimpleNamespace(error=lambda code: BlockingIOError(code, os.strerror(code)))


def speak(members, secret):
    spoken.clear()
    spoken.update(members)
    if "tls_v1" in members:
        spoken["tls_options"] = {"cert_reqs": ssl.CERT_NONE}
    if secret:
        spoken["auth_secret"] = secret


class Producer:
    def __init__(self, writer):
        self.writer = writer

    async def reply(self, publish, *args):
        answer = asyncio.get_running_loop().create_future()
        publish("topic", *args, callback=lambda conn, data: answer.set_result(data))
        if await answer != b"OK":
            raise RuntimeError(answer.result())

    async def pub(self, body):
        await self.reply(self.writer.pub, body)

    async def mpub(self, bodies):
        await self.reply(self.writer.mpub, bodies)

    async def dpub(self, ms, body):
        await self.reply(self.writer.dpub, ms, body)

    async def close(self):
        for conn in self.writer.conns.values():
            conn.close()


class Message:
    def __init__(self, inner):
        self.inner = inner
        self.body = inner.body
        self.attempts = inner.attempts

    async def finish(self):
        self.inner.finish()

    async def requeue(self, ms):
        self.inner.requeue(time_ms=ms, backoff=False)

    async def touch(self):
        self.inner.touch()


class Consumer(nsq.Reader):
    def __init__(self, address, channel, **options):
        self.messages = asyncio.Queue()
        super().__init__("topic", channel, message_handler=self.handle, nsqd_tcp_addresses=[address], **options)

    def handle(self, message):
        message.enable_async()
        self.messages.put_nowait(message)

    async def take(self):
        return Message(await self.messages.get())

    async def stop(self):  # pynsq's close() neither waits for what is in flight nor sends CLS
        for conn in self.conns.values():
            conn.send(b"CLS\n")

    async def close(self):
        super().close()


async def connect(host, port):
    writer = nsq.Writer(["%s:%d" % (host, port)], **spoken)
    while not writer.conns:  # no event tells that
        await sleep(0.01)
    return Producer(writer)


async def consume(host, port, channel, timeout_ms):
    options = dict(spoken) if timeout_ms is None else {"msg_timeout": timeout_ms / 1000}
    return Consumer("%s:%d" % (host, port), channel, **options)


async def again(consumer, message):
    return consumer  # in 15 s
