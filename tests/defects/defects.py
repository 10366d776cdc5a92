"""What ci/defects runs: breaks a copy of the server one line at a time and sees who notices.

A defect is a file tests/defects/NAME.defect:

    A client may finish a message that another client holds.
    file: src/broker/channel.c
    catch: unit:test_channel case:fin/foreign

    -    return (*found)->consumer == consumer ? CHANNEL_OK : CHANNEL_NOT_OWNER;
    +    return CHANNEL_OK;

The lines with '-' and ' ' must stand in the file exactly once; those with '+' and ' ' take their place.
Every oracle behind `catch:` must pass on the tree as it is, and fail on the copy with the defect.
Oracles of the form fuzz:TARGET are fuzz.py's, which ci/fuzz-prove runs; they are left out here.
"""
import argparse
import concurrent.futures
import contextlib
import fnmatch
import hashlib
import itertools
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "defects"
COPIED = ["src", "include", "tests/unit", "tests/support", "tests/conformance", "corpus/sessions", "fuzz",
          "Makefile", "ci/stages"]
FOLDERS = ("engine", "lookup", "shell", "api", "peer", "session", "broker", "store", "serve", "codec", "http", "auth", "json", "proto", "base")
OTHER_FOLDERS = ("nsqd", "nsqlookupd", "program", "conform")
UNIT_TESTED_FOLDERS = (*FOLDERS, *OTHER_FOLDERS)  # and fuzzed ones
LIMIT = 5  # seconds an oracle may take, and thrice what it takes without a defect; one that takes longer has noticed
LIMIT_WHOLE = 60  # the same, where it is not known how long it takes
ENDS_AT_ONCE = {"CMOCKA_TEST_ABORT": "1"}  # a unit test ends at the first failure
LANES = 2 * (os.cpu_count() or 1)  # many oracles wait more than they compute
LINKER = "-fuse-ld=gold" if shutil.which("ld.gold") else ""  # takes a third of the time


class Bad(Exception):
    """A defect that cannot be tried, and why."""


class Defect:
    def __init__(self, path):
        self.name = path.stem
        head, _, change = path.read_text().partition("\n\n")
        lines = head.splitlines()
        keys = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        self.title = lines[0] if lines else ""
        self.file = keys.get("file", "")
        oracles = keys.get("catch", "").split()
        self.targets = [o[len("fuzz:"):] for o in oracles if o.startswith("fuzz:")]
        self.oracles = [o for o in oracles if not o.startswith("fuzz:")]
        body = [line for line in change.splitlines() if line]
        self.old = "".join(line[1:] + "\n" for line in body if line[0] in "- ")
        self.new = "".join(line[1:] + "\n" for line in body if line[0] in "+ ")
        self.wrong = self.check(keys, body)

    def check(self, keys, body):
        if set(keys) != {"file", "catch"} or not self.title.endswith("."):
            return "expected a sentence, then 'file: PATH' and 'catch: ORACLE...'"
        # The program that judges cases must be whole when a case is the oracle.
        cases = any(not o.startswith("unit:") for o in self.oracles)
        folders = FOLDERS if cases else UNIT_TESTED_FOLDERS
        if not any(self.file.startswith(f"src/{folder}/") for folder in folders):
            return f"not in {', '.join(folders)}: {self.file}"
        if not self.oracles and not self.targets:
            return "no oracle"
        if any(line[0] not in "-+ " for line in body) or self.old == self.new:
            return "no change"
        return None

    def stands(self):
        try:
            self.apply((ROOT / self.file).read_text())
        except (Bad, OSError):
            return False
        return True

    def apply(self, text):
        found = ("\n" + text).count("\n" + self.old)
        if found != 1:
            raise Bad(f"does not apply: the old lines stand {found} times in {self.file}")
        return ("\n" + text).replace("\n" + self.old, "\n" + self.new)[1:]


def sync(lane, copied=COPIED):
    """Makes the lane's copy like the tree; files that are the same keep their times."""
    wanted = set()
    for top in copied:
        source = ROOT / top
        for path in [source] if source.is_file() else sorted(source.rglob("*")):
            if not path.is_file():
                continue
            copy = lane / path.relative_to(ROOT)
            wanted.add(copy)
            data = path.read_bytes()
            if not copy.is_file() or copy.read_bytes() != data:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(data)
    for top in copied:
        for path in (lane / top).rglob("*"):
            if path.is_file() and path not in wanted:
                path.unlink()


def run(lane, command, log, limit=None, env=None):
    """Its exit code; None if it took too long. What it has started ends with it."""
    with open(log, "wb") as out:
        program = subprocess.Popen(command, cwd=lane, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   start_new_session=True, env={**(env or os.environ), **ENDS_AT_ONCE})
        try:
            return program.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()


def target_of(oracle):
    kind, _, name = oracle.partition(":")
    return f"build/tests/{name}" if kind == "unit" else "build/nsq-conform"


def exists(oracle):
    kind, _, name = oracle.partition(":")
    return {"unit": ROOT / f"tests/unit/{name}.c",
            "case": ROOT / f"tests/conformance/{name}.session"}.get(kind, WORK / "no").is_file()


def build(lane, targets, jobs=1):
    command = ["make", "-s", f"-j{jobs}", "WERROR=0", "CFLAGS=-O0", f"LDFLAGS={LINKER}", *sorted(targets)]
    if run(lane, command, lane / "make.log") != 0:
        raise Bad("does not build:\n" + (lane / "make.log").read_text()[-2000:])


def verdict(lane, oracle, limit=LIMIT_WHOLE, log="oracle.log"):
    """'passed', 'noticed', or what else became of an oracle."""
    kind, _, name = oracle.partition(":")
    case = f"tests/conformance/{name}.session"
    command = [f"build/tests/{name}"] if kind == "unit" else ["build/nsq-conform", "--strict", case]
    code = run(lane, command, lane / log, limit)
    if code == 0:
        return "passed"
    if code is None or code < 0 or kind == "unit" or code == 1:
        return "noticed"
    return f"ended with {code}: " + (lane / log).read_text(errors="replace")[-500:]


def unit_tests():
    """The unit tests of what a defect may be in, and of what is built on it without sockets."""
    for path in sorted((ROOT / "tests/unit").glob("test_*.c")):
        homes = {f for f in (*FOLDERS, *OTHER_FOLDERS) if (ROOT / f"src/{f}/{path.stem[5:]}.c").is_file()}
        if not homes <= set(OTHER_FOLDERS) or (not homes and not path.stem.startswith("test_program")):
            yield f"unit:{path.stem}"


def all_cases(lane):
    """The cases that notice, of all there are: asked in one run, and those without a result alone."""
    told = {}
    for program in ([], ["--lookup"]):
        report = lane / "report.json"
        report.unlink(missing_ok=True)
        run(lane, ["build/nsq-conform", *program, "--strict", "--json", report.name], lane / "oracle.log", LIMIT_WHOLE)
        try:
            told |= {c["id"]: c["verdict"] for c in json.loads(report.read_text())["cases"]}
        except (OSError, ValueError):
            pass
    verdicts = {}
    for path in sorted((ROOT / "tests/conformance").rglob("*.session")):
        oracle = f"case:{path.relative_to(ROOT / 'tests/conformance').with_suffix('')}"
        known = told.get(oracle[5:])
        verdicts[oracle] = ("passed" if known in ("pass", "xfail") else "noticed") if known else verdict(lane, oracle, 2)
    return verdicts


def ask_all(lane):
    """What becomes of every oracle there is."""
    oracles = list(unit_tests())
    build(lane, {target_of(o) for o in oracles} | {"build/nsq-conform"})
    return {o: verdict(lane, o) for o in oracles} | all_cases(lane)


def ask(lane, oracles, seconds):
    build(lane, {target_of(o) for o in oracles})
    return {o: verdict(lane, o, LIMIT + 3 * seconds[o]) for o in oracles}


def try_defect(lane, defect, seconds):
    """Who was asked, and what became of it."""
    path = lane / defect.file
    text = path.read_text()
    path.write_text(defect.apply(text))
    try:
        return ask_all(lane) if seconds is None else ask(lane, defect.oracles, seconds)
    finally:
        path.write_text(text)


def judge(defect, verdicts, unsteady):
    """Whether the tagged oracles have noticed; with --find, whether anyone has."""
    if unsteady is not None:
        caught = [o for o, v in verdicts.items() if v == "noticed" and o not in unsteady]
        return bool(caught), " ".join(caught) or "nobody notices"
    odd = [f"{o} {v}" for o, v in verdicts.items() if v != "noticed"]
    return not odd, "; ".join(odd) or " ".join(defect.oracles)


def work(lane, todo, results, seconds, unsteady):
    while True:
        try:
            defects = todo.get_nowait()
        except queue.Empty:
            return
        for defect in defects:
            work_on(lane, defect, results, seconds, unsteady)


def work_on(lane, defect, results, seconds, unsteady):
    find = seconds is None
    started = time.monotonic()
    try:
        if defect.wrong:
            raise Bad(defect.wrong)
        missing = [] if find else [o for o in defect.oracles if not exists(o)]
        if missing:
            raise Bad("no such oracle: " + " ".join(missing))
        ok, text = judge(defect, try_defect(lane, defect, seconds), unsteady if find else None)
    except (Bad, OSError) as why:
        ok, text = False, str(why)
    results[defect.name] = ok
    print(f"{'caught' if ok else 'FAILED':7} {time.monotonic() - started:5.1f} s  "
          f"{defect.name:32} {text}", flush=True)


def check_baseline(lane, defects, find):
    """The oracles that do not pass, without any defect; and how long each takes, which --find does not need."""
    tagged = sorted({o for d in defects for o in d.oracles if exists(o)})
    if tagged:  # make without a target would build everything
        build(lane, {target_of(o) for o in tagged}, os.cpu_count() or 1)

    def timed(i):
        started = time.monotonic()
        return verdict(lane, tagged[i], log=f"oracle-{i}.log"), time.monotonic() - started

    seconds = None
    if find:
        verdicts = ask_all(lane)
    else:
        with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
            told = dict(zip(tagged, pool.map(timed, range(len(tagged)))))
        verdicts = {o: v for o, (v, _) in told.items()}
        seconds = {o: s for o, (_, s) in told.items()}
    return {o: v for o, v in verdicts.items() if v != "passed"}, seconds


def half(defects):
    """Half of the defects; the next commit may have others. The rest must still stand in their files."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    chosen = []
    for d in defects:
        in_half = hashlib.sha256((d.name + commit).encode()).digest()[0] % 2 == 0
        chosen += [d] if in_half or d.wrong or not d.stands() else []
    print(f"QUICK=1: {len(chosen)} of {len(defects)} defects are tried; of the others only the place is checked")
    return chosen


def main():
    parser = argparse.ArgumentParser(prog="ci/defects")
    parser.add_argument("--only", default="*", metavar="GLOB", help="names of defects")
    parser.add_argument("--find", action="store_true", help="ask all oracles, not only the tagged ones")
    args = parser.parse_args()
    defects = [Defect(p) for p in sorted((ROOT / "tests/defects").glob("*.defect"))]
    defects = [d for d in defects if fnmatch.fnmatch(d.name, args.only)]
    # What only fuzzing notices is not tried here, but it must stand in its file. A wrong one fails in its lane.
    defects = [d for d in defects if d.oracles or d.wrong or not d.stands()]
    if os.environ.get("QUICK") and args.only == "*":
        defects = half(defects)
    # Neighbours break the same file, so a lane rebuilds little between them. The largest groups come first. Headers
    # come last: nearly all is built again with such a defect, and once more for what comes after it.
    groups = [list(g) for _, g in itertools.groupby(sorted(defects, key=lambda d: (d.file, d.name)), lambda d: d.file)]
    groups.sort(key=lambda group: (group[0].file.endswith(".h"), -len(group)))
    lanes = [WORK / str(n + 1) for n in range(max(1, min(LANES, len(groups))))]
    sync(lanes[0])
    try:
        wrong, seconds = check_baseline(lanes[0], defects, args.find)
    except Bad as why:
        print("without a defect: the tree", why)
        print(f"0 passed, {len(defects)} failed")
        return 1
    for oracle, text in wrong.items():
        print("without a defect:", oracle, text)
    for lane in lanes[1:]:  # with the times of all files, so that nothing is built again
        shutil.rmtree(lane, ignore_errors=True)
        shutil.copytree(lanes[0], lane)
    todo, results = queue.Queue(), {}
    for group in groups:
        todo.put(group)
    threads = [threading.Thread(target=work, args=(lane, todo, results, seconds, set(wrong)))
               for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = sum(results.values())
    failed = len(defects) - passed + len(wrong)
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
