#!/usr/bin/env python3
"""Random sessions of up to nine clients on a real server, in lockstep with the model of model.py. After each step the
server must have sent exactly the answers and messages that the model asks for.

    play.py SERVER [--seconds=N] [--seed=N] [--session=N] [--flag=FLAG]... [--upstream=timers|ephemeral]

--session replays one session of a seed. --upstream is for upstream's nsqd, which is late with timers in new channels
(up to 5 s), handles commands in several threads, and may deliver in another order: it plays either timers or ephemeral
channels, on one set of channels, and waits after each step. Ends with "N passed, N failed".
"""
import argparse
import collections
import contextlib
import pathlib
import random
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

from model import Client, Message, Mismatch, Model, check

CLIENTS = 9
TIMEOUTS = {None: (0.6, 1.5), "timers": (3, 6), "ephemeral": (60, 900)}  # seconds: --msg-timeout, --max-msg-timeout
LONG_TIMEOUT = 1.0  # what some clients ask for; the least that IDENTIFY accepts
DELAYS = (50, 150, 400, 900)  # ms, of DPUB and REQ
GUARD = 0.05  # seconds: no step begins when a timer may end that soon
LATE = 0.05  # seconds that a server may be late with a timer
LIMIT = 8  # seconds: the longest wait for what must come
MISSING = 3  # seconds: the wait for a message that is owed, after a step that took too long
MARKER = "marker-of-model!"  # as long as an id, but not an id
clock = time.monotonic


class TooSlow(Exception):
    """A timer may have ended in the middle of a step, because this machine is busy. The model cannot judge the step."""


class Connection:
    """A client's socket, and what the server must answer on it."""

    def __init__(self, port, name, default, msg_timeout):
        self.model = Client(name, msg_timeout or default)
        self.input, self.owed, self.ending = b"", collections.deque(), False
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        extra = ',"msg_timeout":%d' % (msg_timeout * 1000) if msg_timeout else ""
        self.socket.sendall(b"  V2")
        self.send(b"IDENTIFY\n" + sized(b'{"output_buffer_size":-1%s}' % extra.encode()), "OK")

    def send(self, data, *answers):
        self.owed.extend(answers)
        self.socket.sendall(data)

    def frames(self):
        """The frames that have arrived. Ends the connection when the server does."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            check(self.ending and not self.input and not self.owed, "the server ended the connection of %s", self.model.name)
            self.socket.close()
            self.socket = None
        self.input += data
        while len(self.input) >= 4 and len(self.input) >= 4 + struct.unpack_from(">i", self.input)[0]:
            size, kind = struct.unpack_from(">ii", self.input)
            yield kind, self.input[8:4 + size]
            self.input = self.input[4 + size:]


def sized(data):
    return struct.pack(">I", len(data)) + data


class Session:
    """One random session. `prefix` makes its topics different from those of other sessions."""

    def __init__(self, port, chance, prefix, upstream):
        self.port, self.chance, self.upstream = port, chance, upstream
        self.late = 0.3 if upstream else LATE
        last = [] if upstream == "timers" else ["#ephemeral"]
        self.topics = [prefix + t for t in ("a", "b", *last)]
        self.channels = ["x", "y", *("z" + e for e in last)]
        self.timeout, most = TIMEOUTS[upstream]
        self.model = Model(most, ordered=not upstream)
        self.connections = [None] * CLIENTS
        self.count = self.steps = 0
        self.log = collections.deque(maxlen=12)

    # --- a step -------------------------------------------------------------------------------------------------

    def step(self, action):
        """Does something and sees that its effects are exactly those of the model. First waits for timers that may
        end soon."""
        due = self.model.due_until(clock() + GUARD, self.late)
        if due is not None:
            self.log.append("wait")
            self.lockstep(lambda: self.model.expire(due), due)
        self.lockstep(action, 0)
        self.steps += 1

    def lockstep(self, action, until):
        self.model.begin_step(clock())
        try:
            action()
            self.settle(until)
        except Mismatch as mismatch:
            if self.is_late():
                self.check_missing()
                raise TooSlow from mismatch
            raise
        if self.is_late():
            raise TooSlow
        self.model.end_step(clock())

    def check_missing(self):
        """When a step took too long: what was first in its queue must come all the same."""
        missing = []
        for channel in self.model.all_channels() if self.model.ordered else ():
            queue = sorted(channel.queue, key=lambda c: c.rank)
            first = [c for c in queue if c.rank <= queue[channel.owed() - 1].rank] if channel.owed() else []
            missing.append((channel, channel.owed(), {(channel, c.message.body) for c in first}))
        seen, end = set(), clock() + MISSING
        self.on_frame = lambda c, kind, data: kind == 2 and seen.add((c.model.channel, data[26:]))
        while clock() < end and any(len(first & seen) < owed for _, owed, first in missing):
            with contextlib.suppress(Mismatch):  # answers are not judged any more
                self.receive(0.05)
        for channel, owed, first in missing:
            check(len(first & seen) >= owed, "%s/%s has not delivered %d messages", channel.topic.name, channel.name, owed)

    def is_late(self):
        return any(copy.first <= clock() for copy, _ in self.model.timers())

    def settle(self, until):
        """Waits for what the model asks for, and until a time."""
        end = clock() + LIMIT
        if self.upstream:
            until = max(until, clock() + 0.004)
        while True:
            waits = [c for c in self.connections if c and c.socket and (c.owed or c.ending)]
            done = not waits and not any(channel.owed() for channel in self.model.all_channels())
            if done and clock() >= until:
                break
            if clock() > max(end, until):
                for c in waits:
                    check(False, "%s waits for %s", c.model.name, list(c.owed) or "the end of the connection")
                break
            self.receive(max(0.0, min(0.05, until - clock())) if done else 0.05)
        self.receive(0)
        self.model.check_settled()

    def receive(self, timeout):
        open_ones = {c.socket: c for c in self.connections if c and c.socket}
        for s in select.select(list(open_ones), [], [], timeout)[0]:
            for kind, data in open_ones[s].frames():
                self.on_frame(open_ones[s], kind, data)

    def on_frame(self, c, kind, data):
        if kind == 2:
            timestamp, attempts, message_id = struct.unpack_from(">qH16s", data)
            self.model.deliver(c.model, clock(), message_id.decode(), timestamp, attempts, data[26:])
        elif data == b"_heartbeat_":
            c.send(b"NOP\n")
        else:
            text = data.decode(errors="replace")
            check(c.owed and c.owed[0] == text, "%s: the answer is %r, not %r", c.model.name, text,
                  c.owed[0] if c.owed else None)
            c.owed.popleft()

    # --- what clients do ----------------------------------------------------------------------------------------

    def do(self, c, text, data, *answers):
        """Sends commands, cut at random."""
        self.log.append(f"{c.model.name}: {text}")
        c.owed.extend(answers)
        while len(data) > 1 and self.chance.random() < 0.2:
            cut = self.chance.randrange(1, len(data))
            c.socket.sendall(data[:cut])
            data = data[cut:]
        c.socket.sendall(data)

    def connect(self, i):
        long = LONG_TIMEOUT if self.chance.random() < 0.3 and not self.upstream else None
        self.log.append(f"client {i}: connects, msg_timeout {long}")
        self.connections[i] = Connection(self.port, f"client {i}", self.timeout, long)

    def publish(self, c):
        """One to three commands together."""
        text, data = [], b""
        for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
            topic, verb = self.chance.choice(self.topics), self.chance.choice(("PUB", "PUB", "MPUB", "DPUB"))
            if self.upstream == "ephemeral" and verb == "DPUB":
                verb = "PUB"
            delay = self.chance.choice((0, *DELAYS)) if verb == "DPUB" else 0
            bodies = [self.message(topic, delay / 1000) for _ in range(self.chance.randint(1, 8) if verb == "MPUB" else 1)]
            if verb == "MPUB":
                data += b"MPUB %s\n" % topic.encode() + sized(struct.pack(">I", len(bodies)) + b"".join(map(sized, bodies)))
            else:
                data += f"{verb} {topic}{f' {delay}' if verb == 'DPUB' else ''}\n".encode() + sized(bodies[0])
            text.append(f"{verb} {topic} x{len(bodies)} {delay} ms")
        self.do(c, ", ".join(text), data, *["OK"] * len(text))

    def message(self, topic, delay):
        self.count += 1
        body = b"message %d " % self.count + b"." * self.chance.choice((0, 1, 100, 600, 5000))
        wall = time.time_ns()
        self.model.publish(topic, Message(self.count, body, delay, (wall - 10**8, wall + LIMIT * 10**9)))
        return body

    def subscribe(self, c, topic=None, channel=None):
        topic, channel = topic or self.chance.choice(self.topics), channel or self.chance.choice(self.channels)
        self.model.subscribe(c.model, topic, channel)
        self.do(c, f"SUB {topic} {channel}", f"SUB {topic} {channel}\n".encode(), "OK")

    def ready(self, c, count=None):
        count = self.chance.choice((0, 1, 1, 2, 3, 10, 2500)) if count is None else count
        if not c.model.closing:
            c.model.ready = count
        self.do(c, f"RDY {count}", f"RDY {count}\n".encode() + self.marker(), self.marker_answer())

    def marker(self):
        """A command whose answer shows that all commands before it were handled."""
        return b"TOUCH %s\n" % MARKER.encode()

    def marker_answer(self):
        return f"E_TOUCH_FAILED TOUCH {MARKER} failed ID not in flight"

    def answer(self, c, verbs=("FIN", "FIN", "FIN", "FIN", "REQ", "TOUCH")):
        """FIN, REQ and TOUCH of different messages: mostly its own, some of other clients or already gone."""
        own = [i for i, copy in c.model.channel.in_flight.items() if copy.owner is c.model]
        others = list(self.model.ids[c.model.channel.topic.name].values())
        ids = self.chance.sample(own, self.chance.randint(min(1, len(own)), min(len(own), 50)))
        if others and self.chance.random() < 0.15:
            ids.insert(0, self.chance.choice(others))  # first: later, it might have been delivered just now
        text, answers = "", []
        for message_id in dict.fromkeys(ids):
            verb = self.chance.choice(verbs)
            delay = self.chance.choice((0, 0, *DELAYS)) if self.upstream != "ephemeral" else 0
            text += f"{verb} {message_id}" + (f" {delay}\n" if verb == "REQ" else "\n")
            error = self.model.answer(c.model, verb, message_id, delay / 1000)
            answers += [error] if error else []
        self.do(c, text.replace("\n", ", "), text.encode() + self.marker(), *answers, self.marker_answer())

    def close(self, c):
        c.model.closing = True
        self.do(c, "CLS", b"CLS\n", "CLOSE_WAIT")

    def leave(self, i):
        """The client ends its output, also within a line, or sends a bad command. Waits until the server has left."""
        c, way = self.connections[i], self.chance.randrange(3)
        self.model.leave(c.model)
        c.ending = True
        if way == 0:
            self.do(c, "a bad command", b"BAD\n", "E_INVALID invalid command BAD")
        else:
            self.do(c, "leaves", (b"", b"", b"FIN 0123")[way])
            c.socket.shutdown(socket.SHUT_WR)

    # --- a session ----------------------------------------------------------------------------------------------

    def random_action(self):
        i = self.chance.randrange(CLIENTS)
        c = self.connections[i]
        if c is None or c.socket is None:
            return self.connect(i)
        x = self.chance.random()
        if x < 0.02:
            return self.leave(i)
        if c.model.channel is None:
            return self.publish(c) if x < 0.6 else self.subscribe(c)
        if x < 0.03 and not c.model.closing:
            return self.close(c)
        if x < 0.1:
            return self.publish(c)
        return self.ready(c) if x < 0.3 else self.answer(c)

    def leave_all(self):
        for i in range(CLIENTS):
            if self.connections[i] and self.connections[i].socket:
                self.step(lambda i=i: self.leave(i))

    def finish_all(self):
        """Nothing may be lost: consumes all that the channels have, also what comes only after a timeout."""
        self.leave_all()
        for channel in self.model.all_channels():
            self.step(lambda: self.connect(0))
            c = self.connections[0]
            self.step(lambda: self.subscribe(c, channel.topic.name, channel.name))
            self.step(lambda: self.ready(c, 2500))
            while channel.queue or channel.in_flight or channel.deferred:
                self.step(lambda: self.answer(c, ("FIN",)))
                time.sleep(0 if c.model.in_flight else 0.01)
            self.step(lambda: self.leave(0))

    def play(self, steps):
        if self.upstream == "timers":  # it looks for new channels every 5 s
            for topic in self.topics:
                for i, channel in enumerate(self.channels):
                    self.step(lambda: self.connect(i))
                    self.step(lambda: self.subscribe(self.connections[i], topic, channel))
                self.leave_all()
            time.sleep(5.5)
        for _ in range(steps):
            self.step(self.random_action)
        if self.upstream != "ephemeral":  # there, the timeouts take too long
            self.finish_all()

    def end(self):
        for c in self.connections:
            if c and c.socket:
                c.socket.close()


# --- the program ------------------------------------------------------------------------------------------------


def start_server(option, folder):
    timeout, most = TIMEOUTS[option.upstream]
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen(
        [option.server, f"--tcp-address=127.0.0.1:{port}", "--http-address=127.0.0.1:0",
         "--https-address=127.0.0.1:0", f"--data-path={folder}",
         f"--msg-timeout={timeout}s", f"--max-msg-timeout={most}s", "--log-level=fatal", *option.flag],
        stderr=subprocess.DEVNULL)
    end = clock() + LIMIT
    while clock() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, port
        except ConnectionRefusedError:
            time.sleep(0.01)
    sys.exit(f"{option.server} does not start")


def play_one(port, option, number, totals):
    """False: the server did what it must not do."""
    session = Session(port, random.Random(f"{option.seed}/{number}"), f"s{number}", option.upstream)
    try:
        session.play(session.chance.randrange(100, 600))
        totals["sessions"] += 1
    except TooSlow:
        totals["abandoned"] += 1
    except (Mismatch, OSError) as e:
        print("\n".join(session.log))
        print(f"FAILED: --seed={option.seed} --session={number}, step {session.steps}: {e}")
        return False
    finally:
        session.end()
        totals["steps"] += session.steps
        totals["deliveries"] += session.model.delivered
    return True


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("server")
    p.add_argument("--seconds", type=float, default=15)
    p.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    p.add_argument("--session", type=int)
    p.add_argument("--flag", action="append", default=[])
    p.add_argument("--upstream", choices=("timers", "ephemeral"))
    option = p.parse_args()
    totals, good, end = collections.Counter(), True, clock() + option.seconds
    with tempfile.TemporaryDirectory() as folder:
        server, port = start_server(option, folder)
        number = option.session or 0
        try:
            while good and (clock() < end or option.session is not None):
                good = play_one(port, option, number, totals)
                number += 1
                if option.session is not None:
                    break
            check(server.poll() is None, "the server is gone")
        finally:
            server.terminate()
            server.wait(LIMIT)
    print("model: seed %d, %d sessions, %d steps, %d deliveries, %d sessions abandoned because the machine was busy" %
          (option.seed, *(totals[k] for k in ("sessions", "steps", "deliveries", "abandoned"))))
    good = good and totals["sessions"] > 0  # not all were abandoned
    print("%d passed, %d failed" % (good, not good))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
