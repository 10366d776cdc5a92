"""What an nsqd must deliver, as a model in memory. It was written from the documentation of nsqd 1.3.0, and shares no
code and no structure with src/.

The model is told what happens and when; it never looks at a clock. A time is known only as a span: the server handled
a command between the moment it was sent and the moment its effects were seen. So a timer has a span too, in which it
ends.

The model does not predict who gets which message, because a server may choose. It says how many messages a channel
must deliver, and refuses (Mismatch) each delivery that no correct server makes.
"""
import collections
import itertools

NEVER = float("inf")


class Mismatch(Exception):
    """The server did what nsqd must not do, or did not what it must do."""


def check(condition, text, *args):
    if not condition:
        raise Mismatch(text % args)


class Message:
    """A published message. `wall`: the span of wall-clock ns in which the server took it."""

    def __init__(self, number, body, delay, wall):
        self.number, self.body, self.delay, self.wall = number, body, delay, wall
        self.id = self.timestamp = None  # not known before the first delivery


class Copy:
    """A message in one channel. It is in the channel's queue, or in flight, or deferred."""

    def __init__(self, message):
        self.message = message
        self.attempts = 0
        self.rank = 0  # in the queue: a copy of a lower rank is delivered first
        self.owner = None  # in flight: the client
        self.sent = self.seen = None  # in flight: the span of the delivery
        self.not_before = 0
        self.first = self.last = NEVER  # the span in which its timer ends


class Channel:
    def __init__(self, topic, name):
        self.topic, self.name = topic, name
        self.queue, self.in_flight, self.deferred = [], {}, []
        self.clients = set()

    def owed(self):
        """How many messages the channel must deliver now."""
        return min(len(self.queue), sum(c.room() for c in self.clients))


class Topic:
    def __init__(self, name):
        self.name = name
        self.channels = {}
        self.kept = []  # messages that came while there was no channel


class Client:
    """A connection, as the model sees it."""

    def __init__(self, name, msg_timeout):
        self.name, self.msg_timeout = name, msg_timeout
        self.channel, self.ready, self.in_flight, self.closing = None, 0, 0, False

    def room(self):
        return 0 if self.closing else max(0, self.ready - self.in_flight)


class Model:
    """Times are seconds. `now` is the start of the current step: nothing that the step causes happens earlier."""

    def __init__(self, max_msg_timeout, ordered):
        self.max_msg_timeout, self.ordered = max_msg_timeout, ordered
        self.topics = {}
        self.ids = collections.defaultdict(dict)  # of a topic's name: message number -> id
        self.ranks = itertools.count(1)
        self.started = []  # timers that began in the current step: (copy, duration, the longest end or NEVER)
        self.fresh = []  # copies that were delivered in the current step
        self.now = 0
        self.delivered = 0

    # --- time ---------------------------------------------------------------------------------------------------

    def begin_step(self, now):
        self.now = now

    def end_step(self, now):
        """Everything that the step causes has happened by `now`."""
        for copy, duration, most in self.started:
            copy.last = min(now + duration, most)
        self.started.clear()
        self.fresh.clear()

    def start_timer(self, copy, duration, least=NEVER, most=NEVER):
        """The timer ends `duration` after a moment of this step, or at a cap between `least` and `most`."""
        copy.first, copy.last = min(self.now + duration, least), NEVER
        self.started.append((copy, duration, most))

    def all_channels(self):
        return [c for t in self.topics.values() for c in t.channels.values()]

    def timers(self):
        return [(copy, channel) for channel in self.all_channels()
                for copy in (*channel.in_flight.values(), *channel.deferred)]

    def due_until(self, now, late):
        """The time at which all timers have surely ended that may end by `now`, or by that time, on a server that
        is `late`. None: no timer may end by `now`."""
        end = None
        for first, last in sorted((copy.first, copy.last) for copy, _ in self.timers()):
            if first <= (now if end is None else end):
                end = max(end or now, last + late)
        return end

    def expire(self, now):
        """The timers that surely have ended by `now` have ended. Their order is not known: they get one rank."""
        rank = next(self.ranks)
        for copy, channel in self.timers():
            if copy.last <= now:
                if copy.owner is not None:
                    self.take(channel, copy)
                else:
                    channel.deferred.remove(copy)
                self.enqueue(channel, copy, rank, copy.first)

    # --- messages -----------------------------------------------------------------------------------------------

    def enqueue(self, channel, copy, rank=None, not_before=0):
        copy.rank, copy.not_before = rank or next(self.ranks), not_before
        channel.queue.append(copy)

    def take(self, channel, copy):
        """Takes a copy that is in flight away from its owner."""
        del channel.in_flight[copy.message.id]
        copy.owner.in_flight -= 1
        copy.owner = None

    def defer(self, channel, copy, delay):
        channel.deferred.append(copy)
        self.start_timer(copy, delay)

    def hand_over(self, channel, message):
        """A channel gets a new message. The delay of a DPUB begins here."""
        if message.delay > 0:
            self.defer(channel, Copy(message), message.delay)
        else:
            self.enqueue(channel, Copy(message))

    def publish(self, topic_name, message):
        topic = self.topics.setdefault(topic_name, Topic(topic_name))
        for channel in topic.channels.values():
            self.hand_over(channel, message)
        if not topic.channels:
            topic.kept.append(message)

    def deliver(self, client, now, message_id, timestamp, attempts, body):
        """The client received a message at `now`."""
        channel, name = client.channel, body[:12].decode()
        check(channel is not None, "%s is not subscribed, and got %s", client.name, name)
        check(client.room() > 0, "%s has RDY %d, %d messages in flight, and got %s", client.name, client.ready,
              client.in_flight, name)
        copy = next((c for c in channel.queue if c.message.body == body), None)
        check(copy is not None, "%s got %s, attempt %d, which does not wait in %s/%s", client.name, name, attempts,
              channel.topic.name, channel.name)
        m = copy.message
        copy.attempts += 1
        check(attempts == copy.attempts, "%s: attempt %d, not %d", name, attempts, copy.attempts)
        check(now >= copy.not_before, "%s came %.4f s early", name, copy.not_before - now)
        if m.id is None:
            m.id, m.timestamp = message_id, timestamp
            self.check_id(channel.topic.name, m)
        check((message_id, timestamp) == (m.id, m.timestamp), "%s: id %s and time %d, earlier %s and %d", name,
              message_id, timestamp, m.id, m.timestamp)
        channel.queue.remove(copy)
        copy.owner, copy.sent, copy.seen = client, max(self.now, copy.not_before), now
        copy.first, copy.last = copy.sent + client.msg_timeout, copy.seen + client.msg_timeout
        client.in_flight += 1
        channel.in_flight[m.id] = copy
        self.fresh.append(copy)
        self.delivered += 1

    def check_id(self, topic_name, m):
        """Ids of a topic rise in the order of publishing."""
        ids = self.ids[topic_name]
        check(m.wall[0] <= m.timestamp <= m.wall[1], "message %d has the timestamp %d, not %d to %d", m.number, m.timestamp, *m.wall)
        for number, other in ids.items():
            check((number < m.number) == (other < m.id) and other != m.id, "message %d has the id %s, %d has %s",
                  m.number, m.id, number, other)
        ids[m.number] = m.id

    def check_settled(self):
        """After all deliveries of a step: those that wait are not older than those that were delivered."""
        for channel in self.all_channels():
            check(channel.owed() == 0, "%s/%s has not delivered %d messages", channel.topic.name, channel.name,
                  channel.owed())
            young = max((c.rank for c in self.fresh if c.owner and c.owner.channel is channel), default=0)
            if self.ordered and channel.queue and young > 0:
                oldest = min(channel.queue, key=lambda c: c.rank)
                check(oldest.rank >= young, "%s/%s has delivered a message that came after message %d, which waits",
                      channel.topic.name, channel.name, oldest.message.number)

    # --- commands: each returns the error that the server must answer, or None -----------------------------------

    def subscribe(self, client, topic_name, channel_name):
        topic = self.topics.setdefault(topic_name, Topic(topic_name))
        if channel_name not in topic.channels:
            channel = topic.channels[channel_name] = Channel(topic, channel_name)
            for message in topic.kept:
                self.hand_over(channel, message)
            topic.kept.clear()
        client.channel = topic.channels[channel_name]
        client.channel.clients.add(client)

    def answer(self, client, verb, message_id, delay=0):
        """FIN, REQ with a delay in seconds, or TOUCH."""
        channel = client.channel
        copy = channel.in_flight.get(message_id)
        if copy is None or copy.owner is not client:
            why = "ID not in flight" if copy is None else "client does not own message"
            return f"E_{verb}_FAILED {verb} {message_id} failed {why}"
        if verb == "TOUCH":
            self.touch(client, copy)
            return None
        self.take(channel, copy)
        if verb == "REQ" and delay > 0:
            self.defer(channel, copy, delay)
        elif verb == "REQ":
            self.enqueue(channel, copy)
        return None

    def touch(self, client, copy):
        """The timeout begins anew, but ends at most max_msg_timeout after the delivery."""
        most = self.max_msg_timeout
        self.start_timer(copy, client.msg_timeout, copy.sent + most, copy.seen + most)

    def leave(self, client):
        """The connection has ended. What it has in flight stays so until its timeout."""
        channel = client.channel
        if channel is None:
            return
        channel.clients.remove(client)
        if channel.name.endswith("#ephemeral") and not channel.clients:
            del channel.topic.channels[channel.name]
            if channel.topic.name.endswith("#ephemeral") and not channel.topic.channels:
                del self.topics[channel.topic.name]
