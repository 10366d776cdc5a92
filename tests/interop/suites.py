#!/usr/bin/env python3
"""Runs client libraries' own tests, unchanged, against nsqd; each suite with each server.

    suites.py --suites DIR --logs DIR [--suite NAME]... --server NSQD,NSQLOOKUPD...

The suites must be installed (ci/interop-suites does that), suite NAME in DIR/NAME. A suite finds the servers as `nsqd`
and `nsqlookupd` in PATH. It runs in a network namespace of its own where the kernel allows that: some suites need fixed
ports, and go-nsq's tries an address outside this machine that must not answer. All tests must pass on every pair of
servers. The last line counts: one for each test and pair, and one for each end of a suite.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
SUITE_LIMIT = 80  # seconds; the longest takes 15
TESTS = {"go-nsq": 24, "nsqjs": 171, "gnsq": 108}  # how many each has
ALONE = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def can_be_alone():
    """Whether a process here can have a network of its own."""
    try:
        return subprocess.run(ALONE + ["true"], capture_output=True, timeout=10, check=False).returncode == 0
    except OSError:
        return False


def run_suite(name, installed, servers, alone, log):
    """Runs a suite with an nsqd and an nsqlookupd. Returns {name of a test: "pass", "fail" or "skip"} and how the suite
    ended."""
    with tempfile.TemporaryDirectory() as folder, log.open("w") as said:
        for program, path in zip(("nsqd", "nsqlookupd"), servers):
            os.symlink(path.resolve(), pathlib.Path(folder) / program)
        command = [str((HERE / "suites" / name / "run").resolve()), str((installed / name).resolve())]
        suite = subprocess.Popen(
            (ALONE if alone else []) + command, env=dict(os.environ, PATH=folder + ":" + os.environ["PATH"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True, errors="replace",
            start_new_session=True)
        try:
            printed = suite.communicate(timeout=SUITE_LIMIT)[0]
            ended = "exit %d" % suite.returncode
        except subprocess.TimeoutExpired:
            os.killpg(suite.pid, signal.SIGKILL)
            printed = suite.communicate()[0]
            ended = "no end within %d s" % SUITE_LIMIT
        finally:
            try:  # servers that a suite left behind
                os.killpg(suite.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    said = {}
    for verdict, test in re.findall(r"^(pass|fail|skip) (.*)$", printed, re.MULTILINE):
        # Names that are used twice: mocha's are only as distinct as their authors made them.
        number = 1
        while test in said:
            number += 1
            test = "%s #%d" % (test.split(" #")[0], number)
        said[test] = verdict
    return said, ended


def judge(said, ended, tests):
    """Returns (passed, [what is wrong]) for one run of a suite that has so many tests."""
    wrong = ["%s: %s" % (test, verdict) for test, verdict in said.items() if verdict != "pass"]
    passed = len(said) - len(wrong)
    if len(said) != tests:
        wrong.append("%d tests ran, not %d" % (len(said), tests))
    if ended == "exit 0":
        passed += 1
    else:
        wrong.append("the suite ended with %s" % ended)
    return passed, wrong


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--suites", type=pathlib.Path, required=True)
    options.add_argument("--logs", type=pathlib.Path, required=True)
    options.add_argument("--suite", action="append")
    options.add_argument("--server", action="append", required=True)
    options = options.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    alone = can_be_alone()
    if not alone:
        print("no network namespaces here: the ports from 4150 on must be free")

    def run(job):
        name, number, server = job
        start = time.monotonic()
        log = options.logs / ("suite-%s-%d.log" % (name, number))
        said, ended = run_suite(name, options.suites, [pathlib.Path(path) for path in server.split(",")], alone, log)
        return name, server, log, ended, time.monotonic() - start, judge(said, ended, TESTS[name])

    jobs = [(name, number, server) for name in options.suite or sorted(TESTS)
            for number, server in enumerate(options.server)]
    passed = failed = 0
    # Without a namespace the suites share ports, and must take turns.
    with concurrent.futures.ThreadPoolExecutor(2 if alone else 1) as pool:
        for name, server, log, ended, seconds, (good, wrong) in pool.map(run, jobs):
            passed, failed = passed + good, failed + len(wrong)
            print("%s with %s: %d of %d tests passed, then %s (%.1f s)"
                  % (name, server, good - (ended == "exit 0"), TESTS[name], ended, seconds))
            for line in wrong:
                print("    %s" % line)
            if wrong:
                print("    what the suite said is in %s" % log)
            sys.stdout.flush()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
