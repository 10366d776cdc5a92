"""The pynsq client: what all scenarios share. It runs the scenarios side by side against one nsqd and prints what each
of them saw, as lines "scenario: what it saw"."""

import asyncio
import time

import nsq

DEADLINE = 30  # seconds for one scenario
PATIENCE_MS = 10000  # how late something may be


def yes_no(yes):
    return "yes" if yes else "no"


def held_back(start, least_ms):
    """Tells whether at least that long has passed since `start`, and not unreasonably longer."""
    elapsed = (time.monotonic() - start) * 1000
    if not least_ms <= elapsed <= least_ms + PATIENCE_MS:
        return "no, %d ms" % elapsed
    return "yes"


class Scenario:
    """Collects what it saw; no other scenario uses its topic."""

    def __init__(self, name, host, port):
        self.name = name
        self.host = host
        self.port = port
        self.writer = None
        self.lines = []

    def saw(self, text):
        self.lines.append("%s: %s" % (self.name, text))

    def saw_message(self, message):
        self.saw("%s, attempt %d" % (message.body.decode(), message.attempts))

    def saw_held_back(self, message, start, least_ms):
        self.saw("%s, attempt %d, after %d ms: %s"
                 % (message.body.decode(), message.attempts, least_ms, held_back(start, least_ms)))

    async def connect_writer(self):
        self.writer = nsq.Writer(["%s:%d" % (self.host, self.port)])
        while not self.writer.conns:  # no event tells that
            await asyncio.sleep(0.01)

    async def reply(self, publish, *args):
        """Calls one of the writer's publishing methods and returns nsqd's reply."""
        answer = asyncio.get_running_loop().create_future()
        publish(self.name, *args, callback=lambda conn, data: answer.set_result(data))
        data = await answer
        return data.decode() if isinstance(data, bytes) else str(data)

    async def pub(self, body):
        self.saw("PUB %s: %s" % (body, await self.reply(self.writer.pub, body.encode())))

    async def mpub(self, *bodies):
        answer = await self.reply(self.writer.mpub, [body.encode() for body in bodies])
        self.saw("MPUB %s: %s" % (" ".join(bodies), answer))

    async def dpub(self, delay_ms, body):
        answer = await self.reply(self.writer.dpub, delay_ms, body.encode())
        self.saw("DPUB %s %d ms: %s" % (body, delay_ms, answer))

    def saw_error(self, error):
        if type(error) is nsq.Error:  # an error frame; other types mean closed connections
            self.saw("error: %s" % error.args[0].decode())

    def consume(self, channel, **options):
        """Makes a pynsq Reader and returns the queue that gets its messages."""
        return Consumer(self, channel, **options).messages

    async def subscribe(self, channel, **options):
        """Makes a Subscriber; returns when nsqd has answered SUB."""
        subscriber = Subscriber(self, channel, **options)
        answer = await subscriber.replies.get()
        if answer != "OK":
            self.saw("SUB: %s" % answer)
        return subscriber


class Consumer(nsq.Reader):
    def __init__(self, scenario, channel, **options):
        self.scenario = scenario
        self.messages = asyncio.Queue()
        super().__init__(scenario.name, channel, message_handler=self.take,
                         nsqd_tcp_addresses=["%s:%d" % (scenario.host, scenario.port)], **options)

    def take(self, message):
        message.enable_async()
        self.messages.put_nowait(message)

    def connect_to_nsqd(self, host, port):
        conn = super().connect_to_nsqd(host, port)
        conn.on("error", lambda conn, error: self.scenario.saw_error(error))
        return conn


class Subscriber:
    """A plain pynsq connection, which shows what a Reader hides: replies, heartbeats, CLS."""

    def __init__(self, scenario, channel, max_in_flight=1, **options):
        self.identified = None
        self.messages = asyncio.Queue()
        self.replies = asyncio.Queue()
        self.heartbeats = asyncio.Queue()
        self.conn = nsq.AsyncConn(scenario.host, scenario.port, **options)

        def ready(conn):
            conn.send(nsq.subscribe(scenario.name, channel))
            conn.send_rdy(max_in_flight)

        def identified(conn, data):
            self.identified = data

        def replied(conn, data):
            if not data.startswith(b"{"):  # that is the reply to IDENTIFY
                self.replies.put_nowait(data.decode())

        self.conn.on("ready", ready)
        self.conn.on("identify_response", identified)
        self.conn.on("response", replied)
        self.conn.on("heartbeat", lambda conn: self.heartbeats.put_nowait(True))
        self.conn.on("message", lambda conn, message: self.messages.put_nowait(message))
        self.conn.on("error", lambda conn, error: scenario.saw_error(error))
        self.conn.connect()


async def run(name, host, port, body):
    """Gives a scenario its writer and its deadline, and prints what it saw."""
    scenario = Scenario(name, host, port)

    async def whole():
        await scenario.connect_writer()
        await body(scenario)

    try:
        await asyncio.wait_for(whole(), DEADLINE)
    except asyncio.TimeoutError:
        scenario.saw("no end within %d s" % DEADLINE)
    except Exception as reason:
        scenario.saw("failed: %r" % reason)
    print("\n".join(scenario.lines), flush=True)


async def run_all(scenarios, host, port):
    await asyncio.gather(*(run(name, host, port, body) for name, body in scenarios.items()))
