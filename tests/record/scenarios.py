"""The scenarios for the clients in Python, as README.md describes them.

    scenarios.py FOLDER SCENARIO HOST PORT

FOLDER/client.py adapts a library. It has these functions:

    await connect(host, port)        a producer: await pub(body), mpub(bodies), dpub(ms, body), close()
    await consume(host, port, channel, timeout_ms)
                                     a consumer: await take(), the next message; await stop(), which ends it gracefully
                                     if the library can and returns at once; await close()
    a message                        body, attempts; await finish(), requeue(ms), touch()
    speak(members, secret)           called before connect and consume in the scenarios of SPOKEN: the members of
                                     IDENTIFY to ask for, and AUTH's secret or None
    await sleep(seconds)
    await again(consumer, message)   after the connection is lost with this message in flight: a consumer that is
                                     connected again, the same one if the library can do that
"""

import asyncio
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
import client  # noqa: E402

HOST, PORT = sys.argv[3], int(sys.argv[4])


# The scenarios whose names say what IDENTIFY asks for.
SPOKEN = {
    "tls": {"tls_v1": True},
    "snappy": {"snappy": True},
    "deflate": {"deflate": True, "deflate_level": 3},
    "tls-snappy": {"tls_v1": True, "snappy": True},
    "tls-deflate": {"tls_v1": True, "deflate": True, "deflate_level": 3},
    "auth": {},
}


def secret(who):
    """A secret that no other connection has: the auth server answers each secret once, with the secret itself."""
    everything = {"topic": ".*", "channels": [".*"], "permissions": ["publish", "subscribe"]}
    identity = "%s %s" % (os.path.basename(sys.argv[1]), who)
    return json.dumps({"ttl": 60, "identity": identity, "identity_url": "", "authorizations": [everything]},
                      separators=(",", ":"))


def speak(who):
    if sys.argv[2] in SPOKEN:
        client.speak(dict(SPOKEN[sys.argv[2]]), secret(who) if sys.argv[2] == "auth" else None)


async def settle():
    await client.sleep(0.4)


async def take(consumer, body, attempts):
    m = await consumer.take()
    if (m.body, m.attempts) != (body, attempts):
        sys.exit("got %r, attempt %d" % (m.body, m.attempts))
    return m


async def producer(*bodies):
    speak("producer")
    made = await client.connect(HOST, PORT)
    for body in bodies:
        await made.pub(body)
    return made


async def consumer(channel="channel", timeout_ms=None):
    speak("consumer")
    return await client.consume(HOST, PORT, channel, timeout_ms)


async def end(*all):
    for one in all:
        await settle()
        await one.close()


async def publish():
    p = await producer(b"one")
    await p.mpub([b"two", b"three"])
    await p.dpub(100, b"later")
    await end(p)


async def consume():
    p = await producer(b"one", b"two", b"three")
    c = await consumer()
    for body in b"one", b"two", b"three":
        await (await take(c, body, 1)).finish()
    await end(c, p)


async def requeue():
    p = await producer(b"again")
    c = await consumer()
    await (await take(c, b"again", 1)).requeue(0)
    await (await take(c, b"again", 2)).requeue(300)
    await (await take(c, b"again", 3)).finish()
    await end(c, p)


async def touch():
    p = await producer(b"slow")
    c = await consumer(timeout_ms=1000)
    m = await take(c, b"slow", 1)
    for _ in range(2):
        await client.sleep(0.7)
        await m.touch()
    await client.sleep(0.7)
    await m.finish()
    await end(c, p)


async def timeout():
    p = await producer(b"forgotten")
    c = await consumer(timeout_ms=1000)
    await take(c, b"forgotten", 1)
    await (await take(c, b"forgotten", 2)).finish()
    await end(c, p)


async def channels():
    p = await producer()
    left = await consumer("left")
    await settle()
    right = await consumer("right")
    await settle()
    await p.pub(b"one")
    await p.pub(b"two")
    for body in b"one", b"two":
        await (await take(left, body, 1)).finish()
        await (await take(right, body, 1)).finish()
    await end(left, right, p)


async def close():
    p = await producer(b"held", b"left")
    c = await consumer()
    held = await take(c, b"held", 1)
    await c.stop()
    await settle()
    await held.finish()
    await end(c, p)


async def reconnect():
    await end(await producer(b"lost"))
    await settle()
    c = await consumer(timeout_ms=1000)  # nsqd delivers what was in flight again when it has timed out
    lost = await take(c, b"lost", 1)
    await settle()
    print("cut", flush=True)
    c = await client.again(c, lost)
    await (await take(c, b"lost", 2)).finish()
    await end(c)


async def talk():
    p = await producer(b"one")
    c = await consumer()
    await (await take(c, b"one", 1)).finish()
    await end(c, p)


async def run():
    await (talk if sys.argv[2] in SPOKEN else globals()[sys.argv[2]])()
    os._exit(0)  # without waiting for the library


asyncio.run(run())
