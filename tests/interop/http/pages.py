#!/usr/bin/env python3
"""Brings upstream's nsqd and another server into the same state, asks both for the same pages of the HTTP API, and
compares the answers. Times, ports, memory figures and names of builds are masked.

    pages.py --server-a PATH --server-b PATH [--show]

Ends with "N passed, N failed".
"""
import argparse, contextlib, http.client, json, os, pathlib, re, signal, ssl, sys, tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import servers
from servers import Client

LIMIT = 20  # seconds; for every wait
FLAGS = ["--node-id=7", "--broadcast-address=b.example", "--e2e-processing-latency-percentile=0.5,0.99,0.00001",
         "--tls-cert=tests/conformance/tls/cert.pem", "--tls-key=tests/conformance/tls/key.pem",
         "--max-msg-size=1000"]
UNFOLDED = ("Content-Length", "Transfer-Encoding", "Date")  # headers that may differ


class Server(servers.Server):
    """A server, and its HTTP API."""

    def ask(self, method, target, body=None):
        """The status, the headers, and the body of an answer."""
        connection = http.client.HTTPConnection(self.http, timeout=LIMIT)
        connection.request(method, target, body)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), body

    def do(self, target, body=b""):
        status, _, answer = self.ask("POST", target, body)
        assert status == 200, (target, status, answer)


# What is there at last. Of a topic: messages, depth. Of a channel: messages, depth, in flight, deferred.
STATE = {"alpha": (7, 0), "alpha/one": (7, 3, 1, 2), "alpha/two": (7, 6, 0, 1), "alpha/three": (7, 6, 0, 1),
         "beta": (1, 0), "beta/one": (1, 0, 1, 0), "gamma": (3, 3), "idle": (3, 0), "keyed#ephemeral": (2, 2)}


def state_of(server):
    state = {}
    for topic in json.loads(server.ask("GET", "/stats?format=json")[2])["topics"]:
        state[topic["topic_name"]] = (topic["message_count"], topic["depth"])
        for channel in topic["channels"]:
            state[topic["topic_name"] + "/" + channel["channel_name"]] = (
                channel["message_count"], channel["depth"], channel["in_flight_count"], channel["deferred_count"])
    return state


def await_state(server):
    """Messages go from topics to channels, and to clients, some time after a command was answered."""
    try:
        servers.wait_until(lambda: state_of(server) == STATE, "the state")
    except RuntimeError as error:
        raise SystemExit("%s has %s, expected %s" % (server.process.args[0], state_of(server), STATE)) from error


def play(server):
    """The same state on each server. Returns the clients, which stay connected."""
    for topic in "alpha", "beta", "gamma", "idle", "keyed#ephemeral":
        server.do("/topic/create?topic=" + topic)
    for channel in "one", "two", "three":
        server.do("/channel/create?topic=alpha&channel=" + channel)
    server.do("/channel/create?topic=beta&channel=one")
    server.do("/topic/pause?topic=gamma")
    server.do("/channel/pause?topic=alpha&channel=two")
    producer = Client(server, {"client_id": "p<1>&", "hostname": "h\u00f6st", "user_agent": "agent \"1\"\u2028", "sample_rate": 99})
    consumer = Client(server, {"client_id": "c1", "hostname": "host", "user_agent": "consumer/1.0", "msg_timeout": 900000,
                               "heartbeat_interval": 60000})
    plain = Client(server)
    for i in range(3):
        producer.do("PUB gamma", b"x" * i + b"y")
    both = Client(server, {"client_id": "both"})
    both.do("PUB beta", b"abc")
    consumer.do("SUB beta one")
    consumer.send("RDY 1")
    both.do("SUB alpha one")
    both.send("RDY 1")
    plain.do("SUB alpha one")
    plain.send("CLS")
    plain.frame()
    for i in range(6):
        server.do("/pub?topic=alpha", b"m%d" % i)
    server.do("/pub?topic=alpha&defer=600000", b"later")
    server.do("/mpub?topic=idle", b"a\nb\n\nc")
    server.do("/topic/empty?topic=idle")
    both.send("FIN " + both.message())
    both.send("REQ %s 700000" % both.message())
    both.message()
    clients = [producer, consumer, plain, both]
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        tls = Client(server, {"client_id": version.name, "tls_v1": True, "feature_negotiation": True},
                     version)
        tls.do("PUB keyed#ephemeral", b"z")
        clients.append(tls)
    await_state(server)
    return clients


# --- masks ------------------------------------------------------------------------------------------------------------

# Figures of one run. Each becomes a letter, if it is of the right kind and plausible.
NUMBERS = {"connect_ts", "start_time", "heap_objects", "heap_idle_bytes", "heap_in_use_bytes", "heap_released_bytes",
           "gc_pause_usec_100", "gc_pause_usec_99", "gc_pause_usec_95", "next_gc_bytes", "gc_total_runs", "tcp_port",
           "http_port"}


def sort_key(value):
    return json.dumps(value)


def masked(value, key=None):
    """A JSON value, with its objects as lists of pairs, without the figures of one run. The clients are sorted."""
    if isinstance(value, Pairs):
        return Pairs((k, masked(v, k)) for k, v in value)
    if isinstance(value, list):
        items = [masked(v) for v in value]
        return sorted(items, key=sort_key) if key in ("clients", "producers") else items
    if key in NUMBERS and type(value) is int and value >= 0:
        return "N"
    if key == "value" and type(value) is int and value > 0:
        return "a latency"
    if key == "tls_cipher_suite":  # in TLS 1.3 the client cannot choose
        return re.sub(r"^Unknown 486[567]$", "TLS 1.3", value)
    if key == "remote_address":
        return re.sub(r":\d+$", ":PORT", value)
    return value


class Pairs(list):
    """A JSON object, in its order."""


DURATION = r"(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:s|ms|\u00b5s|ns)"


def masked_text(text):
    text = re.sub(r"^nsq\.b_example_\d+\.$", "nsq.b_example_PORT.", text)
    text = re.sub(r"built w/[^)]*", "built w/X", text)
    text = re.sub(r"start_time \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", "start_time T", text)
    text = re.sub(r"(uptime|connected:) " + DURATION, r"\1 D", text)
    text = re.sub(r"(?m)^(   (?:heap|gc|next_gc)_\w+ +\t)\d+$", r"\1N", text)
    text = re.sub(r"(\[V2 [^:\n]*):\d+ ([^\]\n]*?) *\]", r"\1:PORT \2]", text)
    text = re.sub(r"\d+\.\d(ns|us|ms|s)\b", r"L", text)
    lines, groups = text.split("\n"), []
    for line in lines: # neighbouring clients are in any order
        if groups and "[V2 " in line and "[V2 " in groups[-1][-1]:
            groups[-1].append(line)
        else:
            groups.append([line])
    return "\n".join(line for group in groups for line in sorted(group))


def masked_answer(target, status, headers, body):
    if target == "/config/data_path" and status == 200:
        body = re.sub(rb"^/.+$", b"FOLDER", body)
    if target in ("/config/broadcast_tcp_port", "/config/broadcast_http_port") and status == 200:
        body = re.sub(rb"^[1-9]\d+$", b"PORT", body)
    text = body.decode("utf-8", "surrogateescape")
    if text.startswith('{"version"'):
        text = json.dumps(masked(json.loads(text, object_pairs_hook=Pairs, parse_float=str)), indent=1)
    else:
        text = masked_text(text)
    return "\n".join([str(status), *("%s: %s" % h for h in headers if h[0] not in UNFOLDED), text])


# --- pages ------------------------------------------------------------------------------------------------------------

def stats_targets():
    yield from ("/stats", "/stats?format=json", "/stats?format=JSON", "/stats?format=", "/stats?format=text&format=json")
    for form in "text", "json":
        for rest in ("topic=alpha", "topic=alpha&channel=one", "topic=alpha&channel=none", "topic=none",
                     "topic=none&channel=one", "channel=one", "channel=none", "topic=*", "topic=&channel=",
                     "topic=beta&include_clients=false", "topic=keyed%23ephemeral", "topic=gamma", "topic=" + "t" * 100):
            yield "/stats?format=%s&%s" % (form, rest)
        for word in "true", "false", "1", "0", "TRUE", "False", "no", "", "00":
            yield "/stats?format=%s&include_clients=%s" % (form, word)
            yield "/stats?format=%s&include_mem=%s" % (form, word)
    yield from ("/stats?%zz", "/stats?a;b", "/stats?topic=%", "/stats/", "/STATS?format=json")


OPTIONS = """id log_level log_prefix tcp_address http_address https_address broadcast_address broadcast_tcp_port
broadcast_http_port nsqlookupd_tcp_addresses auth_http_addresses http_client_connect_timeout
http_client_request_timeout data_path mem_queue_size max_bytes_per_file sync_every sync_timeout
queue_scan_selection_count queue_scan_worker_pool_max msg_timeout max_msg_timeout max_msg_size max_body_size
max_req_timeout max_heartbeat_interval max_rdy_count max_output_buffer_size max_output_buffer_timeout
min_output_buffer_timeout output_buffer_timeout max_channel_consumers statsd_address statsd_prefix statsd_interval
statsd_mem_stats statsd_udp_packet_size statsd_exclude_ephemeral e2e_processing_latency_window_time
e2e_processing_latency_percentiles tls_cert tls_key tls_client_auth_policy tls_root_ca_file tls_required
tls_min_version deflate max_deflate_level snappy""".split()
NO_OPTIONS = """version config verbose worker_id node_id lookupd_tcp_address auth_http_address logger ID
queue_scan_interval queue_scan_refresh_interval queue_scan_dirty_percent client_timeout deflate_enabled log-level
LOG_LEVEL log_level%20 %00 *""".split()


def config_pages():
    for name in OPTIONS + NO_OPTIONS:
        yield "GET", "/config/" + name, None
        yield "PUT", "/config/" + name, b""
    for name in OPTIONS[2:9] + OPTIONS[10:] + NO_OPTIONS:
        yield "PUT", "/config/" + name, b"1"
    yield from (("GET", t, None) for t in ("/config", "/config/", "/config/a/b", "/config/log_level/", "/CONFIG/id",
                                           "/config/log_level?x=%zz", "/config//id", "/config/%69d"))
    yield from ((m, "/config/log_level", b"info") for m in ("POST", "DELETE", "OPTIONS", "PATCH"))
    for level in (b"debug", b"DEBUG", b"Info", b"warn", b"WARNING", b"warn\n", b" warn", b"1", b"error", b"fatal", b"\xff",
                  b"x" * 1000, b"x" * 1001, b"info"):
        yield "PUT", "/config/log_level", level
        yield "GET", "/config/log_level", None
    # An answer of 400 is not asked for its effect: nsqd has then changed some elements of the list.
    for text in ('["a:1"]', '[]', 'null', '[null]', '["a:1","a:1","b"]', ' [ "x" ] ', '["<&>\u2028\u00e9"]', '["\\ud800"]',
                 '["\\u0000\\n\\"\\\\"]', '["' + "y" * 900 + '"]', '[]'):
        yield "PUT", "/config/nsqlookupd_tcp_addresses", text.encode()
        yield "GET", "/config/nsqlookupd_tcp_addresses", None
    yield "PUT", "/config/nsqlookupd_tcp_addresses", b'["\xff\xc3"]'
    yield "PUT", "/config/nsqlookupd_tcp_addresses", b'null'
    for text in ('{}', '1', '"a"', 'true', '[1]', '[true]', '[[]]', '[{}]', '["a"', '["a"]]', '["a"] x', '[,]', '["a",]',
                 '["' + "y" * 1000 + '"]', 'nul', "['a']", '["\x01"]', '["a" "b"]', ' '):
        yield "PUT", "/config/nsqlookupd_tcp_addresses", text.encode()
    yield "PUT", "/config/nsqlookupd_tcp_addresses", b'[]'


def pages():
    """Method, target, body."""
    yield from config_pages()
    for target in stats_targets():
        yield "GET", target, None
    yield "GET", "/stats?format=json&topic=beta", b"a body"
    yield "POST", "/stats", b""
    yield "HEAD", "/stats", None
    yield "GET", "/info", None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server-a", default="build/upstream/nsqd")
    parser.add_argument("--server-b", default="build/nsqd")
    parser.add_argument("--show", action="store_true")
    option = parser.parse_args()
    signal.signal(signal.SIGTERM, servers.end_all)
    passed = failed = 0
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        both = [stack.enter_context(Server(path, folder / ("log-" + side), *FLAGS))
                for side, path in zip("ab", (option.server_a, option.server_b))]
        clients = [play(server) for server in both]
        for method, target, body in pages():
            a, b = (masked_answer(target, *server.ask(method, target, body)) for server in both)
            if option.show:
                print("%s %s %s\n%s" % (method, target, body or "", a))
            if a == b:
                passed += 1
                continue
            failed += 1
            print("%s %s %s" % (method, target, body or ""))
            for one, other in zip(a.split("\n") + [""] * 500, b.split("\n")):
                if one != other:
                    print("    the first: %s\n    the other: %s" % (one, other))
                    break
        for server in both:
            wrong = server.end()
            passed, failed = passed + (not wrong), failed + bool(wrong)
            if wrong:
                print("the end of %s: %s" % (server.process.args[0], wrong))
        del clients  # they were connected until now
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
