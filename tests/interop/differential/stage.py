"""The frame of both scripts of this folder: starts the servers, has the cases compared, judges the differences by the
numbered departures, and prints the result. It does not know what a case is, but that it has an id."""

import argparse
import collections
import concurrent.futures
import fnmatch
import os
import re
import signal
import sys
import time

from server import Server, version_of

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
HARD_SECONDS = 100  # the whole run ends after this, whatever happens

Departure = collections.namedtuple("Departure", "glob number reason")


def parse_arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--server-a", required=True, metavar="PATH", help="the server that is right")
    parser.add_argument("--server-b", required=True, metavar="PATH", help="the server that is compared with it")
    parser.add_argument("--only", metavar="GLOB", help="only cases whose id matches")
    parser.add_argument("--list", action="store_true", help="print the ids of the cases and stop")
    parser.add_argument("--show", action="store_true", help="print what was sent and what A showed, case by case")
    return parser.parse_args()


# --- departures -------------------------------------------------------------------------------------------------------

def read_departures(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as lines:
        return [Departure(*line.split(None, 2)) for line in map(str.strip, lines) if line and not line.startswith("#")]


def numbers_of_departures():
    """The numbers of the rows of the tables in tests/conformance/DEPARTURES.md."""
    with open(os.path.join(ROOT, "tests/conformance/DEPARTURES.md"), encoding="utf-8") as lines:
        return {line.split("|")[1].strip() for line in lines if re.match(r"\|\s*\d+\s*\|", line)}


def judge(differences, departures, cases, is_all):
    """The differences that are departures, and the faults of the list of departures."""
    faults, excused, used = [], {}, set()
    known = numbers_of_departures()
    for case_id in differences:
        for departure in departures:
            if fnmatch.fnmatchcase(case_id, departure.glob):
                excused[case_id] = departure
                used.add(departure)
                break
    for departure in departures:
        is_met = any(fnmatch.fnmatchcase(case.id, departure.glob) for case in cases)
        if departure not in used and (is_met or is_all):
            faults.append("departures: %s %s: no difference needs this line" % departure[:2])
        if departure.number not in known:
            faults.append("departures: %s %s: DEPARTURES.md has no such row" % departure[:2])
    return excused, faults


# --- a run ------------------------------------------------------------------------------------------------------------

def limit_time():
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("not done after %d s" % HARD_SECONDS))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    signal.alarm(HARD_SECONDS)


def on_servers(paths, configurations, at_once, compare):
    """Starts a server of each configuration for A and for B. Returns what `compare` returns, and how servers ended badly."""
    sides, faults = [], []
    pool = concurrent.futures.ThreadPoolExecutor(at_once)
    try:
        for path in paths:
            sides.append({})
            for configuration in configurations:
                sides[-1][configuration] = Server(path, configuration)
        result = compare(pool, sides)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for name, side in zip("AB", sides):
            for configuration, server in side.items():
                trouble = server.stop()
                if trouble:
                    faults.append("server %s (%s): %s" % (name, configuration, trouble))
    return result, faults


def report(differences, faults):
    for case_id, lines in differences.items():
        print("\nDIFFERENT %s" % case_id)
        for line in lines:
            print("    " + line)
    for fault in faults:
        print("\nFAULT %s" % fault)


def run(arguments, cases, departures, at_once, prepare, compare):
    """Returns the exit code.

    prepare(cases, version): the cases that are played, and the configurations of the servers that they need; `version`
    is what A says of itself.
    compare(pool, cases, sides): the differences by case id, as lines to print, other counts by name, and faults. A side
    is a dict of servers by configuration; `at_once` is the size of the pool.
    """
    cases = [case for case in cases if not arguments.only or fnmatch.fnmatchcase(case.id, arguments.only)]
    if arguments.list:
        print("\n".join(case.id for case in cases))
        return 0
    if not cases:
        sys.exit("no case matches %s" % arguments.only)
    limit_time()
    started = time.monotonic()
    paths = (arguments.server_a, arguments.server_b)
    versions = [version_of(path) for path in paths]
    for name, version in zip("AB", versions):
        print("%s: %s" % (name, version), flush=True)
    cases, configurations = prepare(cases, versions[0])
    (differences, counted, faults), bad_ends = on_servers(
        paths, configurations, at_once, lambda pool, sides: compare(pool, cases, sides))
    faults += bad_ends

    excused = {}
    if os.path.realpath(paths[0]) != os.path.realpath(paths[1]):
        excused, list_faults = judge(differences, read_departures(departures), cases, not arguments.only)
        faults += list_faults
    failed = {case_id: lines for case_id, lines in differences.items() if case_id not in excused}
    report(failed, faults)
    print("\n%d cases in %.0f s; %d numbered departures" % (len(cases), time.monotonic() - started, len(excused)))
    for what, count in sorted(counted.items()):
        print("%d %s" % (count, what))
    print("%d passed, %d failed" % (len(cases) - len(failed), len(failed) + len(faults)))
    return 1 if failed or faults else 0
