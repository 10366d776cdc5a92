"""The earliest-byte rule: each reply comes after the same byte of input on both servers.

On the first server the byte is found by bisection: after a prefix of the input either the reply arrives or nothing
does. On the second server two trials are enough: nothing after byte n-1, and the reply after byte n. The end of input
counts as one more byte.
"""

import re

import wire
from case import LAST_COMMAND, Ends, Finish, HalfClose, Replies, Send
from play import new_topic, topic_numbers

SILENCE = 0.06       # seconds without input after which a trial counts as silent
LONG_SILENCE = 0.5   # the same, after the short one has led to a difference
REPLY_SECONDS = 3
MOST_REPLIES = 6  # of a case with more replies, the first and the last ones are tried
LAST_REPLY = "E E_INVALID invalid command " + LAST_COMMAND.decode().strip()


class Stream:
    """The input of a case on its only connection; any prefix of it can be sent."""

    def __init__(self, case):
        self.data = b"".join(s.data for s in case.steps if isinstance(s, Send))
        self.has_eof = any(isinstance(s, HalfClose) for s in case.steps)
        self.is_whole_name = not re.search(rb"\{topic\}[^ \n]", self.data)
        self.length = len(self.filled()) + self.has_eof

    def filled(self):
        """The bytes with a topic of their own; if possible an ephemeral one, which saves upstream the disk."""
        topic = b"t%05x#ephemeral" % next(topic_numbers) if self.is_whole_name else new_topic()
        return self.data.replace(b"{topic}", topic)

    def brings(self, address, length, replies, seconds):
        """Whether this many replies arrive within this time after this many bytes."""
        peer = wire.Peer(address)
        try:
            data = self.filled()
            peer.send(data[:length])
            if length > len(data):
                peer.half_close()
            return peer.wait(lambda: replies_of(peer) >= replies, seconds) or replies_of(peer) >= replies
        finally:
            peer.close()

    def first(self, address, replies, low, is_last, silence):
        """The smallest number of bytes after which this many replies arrive; `low` bytes are known to be too few."""
        high = self.length
        middle = high - 1 if is_last else (low + high) // 2
        while high - low > 1:
            if self.brings(address, middle, replies, silence):
                high = middle
            else:
                low = middle
            middle = (low + high) // 2
        return high


def replies_of(peer):
    """Replies so far; a connection that is closed without an error counts as one."""
    replies = peer.replies()
    is_silent_end = peer.end is not None and not any(wire.is_fatal(f) for f in replies)
    return len(replies) + is_silent_end


def is_probed(case):
    """Whether the case has one connection, and nothing in it depends on time or on an earlier answer."""
    return case.heartbeats is None and all(
        step.on == "a"
        and isinstance(step, (Send, HalfClose, Replies, Ends, Finish))
        and b"{id" not in getattr(step, "data", b"")
        for step in case.steps
    )


def count_replies(case, seen):
    replies = list(seen["a"].replies)
    if isinstance(case.steps[-1], Finish) and replies[-1:] == [LAST_REPLY]:
        return len(replies) - 1
    is_silent_end = isinstance(case.steps[-1], Ends) and not (replies and replies[-1].startswith("E "))
    return len(replies) + is_silent_end


def chosen(count):
    numbers = list(range(1, count + 1))
    half = MOST_REPLIES // 2
    return numbers if count <= MOST_REPLIES else numbers[:half] + numbers[-half:]


def compare(case, seen, address_a, address_b):
    """The differences, as lines of text, and the number of replies that were tried."""
    numbers = chosen(count_replies(case, seen))
    try:
        lines = probe(case, seen, numbers, address_a, address_b, SILENCE)
        if lines:
            lines = probe(case, seen, numbers, address_a, address_b, LONG_SILENCE)
    except OSError as trouble:
        lines = ["no connection: %s" % trouble]
    return lines, len(numbers)


def probe(case, seen, numbers, address_a, address_b, silence):
    stream = Stream(case)
    lines = []
    low = -1
    for number in numbers:
        is_last = number == numbers[-1]
        at = stream.first(address_a, number, low, is_last, silence)
        low = at - 1
        is_early = at > 0 and stream.brings(address_b, at - 1, number, silence)
        if is_early or not stream.brings(address_b, at, number, REPLY_SECONDS):
            other = stream.first(address_b, number, -1, is_last, silence)
            lines.append("reply %d comes after byte %d on A, after byte %d on B" % (number, at, other))
    return lines
