"""Plays one case against one server and records what was seen, in a form that can be compared between servers.

Replies (responses and errors) and messages are kept separately, because upstream sends a message between any two
replies, by chance. Message ids become {id1}, {id2}, ...; timestamps and the form of ids are checked here.
"""

import collections
import itertools
import re
import struct
import time
import zlib

import case as words
import wire
from server import NODE_ID

ANSWER_SECONDS = 4
MESSAGE_SECONDS = 12  # upstream looks at a new channel's timeouts only after up to 5 s
TIME_SLACK = 30  # seconds by which a timestamp or an id may differ from the time at which the case ended
ID_EPOCH = 1288834974288

Seen = collections.namedtuple("Seen", "replies messages end")  # of one connection

topic_numbers = itertools.count()


def new_topic():
    """A name of 16 bytes that nothing else uses."""
    return b"t%015x" % next(topic_numbers)


def text(data, limit=400):
    """Bytes in readable form: ASCII unchanged, other bytes escaped, the middle of long ones as a checksum."""
    if len(data) > limit:
        half = limit // 2
        middle = "%d bytes, crc %08x" % (len(data), zlib.crc32(data))
        return "%s ...(%s)... %s" % (text(data[:half]), middle, text(data[-half:]))
    return bytes(data).decode("latin-1").encode("unicode_escape").decode("ascii")


class Player:
    def __init__(self, case, address):
        self.case = case
        self.address = address
        self.topic = new_topic()
        self.peers = {}
        self.sent = []
        self.ids = []
        self.counted = collections.Counter()
        self.notes = collections.defaultdict(list)

    def play(self):
        try:
            for step in self.case.steps:
                getattr(self, "_" + type(step).__name__.lower())(step, self._peer(step.on))
            return {name: self._seen(name, peer) for name, peer in sorted(self.peers.items())}
        except OSError as trouble:
            return {"a": Seen((), (), "no connection: %s" % trouble)}
        finally:
            for peer in self.peers.values():
                peer.close()

    def _peer(self, name):
        if name not in self.peers:
            self.peers[name] = wire.Peer(self.address)
        return self.peers[name]

    def _send(self, step, peer):
        data = self.fill(step.data)
        self.sent.append("%s> %s" % (step.on, text(data)))
        peer.send(data)

    def _halfclose(self, step, peer):
        self.sent.append("%s> (end of input)" % step.on)
        peer.half_close()

    def _close(self, step, peer):
        self.sent.append("%s> (closed)" % step.on)
        peer.close()

    def _replies(self, step, peer):
        wanted = self.counted[step.on, "replies"] + step.count
        self.counted[step.on, "replies"] = wanted
        if not peer.wait(lambda: len(peer.replies()) >= wanted or peer.has_failed(), ANSWER_SECONDS):
            self.notes[step.on].append("no reply %d" % wanted)

    def _messages(self, step, peer):
        wanted = self.counted[step.on, "messages"] + step.count
        self.counted[step.on, "messages"] = wanted
        if not peer.wait(lambda: len(peer.messages()) >= wanted or peer.has_failed(), MESSAGE_SECONDS):
            self.notes[step.on].append("no message %d" % wanted)
        for message in peer.messages():
            identity = message.data[10:26]
            if identity not in self.ids:
                self.ids.append(identity)

    def _quiet(self, step, peer):
        def frames():
            return len(peer.replies()) + len(peer.messages())

        before = frames()
        if peer.wait(lambda: frames() > before, step.seconds):
            self.notes[step.on].append("not quiet")

    def _ends(self, step, peer):
        peer.wait(lambda: False, ANSWER_SECONDS)

    def _finish(self, step, peer):
        if not peer.has_failed():
            peer.send(words.LAST_COMMAND)
        peer.wait(lambda: False, ANSWER_SECONDS)

    def fill(self, data):
        data = data.replace(b"{topic}", self.topic)
        for number, identity in enumerate(self.ids, 1):
            data = data.replace(b"{id%d}" % number, identity)
        return data

    def _plain(self, data, peer):
        data = data.replace(self.topic, b"{topic}")
        for number, identity in enumerate(self.ids, 1):
            data = data.replace(identity, b"{id%d}" % number)
        return data.replace(b"127.0.0.1:%d" % peer.port, b"{peer}")

    def _seen(self, name, peer):
        replies, messages = [], []
        beats = 0
        for frame in peer.frames:
            if wire.is_heartbeat(frame):
                beats += 1
                if self.case.heartbeats and beats <= self.case.heartbeats:
                    replies.append("R _heartbeat_ at %s" % about(frame.at - peer.opened))
            elif frame.kind == wire.MESSAGE:
                messages.append(self._message(frame.data, peer))
            else:
                replies.append("RE"[frame.kind] + " " + text(self._plain(frame.data, peer), 1 << 16))
        if peer.ended and peer.input:
            replies.append(("part of a frame: " if peer.is_framed else "no frame: ") + text(peer.input))
        end = peer.end or "still open"
        if self.case.heartbeats and isinstance(self.case.steps[-1], words.Ends) and peer.ended:
            end += " at " + about(peer.ended - peer.opened)
        return Seen(tuple(replies), tuple(messages), ", ".join([end] + self.notes[name]))

    def _message(self, data, peer):
        if len(data) < 26:
            return "M too short: " + text(data)
        stamp, attempts = struct.unpack_from(">qH", data)
        identity, body = data[10:26], data[26:]
        if identity not in self.ids:
            self.ids.append(identity)
        faults = []
        if abs(stamp / 1e9 - time.time()) > TIME_SLACK:
            faults.append("timestamp %d" % stamp)
        faults += id_faults(identity)
        return "M attempts=%d id=%s body=%s%s" % (
            attempts,
            self._plain(identity, peer).decode("latin-1"),
            text(self._plain(body, peer)),
            "".join(" BAD " + f for f in faults),
        )


def id_faults(identity):
    """An id is 16 lower-case hex digits: a clock in units of 2^20 ns, 10 bits of node id, a 12-bit sequence."""
    if not re.fullmatch(rb"[0-9a-f]{16}", identity):
        return ["id " + text(identity)]
    number = int(identity, 16)
    ticks = (number >> 22) + ID_EPOCH
    if abs((ticks << 20) / 1e9 - time.time()) > TIME_SLACK:
        return ["id's clock " + text(identity)]
    if (number >> 12) & 0x3FF != NODE_ID:
        return ["id's node " + text(identity)]
    return []


def about(seconds):
    """A time in steps of half a second. Servers under load are late, so only early times are exact."""
    return "%.1f s" % (int((seconds + 0.1) * 2) / 2)
