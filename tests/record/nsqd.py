"""The scenarios for nsqds, which are the clients of an nsqlookupd, as README.md describes them.

    nsqd.py FOLDER SCENARIO HOST PORT

FOLDER/nsqd is the program. It is told by HTTP what to make and to delete. Its ports are those that nsqd has by default,
because it tells them to nsqlookupd. It listens on an address that nothing else on this machine uses.
"""

import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HOST = "127.41.50.1"
TCP, HTTP = 4150, 4151
LIMIT = 35  # seconds: for a scenario
SHORT = 5  # seconds: for a step


def settle():
    time.sleep(0.4)


def run(program, folder, lookupd):
    """A new process of nsqd, which has registered itself."""
    nsqd = subprocess.Popen(
        [program, "--tcp-address=%s:%d" % (HOST, TCP), "--http-address=%s:%d" % (HOST, HTTP), "--https-address=%s:0" % HOST,
         "--lookupd-tcp-address=" + lookupd, "--broadcast-address=recorded", "--data-path=" + folder],
        stdin=subprocess.DEVNULL, stdout=sys.stderr)
    limit = time.monotonic() + SHORT
    while True:
        try:
            request("GET", "ping")
            break
        except urllib.error.URLError:
            if time.monotonic() > limit or nsqd.poll() is not None:
                stop(nsqd)
                sys.exit("nsqd does not listen")
            time.sleep(0.05)
    settle()
    return nsqd


def stop(nsqd):
    nsqd.terminate()
    try:
        nsqd.wait(SHORT)
    except subprocess.TimeoutExpired:
        nsqd.kill()
        nsqd.wait()


def request(method, target):
    url = "http://%s:%d/%s" % (HOST, HTTP, target.replace("#", "%23"))
    urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=SHORT).close()


def tell(action, *names):
    """For example the action "topic/create"."""
    request("POST", action + "?" + "&".join("%s=%s" % pair for pair in zip(("topic", "channel"), names)))
    settle()


def topic_and_channels(*channels):
    tell("topic/create", "topic")
    for channel in channels:
        tell("channel/create", "topic", channel)


def start(_):
    pass


def topic(_):
    topic_and_channels()


def channels(_):
    topic_and_channels("left", "right")


def delete(_):
    topic_and_channels("left", "right")
    for channel in "right", "left":
        tell("channel/delete", "topic", channel)
    tell("topic/delete", "topic")


def ephemeral(_):
    """A consumer comes and leaves. Another channel keeps the topic: nsqd would delete both, and tell it in any order."""
    tell("topic/create", "topic#ephemeral")
    tell("channel/create", "topic#ephemeral", "kept")
    with socket.create_connection((HOST, TCP), SHORT) as consumer:
        consumer.sendall(b"  V2SUB topic#ephemeral channel#ephemeral\n")
        consumer.recv(1)
        settle()
    settle()
    tell("topic/create", "other#ephemeral")
    tell("topic/delete", "other#ephemeral")


def ping(_):
    topic_and_channels("channel")
    time.sleep(15)  # nsqd sends a PING after every 15 s


def reconnect(_):
    """nsqd notices when it tells something. It connects again for its next PING."""
    topic_and_channels()
    print("restart", flush=True)
    sys.stdin.readline()  # when that is done
    tell("channel/create", "topic", "channel")
    time.sleep(15)


def again(start_again):
    """nsqd has written the topic into its folder. It would tell a channel and its topic in any order."""
    topic_and_channels()
    start_again()
    settle()


def main():
    folder, scenario, lookupd = pathlib.Path(sys.argv[1]), sys.argv[2], ":".join(sys.argv[3:])
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("the scenario takes too long"))
    signal.alarm(LIMIT)
    with tempfile.TemporaryDirectory() as data:
        nsqd = [run(folder / "nsqd", data, lookupd)]

        def start_again():
            stop(nsqd.pop())
            settle()
            nsqd.append(run(folder / "nsqd", data, lookupd))

        try:
            globals()[scenario](start_again)
        finally:
            for process in nsqd:
                stop(process)
    settle()


main()
