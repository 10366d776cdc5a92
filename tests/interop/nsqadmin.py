#!/usr/bin/env python3
"""Upstream's nsqadmin in a browser, with two servers: all its pages and actions must show the same.

    nsqadmin.py --logs DIR [--write] [--server NSQD,NSQLOOKUPD]... [--cluster NSQD,NSQLOOKUPD]...

A browser without a window (Chromium, driven by Selenium and chromedriver) opens each page and presses each button of an
nsqadmin that knows one nsqd; then of one that knows an nsqlookupd, with which three nsqds register. With --cluster it
does only the latter. At each step the visible text must be what nsqadmin-expected.txt says, and a picture is kept in the
logs folder. nsqadmin shows the nsqds of one machine in any order, so their lines are sorted. The last line counts the
steps, one for each step and pair of programs.
"""

import argparse
import concurrent.futures
import contextlib
import difflib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import time
import traceback

from selenium import webdriver
from selenium.webdriver.common.by import By

from servers import LISTENING, Nsqlookupd, Program, Server, end_all, path_of, run, wait_until

HERE = pathlib.Path(__file__).parent
EXPECTED = HERE / "nsqadmin-expected.txt"
END_OF_ONE = "the end"  # the last step of the nsqadmin that knows one nsqd
FLAGS = [  # the last two lines: no connection leaves the machine
    "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,800",
    "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--disable-component-update", "--disable-sync",
    "--disable-background-networking", "--disable-default-apps", "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


DRIVERS = set()  # the processes that run the browsers
BESIDE = 2  # pairs of programs at the same time; most of the time the browser waits

PAGE = ".container-fluid:not(.navbar .container-fluid)"  # what is below the bar with the names of the pages


def sort_runs(lines, belongs):
    """Sorts the lines in a row that belong together."""
    return [line for together, run in itertools.groupby(lines, belongs) for line in (sorted(run) if together else run)]


class Session:
    """What the browser sees of one server: `steps`, a list of (name of the step, [line])."""

    def __init__(self, browser, pictures, steps):
        self.browser, self.pictures, self.steps = browser, pictures, steps
        self.servers, self.base = [], ""
        self.question = None  # the first one, which is a step

    @property
    def server(self):
        return self.servers[0]

    def ready(self):
        """Whether the page and what it asked for have arrived."""
        return self.browser.execute_script(
            "return document.readyState === 'complete' && !window.leaving && !!window.jQuery && jQuery.active === 0"
            " && !document.querySelector('.bubblingG') && !document.querySelector('.modal')"
            " && document.querySelector('.container-fluid .row') !== null")

    def note(self, step):
        """Notes what the page shows when it no longer changes, and takes a picture."""
        wait_until(self.ready, "%s: the page" % step)
        shown = "\n".join(part.text for part in self.browser.find_elements(By.CSS_SELECTOR, PAGE))
        for row in [row.text for row in self.browser.find_elements(By.CSS_SELECTOR, PAGE + " tr")]:
            shown = shown.replace(row, row.replace("\n", " "))  # one line for each row of a table
        for server in self.servers:
            shown = server.mask(shown)
            for name, address in (("TCP", server.tcp), ("HTTP", server.http)):
                shown = re.sub(r"\b%s\b" % address.split(":")[1], name, shown)
        shown = re.sub(re.escape(socket.gethostname()) + r"(:\d+)?", "HOST", shown)
        shown = re.sub(r"\b[0-9.]+(ns|µs|us|ms|s|m|h)\b", "TIME", shown)
        shown = re.sub(r"(TIME)+", "TIME", shown)
        shown = re.sub(r"\b\d\d\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S*", "DATE", shown)
        lines = [line.rstrip() for line in shown.splitlines() if line.strip()]
        self.steps.append((step, sort_runs(lines, lambda line: "HOST" in line)))
        self.browser.save_screenshot(str(self.pictures / ("%02d-%s.png" % (len(self.steps), step.replace(" ", "-")))))

    def open(self, path, step):
        self.browser.get(self.base + path)
        self.note(step)

    def click(self, selector, step, confirm=True, reloads=True):
        """Presses a button and, if nsqadmin asks, OK; waits until the page is loaded again."""
        if reloads:
            self.browser.execute_script("window.leaving = true")
        self.browser.find_element(By.CSS_SELECTOR, selector).click()
        if confirm:
            def asked():  # the question slides in, then its button gets the focus; a press while it moves is lost
                return self.browser.execute_script(
                    "const button = document.querySelector('.bootbox .btn-primary');"
                    "return button === document.activeElement ? button : null")
            button = wait_until(asked, "%s: the question" % step)
            if not self.question:
                self.question = self.browser.find_element(By.CSS_SELECTOR, ".bootbox").text.splitlines()
                self.steps.append(("question", self.question))
            button.click()
        self.note(step)

    def post(self, path, body="", number=0):
        """A POST to one of the nsqds."""
        address = self.servers[number].http
        answer, errors, ended = run(["curl", "-sS", "-f", "-d", body, "http://%s%s" % (address, path)])
        if ended != "exit 0" or answer not in ("", "OK"):
            raise RuntimeError("POST %s: %s %s" % (path, answer, errors))

    def mail(self):
        """What /stats says of the channel mail."""
        answer = json_of(self.server.http, "/stats?format=json&channel=mail")
        return [topic for topic in answer["topics"] if topic["channels"]][0]["channels"][0]

    def note_state(self, step):
        """Notes what the nsqds say, in place of a page."""
        def state(server):
            for topic in json_of(server.http, "/stats?format=json")["topics"]:
                for thing in [topic, *topic["channels"]]:
                    name = " ".join(thing[key] for key in ("topic_name", "channel_name") if key in thing)
                    yield name + (", paused" if thing["paused"] else "") + ", depth %d" % thing["depth"]
        self.steps.append((step, ["nsqd %d: %s" % (number, line) for number, server in enumerate(self.servers)
                                  for line in state(server)]))


def json_of(address, path):
    return json.loads(run(["curl", "-sS", "http://%s%s" % (address, path)])[0])


def with_nsqd(session, consumer):
    """The pages and actions of an nsqadmin that knows one nsqd."""
    session.open("/", "streams")
    session.open("/topics/orders", "topic")
    session.open("/topics/orders/mail", "channel")
    session.open("/topics/orders/archive", "channel without consumers")
    session.open("/nodes", "nodes")
    session.open("/nodes/" + session.server.http, "node")
    session.open("/counter", "counter")
    session.open("/lookup", "lookup")
    session.open("/topics/unknown", "a topic that is not there")
    session.open("/topics/orders/unknown", "a channel that is not there")
    session.open("/nodes/127.0.0.1:1", "a node that is not there")

    session.open("/topics/orders/archive", "before the actions on a channel")
    for action in ("pause", "unpause", "empty"):
        session.click(".channel-actions [data-action=%s]" % action, action + " a channel")
    session.click(".channel-actions [data-action=delete]", "delete a channel")
    session.click(".topic-actions [data-action=pause]", "pause a topic")
    session.post("/mpub?topic=orders", "kept\nback")
    session.open("/topics/orders", "a paused topic with messages")
    session.click(".topic-actions [data-action=empty]", "empty a topic")
    session.click(".topic-actions [data-action=unpause]", "unpause a topic")
    session.click(".topic-actions [data-action=delete]", "delete a topic")
    session.open("/nodes/" + session.server.http, "the node at the end")
    consumer.stop()


def with_lookupd(session, lookupd):
    """A cluster of three nsqds; and what nsqadmin offers only with an nsqlookupd: to create, and to tombstone."""
    def producers(topic):
        return len(json_of(lookupd.http, "/lookup?topic=" + topic).get("producers", []))

    def create(topic, channel):
        for name, value in (("topic", topic), ("channel", channel)):
            session.browser.find_element(By.CSS_SELECTOR, ".hierarchy [name=%s]" % name).send_keys(value)
        session.click(".hierarchy button", "create %s" % " ".join([topic, channel]).strip(), confirm=False)

    session.post("/topic/create?topic=orders")
    session.post("/channel/create?topic=orders&channel=mail")
    wait_until(lambda: json_of(lookupd.http, "/channels?topic=orders")["channels"] == ["mail"], "the channel is known")
    session.post("/topic/create?topic=orders", number=1)  # with the channel mail
    session.post("/topic/create?topic=news", number=2)
    wait_until(lambda: producers("orders") == 2 and producers("news") == 1, "all are registered")
    session.post("/mpub?topic=orders", "1\n2\n3")
    session.post("/mpub?topic=orders", "4\n5", number=1)
    session.open("/", "streams by nsqlookupd")
    session.open("/nodes", "nodes by nsqlookupd")
    session.open("/topics/orders", "a topic on two nodes")
    session.open("/topics/orders/mail", "a channel on two nodes")
    session.open("/nodes/" + session.servers[1].http, "one of three nodes")
    session.open("/counter", "counter of three nodes")
    session.open("/topics/orders/mail", "before the actions on two nodes")
    session.click(".channel-actions [data-action=pause]", "pause on two nodes")
    session.note_state("paused on two nodes")
    session.click(".channel-actions [data-action=empty]", "empty on two nodes")
    session.note_state("emptied on two nodes")

    session.open("/lookup", "lookup with nsqlookupd")
    create("orders", "created")  # nsqadmin also creates it on the nsqds that have the topic
    session.note_state("created on two nodes")
    session.open("/topics/orders", "the created channel")
    session.open("/lookup", "lookup again")
    create("planned", "")  # no nsqd has this topic
    session.click(".delete-topic-link[data-topic=planned]", "delete what is inactive", confirm=False)
    session.open("/topics/news", "before the tombstone of the only node")
    session.click(".tombstone-link", "tombstone the only node")
    session.open("/topics/orders", "before the tombstone")
    session.click(".tombstone-link[data-node='%s']" % session.server.http, "tombstone")
    wait_until(lambda: producers("orders") == 1, "the topic is deleted there")
    session.open("/nodes", "nodes with a tombstone")
    session.open("/topics/orders", "the topic with a tombstone")
    session.note_state("after the tombstone")
    session.click(".topic-actions [data-action=delete]", "delete a topic of a cluster")
    session.open("/nodes", "nodes without topics")
    session.note_state("after the deletion")
    session.open("/lookup", "lookup at the end")


PERCENTILES = ["--e2e-processing-latency-percentile=0.99", "--e2e-processing-latency-percentile=0.5",
               "--e2e-processing-latency-window-time=10m"]


@contextlib.contextmanager
def nsqadmin(session, *flags):
    """Runs it, and lets the browser open its pages."""
    command = [path_of("nsqadmin"), "--http-address=127.0.0.1:0", *flags]
    with Program(command, session.pictures / "nsqadmin.log") as admin:
        session.base = "http://" + admin.wait_for(r"HTTP: " + LISTENING)
        yield


def play_one(session, nsqd):
    """Plays everything with one nsqd; session.steps has what was seen."""
    with Server(nsqd, session.pictures / "nsqd.log", *PERCENTILES) as server:
        session.servers = [server]
        session.post("/topic/create?topic=orders")
        session.post("/channel/create?topic=orders&channel=archive")
        session.post("/topic/create?topic=an.idle_topic-1%23ephemeral")
        with Program([path_of("nsq_tail"), "--topic", "orders", "--channel", "mail", "--nsqd-tcp-address",
                      server.tcp, "--consumer-opt", "client_id,tail"], session.pictures / "nsq_tail.log") as consumer:
            consumer.wait_for(r"(connecting to nsqd)")
            session.post("/mpub?topic=orders", "\n".join("order %d" % n for n in range(1234)))
            consumer.wait_for(r"(order 1233)\n")
            wait_until(lambda: session.mail()["in_flight_count"] == 0, "all finished")
            with nsqadmin(session, "--nsqd-http-address", server.http):
                with_nsqd(session, consumer)
        session.steps.append((END_OF_ONE, ["nsqd after SIGTERM: " + server.stop()]))


def play_cluster(session, nsqd, nsqlookupd):
    """The same with a cluster."""
    with contextlib.ExitStack() as cluster:
        lookupd = cluster.enter_context(Nsqlookupd(nsqlookupd, session.pictures / "nsqlookupd.log"))
        session.servers = [
            cluster.enter_context(Server(nsqd, session.pictures / ("nsqd-%d.log" % n),
                                         "--lookupd-tcp-address=" + lookupd.tcp, *PERCENTILES,
                                         host="127.0.0.%d" % (n + 1))) for n in range(3)]
        wait_until(lambda: len(json_of(lookupd.http, "/nodes")["producers"]) == 3, "three nsqds are registered")
        cluster.enter_context(nsqadmin(session, "--lookupd-http-address", lookupd.http))
        with_lookupd(session, lookupd)
        session.steps.append(("the end of the cluster", ["nsqd after SIGTERM: " + server.stop()
                                                         for server in session.servers]
                              + ["nsqlookupd after SIGTERM: " + lookupd.stop()]))


@contextlib.contextmanager
def browser():
    chrome = webdriver.ChromeOptions()
    for flag in FLAGS:
        chrome.add_argument(flag)
    if os.geteuid() == 0:
        chrome.add_argument("--no-sandbox")  # Chromium's sandbox does not work for root
    chrome.binary_location = shutil.which("chromium")
    service = webdriver.ChromeService(shutil.which("chromedriver"), popen_kw={"start_new_session": True})
    started = webdriver.Chrome(chrome, service)
    DRIVERS.add(service.process)
    try:
        started.set_page_load_timeout(20)
        started.set_script_timeout(20)
        yield started
    finally:
        started.quit()
        DRIVERS.discard(service.process)


def end_browsers(*_):
    """What SIGTERM does: the browsers end, each with all its processes, and the servers."""
    for process in list(DRIVERS):
        os.killpg(process.pid, signal.SIGKILL)
    end_all()


def play(pair, cluster_only, pictures):
    """Plays everything with a pair of programs. Returns the steps that were seen, and how many seconds that took."""
    nsqd, nsqlookupd = pair.split(",")
    pictures.mkdir(parents=True, exist_ok=True)
    for old in pictures.glob("*.png"):
        old.unlink()
    start = time.monotonic()
    steps = []
    try:
        with browser() as started:
            session = Session(started, pictures, steps)
            if not cluster_only:
                play_one(session, nsqd)
            session.question = session.question or "a step of one nsqd"
            play_cluster(session, nsqd, nsqlookupd)
    except Exception as reason:  # whatever it is, it is a difference
        lines = [frame.lineno for frame in traceback.extract_tb(reason.__traceback__) if frame.filename == __file__]
        steps.append(("failed", ["%s %s, at the lines %s" % (type(reason).__name__, str(reason).splitlines()[0], lines)]))
    return steps, time.monotonic() - start


def read_expected():
    """Returns {step: [line]}."""
    name, steps = "", {}
    for line in EXPECTED.read_text().splitlines():
        if line and not line.startswith("#"):
            if line.startswith("    "):
                steps[name].append(line[4:])
            else:
                name = line.rstrip(":")
                steps[name] = []
    return steps


def write_expected(steps):
    head = [line for line in EXPECTED.read_text().splitlines() if line.startswith("#")]
    blocks = ["%s:\n%s" % (name, "\n".join("    " + line for line in lines)) for name, lines in steps]
    EXPECTED.write_text("\n\n".join(["\n".join(head), *blocks]) + "\n")


def differences(expected, said):
    for name in dict.fromkeys([*expected, *said]):
        if name not in said:
            yield "    %s: it did not come to this" % name
        elif said[name] != expected.get(name):
            yield "    %s:" % name
            lines = difflib.unified_diff(expected.get(name, []), said[name], "expected", "seen", lineterm="")
            yield from ["        " + line for line in lines][:30]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--logs", type=pathlib.Path, required=True)
    options.add_argument("--write", action="store_true", help="write what the first server showed as expected")
    options.add_argument("--server", action="append", default=[], help="a pair of programs")
    options.add_argument("--cluster", action="append", default=[], help="the same, only for the cluster")
    options = options.parse_args()
    os.environ["SE_AVOID_STATS"] = "true"
    signal.signal(signal.SIGTERM, end_browsers)

    pairs = [(pair, False) for pair in options.server] + [(pair, True) for pair in options.cluster]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(BESIDE) as pool:
        jobs = [pool.submit(play, *pair, options.logs / ("nsqadmin-%d" % number)) for number, pair in enumerate(pairs)]
        for (pair, cluster_only), job in zip(pairs, jobs):
            steps, seconds = job.result()
            if options.write and job is jobs[0]:
                write_expected(steps)
            expected = read_expected()
            if cluster_only:
                of_one = list(expected).index(END_OF_ONE) + 1
                expected = dict(list(expected.items())[of_one:])
            said = dict(steps)
            good = sum(said.get(name) == lines for name, lines in expected.items())
            count = len({**expected, **said})
            passed, failed = passed + good, failed + count - good
            print("%s%s: %d of %d steps as expected (%.1f s)" % (pair, ", cluster" * cluster_only, good, count, seconds))
            for line in differences(expected, said):
                print(line)
            sys.stdout.flush()
    print("the pictures are in %s" % (options.logs / "nsqadmin-*"))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
