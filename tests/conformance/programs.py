#!/usr/bin/env python3
"""Tests nsq-conform and nsq-record as programs: exit codes, and what they print where. Needs only them and
build/nsqd. Ends with "N passed, N failed".

    programs.py [FOLDER-OF-THE-PROGRAMS]
"""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
LIMIT = 60  # seconds
# The addresses of a server of which a test uses only the first.
NOWHERE = ["--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0", "--https-address=127.0.0.1:0"]
HEADER = "id: a/%s\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\n"


def conform(folder, *arguments, state=None):
    """Runs nsq-conform; returns its exit code, standard output and standard error. The last report is below `state`,
    by default in the folder."""
    run = subprocess.run([str((BUILD / "nsq-conform").resolve()), *arguments], cwd=folder, stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, timeout=LIMIT,
                         env={**os.environ, "XDG_STATE_HOME": str(state or folder / "state")})
    return run.returncode, run.stdout, run.stderr


def last_line(run):
    """The exit code of a run, and the last line that it printed."""
    return run[0], run[1].splitlines()[-1]


def case(folder, name, steps):
    (folder / (name + ".session")).write_text(HEADER % name + steps)
    return name + ".session"


def equal(got, wanted):
    assert got == wanted, "got %r, not %r" % (got, wanted)


def a_file_that_cannot_be_played_is_bad(folder):
    good = case(folder, "good", "c connect\n")
    for name, steps, place in (
            ("unopened", "c > \"x\"\n", "7:1: expected the name of a connection that an earlier step opens"),
            ("uncaptured", "c connect\nc > \"FIN \" $m\n", "8:13: expected a value that an earlier message captures")):
        bad = case(folder, name, steps)
        equal(conform(folder, good, bad), (2, "", "%s:%s\n" % (bad, place)))


def what_is_known_of_the_engine_in_this_process_is_no_failure(folder):
    suite = folder / "suite"
    (suite / "known").mkdir(parents=True)
    case(suite, "fails", "c connect\nc > \"  V2NOP\\n\"\nc < response \"OK\" within 50ms\n")
    (suite / "known" / "nsqref.txt").write_text("a/fails  so be it\n")
    equal(conform(folder, "--cases", "suite"), (0, "nsqref engine: 1 case: 1 xfail\n", ""))
    (suite / "known" / "nsqref.txt").write_text("a/other  so be it\n")
    equal(conform(folder, "--cases", "suite"),
          (2, "", "suite/known/nsqref.txt:1:1: expected a pattern that matches the id of a case\n"))


def the_cases_are_found_from_any_folder(folder):
    equal(last_line(conform(folder, "--only", "nop/subscribed")), (0, "nsqref engine: 1 case: 1 pass"))


def another_version_of_the_suite_is_refused(folder):
    version = int(re.search("version ([0-9]+) of the suite", conform(folder, "--version")[1]).group(1))
    case(folder, "good", "c connect\n")
    equal(conform(folder, "--cases", ".", "--suite-version", str(version))[0], 0)
    equal(conform(folder, "--cases", ".", "--suite-version", str(version + 1)),
          (2, "", "nsq-conform: the suite has version %d, not %d; ./CHANGES.tsv lists what has changed\n" % (
              version, version + 1)))


def without_a_last_report_nothing_can_be_played_again(folder):
    case(folder, "good", "c connect\n")
    equal(conform(folder, "--cases", ".", "--rerun-failed"),
          (2, "", "nsq-conform: there is no last report at %s/state/nsq-conform/last.json; a run writes it there, or to "
                  "the file of --json\n" % folder))


def what_failed_is_played_again_from_any_folder(folder):
    suite, state = folder / "suite", folder / "new" / "state"
    suite.mkdir()
    (folder / "elsewhere").mkdir()
    case(suite, "passes", "c connect\n")
    case(suite, "fails", 'c connect\nc > "  V2NOP\\n"\nc < response "OK" within 50ms\n')
    equal(last_line(conform(suite, "--cases", ".", state=state)), (1, "nsqref engine: 2 cases: 1 pass 1 fail"))
    equal(last_line(conform(folder / "elsewhere", "--cases", str(suite), "--rerun-failed", state=state)),
          (1, "nsqref engine: 1 case: 1 fail"))
    equal([p.name for p in (state / "nsq-conform").iterdir()], ["last.json"])
    (folder / "file").write_text("")  # nothing can be written below it: that is no error
    equal(last_line(conform(suite, "--only", "a/passes", "--cases", ".", state=folder / "file")),
          (0, "nsqref engine: 1 case: 1 pass"))


@contextlib.contextmanager
def started(folder, log, *command):
    """Starts a program that listens; yields it and its port, and ends it afterwards."""
    with (folder / log).open("w") as out:
        program = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        limit = time.monotonic() + LIMIT
        found = None
        while not found and program.poll() is None and time.monotonic() < limit:
            time.sleep(0.005)
            found = re.search(r"TCP: listening on 127\.0\.0\.1:(\d+)\n", (folder / log).read_text())
        assert found, (folder / log).read_text()
        yield program, int(found.group(1))
    finally:
        program.kill()
        program.wait()


def http_address(folder, log):
    """Where a program listens for HTTP, from its log."""
    limit = time.monotonic() + LIMIT
    found = None
    while not found and time.monotonic() < limit:
        found = re.search(r" HTTP: listening on (\S+)\n", (folder / log).read_text())
        time.sleep(0 if found else 0.005)
    return found.group(1)


def wait_for(port):
    """Waits until somebody listens there."""
    limit = time.monotonic() + LIMIT
    while time.monotonic() < limit:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise AssertionError("nobody listens")


def recorded(folder, talk):
    """The steps that nsq-record writes about a client that talks to build/nsqd."""
    nsqd = str((BUILD / "nsqd").resolve())
    record = str((BUILD / "nsq-record").resolve())
    with started(folder, "nsqd.log", nsqd, *NOWHERE, "--data-path=.") as (_, to), \
            started(folder, "record.log", record, "--listen", "127.0.0.1:0", "--to", "127.0.0.1:%d" % to, "-o", ".",
                    "--id", "a/talk") as (recorder, port):
        with socket.create_connection(("127.0.0.1", port), LIMIT) as client:
            talk(client)
        time.sleep(0.3)
        recorder.send_signal(signal.SIGTERM)
        equal(recorder.wait(LIMIT), 0)
    equal((folder / "record.log").read_text().splitlines()[-1], "nsq-record: wrote ./talk.session")
    equal(conform(folder, "talk.session")[0], 0)
    return (folder / "talk.session").read_text().split("\n\n")[1]


PUB = b"  V2PUB half-closed\n\0\0\0\1x"
PUB_STEPS = 'c1 connect\nc1 > "  V2"\nc1 > "PUB " $topic1 "\\n" size{"x"}\n'


def a_client_that_ends_its_side_gets_its_answer_and_it_is_recorded(folder):
    def talk(client):
        client.sendall(PUB)
        client.shutdown(socket.SHUT_WR)
        equal(client.makefile("rb").read(), b"\0\0\0\6\0\0\0\0OK")
    equal(recorded(folder, talk), PUB_STEPS + 'c1 > end\nc1 < response "OK"\nc1 < end\n')


def a_client_that_ends_its_side_without_an_answer_to_come_has_closed(folder):
    def talk(client):
        client.sendall(PUB)
        equal(client.recv(100), b"\0\0\0\6\0\0\0\0OK")
        client.shutdown(socket.SHUT_WR)
        equal(client.recv(100), b"")
    equal(recorded(folder, talk), PUB_STEPS + 'c1 < response "OK"\nc1 > close\n')


def a_client_that_closes_takes_no_answer(folder):
    equal(recorded(folder, lambda client: client.sendall(PUB)), PUB_STEPS + "c1 > close\n")


def a_stopped_run_cleans_up_and_reports_what_was_done(folder):
    case(folder, "quick", "c connect\nc > \"  V2NOP\\n\"\nc < response \"OK\" within 50ms\n")
    case(folder, "slow", "c connect\nwait 30000ms\n")
    (folder / "servers").mkdir()
    for end in signal.SIGINT, signal.SIGTERM:
        command = [str((BUILD / "nsq-conform").resolve()), "--json", "report.json", "--spawn",
                   "%s %s --data-path={dir} {flags}" % ((BUILD / "nsqd").resolve(), " ".join(NOWHERE)),
                   "quick.session", "slow.session"]
        run = subprocess.Popen(command, cwd=folder, env={"TMPDIR": str(folder / "servers"), "PATH": "/usr/bin:/bin"},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        limit = time.monotonic() + LIMIT
        while not list((folder / "servers").glob("*/log")) and time.monotonic() < limit:
            time.sleep(0.01)
        time.sleep(4)  # a/quick ends in this time also on a slow machine; a line of progress comes after 5 s
        run.send_signal(end)
        started_at = time.monotonic()
        out, err = run.communicate(timeout=LIMIT)
        assert time.monotonic() - started_at < 10, "it took too long to end"
        equal((run.returncode, err), (5, "nsq-conform: stopped, with the results of 1 of 2 cases\n"))
        assert out.startswith("fail  a/quick  (MUST) t\n") and out.endswith(": 1 case: 1 fail\n"), out
        equal(list((folder / "servers").iterdir()), [])
        equal(len(json.loads((folder / "report.json").read_text())["cases"]), 1)


HEARTBEAT = b"\0\0\0\x0f\0\0\0\0_heartbeat_"
MESSAGE = b"\0\0\0\x1f\0\0\0\2" + bytes(9) + b"\1" + b"0123456789abcdef" + b"x"
OK = b"\0\0\0\6\0\0\0\0OK"


def framed(data):
    return len(data + bytes(4)).to_bytes(4, "big") + bytes(4) + data


def compressed(plain, times):
    """One answer to IDENTIFY, then a lot of output that was a few bytes on the wire."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(deflate.compress(plain) for _ in range(times)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return framed(b'{"deflate":true,"deflate_level":6}') + packed


@contextlib.contextmanager
def flooding(first, again):
    """A server that answers whatever comes with `first`, and then sends `again` for ever."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client):
        with client, contextlib.suppress(OSError):
            client.recv(65536)
            client.sendall(first)
            while again:
                client.sendall(again)
            client.recv(65536)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield "127.0.0.1:%d" % listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def a_report_on_standard_output_is_alone_there(folder):
    name = case(folder, "fails", 'c connect\nc > "  V2NOP\\n"\nc < response "OK" within 50ms\n')
    code, out, err = conform(folder, "--json", "-", name)
    equal((code, json.loads(out)["counts"]["fail"]), (1, 1))
    assert err.startswith("fail  a/fails  (MUST) t\n"), err
    assert err.endswith(" fails.session\n\nnsqref engine: 1 case: 1 fail\n"), err


def a_long_run_says_every_5_s_how_far_it_is(folder):
    names = [case(folder, name, "c connect\nwait 6500ms\n") for name in ("one", "two", "three")]
    with Broker() as server:
        code, _, err = conform(folder, "-j", "2", "--target", server.address, *names)
    equal(code, 0)
    assert re.fullmatch("nsq-conform: 0 of 3 cases, 0 failed\n"
                        "nsq-conform: 2 of 3 cases, 0 failed, the last case is still being played\n", err), err


class Broker:
    """A small NSQ server of a few lines. To a PUB of "late" it replies once more, 30 ms later."""

    def __init__(self, pub=OK, delivers=True, magic=True, answers=True):
        self.pub, self.delivers, self.magic, self.answers = pub, delivers, magic, answers
        self.lock = threading.Lock()
        self.consumers = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def publish(self, topic, client):
        with self.lock:
            client.sendall(self.pub)
            for consumer in self.consumers.get(topic, []) if self.delivers else []:
                with contextlib.suppress(OSError):
                    consumer.sendall(MESSAGE)

    def serve(self, client):
        with client, contextlib.suppress(OSError), client.makefile("rb") as stream:
            stream.read(4)
            while self.magic and (line := stream.readline()):
                word, *arguments = line.split()
                if word == b"PUB":
                    body = stream.read(int.from_bytes(stream.read(4), "big"))
                    self.publish(arguments[0], client)
                    if body == b"late":
                        time.sleep(0.03)
                        client.sendall(self.pub)
                elif word == b"SUB":
                    client.sendall(OK)
                    self.consumers.setdefault(arguments[0], []).append(client)
                elif word not in (b"RDY", b"FIN", b"NOP") and self.answers:
                    client.sendall(b"\0\0\0\x0d\0\0\0\1E_INVALID")
                    return

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def a_server_that_does_not_what_all_cases_need_is_one_finding(folder):
    for name in "one", "two", "three":
        case(folder, name, 'c connect\nc > "  V2PUB " $topic "\\n" size{"x"}\nc < response "OK"\n')
    names = ["one.session", "two.session", "three.session"]
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = "127.0.0.1:%d" % unused.getsockname()[1]
    slow = ["--time-scale", "25"]
    with Broker(magic=False) as closes, Broker(pub=b"\0\0\0\x0d\0\0\0\1E_INVALID") as refuses, \
            Broker(pub=b"") as silent, Broker(delivers=False) as keeps:
        for address, code, finding, came in (
                (nobody, 3, "connects", "no connection to the server"),
                (closes.address, 1, "magic", "the end of the connection"),
                (refuses.address, 1, "pub", 'error "E_INVALID"'),
                (silent.address, 1, "pub", "nothing within 2 s"),
                (keeps.address, 1, "delivers", "nothing within 2 s")):
            got, out, err = conform(folder, "--target", address, *slow, "--json", "r.json", "--junit", "r.xml", *names)
            equal((got, err), (code, ""))
            assert "  preflight/%s  (MUST) the server " % finding in out, out
            assert "    received: %s\n" % came in out and "none of the 3 chosen cases was played" in out, out
            equal(len(out.split("preflight/")), 2)
            assert "    \n" not in out, out
            report = json.loads((folder / "r.json").read_text())
            equal([c["id"] for c in report["cases"]], ["preflight/" + finding])
            assert ", came %s\"" % came.replace('"', "&quot;") in (folder / "r.xml").read_text()
        equal(last_line(conform(folder, "--target", keeps.address, *slow, "--no-preflight", *names)),
              (0, keeps.address + ": 3 cases: 3 pass"))
        # After a finding every case is one that did not pass.
        equal(conform(folder, "--target", keeps.address, *slow, "--no-preflight", "--json", "r.json", "--rerun-failed",
                      *names)[1].splitlines()[-1], keeps.address + ": 3 cases: 3 pass")
    got, out, err = conform(folder, "--spawn", "false {flags}", *names)
    equal(got, 3)
    assert out.startswith("unreachable  preflight/starts  (MUST) the server starts\n"), out


def the_end_of_a_case_is_quick_on_a_server_that_ignores_unknown_commands(folder):
    steps = 'c connect\nc > "  V2PUB " $topic "\\n" size{"x"}\nc < response "OK"\n'
    names = [case(folder, name, steps) for name in ("one", "two", "three")]
    with Broker(answers=False) as server:
        started_at = time.monotonic()
        equal(conform(folder, "-j", "1", "--target", server.address, *names)[0], 0)
        took = time.monotonic() - started_at
        assert took < 5, "%.1f s" % took
        late = case(folder, "late", steps.replace('"x"', '"late"'))
        got, out, _ = conform(folder, "--target", server.address, late)
        assert got == 1 and 'expected: c < nothing\n    received: response "OK"\n' in out, out


def a_server_that_never_stops_sending_is_bounded_in_memory_report_and_time(folder):
    steps = {
        "reply": 'c connect\nc > "  V2NOP\\n"\nc < response "OK" within 1500ms\n',
        "wait": 'c connect\nc > "  V2NOP\\n"\nwait 1500ms\nc < end within 100ms\n',
        "any": 'c connect\nc > "  V2NOP\\n"\nany {\n    c < response "OK" within 1500ms\n    c < end within 1500ms\n}\n',
        "nothing": 'c connect\nc > "  V2NOP\\n"\nc < nothing within 1500ms\n',
        "deflate": 'c connect\nc > "  V2IDENTIFY\\n" size{"{}"}\nc < response {"deflate":true}\n'
                   'c upgrade deflate 6\nc < response "OK" within 1500ms\n',
    }
    names = [case(folder, name, text) for name, text in steps.items()]
    floods = {
        "heartbeats": (b"", HEARTBEAT * 4000),
        "messages": (b"", MESSAGE * 2000),
        "replies": (b"", framed(b"no such reply") * 4000),
        "an endless frame": (b"\x35\xa4\xe9\0\0\0\0\0", b"x" * 65536),
        "compressed heartbeats": (compressed(HEARTBEAT * 100000, 100), b""),
        "a compressed frame": (compressed(b"\x7f\0\0\0\0\0\0\0" + b"x" * 1000000, 200), b""),
    }
    for what, (first, again) in floods.items():
        with flooding(first, again) as address:
            started_at = time.monotonic()
            run = subprocess.Popen([str((BUILD / "nsq-conform").resolve()), "--json", "report.json", "-j", "8",
                                    "--no-preflight", "--target", address, *names], cwd=folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            out = run.stdout.read()
            _, status, used = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
            took = time.monotonic() - started_at
            assert (folder / "report.json").exists(), out[-800:]
            size = (folder / "report.json").stat().st_size
            figures = "%s: exit code %d, %.1f s, %d KiB of memory, report of %d bytes, %d bytes printed" % (
                what, run.returncode, took, used.ru_maxrss, size, len(out))
            assert run.returncode == 1 and took < 15, figures + out[-1000:]
            # of the largest worker: each plays one case at a time
            assert used.ru_maxrss < 100 << 10 and size < 200000 and len(out) < 200000, figures


def a_recording_that_cannot_be_written_is_refused_at_the_start(folder):
    """Neither may nsq-record listen, nor write outside of the folder."""
    record = str((BUILD / "nsq-record").resolve())
    (folder / "inside").mkdir()
    for out, name, status, said in (("nowhere", "a/b", 1, "nsq-record: cannot write nowhere/b.session.part: "),
                                    ("inside", "a/../../b", 2, "usage: nsq-record"),
                                    ("inside", "a/b/c", 2, "usage: nsq-record"),
                                    ("inside", "a/B", 2, "usage: nsq-record"),
                                    ("inside", "/b", 2, "usage: nsq-record"),
                                    ("inside", "a/", 2, "usage: nsq-record")):
        run = subprocess.run([record, "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "-o", out, "--id", name],
                             cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        equal(run.returncode, status)
        assert run.stderr.startswith(said), run.stderr
    equal(sorted(p.name for p in folder.iterdir()), ["inside"])
    equal(list((folder / "inside").iterdir()), [])


FRAGILE = """import os, select, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
got = {}
while True:
    for ready in select.select([listener, *got], [], [])[0]:
        if ready is listener:
            got[listener.accept()[0]] = b""
            continue
        try:
            more = ready.recv(65536)
        except OSError:
            more = b""
        got[ready] += more
        if b"die" in got[ready]:
            os.abort()
        while b"hang" in got[ready]:
            pass
        if more and got[ready].endswith(b"x") and b"PUB" in got[ready]:
            ready.send(b"\\0\\0\\0\\6\\0\\0\\0\\0OK")
        if not more:
            ready.close()
            del got[ready]
"""


def inputs_that_a_server_does_not_survive_are_named(folder):
    """Whether it dies or hangs; all other inputs are played, too."""
    (folder / "fragile.py").write_text(FRAGILE)
    for name, data in (("corpus/any/1", b"harmless"), ("corpus/any/2", b"  V2di"), ("corpus/command/3", b"01234die"),
                       ("corpus/any/4", b"hang"), ("corpus/any/5", b"more")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    spawn = ("--spawn", sys.executable + " fragile.py {port}", "--time-scale", "10")
    status, out, err = conform(folder, "--survive", "corpus", *spawn)
    equal((status, err), (1, ""))
    lines = out.splitlines()
    equal(lines[-1].split(",")[0], "5 inputs")
    died = [line for line in lines if line.startswith("corpus/command/3, ")]
    assert len(died) == 5 and all("by signal 6" in line for line in died), out
    hung = [line for line in lines if line.startswith("corpus/any/4, ")]
    assert len(hung) == 5 and all("did not answer a PUB" in line for line in hung), out
    equal(len(lines), 11)
    equal(conform(folder, "--survive", "corpus/any/1", *spawn)[0], 0)
    equal(conform(folder, "--survive", "nowhere", *spawn)[0], 2)
    equal(conform(folder, "--survive", "corpus"),
          (2, "", "nsq-conform: --survive needs --target or --spawn\n"))
    equal(conform(folder, "--survive", "corpus", "--target", "127.0.0.1:1")[0], 3)


def a_running_server_that_dies_ends_the_run(folder):
    (folder / "fragile.py").write_text(FRAGILE)
    (folder / "corpus").mkdir()
    (folder / "corpus" / "1").write_bytes(b"die")
    (folder / "corpus" / "2").write_bytes(b"die")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = subprocess.Popen([sys.executable, "fragile.py", str(port)], cwd=folder, stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        status, out, _ = conform(folder, "--survive", "corpus", "--target", "127.0.0.1:%d" % port)
    finally:
        program.kill()
        program.wait()
    equal(status, 1)
    equal([line.split(",")[0] for line in out.splitlines()], ["corpus/1", "1 inputs"])


def the_server_survives_its_own_corpus(folder):
    corpus = str(pathlib.Path("corpus/regressions").resolve())
    with started(folder, "log", str((BUILD / "nsqd").resolve()), *NOWHERE) as (_, port):
        status, out, err = conform(folder, "--survive", corpus, "--target", "127.0.0.1:%d" % port,
                                   "--http-target", http_address(folder, "log"))
    equal((status, err), (0, ""))
    assert out.endswith(", 0 findings\n"), out


@contextlib.contextmanager
def between(folder, ask=lambda data: data, answer=lambda data: data):
    """build/nsqd behind a program that changes what passes; yields its address."""
    nsqd = str((BUILD / "nsqd").resolve())
    with started(folder, "nsqd.log", nsqd, *NOWHERE, "--data-path=.") as (_, to), \
            socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def pump(source, sink, change):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(change(data))
                sink.shutdown(socket.SHUT_WR)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    client = listener.accept()[0]
                    server = socket.create_connection(("127.0.0.1", to), LIMIT)
                    threading.Thread(target=pump, args=(client, server, ask), daemon=True).start()
                    threading.Thread(target=pump, args=(server, client, answer), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield "127.0.0.1:%d" % listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


CASES = pathlib.Path(__file__).resolve().parent


def verdicts(folder, *arguments):
    """Plays cases of the suite; returns their ids by verdict."""
    code, out, err = conform(folder, "--cases", str(CASES), "--json", "report.json", *arguments)
    assert code in (0, 1), (code, out[-1000:], err)
    found = {}
    for played in json.loads((folder / "report.json").read_text())["cases"]:
        found.setdefault(played["verdict"], []).append(played["id"])
    return found


def a_command_that_a_server_does_not_know_is_unsupported(folder):
    """Its answer to an unknown command would pass as an answer to a bad DPUB: both are E_INVALID."""
    for command, area in (b"DPUB", "dpub"), (b"MPUB", "mpub"), (b"TOUCH", "touch"), (b"AUTH", "auth"):
        with between(folder, ask=lambda data: re.sub(rb"%s(?=[ \n])" % command, b"XPUB", data)) as address:
            found = verdicts(folder, "--target", address, "--only", area + "/*", "--only", "pub/body-size-1")
            # these two do not use the command
            used = set(found.pop("unsupported"))
            equal(found, {"pass": (["auth/not-required"] if area == "auth" else []) + ["pub/body-size-1"]})
            assert used == {"%s/%s" % (area, path.stem) for path in (CASES / area).glob("*.session")} - \
                set(found["pass"]) - {"%s/queue-full" % area}, used
            code, out, _ = conform(folder, "--cases", str(CASES), "--target", address, "--only", area + "/*")
            equal(code, 1)
            assert "the target has no %s\n" % command.decode() in out, out[-1000:]


def a_command_that_a_server_knows_and_refuses_fails(folder):
    """A server that knows MPUB and always refuses it must not pass as one that lacks it."""
    with between(folder, ask=lambda data: re.sub(rb"MPUB [^\n]*", b"MPUB ?", data)) as address:
        found = verdicts(folder, "--target", address, "--only", "mpub/one-*")
        equal(found, {"fail": ["mpub/one-ok-for-all"]})


def another_deflate_level_fails_the_cases_about_levels_only(folder):
    with between(folder, answer=lambda data: data.replace(b'"deflate_level":6', b'"deflate_level":3')) as address:
        found = verdicts(folder, "--target", address, "--only", "deflate/*")
        equal(found.pop("fail"), ["deflate/level-bounded", "deflate/level-default"])
        equal(sorted(found), ["pass", "unsupported"])
        equal(found["unsupported"], ["deflate/level-9"])


FAKE = pathlib.Path(__file__).resolve().parent / "fake_server.py"
PUB_OK = 'c connect\nc > "  V2PUB " $topic "\\n" size{"x"}\nc < response "OK"\n'


def spawned(folder, command, *arguments):
    """Runs nsq-conform with a server that it starts; returns its exit code and the verdict and reason of each case."""
    code, out, err = conform(folder, "--no-preflight", "--json", "report.json", *arguments, "--spawn", command)
    cases = json.loads((folder / "report.json").read_text())["cases"]
    return code, {c["id"]: c["verdict"] for c in cases}, {c["id"]: "\n".join(c["why"]) for c in cases}, out + err


def a_case_that_ends_the_server_has_died_and_the_others_are_played_again(folder):
    names = [case(folder, "pub%d" % i, PUB_OK) for i in range(12)]
    # Under way when the server ends, and innocent.
    names += [case(folder, "slow%d" % i, "c connect\nwait 700ms\n" + PUB_OK.split("\n", 1)[1]) for i in range(3)]
    # It ends the server after 300 ms, so that others are under way.
    names += [case(folder, "dies%d" % i, 'c connect\nwait 300ms\nc > "  V2DIE\\n"\nc < end\n') for i in range(2)]
    wanted = {"a/" + n[:-len(".session")]: "died" if n.startswith("dies") else "pass" for n in names}
    for jobs in "8", "1":
        code, verdicts, why, text = spawned(folder, "%s {port}" % FAKE, "-j", jobs, *names)
        equal(verdicts, wanted)
        equal(code, 1)
        assert why["a/dies0"].startswith("the server ended by itself, by signal 9"), why["a/dies0"]
        assert "nsq-conform: flags '': the server ended by itself, by signal 9" in text, text


def a_server_that_somebody_else_started_dies_once(folder):
    """Then what was under way has died, and the rest cannot be reached: exit code 1 comes before 3."""
    names = [case(folder, "dies", 'c connect\nc > "  V2DIE\\n"\nc < end\nwait 300ms\n'), case(folder, "pub", PUB_OK)]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([str(FAKE), str(port)], stdin=subprocess.DEVNULL) as server:
        limit = time.monotonic() + LIMIT
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0 and time.monotonic() < limit:
            time.sleep(0.01)
        code, out, _ = conform(folder, "-j", "1", "--no-preflight", "--json", "report.json", "--target",
                               "127.0.0.1:%d" % port, *names)
        server.kill()
    cases = json.loads((folder / "report.json").read_text())["cases"]
    equal({c["id"]: c["verdict"] for c in cases}, {"a/dies": "died", "a/pub": "unreachable"})
    equal(code, 1)


def a_server_that_ends_before_its_first_case_or_never_listens_is_unreachable(folder):
    name = case(folder, "pub", PUB_OK)
    for how in "--at-connect", "--silent":
        code, verdicts, why, _ = spawned(folder, "%s {port} %s" % (FAKE, how), "--allow-unsupported", name)
        if how == "--at-connect" and verdicts == {"a/pub": "died"}:
            equal(code, 1)
            continue  # on a slow machine, the server lives until the case has connected
        equal((code, verdicts), (3, {"a/pub": "unreachable"}))
        assert ("the server ended by itself, by signal 9" if how == "--at-connect" else "no connection") in why["a/pub"], why


def a_server_that_loses_its_port_is_not_mixed_up_with_the_thief(folder):
    """The first time another server, which nobody of ours has started, has the port."""
    (folder / "word").write_text("MINE")
    name = case(folder, "pub", PUB_OK.replace('"OK"', '"MINE"'))
    script = folder / "server.sh"
    script.write_text("#!/bin/sh\nif mkdir once 2>/dev/null; then\n  (setsid timeout 5 %s $1 &)\n  exec sleep 60\nfi\n"
                      "exec %s $1 word\n" % (FAKE, FAKE))
    script.chmod(0o755)
    code, verdicts, why, _ = spawned(folder, "./server.sh {port}", name)
    equal((code, verdicts), (0, {"a/pub": "pass"}))
    assert (folder / "once").exists(), why


def a_verdict_that_changes_is_flaky(folder):
    """The server answers well the first time only; what else a case says about it does not matter."""
    script = folder / "server.sh"
    script.write_text("#!/bin/sh\nif mkdir once 2>/dev/null; then echo OK; else echo NO; fi | tr -d '\\n' >word\n"
                      "exec %s $1 word\n" % FAKE)
    script.chmod(0o755)
    steady = case(folder, "steady", "c connect\n")
    for level, wanted in ("MUST", 1), ("SHOULD", 0):
        with contextlib.suppress(OSError):
            (folder / "once").rmdir()
        name = case(folder, "pub", PUB_OK)
        (folder / name).write_text((folder / name).read_text().replace("MUST", level))
        code, verdicts, why, _ = spawned(folder, "./server.sh {port}", "--repeat", "3", name, steady)
        equal((code, verdicts), (wanted, {"a/pub": "flaky", "a/steady": "pass"}))
        assert why["a/pub"].startswith("verdicts: pass, fail, fail\nexpected: "), why["a/pub"]

def a_case_that_restarts_the_server_has_its_own(folder):
    """Two cases on one server: only that of the case that restarts it is ended."""
    nsqd = (BUILD / "nsqd").resolve()
    spawn = ("--spawn", "'%s' %s --tcp-address=127.0.0.1:{port} --data-path={dir} {flags}" % (nsqd, " ".join(NOWHERE)))
    names = [case(folder, "restarts", "c connect\nrestart\nd connect\nd > \"  V2NOP\\n\"\nd < nothing\n"
                                      "restart kill\ne connect\ne > \"  V2NOP\\n\"\ne < nothing\n"),
             case(folder, "stays", "c connect\nc > \"  V2NOP\\n\"\nwait 600ms\nc < nothing\n")]
    equal(last_line(conform(folder, *spawn, *names)), (0, "'%s': 2 cases: 2 pass" % nsqd))
    equal(last_line(conform(folder, *names)), (0, "nsqref engine: 2 cases: 2 pass"))
    with started(folder, "log", str(nsqd), *NOWHERE, "--data-path=.") as (program, port):
        status, out, _ = conform(folder, "--target", "127.0.0.1:%d" % port, *names)
        equal((status, out.splitlines()[-1]), (1, "127.0.0.1:%d: 2 cases: 1 pass 1 unsupported" % port))
        assert "the server must be restarted; --spawn does that" in out, out
        equal(program.poll(), None)


def http_is_played_at_its_own_address(folder):
    """The address comes from {http-port}, from the server's log, or from --http-target."""
    nsqd = (BUILD / "nsqd").resolve()
    header = HEADER.replace("source", "needs: http\n%ssource")
    ping = 'h connect http\nh > GET "/ping"\nh < 200 body "OK"\n'
    tls = "flags: --tls-cert={suite}/tls/cert.pem --tls-key={suite}/tls/key.pem\n"
    (folder / "http.session").write_text(header % ("http", "") + ping)
    (folder / "https.session").write_text(header % ("https", tls) + ping.replace("connect http", "connect https"))
    (folder / "again.session").write_text(header % ("again", "") + ping + "restart\n" + re.sub("(?m)^h", "i", ping))
    names = ["http.session", "https.session", "again.session"]
    for ports in ("{port}", "{http-port}", "{https-port}"), ("0", "0", "0"), ("{port}", "0", "0"):
        addresses = "--tcp-address=127.0.0.1:%s --http-address=127.0.0.1:%s --https-address=127.0.0.1:%s" % ports
        spawn = ("--cases", str(CASES), "--spawn", "'%s' %s --data-path={dir} {flags}" % (nsqd, addresses))
        equal(last_line(conform(folder, *spawn, *names)), (0, "'%s': 3 cases: 3 pass" % nsqd))
    with started(folder, "log", str(nsqd), *NOWHERE, "--data-path=.") as (_, port):
        target = ("--target", "127.0.0.1:%d" % port)
        status, out, _ = conform(folder, *target, names[0])
        equal((status, out.splitlines()[-1]), (1, "%s: 1 case: 1 unsupported" % target[1]))
        assert "the target has no address for http; --http-target tells it" in out, out
        equal(last_line(conform(folder, *target, "--http-target", http_address(folder, "log"), names[0])),
              (0, "%s: 1 case: 1 pass" % target[1]))


def a_server_that_expects_a_size_in_one_read_is_noticed(folder):
    def one_read(data):
        """Ends the connection when a read has ended in a size."""
        if re.search(rb"PUB \S+\n.{1,3}$", data, re.DOTALL):
            raise OSError
        return data

    pub = case(folder, "pub", 'c connect\nc > "  V2"\nwait 50ms\nc > "PUB " $topic "\\n" size{"x"}\nc < response "OK"\n')
    with between(folder, ask=one_read) as address:
        def codes(splits, times):
            """On a slow machine, a read may get two pieces at once."""
            for _ in range(times):
                yield conform(folder, "--no-preflight", "--time-scale", "5", "--splits", splits, "--target", address, pub)[0]

        assert 1 in codes("3", 10)
        equal(list(codes("0", 1)), [0])


TESTS = [
    a_report_on_standard_output_is_alone_there,
    a_long_run_says_every_5_s_how_far_it_is,
    inputs_that_a_server_does_not_survive_are_named,
    a_running_server_that_dies_ends_the_run,
    the_server_survives_its_own_corpus,
    the_cases_are_found_from_any_folder,
    another_version_of_the_suite_is_refused,
    without_a_last_report_nothing_can_be_played_again,
    what_failed_is_played_again_from_any_folder,
    a_command_that_a_server_does_not_know_is_unsupported,
    a_command_that_a_server_knows_and_refuses_fails,
    another_deflate_level_fails_the_cases_about_levels_only,
    a_server_that_does_not_what_all_cases_need_is_one_finding,
    the_end_of_a_case_is_quick_on_a_server_that_ignores_unknown_commands,
    a_case_that_ends_the_server_has_died_and_the_others_are_played_again,
    a_server_that_somebody_else_started_dies_once,
    a_server_that_ends_before_its_first_case_or_never_listens_is_unreachable,
    a_server_that_loses_its_port_is_not_mixed_up_with_the_thief,
    a_verdict_that_changes_is_flaky,
    a_recording_that_cannot_be_written_is_refused_at_the_start,
    a_server_that_never_stops_sending_is_bounded_in_memory_report_and_time,
    what_is_known_of_the_engine_in_this_process_is_no_failure,
    a_stopped_run_cleans_up_and_reports_what_was_done,
    a_file_that_cannot_be_played_is_bad,
    a_client_that_ends_its_side_gets_its_answer_and_it_is_recorded,
    a_client_that_ends_its_side_without_an_answer_to_come_has_closed,
    a_client_that_closes_takes_no_answer,
    a_case_that_restarts_the_server_has_its_own,
    http_is_played_at_its_own_address,
    a_server_that_expects_a_size_in_one_read_is_noticed,
]


def said(test):
    """What is wrong; None if nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            test(pathlib.Path(folder))
        except (AssertionError, OSError, subprocess.SubprocessError) as why:
            return "%s: %s" % (test.__name__, why)
    return None


def main():
    # Most of them wait most of the time.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        wrong = [text for text in pool.map(said, TESTS) if text]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print("%d passed, %d failed" % (len(TESTS) - len(wrong), len(wrong)))
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main())
