"""What ci/fuzz-prove runs: breaks a copy of the tree one line at a time and lets the fuzzers look for it.

It takes the defects (see defects.py) that name a fuzz target behind `catch:`, as fuzz:TARGET. Each of these
targets must find the defect within LIMIT seconds from the committed corpus, and in a tree without defects
nothing; nor may the input that shows the defect do any harm there. What a run writes goes to the copy, so
corpus/ stays as it is. With --bare a run starts from zeros, which shows what the mutations can do alone;
there a defect that is not found is told, and no failure.
"""
import argparse
import fnmatch
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

from defects import COPIED, ROOT, Bad, Defect, run, sync

WORK = ROOT / "build" / "fuzz-prove"
COPIED = [*COPIED, "fuzz"]
LIMIT = 60  # seconds in which a defect must be found
BASELINE = 10  # seconds in which nothing may be found without one
SEED = 1  # of the mutations, so that a run can be repeated
BUILD = "build/fuzz/asan"

# Kernels that place memory too randomly make this ASan end at random.
FIXED = ["setarch", "-R"] if subprocess.run(["setarch", "-R", "true"], capture_output=True, check=False).returncode == 0 else []
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:quarantine_size_mb=16:handle_abort=1:symbolize=0",
           UBSAN_OPTIONS="symbolize=0")


def start(lane):
    """A new lane begins with what is built here, and with the times of all files, so that make builds little."""
    new = not (lane / BUILD).exists()
    sync(lane, COPIED)
    if new and (ROOT / BUILD).exists():
        shutil.copytree(ROOT / BUILD, lane / BUILD)
        for path in lane.rglob("*"):
            if (ROOT / path.relative_to(lane)).is_file():
                shutil.copystat(ROOT / path.relative_to(lane), path)


def build(lane, targets):
    command = ["make", "-s", f"-j{os.cpu_count() or 1}", "FUZZ=asan", "WERROR=0", *(f"{BUILD}/fuzz_{t}" for t in sorted(targets))]
    if run(lane, command, lane / "make.log") != 0:
        raise Bad("does not build:\n" + (lane / "make.log").read_text()[-2000:])


def options(target):
    """As libFuzzer takes them: those of all targets, then the target's own."""
    found = {}
    for path in (ROOT / "fuzz/fuzz.options", ROOT / f"fuzz/fuzz_{target}.options"):
        if path.is_file():
            found.update(re.findall(r"(?m)^(\w+) = (\S+)$", path.read_text()))
    for path in (ROOT / f"fuzz/fuzz_{target}.dict", ROOT / "fuzz/fuzz.dict"):
        if path.is_file():
            found.setdefault("dict", str(path))
    return [f"-{name}={value}" for name, value in found.items()]


def fuzz(lane, target, seconds, args):
    """What a run found, or '', and how: from a corpus file or after so many runs; and after how many seconds."""
    found = lane / "found"
    shutil.rmtree(found, ignore_errors=True)
    (found / "inputs").mkdir(parents=True)  # the first folder is the one that is written into
    if args.bare:
        (found / "inputs/zeros").write_bytes(bytes(32))  # of the empty input alone libFuzzer makes nothing
    corpora = [] if args.bare else [ROOT / "corpus" / target, ROOT / "corpus/regressions" / target]
    folders = [str(found / "inputs"), *(str(corpus) for corpus in corpora if corpus.is_dir())]
    command = [*FIXED, f"{BUILD}/fuzz_{target}", *options(target), f"-max_total_time={seconds}", f"-seed={args.seed}",
               f"-artifact_prefix={found}/", *folders]
    log = lane / "fuzz.log"
    started = time.monotonic()
    code = run(lane, command, log, seconds + 60, ENV)
    taken = time.monotonic() - started
    text = log.read_text(errors="replace")
    artifacts = [p for p in found.iterdir() if p.is_file()]
    if code == 0 and not artifacts:
        return "", "", taken
    if code is not None and not artifacts:
        raise Bad(f"{target} ended with {code}: {text[-200:]}")
    # Inputs are run in batches before the first mutation: "MS: 0" is one of theirs.
    runs = re.findall(r"(?m)^#(\d+)\s", text)
    how = "the first inputs" if "\nMS: 0 " in text else f"more than {runs[-1] if runs else 0} runs"
    return summary(text), how, taken


def summary(text):
    """One line of a log: the claim that was not true, the assert, or the sanitizer's words."""
    for pattern in (r"not true: (.*)", r"Assertion `(.*)' failed", r"runtime error: (.*)",
                    r"ERROR: (?:Address|Leak)Sanitizer: ([\w -]*?)(?: on| \(|$| in)", r"ERROR: libFuzzer: (.*)"):
        m = re.search(pattern, text, re.MULTILINE)
        if m:
            return m.group(1)[:60]
    return "it ended"


def replay(lane, target):
    """Whether the inputs that were found do no harm to the target without a defect."""
    inputs = [str(p) for p in (lane / "found").iterdir() if p.is_file()]
    return run(lane, [*FIXED, str(WORK / f"fuzz_{target}"), *options(target), *inputs], lane / "replay.log", LIMIT, ENV) == 0


def try_clean(lane, target, args):
    build(lane, [target])
    shutil.copy(lane / f"{BUILD}/fuzz_{target}", WORK)
    what, _, seconds = fuzz(lane, target, BASELINE, args)
    return not what, seconds, what or "nothing, as it must be"


def try_defect(lane, defect, target, args):
    path = lane / defect.file
    text = path.read_text()
    path.write_text(defect.apply(text))
    try:
        build(lane, [target])
        what, how, seconds = fuzz(lane, target, LIMIT, args)
    finally:
        path.write_text(text)
    if not what or seconds > LIMIT:
        return args.bare, seconds, "NOT FOUND"
    if not replay(lane, target):
        return False, seconds, f"{what}: but it is not the defect that was found"
    return True, seconds, f"{what}; by {how}"


def work(lane, todo, results, args):
    while True:
        try:
            defect, target = todo.get_nowait()
        except queue.Empty:
            return
        seconds = 0.0
        try:
            if defect and defect.wrong:
                raise Bad(defect.wrong)
            ok, seconds, text = try_defect(lane, defect, target, args) if defect else try_clean(lane, target, args)
        except (Bad, OSError) as why:
            ok, text = False, str(why)
        results.append(ok)
        print(f"{'ok' if ok else 'FAILED':6} {seconds:5.1f} s  {defect.name if defect else '(no defect)':28} "
              f"{target:11} {text}\n", end="", flush=True)


def work_on(lanes, items, args):
    """Whether each went well; neighbours break the same file, so a lane rebuilds little between them."""
    todo, results = queue.Queue(), []
    for item in items:
        todo.put(item)
    threads = [threading.Thread(target=work, args=(lane, todo, results, args)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def main():
    parser = argparse.ArgumentParser(prog="ci/fuzz-prove")
    parser.add_argument("--only", default="*", metavar="GLOB", help="names of defects")
    parser.add_argument("--seed", type=int, default=SEED, help="of the mutations")
    parser.add_argument("--bare", action="store_true", help="without the committed corpus")
    args = parser.parse_args()
    defects = [Defect(p) for p in sorted((ROOT / "tests/defects").glob("*.defect"))]
    defects = [d for d in defects if fnmatch.fnmatch(d.name, args.only) and d.targets]
    pairs = [(d, t) for d in sorted(defects, key=lambda d: (d.file, d.name)) for t in d.targets]
    targets = sorted({t for _, t in pairs})
    lanes = [WORK / "1", WORK / "2"][:max(1, min(2, len(pairs)))]
    for lane in lanes:
        start(lane)
    results = work_on(lanes, [(None, t) for t in targets], args) + work_on(lanes, pairs, args)
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed")
    return passed == 0 or passed < len(results)


if __name__ == "__main__":
    sys.exit(main())
