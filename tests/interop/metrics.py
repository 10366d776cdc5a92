#!/usr/bin/env python3
"""Holds GET /metrics against Prometheus: `promtool check metrics` must find nothing in the pages, and a Prometheus that
scrapes the server must show the same series, with their types, helps and labels.

    metrics.py --logs DIR --server PATH --upstream PATH [--promtool PATH] [--prometheus PATH]

Clients with odd names publish, consume, finish, requeue and time out on the server first. The last line is
"N passed, N failed".
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from servers import Client, Program, Server, wait_until

FLAGS = ["--metrics-channels", "--metrics-clients", "--e2e-processing-latency-percentile=0.99,0.5,0.0000001"]
ODD_TOPIC = "a.b-c_D9#ephemeral"
ODD_CLIENT = 'q"uo\\te\n{x="1"} é\U0001F600 \t\x00end'
passed = failed = 0


def check(what, wrong):
    """`wrong` is empty, or says what is wrong."""
    global passed, failed
    if wrong:
        failed += 1
        print("FAILED %s\n%s" % (what, wrong))
    else:
        passed += 1


def expect(what, seen, expected):
    check(what, "" if seen == expected else "expected %r\nseen     %r" % (expected, seen))


def check_end(server):
    check("the end of %s" % server.log.stem, server.end())


def play(server):
    """Brings the server into a state in which no figure is the one of a new server; returns its clients."""
    producer = Client(server, {"client_id": "producer", "hostname": "host", "user_agent": "agent/1"})
    for topic, count in (("orders", 5), ("lonely", 2), (ODD_TOPIC, 1)):
        for _ in range(count):
            producer.do("PUB " + topic, b"four")
    producer.do("DPUB orders 3600000", b"later")
    consumer = Client(server, {"client_id": ODD_CLIENT, "hostname": "bad \udcff byte", "user_agent": "",
                               "msg_timeout": 1000})
    consumer.do("SUB orders mail")
    other = Client(server)
    other.do("SUB %s c" % ODD_TOPIC)
    consumer.send("RDY 3")
    ids = [consumer.message() for _ in range(3)]
    consumer.send("RDY 0")
    consumer.send("FIN " + ids[0])
    consumer.send("REQ %s 0" % ids[1])
    wait_until(lambda: 'timed_out_total{topic="orders",channel="mail"} 1\n' in page_of(server), "a timeout")
    other.send("RDY 1")
    other.message()
    return producer, consumer, other


def get(url):
    """The status, the headers and the body of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def page_of(server):
    status, headers, body = get("http://%s/metrics" % server.http)
    assert status == 200, (status, body)
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers
    return body


# --- promtool -------------------------------------------------------------------------------------

def promtool(options, page):
    """What `promtool check metrics` says about a page; empty when it finds nothing."""
    done = subprocess.run([options.promtool, "check", "metrics"], input=page.encode(), capture_output=True, timeout=60,
                          check=False)
    said = (done.stdout + done.stderr).decode(errors="backslashreplace")
    return said or ("exit %d" % done.returncode if done.returncode else "")


def check_pages(options):
    with Server(options.server, options.logs / "metrics-default.log") as server:
        check("promtool: an empty server", promtool(options, page_of(server)))
        clients = play_without_flags(server)
        page = page_of(server)
        check("promtool: topics", promtool(options, page))
        expect("nothing of channels and clients without a flag", re.findall(r"nsqd_(?:channel|client)_\w+|e2e", page), [])
        wrong = promtool(options, re.sub(r"# HELP nsqd_topics .*\n", "", page))
        check("promtool notices a family without help", "" if "nsqd_topics" in wrong else "it said %r" % wrong)
        wrong = promtool(options, page + 'nsqd_odd{a="\n"} 1\n')
        check("promtool notices a page that cannot be read", "" if "parsing error" in wrong else "it said %r" % wrong)
        check_end(server)
        del clients
    with Server(options.server, options.logs / "metrics-many.log", *FLAGS) as server:
        producer = Client(server)
        for i in range(2000):
            producer.do("PUB topic%d" % i, b"x")
        page = page_of(server)
        check("promtool: a page in many pieces", promtool(options, page))
        expect("its samples of topics", page.count("\nnsqd_topic_messages_total{"), 2000)
        check_end(server)
    with Server(options.upstream, options.logs / "metrics-upstream.log") as server:
        status, _, body = get("http://%s/metrics" % server.http)
        expect("upstream's nsqd does not have the page", (status, body), (404, '{"message":"NOT_FOUND"}'))
        check_end(server)


def play_without_flags(server):
    consumer = Client(server, {"client_id": ODD_CLIENT})
    consumer.do("SUB orders mail")
    consumer.do("PUB lonely", b"x")
    return consumer


# --- Prometheus -----------------------------------------------------------------------------------

class Prometheus:
    """A Prometheus that scrapes one server, and its API."""

    def __init__(self, options, server):
        self.folder = tempfile.TemporaryDirectory()
        config = pathlib.Path(self.folder.name) / "prometheus.yml"
        config.write_text("scrape_configs:\n- job_name: nsqd\n  scrape_interval: 1s\n  static_configs:\n"
                          "  - targets: ['%s']\n" % server.http)
        self.program = Program([options.prometheus, "--config.file=%s" % config, "--web.listen-address=127.0.0.1:0",
                                "--storage.tsdb.path=%s/data" % self.folder.name], options.logs / "prometheus.log")

    def __enter__(self):
        self.address = self.program.wait_for(r'Listening on" address=(127\.0\.0\.1:\d+)')
        return self

    def __exit__(self, *_):
        self.program.stop()
        self.program.__exit__()
        self.folder.cleanup()

    def api(self, path, **query):
        status, _, body = get("http://%s/api/v1/%s?%s" % (self.address, path, urllib.parse.urlencode(query)))
        return json.loads(body)["data"] if status == 200 else None

    def series(self, selector):
        """The labels and the value of each series; without the labels that Prometheus adds."""
        result = self.api("query", query=selector)["result"]
        hidden = ("__name__", "instance", "job", "connection")
        return sorted(((sorted((k, v) for k, v in one["metric"].items() if k not in hidden), one["value"][1])
                       for one in result))

    def target(self):
        targets = (self.api("targets") or {}).get("activeTargets", [])
        return targets[0] if targets and targets[0]["health"] != "unknown" else None


def expect_series(prometheus, selector, *expected):
    """`expected`: for each series its value and its labels."""
    wanted = sorted((sorted(labels.items()), str(value)) for value, labels in expected)
    expect("Prometheus: " + selector, prometheus.series(selector), wanted)


def expect_figures(prometheus, clients):
    producer, consumer, other = clients
    topics = [{"topic": name} for name in ("orders", "lonely", ODD_TOPIC)]
    orders, odd = {"topic": "orders", "channel": "mail"}, {"topic": ODD_TOPIC, "channel": "c"}
    odd_client = {"client_id": ODD_CLIENT}
    unnamed = {"client_id": "127.0.0.1"}
    first = {"client_id": "producer"}
    expect_series(prometheus, "nsqd_topics", (3, {}))
    expect_series(prometheus, "nsqd_messages_published_total", (9, {}))
    expect_series(prometheus, "nsqd_published_bytes_total", (37, {}))
    expect_series(prometheus, "nsqd_messages_delivered_total", (4, {}))
    expect_series(prometheus, "nsqd_messages_requeued_total", (1, {}))
    expect_series(prometheus, "nsqd_clients", (1, {"state": "init"}), (2, {"state": "subscribed"}),
                  (0, {"state": "closing"}))
    expect_series(prometheus, "nsqd_topic_messages_total", *zip((6, 2, 1), topics))
    expect_series(prometheus, "nsqd_topic_depth", *zip((0, 2, 0), topics))
    expect_series(prometheus, "nsqd_topic_channel_depth", *zip((4, 0, 0), topics))
    expect_series(prometheus, "nsqd_topic_deferred_messages", *zip((1, 0, 0), topics))
    expect_series(prometheus, "nsqd_channel_depth", (4, orders), (0, odd))
    expect_series(prometheus, "nsqd_channel_in_flight_messages", (0, orders), (1, odd))
    expect_series(prometheus, "nsqd_channel_messages_timed_out_total", (1, orders), (0, odd))
    expect_series(prometheus, "nsqd_client_messages_published_total", (9, first), (0, odd_client), (0, unnamed))
    expect_series(prometheus, "nsqd_client_messages_finished_total", (0, first), (1, odd_client), (0, unnamed))
    expect_series(prometheus, "nsqd_client_info",
                  (1, {**first, "hostname": "host", "user_agent": "agent/1", "address": producer.address}),
                  (1, {**odd_client, **orders, "hostname": "bad \ufffd byte", "address": consumer.address}),
                  (1, {**unnamed, **odd, "hostname": "127.0.0.1", "address": other.address}))
    latencies = prometheus.series("nsqd_topic_e2e_processing_latency_seconds")
    expect("Prometheus: the percentiles", [dict(labels).get("quantile") for labels, _ in latencies
                                           if dict(labels)["topic"] == "orders"], ["0.5", "0.99", "1e-7"])
    check("Prometheus: a latency in seconds", "" if all(0 < float(value) < 60 for labels, value in latencies
                                                        if dict(labels)["topic"] == "orders") else latencies)
    ago = time.time() - float(prometheus.series("process_start_time_seconds")[0][1])
    check("Prometheus: the start of the process", "" if 0 <= ago < 120 else "%s seconds ago" % ago)
    resident = float(prometheus.series("process_resident_memory_bytes")[0][1])
    check("Prometheus: the memory of the process", "" if 1e6 < resident < 1e9 else "%s bytes" % resident)


def check_prometheus(options):
    with Server(options.server, options.logs / "metrics.log", *FLAGS) as server:
        clients = play(server)
        page = page_of(server)
        check("promtool: topics, channels and clients with odd names", promtool(options, page))
        with Prometheus(options, server) as prometheus:
            target = wait_until(prometheus.target, "a scrape")
            expect("Prometheus: the scrape", (target["health"], target["lastError"]), ("up", ""))
            kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.M))
            helps = dict(re.findall(r"^# HELP (\w+) (.*)$", page, re.M))
            metadata = prometheus.api("targets/metadata", match_target='{job="nsqd"}')
            expect("Prometheus: the types", {one["metric"]: one["type"] for one in metadata}, kinds)
            expect("Prometheus: the helps", {one["metric"]: one["help"] for one in metadata}, helps)
            samples = len([line for line in page.splitlines() if not line.startswith("#")])
            expect("Prometheus: the number of samples", prometheus.series("scrape_samples_scraped"), [([], str(samples))])
            expect_figures(prometheus, clients)
        check_end(server)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--logs", type=pathlib.Path, required=True)
    parser.add_argument("--server", type=pathlib.Path, required=True)
    parser.add_argument("--upstream", type=pathlib.Path, required=True)
    parser.add_argument("--promtool", default=shutil.which("promtool"))
    parser.add_argument("--prometheus", default=shutil.which("prometheus"))
    options = parser.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    check_pages(options)
    check_prometheus(options)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
