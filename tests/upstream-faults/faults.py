"""What ci/upstream-faults runs: puts one fault at a time into the source of upstream's nsqd 1.3.0 and sees which cases
of the suite notice it.

A fault is a file tests/upstream-faults/NAME.fault:

    A delay of more than a minute ends at once.
    catch: defer/more-than-a-minute

    file: nsq/nsqd/channel.go
    find: absTs := time.Now()
    put: if timeout > time.Minute { timeout = 0 }; @

The text behind `find:` must stand in the file exactly once (or as often as `places:` says); the text behind `put:` takes
its place, where `@` is the text that was found. There may be several blocks with file, find and put.
The first folder of a file is the module: nsq or go-diskqueue.
Every case behind `catch:` must pass on the source as it is, and fail on the one with the fault.
"""
import argparse
import dataclasses
import fnmatch
import json
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "upstream-faults"
PINNED = ROOT / "tests" / "interop"
MODULES = {"nsq": "github.com/nsqio/nsq", "go-diskqueue": "github.com/nsqio/go-diskqueue"}
SERVER = WORK / "nsqd"
SPAWN = (f"{SERVER} --tcp-address=127.0.0.1:0 --http-address=127.0.0.1:0 --https-address=127.0.0.1:0"
         " --data-path={dir} {flags}")
LIMIT = 600  # seconds that the cases may take; one case takes at most 8 s for a step
NOTICED = ("fail", "died")


class Bad(Exception):
    """A fault that cannot be tried, and why."""


@dataclasses.dataclass
class Change:
    file: str
    find: str
    put: str
    places: int

    def apply(self, text):
        count = text.count(self.find)
        if count != self.places:
            raise Bad(f"does not apply: '{self.find}' stands {count} times in {self.file}, expected {self.places}")
        return text.replace(self.find, self.put.replace("@", self.find))


class Fault:
    def __init__(self, path):
        self.name = path.stem
        head, *blocks = path.read_text().rstrip("\n").split("\n\n")
        self.title, _, catch = head.partition("\n")
        self.cases = catch.removeprefix("catch:").split()
        self.changes = [self.change(dict(line.split(": ", 1) for line in block.splitlines())) for block in blocks]
        if not self.title.endswith(".") or not catch.startswith("catch:") or not self.changes:
            raise SystemExit(f"{path}: expected a sentence, 'catch: CASE...', an empty line, 'file:', 'find:', 'put:'")

    @staticmethod
    def change(keys):
        return Change(keys["file"], keys["find"], keys["put"], int(keys.get("places", 1)))


def run(command, folder, limit):
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=limit)


def checked(command, folder):
    done = run(command, folder, 300)
    if done.returncode != 0:
        raise Bad(f"{command[0]} {command[1]} failed:\n{done.stdout[-2000:]}")
    return done.stdout


def copy_modules():
    """Copies both modules below build/, and writes a go.mod that pins all others as tests/interop does."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(PINNED / name, WORK / name)
    for name, module in MODULES.items():
        source = pathlib.Path(checked(["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module], PINNED).strip())
        for path in source.rglob("*"):
            if path.is_file():
                copy = WORK / name / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        checked(["go", "mod", "edit", f"-replace={module}={WORK / name}", str(WORK / "go.mod")], PINNED)


def build():
    checked(["go", "build", "-mod=mod", f"-modfile={WORK / 'go.mod'}", "-buildvcs=false", "-o", str(SERVER),
             f"{MODULES['nsq']}/apps/nsqd"], PINNED)


def play(cases):
    """The verdicts of these cases, or of all."""
    report = WORK / "report.json"
    report.unlink(missing_ok=True)
    only = [word for case in cases for word in ("--only", case)]
    try:
        done = run(["build/nsq-conform", *only, "--json", str(report), "--spawn", SPAWN], ROOT, LIMIT)
        return {case["id"]: case["verdict"] for case in json.loads(report.read_text())["cases"]}
    except subprocess.TimeoutExpired as why:
        raise Bad(f"the cases took more than {LIMIT} s") from why
    except (OSError, ValueError) as why:
        raise Bad(f"no report: {done.stdout[-500:]}") from why


def try_fault(fault, find):
    """The verdicts on a server with this fault."""
    before = {}
    try:
        for change in fault.changes:
            path = WORK / change.file
            text = path.read_text()
            before.setdefault(path, text)
            path.write_text(change.apply(text))
        build()
        return play(fault.cases if find is None else find)
    finally:
        for path, text in before.items():
            path.write_text(text)


def judge(fault, verdicts, unsteady, find):
    caught = [case for case, verdict in verdicts.items() if verdict in NOTICED and case not in unsteady]
    if find is not None:
        return bool(caught), " ".join(caught) or "nobody notices"
    missed = [f"{case} {verdicts.get(case, 'is no case')}" for case in fault.cases if case not in caught]
    if not fault.cases:
        missed = ["no case is named"]
    return not missed, "; ".join(missed) or " ".join(caught)


def try_all(faults, unsteady, find):
    passed = 0
    for fault in faults:
        started = time.monotonic()
        try:
            ok, text = judge(fault, try_fault(fault, find), unsteady, find)
        except Bad as why:
            ok, text = False, str(why)
        passed += ok
        print(f"{'caught' if ok else 'FAILED':7} {time.monotonic() - started:5.1f} s  {fault.name:32} {text}", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(prog="ci/upstream-faults")
    parser.add_argument("--only", action="append", metavar="GLOB", help="names of faults; may be repeated")
    parser.add_argument("--find", nargs="*", metavar="GLOB",
                        help="play all cases, or those with such ids, not only those that a fault names")
    args = parser.parse_args()
    faults = [Fault(path) for path in sorted((ROOT / "tests/upstream-faults").glob("*.fault"))]
    faults = [f for f in faults if any(fnmatch.fnmatch(f.name, glob) for glob in args.only or ["*"])]
    try:
        copy_modules()
        build()
        tagged = sorted({case for fault in faults for case in fault.cases})
        verdicts = play(tagged if args.find is None else args.find) if args.find is not None or tagged else {}
    except Bad as why:
        print(f"the source as it is: {why}\n0 passed, 1 failed")
        return True
    unsteady = {case for case, verdict in verdicts.items() if verdict in NOTICED}
    for case in sorted(unsteady):
        print("without a fault:", case, verdicts[case])
    passed = try_all(faults, unsteady, args.find)
    failed = len(faults) - passed + len(unsteady)
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
