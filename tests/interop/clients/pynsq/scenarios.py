"""The scenarios that ../../expected.txt describes. The other clients have the same scenarios with the same names.

    scenarios.py HOST PORT
"""

import asyncio
import collections
import hashlib
import sys
import time

from client import held_back, run_all, yes_no


async def identify(s):
    got = (await s.subscribe("c")).identified
    s.saw("max_rdy_count %d" % got["max_rdy_count"])
    for key in "auth_required", "tls_v1", "deflate", "snappy":
        s.saw("%s %s" % (key, str(got[key]).lower()))


async def pub(s):
    messages = s.consume("c")
    await s.pub("one")
    await s.pub("two")
    await s.pub("three")
    for _ in range(3):
        m = await messages.get()
        s.saw_message(m)
        m.finish()


async def mpub(s):
    messages = s.consume("c", max_in_flight=10)
    await s.mpub("red", "green", "blue")
    for _ in range(3):
        m = await messages.get()
        s.saw_message(m)
        m.finish()


async def dpub(s):
    messages = s.consume("c", max_in_flight=2)
    start = time.monotonic()
    await s.dpub(600, "later")
    await s.pub("now")
    m = await messages.get()
    s.saw_message(m)
    m.finish()
    m = await messages.get()
    s.saw_held_back(m, start, 600)
    m.finish()


async def requeue(s):
    messages = s.consume("c")
    await s.pub("again")
    m = await messages.get()
    s.saw_message(m)
    start = time.monotonic()
    m.requeue(time_ms=700, backoff=False)
    m = await messages.get()
    s.saw_held_back(m, start, 700)
    m.requeue(time_ms=0, backoff=False)
    m = await messages.get()
    s.saw_message(m)
    m.finish()


async def touch(s):
    messages = s.consume("c", max_in_flight=2, msg_timeout=2)
    start = time.monotonic()
    await s.pub("kept")
    await s.pub("left")
    kept = await messages.get()
    s.saw_message(kept)
    s.saw_message(await messages.get())

    async def keep_touching():
        while True:
            await asyncio.sleep(0.4)
            kept.touch()

    touching = asyncio.create_task(keep_touching())
    m = await messages.get()
    s.saw_held_back(m, start, 2000)
    m.finish()
    await asyncio.sleep(1)
    touching.cancel()
    kept.finish()
    await s.pub("last")
    m = await messages.get()
    s.saw_message(m)
    m.finish()


async def timeout(s):
    messages = s.consume("c", max_in_flight=2, msg_timeout=2)
    start = time.monotonic()
    await s.pub("finished")
    await s.pub("forgotten")
    m = await messages.get()
    s.saw_message(m)
    m.finish()
    s.saw_message(await messages.get())
    m = await messages.get()
    s.saw_held_back(m, start, 2000)
    m.finish()
    await s.pub("last")
    m = await messages.get()
    s.saw_message(m)
    m.finish()


async def two_channels(s):
    subscribers = {channel: await s.subscribe(channel, max_in_flight=5) for channel in ("left", "right")}
    await s.pub("one")
    await s.pub("two")
    ids = []
    for channel, subscriber in subscribers.items():
        messages = [await subscriber.messages.get() for _ in range(2)]
        for m in messages:
            s.saw("%s: %s, attempt %d" % (channel, m.body.decode(), m.attempts))
            m.finish()
        ids.append([m.id for m in messages])
    s.saw("same ids in both: %s" % yes_no(ids[0] == ids[1]))


async def several_consumers(s):
    all_messages = asyncio.Queue()

    async def pass_on(messages):
        while True:
            all_messages.put_nowait(await messages.get())

    tasks = [asyncio.create_task(pass_on(s.consume("c"))) for _ in range(3)]
    await s.mpub("a", "b", "c")
    held = [await all_messages.get() for _ in range(3)]
    s.saw("held at once, by one each: %s" % " ".join(sorted(m.body.decode() for m in held)))
    for m in held:
        m.finish()

    count = 30
    await s.reply(s.writer.mpub, [b"%d" % i for i in range(count)])
    await s.pub("last")
    seen = collections.Counter()
    for _ in range(count + 1):
        m = await all_messages.get()
        seen[m.body] += m.attempts
        m.finish()
    s.saw("%d more, each once: %s" % (count + 1, each_once(seen, count + 1)))
    for task in tasks:
        task.cancel()


def each_once(seen, count):
    """Tells whether there are `count` different bodies, each seen once."""
    again = sum(times != 1 for times in seen.values())
    if len(seen) != count or again:
        return "no, %d came, %d of them again" % (len(seen), again)
    return "yes"


async def ephemeral(s):
    keeper = await s.subscribe("keeper", max_in_flight=5)
    visitor = await s.subscribe("visitor#ephemeral", max_in_flight=5)

    async def take(who, subscriber):
        m = await subscriber.messages.get()
        s.saw("%s: %s, attempt %d" % (who, m.body.decode(), m.attempts))
        m.finish()

    await s.pub("first")
    await take("keeper", keeper)
    await take("visitor", visitor)
    visitor.conn.close()
    await asyncio.sleep(0.5)
    await s.pub("away")
    await take("keeper", keeper)
    visitor = await s.subscribe("visitor#ephemeral", max_in_flight=5)
    await s.pub("back")
    await take("keeper", keeper)
    await take("visitor", visitor)


async def cls(s):
    start = time.monotonic()
    leaver = await s.subscribe("c", max_in_flight=5, msg_timeout=2)
    await s.pub("held")
    await s.pub("dropped")
    held = await leaver.messages.get()
    s.saw_message(held)
    s.saw_message(await leaver.messages.get())
    leaver.conn.send(b"CLS\n")  # pynsq has no function for it
    s.saw(await leaver.replies.get())
    await s.pub("next")
    try:
        m = await asyncio.wait_for(leaver.messages.get(), 0.5)
        s.saw("after CLS: %s" % m.body.decode())
    except asyncio.TimeoutError:
        s.saw("after CLS: nothing")
    held.finish()

    follower = await s.subscribe("c", max_in_flight=5)
    m = await follower.messages.get()
    s.saw_message(m)
    m.finish()
    m = await follower.messages.get()
    s.saw_held_back(m, start, 2000)
    m.finish()


async def heartbeat(s):
    start = time.monotonic()
    subscriber = await s.subscribe("c", heartbeat_interval=1)
    for _ in range(3):
        await subscriber.heartbeats.get()
    s.saw("3 heartbeats, after 3000 ms: %s" % held_back(start, 3000))
    await s.pub("awake")
    m = await subscriber.messages.get()
    s.saw_message(m)
    m.finish()


def digest(body):
    return "sha256 " + hashlib.sha256(body).hexdigest()


async def large(s):
    messages = s.consume("c")
    body = bytes((i * 7 + (i >> 8)) & 255 for i in range(1 << 20))
    s.saw("PUB of %d bytes: %s" % (len(body), await s.reply(s.writer.pub, body)))
    m = await messages.get()
    s.saw("%d bytes, %s, attempt %d" % (len(m.body), digest(m.body), m.attempts))
    m.finish()


async def binary(s):
    messages = s.consume("c")
    bodies = [bytes(range(256)),
              b"\0", b"\n", b"\r\n", b"\0\0\0\5\0\0\0\1", b"\xff\xfe\xc3\x28", b"NOP\nCLS\n"]
    for body in bodies:
        s.saw("PUB of %d bytes: %s" % (len(body), await s.reply(s.writer.pub, body)))
    s.saw("MPUB of the same: %s" % await s.reply(s.writer.mpub, bodies))
    for _ in range(2 * len(bodies)):
        m = await messages.get()
        text = digest(m.body) if len(m.body) > 16 else "hex " + m.body.hex()
        s.saw("%d bytes, %s, attempt %d" % (len(m.body), text, m.attempts))
        m.finish()


async def ten_thousand(s):
    count, batch, consumers = 10000, 500, 4
    seen = collections.Counter()
    shares = collections.Counter()
    canaries = asyncio.Queue()

    async def work(consumer, messages):
        while True:
            m = await messages.get()
            if m.body == b"canary":
                canaries.put_nowait(m)
            else:
                seen[m.body] += 1
                shares[consumer] += 1
                m.finish()

    tasks = [asyncio.create_task(work(i, s.consume("c", max_in_flight=50, msg_timeout=5)))
             for i in range(consumers)]
    for first in range(0, count, batch):
        await s.reply(s.writer.mpub, [b"%d" % i for i in range(first, first + batch)])
    canary_sent = time.monotonic()
    await s.pub("canary")
    s.saw_message(await canaries.get())  # not finished: it times out, as every unfinished message would
    m = await canaries.get()
    s.saw_held_back(m, canary_sent, 5000)
    m.finish()
    await asyncio.sleep(0.3)
    s.saw("%d messages, each once: %s" % (count, each_once(seen, count)))
    s.saw("each of %d consumers had some: %s" % (consumers, yes_no(len(shares) == consumers)))
    for task in tasks:
        task.cancel()


SCENARIOS = {
    "identify": identify,
    "pub": pub,
    "mpub": mpub,
    "dpub": dpub,
    "requeue": requeue,
    "touch": touch,
    "timeout": timeout,
    "two-channels": two_channels,
    "several-consumers": several_consumers,
    "ephemeral": ephemeral,
    "cls": cls,
    "heartbeat": heartbeat,
    "large": large,
    "binary": binary,
    "ten-thousand": ten_thousand,
}

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: scenarios.py HOST PORT")
    asyncio.run(run_all(SCENARIOS, sys.argv[1], int(sys.argv[2])))
