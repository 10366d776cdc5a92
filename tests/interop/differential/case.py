"""The vocabulary of the cases.

A case is an id, a server configuration and a list of steps. Bytes may contain two kinds of names that are filled in
when the case runs: {topic}, a topic that nothing else uses (16 bytes), and {id1}, {id2}, ...: the ids of the messages
seen so far, in order. After the byte that proves a fatal error a case sends nothing, because upstream may answer
further input with a reset.
"""

import collections
import struct

Case = collections.namedtuple("Case", "id configuration steps heartbeats")

# The steps. `on` names the connection; a connection is opened by its first step.
Send = collections.namedtuple("Send", "data on")
HalfClose = collections.namedtuple("HalfClose", "on")
Close = collections.namedtuple("Close", "on")
Replies = collections.namedtuple("Replies", "count on")      # wait for this many more replies, or a fatal one
Messages = collections.namedtuple("Messages", "count on")    # wait for this many more messages
Quiet = collections.namedtuple("Quiet", "seconds on")        # nothing may arrive for this long
Ends = collections.namedtuple("Ends", "on")                  # the server closes
Finish = collections.namedtuple("Finish", "on")              # the server closes, or answers one last bad command

MAGIC = b"  V2"
LAST_COMMAND = b"?\n"


def u32(n):
    return struct.pack(">I", n & 0xFFFFFFFF)


def sized(body):
    return u32(len(body)) + body


def identify(json):
    return b"IDENTIFY\n" + sized(json)


def pub(body=b"x", topic=b"{topic}"):
    return b"PUB " + topic + b"\n" + sized(body)


def dpub(milliseconds, body=b"x"):
    return b"DPUB {topic} " + milliseconds + b"\n" + sized(body)


def mpub(*bodies):
    return b"MPUB {topic}\n" + sized(u32(len(bodies)) + b"".join(sized(b) for b in bodies))


SUB = b"SUB {topic} c\n"


class Table:
    """Collects the cases of one file; ids are `<prefix>/<name>`."""

    def __init__(self, prefix, configuration="default"):
        self.prefix = prefix
        self.configuration = configuration
        self.cases = []

    def steps(self, name, *steps, configuration=None, heartbeats=None):
        self.cases.append(
            Case(self.prefix + "/" + name, configuration or self.configuration, tuple(steps), heartbeats)
        )

    def raw(self, name, data, **options):
        """All bytes of the connection, including the magic; the server is expected to close."""
        self.steps(name, Send(data, "a"), Ends("a"), **options)

    def ends(self, name, data, **options):
        """The server is expected to close, with or without an error."""
        self.raw(name, MAGIC + data, **options)

    def replies(self, name, count, data, **options):
        """This many replies are expected; the servers decide whether the last is fatal."""
        self.steps(name, Send(MAGIC + data, "a"), Replies(count, "a"), Finish("a"), **options)

    def silent(self, name, data, **options):
        """No reply is expected, and the connection stays open."""
        self.steps(name, Send(MAGIC + data, "a"), Finish("a"), **options)

    def cut(self, name, data, **options):
        """The client's side is closed after these bytes."""
        self.steps(name, Send(MAGIC + data, "a"), HalfClose("a"), Ends("a"), **options)
