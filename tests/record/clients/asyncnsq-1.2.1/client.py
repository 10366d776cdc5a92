"""asyncnsq for ../../scenarios.py."""

import asyncio

from asyncnsq.tcp.reader import Reader
from asyncnsq.tcp.writer import create_writer

sleep = asyncio.sleep
spoken = {}


def speak(members, secret):
    spoken.clear()
    spoken.update(members)
    if secret:
        spoken["auth_secret"] = secret


class Producer:
    def __init__(self, writer):
        self.writer = writer

    async def pub(self, body):
        await self.writer.pub("topic", body)

    async def mpub(self, bodies):
        await self.writer.mpub("topic", *bodies)

    async def dpub(self, ms, body):
        await self.writer.dpub("topic", ms, body)

    async def close(self):
        self.writer.close()


class Message:
    def __init__(self, inner):
        self.inner = inner
        self.body = inner.body
        self.attempts = inner.attempts

    async def finish(self):
        await self.inner.fin()

    async def requeue(self, ms):
        await self.inner.req(ms)

    async def touch(self):
        await self.inner.touch()


class Consumer:
    def __init__(self, reader, address):
        self.reader = reader
        self.address = address
        self.messages = reader.messages()

    async def take(self):
        return Message(await self.messages.__anext__())

    async def stop(self):  # asyncnsq's close() neither waits for what is in flight nor sends CLS, but a connection can
        for connection in self.reader._connections.values():
            await connection.execute("CLS")

    async def close(self):
        self.reader.close()


async def connect(host, port):
    return Producer(await create_writer(host, port, **spoken))


async def consume(host, port, channel, timeout_ms):  # asyncnsq cannot ask for the timeout
    reader = Reader([(host, port)], max_in_flight=1, **spoken)
    await reader.connect()
    await reader.subscribe("topic", channel)
    return Consumer(reader, (host, port))


async def again(consumer, message):  # a reader of asyncnsq does not connect again
    await sleep(0.4)
    host, port = consumer.address
    return await consume(host, port, "channel", 1000)
