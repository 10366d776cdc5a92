"""gnsq for ../../scenarios.py. gnsq runs on gevent, so everything awaited here blocks, and lets gevent's tasks run."""

import gevent
import gevent.queue
import gnsq

spoken = {}


def speak(members, secret):  # the other codecs do not work: see ../../README.md
    spoken["auth_secret"] = secret.encode()


async def sleep(seconds):
    gevent.sleep(seconds)


class Producer:
    def __init__(self, inner):
        self.inner = inner

    async def pub(self, body):
        self.inner.publish("topic", body)

    async def mpub(self, bodies):
        self.inner.multipublish("topic", bodies)

    async def dpub(self, ms, body):
        self.inner.publish("topic", body, defer=ms)

    async def close(self):
        self.inner.close()
        gevent.sleep(0.1)


class Message:
    def __init__(self, inner):
        self.inner = inner
        self.body = inner.body
        self.attempts = inner.attempts

    async def finish(self):
        self.inner.finish()

    async def requeue(self, ms):
        self.inner.requeue(ms, backoff=False)

    async def touch(self):
        self.inner.touch()


class Consumer:
    def __init__(self, address, channel):
        self.messages = gevent.queue.Queue()
        self.inner = gnsq.Consumer("topic", channel, address, message_handler=self.handle, **spoken)
        self.inner.start(block=False)

    def handle(self, consumer, message):
        message.enable_async()
        self.messages.put(message)

    async def take(self):
        return Message(self.messages.get())

    async def stop(self):  # a gnsq Consumer's close() neither waits for what is in flight nor sends CLS
        for connection in self.inner._connections:
            connection.close()

    async def close(self):
        self.inner.close()
        gevent.sleep(0.1)


async def connect(host, port):
    producer = gnsq.Producer("%s:%d" % (host, port), **spoken)
    producer.start()
    return Producer(producer)


async def consume(host, port, channel, timeout_ms):  # gnsq cannot ask for the timeout
    return Consumer("%s:%d" % (host, port), channel)


async def again(consumer, message):
    return consumer
