#!/usr/bin/env python3
"""Runs the scenes of this folder with each pair of an nsqd and an nsqlookupd. A scene must see the same with every pair.

    stage.py --logs DIR --build DIR [--only TEXT] [--without CLIENT]... --nsqd PATH... --nsqlookupd PATH...

`--build` is the folder below which ci/interop-lookup has installed the clients. `--without` names a client that is not
installed: its scene does not run and is not counted. The last line counts one for each scene and pair.
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import signal
import statistics
import sys
import time
import traceback

from cluster import Cluster, Pair  # this finds `servers` too
from scenes import PROMISES, SCENES
from servers import end_all

HERE = pathlib.Path(__file__).parent
TESTS = HERE.parent.parent
# Where each client's script `discover` is, and where ci/interop-lookup has installed what it needs.
CLIENTS = {
    "go-nsq": ("interop/clients/go-nsq", "interop/go-nsq"),
    "nsqjs": ("interop/clients/nsqjs", "interop/nsqjs"),
    "pynsq": ("interop/clients/pynsq", "interop/pynsq"),
    "gnsq": ("interop/suites/gnsq", "interop/suites/gnsq"),
    "nsq-j": ("record/clients/nsq-j-1.2", "record/nsq-j-1.2"),
    "tokio-nsq": ("record/clients/tokio-nsq-0.14.0", "record/tokio-nsq-0.14.0"),
}
BESIDE = 10  # scenes that run at the same time; most of them wait


FIRST = ["restart-of-nsqlookupd", "one-of-two-is-dead", "clients", "inactive", "client-tokio-nsq", "client-nsq-j"]  # these take longest


def by_length(name):
    return FIRST.index(name) if name in FIRST else len(FIRST)


def label(path):
    return "upstream" if "upstream" in path.parts else "nsqref"


def run(name, pair, options):
    """Returns what is wrong, "" if nothing is; how many seconds the scene took; and what Cluster.took has."""
    start = time.monotonic()
    clients = {client: [str(TESTS / source / "discover"), str(options.build / installed)]
               for client, (source, installed) in CLIENTS.items()}
    wrong = ""
    scene = Cluster(pair, options.logs / ("cluster-%s-%s" % (name, pair.name)), clients)
    try:
        with scene:
            SCENES[name](scene)
    except Exception as reason:  # whatever it is, the scene has failed
        lines = [frame.lineno for frame in traceback.extract_tb(reason.__traceback__) if "scenes" in frame.filename]
        wrong = "%s: %s, at the lines %s of scenes.py" % (type(reason).__name__, reason, lines)
    return wrong, time.monotonic() - start, scene.took


def main():
    options = argparse.ArgumentParser()
    for name in "--logs", "--build":
        options.add_argument(name, type=lambda path: pathlib.Path(path).resolve(), required=True)
    options.add_argument("--only", default="")
    options.add_argument("--without", action="append", default=[])
    for name in "--nsqd", "--nsqlookupd":
        options.add_argument(name, type=lambda path: pathlib.Path(path).resolve(), action="append", required=True)
    options = options.parse_args()
    signal.signal(signal.SIGTERM, end_all)

    pairs = [Pair("%s-with-%s" % (label(nsqd), label(nsqlookupd)), nsqd, nsqlookupd)
             for nsqd, nsqlookupd in itertools.product(options.nsqd, options.nsqlookupd)]
    left_out = {"client-" + client for client in options.without}
    names = [name for name in SCENES if options.only in name and name not in left_out]
    results = {}
    for name, pair in itertools.product([name for name in names if name in PROMISES], pairs):
        results[name, pair] = run(name, pair, options)
    with concurrent.futures.ThreadPoolExecutor(BESIDE) as pool:
        jobs = {(name, pair): pool.submit(run, name, pair, options)
                for name, pair in itertools.product(sorted(names, key=by_length), pairs) if name not in PROMISES}
        results.update((key, job.result()) for key, job in jobs.items())

    for name in names:
        wrong = {pair.name: results[name, pair][0] for pair in pairs if results[name, pair][0]}
        print("%s: %d of %d pairs (%s s)" % (name, len(pairs) - len(wrong), len(pairs),
                                             " ".join("%.1f" % results[name, pair][1] for pair in pairs)))
        for pair in pairs:
            took = [1000 * seconds for seconds in results[name, pair][2]]
            if took:
                print("    %s: median %.1f ms, best %.1f ms, worst %.1f ms of %d changes"
                      % (pair.name, statistics.median(took), min(took), max(took), len(took)))
        for pair, text in wrong.items():
            print("    %s: %s" % (pair, text))
            print("        the logs are in %s" % (options.logs / ("cluster-%s-%s" % (name, pair))))
    failed = sum(bool(wrong) for wrong, *_ in results.values())
    print("%d passed, %d failed" % (len(results) - failed, failed))
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
