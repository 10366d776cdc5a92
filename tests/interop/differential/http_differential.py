"""Sends the same odd HTTP requests to two servers, and finds every difference that is not a numbered departure.

Server A is upstream's nsqd, server B is ours. The same path twice compares a server with itself; then the list of
departures is not used. All bytes of an answer are compared, except the date and figures that must differ.
"""

import collections
import hashlib
import os
import pathlib
import re
import socket
import ssl
import sys
import tempfile
import urllib.parse

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))  # for certificates

import certificates
import http_cases
import stage
from server import CONFIGURATIONS

AT_ONCE = 24  # connections
ANSWER_SECONDS = 20
LONG = 600  # bytes of what is printed of one side
KINDS = "different answers of A"
LEAST_KINDS = 40
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


def chains_of(cases):
    """Cases that name the same topic, one after the other, so that both servers have the same state before each of them.
    A case with a topic of its own is alone."""
    chains = {}
    for case in cases:
        named = None if b"{topic}" in case.data else re.search(rb"topic=([^& ]*)", case.data)
        key = case.id if named is None else urllib.parse.unquote_to_bytes(named.group(1))
        chains.setdefault(key, []).append(case)
    return chains.values()


def play_chain(chain, servers):
    return [play(case, servers) for case in chain]


def results_of(pool, cases, sides):
    """Each case, with what A and what B has answered."""
    plays = [(chain, *(pool.submit(play_chain, chain, side) for side in sides)) for chain in chains_of(cases)]
    for chain, a, b in plays:
        yield from zip(chain, a.result(), b.result())


def is_reset_only(a, b):
    """Whether one server resets a connection after its answer, where the other one ends it with a FIN."""
    return a[0] == b[0] and {a[1], b[1]} == {"RST", "FIN"}


def shown(data):
    text = data.decode("latin-1").encode("unicode_escape").decode()
    return text if len(text) <= LONG else text[: LONG // 2] + " ... " + text[-LONG // 2 :]


def transcript(case, a, b):
    return ["> " + shown(case.data), "A < %s | %s" % (shown(a[0]), a[1]), "B < %s | %s" % (shown(b[0]), b[1])]


def compare(pool, cases, sides, is_shown):
    """The differences by case id, as lines to print, and other counts."""
    differences, kinds, counted = {}, set(), collections.Counter()
    for case, a, b in results_of(pool, cases, sides):
        kinds.add(a[0])
        if is_shown:
            print("\n".join([case.id] + ["    " + line for line in transcript(case, a, b)]))
        if is_reset_only(a, b):
            counted["connections that one server resets"] += 1
        elif a != b:
            differences[case.id] = transcript(case, a, b)
    counted[KINDS] = len(kinds)
    return differences, counted


def all_cases():
    cases = http_cases.all_cases()
    double = [case_id for case_id, count in collections.Counter(case.id for case in cases).items() if count > 1]
    if double:
        sys.exit("two cases with the same id: %s" % double[0])
    return cases


def configurations_of(cases, folder):
    """The configurations of the servers that these cases need. The folder gets the files for TLS."""
    if any(case.configuration in OF_TLS for case in cases):
        certificates.make(pathlib.Path(folder))
        CONFIGURATIONS["tls"] = ["-tls-cert=%s/server.pem" % folder, "-tls-key=%s/server.key" % folder,
                                 "-tls-required=true"]
    return sorted({server_of(case) for case in cases})


def main():
    arguments = stage.parse_arguments(__doc__)

    def compare_all(pool, cases, sides):
        differences, counted = compare(pool, cases, sides, arguments.show)
        kinds = counted[KINDS]
        is_poor = kinds < LEAST_KINDS and not arguments.only
        faults = ["A gave %d different answers, expected at least %d" % (kinds, LEAST_KINDS)] if is_poor else []
        return differences, counted, faults

    with tempfile.TemporaryDirectory(prefix="nsq-differential-") as folder:
        def prepare(cases, _version):
            return cases, configurations_of(cases, folder)

        return stage.run(arguments, all_cases(), "departures-http.txt", AT_ONCE, prepare, compare_all)


if __name__ == "__main__":
    sys.exit(main())
