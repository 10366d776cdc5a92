#!/usr/bin/env python3
"""What nsq-conform and nsq-record do as programs: exit codes, what they say and where. Needs nothing but them and
build/nsqd. Ends with "N passed, N failed".

    programs.py [FOLDER-OF-THE-PROGRAMS]
"""
import pathlib
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
LIMIT = 60  # seconds
HEADER = "id: a/%s\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\n"


def conform(folder, *arguments):
    """Runs nsq-conform; returns its exit code, standard output and standard error."""
    run = subprocess.run([str((BUILD / "nsq-conform").resolve()), *arguments], cwd=folder, stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, timeout=LIMIT)
    return run.returncode, run.stdout, run.stderr


def case(folder, name, steps):
    (folder / (name + ".session")).write_text(HEADER % name + steps)
    return name + ".session"


def equal(got, wanted):
    assert got == wanted, "got %r, not %r" % (got, wanted)


def a_file_that_cannot_be_played_is_bad(folder):
    good = case(folder, "good", "c connect\n")
    for name, steps, place in (
            ("unopened", "c > \"x\"\n", "7:1: expected the name of a connection that was opened before"),
            ("uncaptured", "c connect\nc > \"FIN \" $m\n", "8:13: expected a value that a message before has captured")):
        bad = case(folder, name, steps)
        equal(conform(folder, good, bad), (2, "", "%s:%s\n" % (bad, place)))


TESTS = [a_file_that_cannot_be_played_is_bad]


def main():
    failed = 0
    for test in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
            except (AssertionError, OSError, subprocess.SubprocessError) as why:
                failed += 1
                print("%s: %s" % (test.__name__, why))
    print("%d passed, %d failed" % (len(TESTS) - failed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
