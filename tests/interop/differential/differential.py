"""Sends the same odd bytes to two servers and finds every difference that is not a numbered departure.

Server A is upstream's nsqd, server B is ours. The same path twice compares a server with itself; then the list of
departures is not used.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import itertools
import os
import re
import signal
import sys
import time

import cases_bodies
import cases_delivery
import cases_identify
import cases_lines
import cases_names
import cases_numbers
import cases_states
import cases_time
import earliest
import play
from case import Messages, Quiet
from server import CONFIGURATIONS, Server, version_of

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
TABLES = (cases_lines, cases_names, cases_numbers, cases_bodies, cases_states, cases_identify, cases_delivery, cases_time)
AT_ONCE = 48  # connections; they mostly wait for answers, so many cost little
LONG_LINE = 600
HARD_SECONDS = 100  # the whole stage ends after this, whatever happens

GO_OF_UNICODE_15 = range(21, 27)  # Go 1.N whose tables of printable characters are those of Unicode 15

Departure = collections.namedtuple("Departure", "glob number reason")


def all_cases():
    cases = [case for table in TABLES for case in table.cases()]
    for key, what in ((lambda c: c.id, "id"), (lambda c: c[1:], "content")):
        first = {}
        for case in cases:
            if first.setdefault(key(case), case) is not case:
                sys.exit("two cases with the same %s: %s and %s" % (what, first[key(case)].id, case.id))
    return cases


def read_departures(name="departures.txt"):
    with open(os.path.join(HERE, name), encoding="utf-8") as lines:
        return [Departure(*line.split(None, 2)) for line in map(str.strip, lines) if line and not line.startswith("#")]


def numbers_of_departures():
    """The numbers of the rows of the tables in tests/conformance/DEPARTURES.md."""
    with open(os.path.join(ROOT, "tests/conformance/DEPARTURES.md"), encoding="utf-8") as lines:
        return {line.split("|")[1].strip() for line in lines if re.match(r"\|\s*\d+\s*\|", line)}


def without_other_unicode(cases, version):
    """All cases; without those about all characters if upstream's Go does not have the tables of Unicode 15."""
    go = re.search(r"go1\.(\d+)", version)
    if not go or int(go.group(1)) in GO_OF_UNICODE_15:
        return cases
    kept = [case for case in cases if not case.id.startswith(cases_names.SWEEP_ID)]
    print("%d cases left out: the Go that built A knows another Unicode than 15" % (len(cases) - len(kept)))
    return kept


def takes_time(case):
    return case.heartbeats is not None or any(isinstance(s, (Quiet, Messages)) for s in case.steps)


def play_all(pool, cases, servers):
    """Each case on both servers: (case, what was sent, what A did, what B did)."""
    players = [[play.Player(case, side[case.configuration].address) for side in servers] for case in cases]
    results = [[pool.submit(player.play) for player in pair] for pair in players]
    for case, pair, (a, b) in zip(cases, players, results):
        yield case, pair[0].sent, a.result(), b.result()


def is_reset_only(a, b):
    """Whether upstream resets the connection after a fatal error, where ours ends it with a FIN."""
    return a.end == "RST" and b.end == "FIN" and a[:2] == b[:2]


def transcript(seen, other):
    """What was seen, as lines; of a long line only the place where it differs from the other server's."""
    for name, peer in sorted(seen.items()):
        lines = peer.replies + peer.messages
        elsewhere = other[name].replies + other[name].messages if name in other else ()
        for line, twin in itertools.zip_longest(lines, elsewhere[: len(lines)], fillvalue=""):
            if len(line) > LONG_LINE:
                at = len(os.path.commonprefix([line, twin]))
                start = max(0, min(at, len(line)) - LONG_LINE // 2)
                line = "(%d characters, from %d on) %s" % (len(line), start, line[start : start + LONG_LINE])
            yield "%s< %s" % (name, line)
        yield "%s| %s" % (name, peer.end)


def compare(pool, cases, servers, is_shown):
    """The differences by case id, as lines to print, and the other counts."""
    differences, counted = {}, collections.Counter()
    agreed = []
    for case, sent, a, b in play_all(pool, cases, servers):
        if is_shown:
            print("\n".join([case.id] + ["    " + line for line in sent + list(transcript(a, b))]))
        is_same = set(a) == set(b)
        for name in set(a) & set(b):
            if a[name] != b[name] and is_reset_only(a[name], b[name]):
                counted["resets that end in order here"] += 1
            elif a[name] != b[name]:
                is_same = False
        if is_same:
            agreed.append((case, sent, a))
        else:
            lines = ["A " + line for line in transcript(a, b)] + ["B " + line for line in transcript(b, a)]
            differences[case.id] = sent + lines

    probed = [item for item in agreed if earliest.is_probed(item[0])]
    side_a, side_b = servers
    results = [
        pool.submit(earliest.compare, case, seen, side_a[case.configuration].address, side_b[case.configuration].address)
        for case, _, seen in probed
    ]
    for (case, sent, _), result in zip(probed, results):
        lines, count = result.result()
        counted["replies with the same earliest byte"] += count - len(lines)
        if lines:
            differences[case.id] = sent + lines
    return differences, counted


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


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server-a", required=True, metavar="PATH", help="the server that is right")
    parser.add_argument("--server-b", required=True, metavar="PATH", help="the server that is compared with it")
    parser.add_argument("--only", metavar="GLOB", help="only cases whose id matches")
    parser.add_argument("--list", action="store_true", help="print the ids of the cases and stop")
    parser.add_argument("--show", action="store_true", help="print what was sent and what A showed, case by case")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    cases = [c for c in all_cases() if not arguments.only or fnmatch.fnmatchcase(c.id, arguments.only)]
    if arguments.list:
        print("\n".join(c.id for c in cases))
        return 0
    if not cases:
        sys.exit("no case matches %s" % arguments.only)
    cases.sort(key=takes_time, reverse=True)

    signal.signal(signal.SIGALRM, lambda *_: sys.exit("not done after %d s" % HARD_SECONDS))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    signal.alarm(HARD_SECONDS)
    started = time.monotonic()
    paths = (arguments.server_a, arguments.server_b)
    versions = [version_of(path) for path in paths]
    for name, version in zip("AB", versions):
        print("%s: %s" % (name, version), flush=True)
    cases = without_other_unicode(cases, versions[0])

    servers, faults = [], []
    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    try:
        for path in paths:
            servers.append({})
            for configuration in CONFIGURATIONS:
                servers[-1][configuration] = Server(path, configuration)
        differences, counted = compare(pool, cases, servers, arguments.show)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for name, side in zip("AB", servers):
            for configuration, server in side.items():
                trouble = server.stop()
                if trouble:
                    faults.append("server %s (%s): %s" % (name, configuration, trouble))

    excused = {}
    if os.path.realpath(paths[0]) != os.path.realpath(paths[1]):
        excused, list_faults = judge(differences, read_departures(), cases, not arguments.only)
        faults += list_faults
    failed = [case_id for case_id in differences if case_id not in excused]
    for case_id in failed:
        print("\nDIFFERENT %s" % case_id)
        for line in differences[case_id]:
            print("    " + line)
    for fault in faults:
        print("\nFAULT %s" % fault)

    print("\n%d cases in %.0f s; %d numbered departures" % (len(cases), time.monotonic() - started, len(excused)))
    for what, count in sorted(counted.items()):
        print("%d %s" % (count, what))
    print("%d passed, %d failed" % (len(cases) - len(failed), len(failed) + len(faults)))
    return 1 if failed or faults else 0


if __name__ == "__main__":
    sys.exit(main())
