"""Sends the same odd bytes to two servers and finds every difference that is not a numbered departure.

Server A is upstream's nsqd, server B is ours. The same path twice compares a server with itself; then the list of
departures is not used.
"""

import collections
import itertools
import os
import re
import sys

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
import stage
from case import Messages, Quiet
from server import CONFIGURATIONS

TABLES = (cases_lines, cases_names, cases_numbers, cases_bodies, cases_states, cases_identify, cases_delivery, cases_time)
AT_ONCE = 48  # connections; they mostly wait for answers, so many cost little
LONG_LINE = 600

GO_OF_UNICODE_15 = range(21, 27)  # Go 1.N whose tables of printable characters are those of Unicode 15

def all_cases():
    cases = [case for table in TABLES for case in table.cases()]
    for key, what in ((lambda c: c.id, "id"), (lambda c: c[1:], "content")):
        first = {}
        for case in cases:
            if first.setdefault(key(case), case) is not case:
                sys.exit("two cases with the same %s: %s and %s" % (what, first[key(case)].id, case.id))
    return cases


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
    """The differences by case id, as lines to print, other counts, and no faults."""
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
    return differences, counted, []


def main():
    arguments = stage.parse_arguments(__doc__)

    def prepare(cases, version):
        return sorted(without_other_unicode(cases, version), key=takes_time, reverse=True), CONFIGURATIONS

    def compare_all(pool, cases, sides):
        return compare(pool, cases, sides, arguments.show)

    return stage.run(arguments, all_cases(), "departures.txt", AT_ONCE, prepare, compare_all)


if __name__ == "__main__":
    sys.exit(main())
