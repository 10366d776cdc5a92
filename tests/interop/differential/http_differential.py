"""Sends the same odd HTTP requests to two servers, and finds every difference that is not a numbered departure.

Server A is upstream's nsqd, server B is ours. The same path twice compares a server with itself; then the list of
departures is not used. All bytes of an answer are compared, except the date and figures that must differ.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import hashlib
import os
import pathlib
import re
import signal
import socket
import ssl
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))  # for certificates

import certificates
import http_cases
from differential import judge, read_departures
from server import CONFIGURATIONS, Server, version_of

AT_ONCE = 24  # connections
ANSWER_SECONDS = 20
LONG = 600  # bytes of what is printed of one side
HARD_SECONDS = 100  # the whole run ends after this, whatever happens
LEAST_KINDS = 40  # different answers of server A
ANSWERS_MAX = 4 << 20
OF_TLS = ("tls", "https", "clear")  # the configurations of cases that need a server with TLS

# What two servers must tell differently: their ports, when they started, and the memory of a Go program.
FIGURES = (
    (rb'("(?:tcp_port|http_port|start_time)":|"https_port": )-?\d+', rb"\1N"),
    (rb'"memory":\{[^}]*\}', rb'"memory":{}'),
    (rb"(built w/)[^)]*", rb"\1N"),
    (rb"(nsq\.\w+_)\d+", rb"\1N"),
    (rb"(start_time )\S+|(uptime )\S+|((?:heap|gc|next)_\w+ *\t)\d+", rb"\1\2\3N"),
)


def without_figures(answer):
    """An answer without what must differ; then its length counts as different too."""
    answer = re.sub(rb"(?m)^Date: .*(?=\r$)", b"Date: D", answer)
    plain = answer
    for pattern, instead in FIGURES:
        plain = re.sub(pattern, instead, plain)
    return re.sub(rb"(Content-Length: )\d+", rb"\1N", plain) if plain != answer else answer


def server_of(case):
    """The configuration of the server that a case needs."""
    return "tls" if case.configuration in OF_TLS else case.configuration


def topic_of(case):
    return hashlib.sha256(case.id.encode()).hexdigest()[:16].encode()


def receive(connection):
    """All that the server sends, and how it ends."""
    answer = b""
    try:
        while len(answer) < ANSWERS_MAX:
            piece = connection.recv(65536)
            if not piece:
                return answer, "FIN"
            answer += piece
        return answer, "too much"
    except ConnectionResetError:
        return answer, "RST"
    except ssl.SSLError:
        return answer, "FIN"
    except socket.timeout:
        return answer, "open"


def through_tls(connection):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection)


def play(case, servers):
    """What a server answers to a case, in the form that is compared, and the end of the connection."""
    server = servers[server_of(case)]
    address = server.http_address if case.configuration not in ("https", "clear") else server.https_address
    topic = topic_of(case)
    data = case.data.replace(b"{topic}", topic)
    with socket.create_connection(address, ANSWER_SECONDS) as connection:
        connection.settimeout(ANSWER_SECONDS)
        if case.configuration == "https":
            connection = through_tls(connection)
        try:
            connection.sendall(data)
            if case.configuration != "https":  # through TLS the last request ends the connection
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # the server has ended the connection; its answer may be there
            pass
        answer, end = receive(connection)
    return without_figures(answer).replace(topic, b"{topic}"), end


def is_reset_only(a, b):
    """Whether one server resets a connection after its answer, where the other one ends it with a FIN."""
    return a[0] == b[0] and {a[1], b[1]} == {"RST", "FIN"}


def shown(data):
    text = data.decode("latin-1").encode("unicode_escape").decode()
    return text if len(text) <= LONG else text[: LONG // 2] + " ... " + text[-LONG // 2 :]


def transcript(case, a, b):
    return ["> " + shown(case.data), "A < %s | %s" % (shown(a[0]), a[1]), "B < %s | %s" % (shown(b[0]), b[1])]


def compare(pool, cases, sides, is_shown):
    """The differences by case id, the answers of A, and the other counts."""
    differences, kinds, counted = {}, collections.Counter(), collections.Counter()
    results = [(case, *(pool.submit(play, case, side) for side in sides)) for case in cases]
    for case, *pair in results:
        a, b = (future.result() for future in pair)
        kinds[a[0]] += 1
        if is_shown:
            print("\n".join([case.id] + ["    " + line for line in transcript(case, a, b)]))
        if is_reset_only(a, b):
            counted["connections that one server resets"] += 1
        elif a != b:
            differences[case.id] = transcript(case, a, b)
    return differences, kinds, counted


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server-a", required=True, metavar="PATH", help="the server that is right")
    parser.add_argument("--server-b", required=True, metavar="PATH", help="the server that is compared with it")
    parser.add_argument("--only", metavar="GLOB", help="only cases whose id matches")
    parser.add_argument("--list", action="store_true", help="print the ids of the cases and stop")
    parser.add_argument("--show", action="store_true", help="print what was sent and what was answered, case by case")
    return parser.parse_args()


def selected(arguments):
    cases = http_cases.all_cases()
    double = [case_id for case_id, count in collections.Counter(case.id for case in cases).items() if count > 1]
    if double:
        sys.exit("two cases with the same id: %s" % double[0])
    return [case for case in cases if not arguments.only or fnmatch.fnmatchcase(case.id, arguments.only)]


def main():
    arguments = parse_arguments()
    cases = selected(arguments)
    if arguments.list:
        print("\n".join(case.id for case in cases))
        return 0
    if not cases:
        sys.exit("no case matches %s" % arguments.only)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("not done after %d s" % HARD_SECONDS))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    signal.alarm(HARD_SECONDS)
    started = time.monotonic()
    paths = (arguments.server_a, arguments.server_b)
    for name, path in zip("AB", paths):
        print("%s: %s" % (name, version_of(path)), flush=True)

    sides, faults = [], []
    folder = tempfile.TemporaryDirectory(prefix="nsq-differential-")
    if any(case.configuration in OF_TLS for case in cases):
        certificates.make(pathlib.Path(folder.name))
        CONFIGURATIONS["tls"] = ["-tls-cert=%s/server.pem" % folder.name, "-tls-key=%s/server.key" % folder.name,
                                 "-tls-required=true"]
    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    try:
        for path in paths:
            sides.append({})
            for configuration in sorted({server_of(case) for case in cases}):
                sides[-1][configuration] = Server(path, configuration)
        differences, kinds, counted = compare(pool, cases, sides, arguments.show)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for name, side in zip("AB", sides):
            for configuration, server in side.items():
                trouble = server.stop()
                if trouble:
                    faults.append("server %s (%s): %s" % (name, configuration, trouble))

    excused = {}
    if os.path.realpath(paths[0]) != os.path.realpath(paths[1]):
        excused, list_faults = judge(differences, read_departures("departures-http.txt"), cases, not arguments.only)
        faults += list_faults
    failed = [case_id for case_id in differences if case_id not in excused]
    for case_id in failed:
        print("\nDIFFERENT %s" % case_id)
        for line in differences[case_id]:
            print("    " + line)
    if len(kinds) < LEAST_KINDS and not arguments.only:
        faults.append("A gave %d different answers, expected at least %d" % (len(kinds), LEAST_KINDS))
    for fault in faults:
        print("\nFAULT %s" % fault)
    print("\n%d requests in %.0f s, %d different answers of A; %d numbered departures"
          % (len(cases), time.monotonic() - started, len(kinds), len(excused)))
    for what, count in sorted(counted.items()):
        print("%d %s" % (count, what))
    print("%d passed, %d failed" % (len(cases) - len(failed), len(failed) + len(faults)))
    return 1 if failed or faults else 0


if __name__ == "__main__":
    sys.exit(main())
