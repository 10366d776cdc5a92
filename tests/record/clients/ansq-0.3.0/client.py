"""ansq for ../../scenarios.py."""

import asyncio

import ansq
from ansq.tcp.types import ConnectionFeatures, ConnectionOptions

sleep = asyncio.sleep


class Producer:
    def __init__(self, writer):
        self.writer = writer

    async def pub(self, body):
        await self.writer.pub("topic", body)

    async def mpub(self, bodies):
        await self.writer.mpub("topic", *bodies)

    async def dpub(self, ms, body):
        await self.writer.dpub("topic", body, ms)

    async def close(self):
        await self.writer.close()


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
    def __init__(self, reader):
        self.reader = reader

    async def take(self):
        return Message(await self.reader.wait_for_message())

    async def stop(self):  # ansq's close() neither waits for what is in flight nor sends CLS, but the connection can
        for connection in self.reader.connections:
            await connection.execute("CLS")

    async def close(self):
        await self.reader.close()


async def connect(host, port):
    return Producer(await ansq.create_writer(["%s:%d" % (host, port)]))


async def consume(host, port, channel, timeout_ms):
    features = ConnectionFeatures() if timeout_ms is None else ConnectionFeatures(msg_timeout=timeout_ms)
    return Consumer(await ansq.create_reader("topic", channel, ["%s:%d" % (host, port)],
                                             connection_options=ConnectionOptions(features=features)))


async def again(consumer, message):
    return consumer
