"""The scenes: what must be seen of a cluster, whichever nsqd and whichever nsqlookupd it is made of. Each scene gets a
Cluster, and fails with an exception."""

import json
import re
import signal
import time

from cluster import LIMIT, Failed
from servers import Client

SCENES = {}
PROMISES = []  # scenes that measure short times: nothing else may run beside them


def scene(function):
    SCENES[function.__name__.replace("_", "-")] = function
    return function


def promise(function):
    PROMISES.append(function.__name__.replace("_", "-"))
    return scene(function)


# --- what is seen within 100 ms ---------------------------------------------------------------------------------------

# Neither nsqd promises a time. But the tests of clients (gnsq's, for one) change something, wait 100 ms and ask, because
# upstream's programs tell a change at once: it is seen after a millisecond. So most changes must be seen within 100 ms.

@promise
def registered_within_100_ms(c):
    lookupd = c.nsqlookupd("L")
    a = c.nsqd("A", lookupd)
    c.becomes(lookupd.nodes, "A()")
    c.is_seen_soon(lambda n: a.topic("t%d" % n), lambda n: lookupd.producers("t%d" % n), lambda n: "A []")
    c.is_seen_soon(lambda n: a.channel("t0", "c%d" % n), lambda n: "c%d" % n in lookupd.channels("t0"), lambda n: True)
    c.is_seen_soon(lambda n: a.publish("p%d" % n, "x"), lambda n: lookupd.producers("p%d" % n), lambda n: "A []")
    subscriber = []

    def subscribe(n):
        subscriber.append(Client(a))
        subscriber[-1].do("SUB s%d c" % n)
    c.is_seen_soon(subscribe, lambda n: lookupd.producers("s%d" % n), lambda n: "A [c]")
    c.is_seen_soon(lambda n: a.post("/channel/delete?topic=s%d&channel=c" % n), lambda n: lookupd.producers("s%d" % n),
                   lambda n: "A [c]")
    c.is_seen_soon(lambda n: a.post("/topic/delete?topic=p%d" % n), lambda n: lookupd.producers("p%d" % n),
                   lambda n: "[]")


@promise
def nodes_within_100_ms(c):
    """As the tests of clients do it: start an nsqd, read from its log that it listens, wait 100 ms, ask."""
    lookupd = c.nsqlookupd("L")
    a = c.nsqd("A", lookupd, start=False)

    def stop():
        time.sleep(0.2)  # upstream's nsqd handles SIGTERM only some time after it listens
        a.stop()

    def begin(topics):
        if a.starts:
            a.kill()
            c.becomes(lookupd.nodes, "")
        a.come_back(topics)
    c.is_seen_soon(lambda n: begin({}), lambda n: lookupd.nodes(), lambda n: "A()")
    a.topic("orders")
    c.becomes(lookupd.nodes, "A(orders)")
    stop()  # so that upstream's nsqd has it on disk
    c.is_seen_soon(lambda n: begin({"orders": []}), lambda n: lookupd.nodes(), lambda n: "A(orders)")

    def end(n):
        if n:
            a.come_back({"orders": []})
            c.becomes(lookupd.nodes, "A(orders)")
        stop()
    c.is_seen_soon(end, lambda n: lookupd.nodes(), lambda n: "")


# --- what registers and what is forgotten -----------------------------------------------------------------------------

@scene
def answers(c):
    """The answers of nsqlookupd about one nsqd, with their keys in order."""
    lookupd = c.nsqlookupd("L")
    a = c.nsqd("A", lookupd)
    a.channel_of_new_topic("orders", "mail")
    c.becomes(lambda: lookupd.producers("orders"), "A [mail]")

    def shown(path):
        text = lookupd.ask(path)[1].replace(str(a.tcp_port), "TCP").replace(str(a.http_port), "HTTP")
        text = re.sub(r'("remote_address":"127.0.0.1:)\d+', r"\1PORT", text)
        return re.sub(r'("hostname":")[^"]+', r"\1HOST", text)
    producer = ('{"remote_address":"127.0.0.1:PORT","hostname":"HOST","broadcast_address":"127.0.0.1","tcp_port":TCP,'
                '"http_port":HTTP,"version":"1.3.0"')
    c.is_now(lambda: shown("/lookup?topic=orders"), '{"channels":["mail"],"producers":[%s}]}' % producer)
    c.is_now(lambda: shown("/nodes"), '{"producers":[%s,"tombstones":[false],"topics":["orders"]}]}' % producer)
    c.is_now(lambda: shown("/topics"), '{"topics":["orders"]}')
    c.is_now(lambda: shown("/channels?topic=orders"), '{"channels":["mail"]}')
    c.is_now(lambda: shown("/channels?topic=other"), '{"channels":[]}')
    c.is_now(lambda: shown("/lookup?topic=other"), '{"message":"TOPIC_NOT_FOUND"}')
    c.is_now(lambda: sorted(lookupd.json("/debug")),
             ["channel:orders:mail", "client::", "topic:orders:"])


@scene
def broadcast_flags(c):
    """What --broadcast-* say is what is registered."""
    lookupd = c.nsqlookupd("L")
    c.nsqd("A", lookupd, flags=["--broadcast-address=nsqd.example", "--broadcast-tcp-port=5150",
                                "--broadcast-http-port=5151"])
    c.becomes(lambda: [(p["broadcast_address"], p["tcp_port"], p["http_port"])
                       for p in lookupd.json("/nodes")["producers"]], [("nsqd.example", 5150, 5151)])


@scene
def channel_after_topic(c):
    """A topic, then channels; deleted, and created anew."""
    lookupd = c.nsqlookupd("L")
    a, b = c.nsqd("A", lookupd), c.nsqd("B", lookupd)
    c.becomes(lookupd.nodes, "A() B()")
    orders = lambda: lookupd.producers("orders")
    a.topic("orders")
    c.becomes(orders, "A []")
    a.channel("orders", "mail")
    c.becomes(orders, "A [mail]")
    b.channel_of_new_topic("orders", "archive")  # it takes over the channel mail
    c.becomes(orders, "A B [archive mail]")
    c.becomes(lambda: b.channels("orders"), "archive 0 mail 0")
    # The channels of a topic are kept when their last producer leaves.
    b.post("/channel/delete?topic=orders&channel=archive")
    c.becomes(lambda: sorted(key for key, of in lookupd.json("/debug").items() if of and key.startswith("channel")),
              ["channel:orders:mail"])
    c.is_now(orders, "A B [archive mail]")
    a.post("/topic/delete?topic=orders")
    c.becomes(orders, "B [archive mail]")
    b.post("/topic/delete?topic=orders")
    c.becomes(orders, "[archive mail]")
    c.is_now(lookupd.topics, "orders")
    c.is_now(lookupd.nodes, "A() B()")
    lookupd.post("/topic/delete?topic=orders")
    c.is_now(orders, "404 TOPIC_NOT_FOUND")
    a.topic("orders")
    c.becomes(orders, "A []")


@scene
def unregister_at_stop(c):
    """An nsqd that stops, and one that is killed."""
    lookupd = c.nsqlookupd("L")
    a, b, d = (c.nsqd(name, lookupd) for name in "ABD")
    for nsqd in a, b, d:
        nsqd.channel_of_new_topic("orders", "mail")
    c.becomes(lambda: lookupd.producers("orders"), "A B D [mail]")
    a.stop()
    c.becomes(lambda: lookupd.producers("orders"), "B D [mail]", 5)
    c.is_now(lookupd.nodes, "B(orders) D(orders)")
    b.kill()
    c.becomes(lambda: lookupd.producers("orders"), "D [mail]", 5)
    d.stop()
    c.becomes(lambda: lookupd.producers("orders"), "[mail]", 5)
    c.is_now(lookupd.nodes, "")
    c.is_now(lookupd.topics, "orders")


@scene
def ephemeral(c):
    """#ephemeral topics and channels leave nothing behind when they are deleted; other nsqds do not create them."""
    lookupd = c.nsqlookupd("L")
    a = c.nsqd("A", lookupd)
    a.topic("orders")
    watcher = Client(a)
    watcher.do("SUB orders watch#ephemeral")
    c.becomes(lambda: lookupd.producers("orders"), "A [watch#ephemeral]")
    b = c.nsqd("B", lookupd)
    c.becomes(lookupd.nodes, "A(orders) B()")
    b.publish("orders", "x")
    c.becomes(lambda: lookupd.producers("orders"), "A B [watch#ephemeral]")
    c.stays(lambda: b.channels("orders"), "", 0.3)
    watcher.socket.close()
    c.becomes(lambda: lookupd.producers("orders"), "A B []")

    news = Client(a)
    news.do("SUB news#ephemeral now#ephemeral")
    c.becomes(lambda: lookupd.producers("news#ephemeral"), "A [now#ephemeral]")
    news.socket.close()
    c.becomes(lambda: lookupd.producers("news#ephemeral"), "404 TOPIC_NOT_FOUND")
    a.topic("gone#ephemeral")
    c.becomes(lambda: lookupd.producers("gone#ephemeral"), "A []")
    a.stop()
    c.becomes(lambda: lookupd.producers("gone#ephemeral"), "[]")


# --- restarts ---------------------------------------------------------------------------------------------------------

@scene
def restart_of_nsqd(c):
    """After a restart an nsqd registers what it has on disk, without a publish, and what is paused too."""
    lookupd = c.nsqlookupd("L")
    a = c.nsqd("A", lookupd)
    a.channel_of_new_topic("orders", "mail")
    a.topic("empty")
    a.topic("lost#ephemeral")
    a.post("/topic/pause?topic=empty")
    c.becomes(lookupd.nodes, "A(empty lost#ephemeral orders)")
    a.stop()
    c.becomes(lookupd.nodes, "")
    lookupd.post("/topic/delete?topic=orders")
    c.is_now(lambda: lookupd.producers("orders"), "404 TOPIC_NOT_FOUND")
    a.come_back({"orders": ["mail"], "empty": []})
    c.becomes(lookupd.nodes, "A(empty orders)", 5)
    c.becomes(lambda: lookupd.producers("orders"), "A [mail]", 5)
    c.becomes(lambda: lookupd.producers("empty"), "A []", 5)
    # Killed: nsqd.dat was written when the topic was created.
    a.kill()
    c.becomes(lookupd.nodes, "")
    a.come_back({"orders": ["mail"], "empty": []})
    c.becomes(lookupd.nodes, "A(empty orders)", 5)


@scene
def restart_of_nsqlookupd(c):
    """It knows nothing after a restart. The nsqds register all again without a publish: upstream's at its second PING,
    because it notices by the first that the connection has ended."""
    lookupd = c.nsqlookupd("L")
    a, b = c.nsqd("A", lookupd), c.nsqd("B", lookupd)
    a.channel_of_new_topic("orders", "mail")
    b.topic("news")
    c.becomes(lookupd.nodes, "A(orders) B(news)")
    c.becomes(lambda: lookupd.producers("orders"), "A [mail]")
    lookupd.kill()
    lookupd.start()
    c.becomes(lookupd.nodes, "A(orders) B(news)")
    c.becomes(lambda: lookupd.producers("orders"), "A [mail]")


@scene
def restart_and_commands(c):
    """Changes on the nsqd make it register all again at once. Upstream's nsqd needs two: it notices by the first."""
    lookupd = c.nsqlookupd("L")
    a = c.nsqd("A", lookupd)
    a.channel_of_new_topic("orders", "mail")
    c.becomes(lambda: lookupd.producers("orders"), "A [mail]")
    lookupd.stop()
    lookupd.start()
    a.topic("first")
    a.topic("second")
    c.becomes(lookupd.nodes, "A(first orders second)", 5)
    c.is_now(lambda: lookupd.producers("orders"), "A [mail]")
    # While no nsqlookupd listens, topics are created and deleted all the same.
    lookupd.stop()
    a.topic("third")
    a.post("/topic/delete?topic=first")
    a.publish("third", "x")
    lookupd.start()
    a.topic("fourth")
    a.topic("fifth")
    c.becomes(lookupd.nodes, "A(fifth fourth orders second third)", 5)
    c.is_now(lambda: lookupd.producers("first"), "404 TOPIC_NOT_FOUND")


# --- tombstones and inactivity ----------------------------------------------------------------------------------------

@scene
def tombstone(c):
    """A tombstone hides a producer of a topic from /lookup, until the topic is registered anew."""
    lookupd = c.nsqlookupd("L")
    a, b = c.nsqd("A", lookupd), c.nsqd("B", lookupd)
    for nsqd in a, b:
        nsqd.channel_of_new_topic("orders", "mail")
        nsqd.topic("news")
    c.becomes(lookupd.nodes, "A(news orders) B(news orders)")
    lookupd.post("/topic/tombstone?topic=orders&node=" + a.http)
    c.is_now(lambda: lookupd.producers("orders"), "B [mail]")
    c.is_now(lambda: lookupd.producers("news"), "A B []")
    c.is_now(lookupd.nodes, "A(-orders news) B(news orders)")
    # What only registers again does not clear it: a new channel registers its topic too.
    a.channel("orders", "archive")
    c.becomes(lambda: lookupd.channels("orders"), "archive mail")
    c.is_now(lambda: lookupd.producers("orders"), "B [archive mail]")
    # nsqadmin tombstones, then deletes the topic on the nsqd; a later publish brings it back.
    a.post("/topic/delete?topic=orders")
    c.becomes(lookupd.nodes, "A(news) B(news orders)")
    a.publish("orders", "x")
    c.becomes(lambda: lookupd.producers("orders"), "A B [archive mail]")
    c.is_now(lookupd.nodes, "A(news orders) B(news orders)")
    # A restart clears it too.
    lookupd.post("/topic/tombstone?topic=news&node=" + b.http)
    c.is_now(lambda: lookupd.producers("news"), "A []")
    b.stop()
    b.come_back({"orders": ["mail"], "news": []})
    c.becomes(lambda: lookupd.producers("news"), "A B []", 5)
    # A node that is not there is no error.
    lookupd.post("/topic/tombstone?topic=news&node=127.0.0.1:1")
    c.is_now(lambda: lookupd.producers("news"), "A B []")


@scene
def tombstone_lifetime(c):
    """A tombstone ends by itself."""
    lookupd = c.nsqlookupd("L", "--tombstone-lifetime=2s")
    a = c.nsqd("A", lookupd)
    a.topic("orders")
    c.becomes(lookupd.nodes, "A(orders)")
    start = time.monotonic()
    lookupd.post("/topic/tombstone?topic=orders&node=" + a.http)
    c.is_now(lambda: lookupd.producers("orders"), "[]")
    c.becomes(lambda: lookupd.producers("orders"), "A []")
    if time.monotonic() < start + 2:
        raise Failed("the tombstone ended too early")
    c.is_now(lookupd.nodes, "A(orders)")


@scene
def inactive(c):
    """An nsqd that was not heard of is hidden; its next PING shows it again."""
    lookupd = c.nsqlookupd("L", "--inactive-producer-timeout=3s")
    a = c.nsqd("A", lookupd)
    a.topic("orders")
    c.becomes(lookupd.nodes, "A(orders)")
    c.becomes(lookupd.nodes, "", 10)
    c.is_now(lambda: lookupd.producers("orders"), "[]")
    a.topic("news")  # to register is not to be active
    c.becomes(lookupd.topics, "news orders")
    c.is_now(lookupd.nodes, "")
    c.becomes(lookupd.nodes, "A(news orders)")
    c.is_now(lambda: lookupd.producers("news"), "A []")


# --- several nsqlookupds ----------------------------------------------------------------------------------------------

@scene
def one_of_two_is_dead(c):
    """One refuses connections: the other has everything. When it is started it gets everything too."""
    late = c.nsqlookupd("M", start=False)
    lookupd = c.nsqlookupd("L")
    nsqds = [c.nsqd("A", lookupd, late), c.nsqd("B", late, lookupd)]
    for nsqd in nsqds:
        nsqd.channel_of_new_topic("orders", "mail")
    c.becomes(lambda: lookupd.producers("orders"), "A B [mail]", 10)
    c.becomes(lookupd.nodes, "A(orders) B(orders)")
    late.start()
    c.becomes(late.nodes, "A(orders) B(orders)")
    c.becomes(lambda: late.producers("orders"), "A B [mail]")
    # Now the other one is dead.
    lookupd.stop()
    nsqds[1].topic("news")
    c.becomes(lambda: late.producers("news"), "B []", 10)
    nsqds[0].stop()
    c.becomes(late.nodes, "B(news orders)", 10)


@scene
def one_of_three_is_silent(c):
    """One accepts connections and says nothing, one refuses them: the third has everything."""
    lookupd = c.nsqlookupd("L")
    a = c.nsqd("A", c.silent(), c.refusing(), lookupd)
    c.becomes(lookupd.nodes, "A()")
    a.channel_of_new_topic("orders", "mail")
    c.becomes(lambda: lookupd.producers("orders"), "A [mail]")
    a.post("/channel/delete?topic=orders&channel=mail")
    a.post("/topic/delete?topic=orders")
    c.becomes(lookupd.nodes, "A()")


@scene
def changed_list(c):
    """PUT /config/nsqlookupd_tcp_addresses: those that are new get all, those that are left out lose it."""
    first, second, third = (c.nsqlookupd(name) for name in "LMN")
    a = c.nsqd("A", first, second)
    a.topic("orders")
    c.becomes(first.nodes, "A(orders)")
    c.becomes(second.nodes, "A(orders)")
    a.post("/config/nsqlookupd_tcp_addresses", json.dumps([second.tcp, third.tcp]), "PUT")
    c.becomes(third.nodes, "A(orders)", 5)
    c.becomes(first.nodes, "", 5)
    c.is_now(second.nodes, "A(orders)")
    a.topic("news")
    c.becomes(third.nodes, "A(news orders)", 5)
    c.becomes(second.nodes, "A(news orders)", 5)
    a.post("/config/nsqlookupd_tcp_addresses", "[]", "PUT")
    c.becomes(third.nodes, "", 5)
    c.becomes(second.nodes, "", 5)
    c.is_now(lambda: third.producers("orders"), "[]")


@scene
def channels_before_messages(c):
    """A new topic gets the channels that the nsqlookupds know before its first message flows."""
    lookupds = [c.nsqlookupd("L"), c.nsqlookupd("M")]
    a, b = c.nsqd("A", lookupds[0]), c.nsqd("B", lookupds[1])
    d = c.nsqd("D", c.refusing(), *lookupds)
    a.channel_of_new_topic("orders", "mail")
    b.channel_of_new_topic("orders", "archive")
    b.channel("orders", "mail")
    c.becomes(lambda: lookupds[0].producers("orders"), "A [mail]")
    c.becomes(lambda: lookupds[1].producers("orders"), "B [archive mail]")
    c.becomes(lookupds[0].nodes, "A(orders) D()")
    c.becomes(lookupds[1].nodes, "B(orders) D()")
    d.publish("orders", "first")
    c.becomes(lambda: d.channels("orders"), "archive 1 mail 1", 10)
    for lookupd in lookupds:  # D has registered them in turn
        c.becomes(lambda: lookupd.channels("orders"), "archive mail")
    # A consumer that comes first, and finds another channel.
    a.channel_of_new_topic("news", "web")
    c.becomes(lambda: lookupds[0].producers("news"), "A [web]")
    reader = Client(d)
    reader.do("SUB news own")
    d.publish("news", "x")
    c.becomes(lambda: d.channels("news"), "own 1 web 1", 10)


# --- how existing programs drive a cluster ----------------------------------------------------------------------------

@scene
def three_by_three(c):
    """As the tests of segmentio/nsq-go: three nsqds know three nsqlookupds. Host names with ports in
    --broadcast-address, and flags with one hyphen."""
    lookupds = []
    for name in "LMN":
        lookupds.append(c.nsqlookupd(name, start=False))
        lookupds[-1].command += ["-broadcast-address", "localhost:%d" % lookupds[-1].tcp_port]
        lookupds[-1].start()
    nsqds = []
    for name in "ABD":
        nsqds.append(c.nsqd(name, start=False))
        nsqds[-1].command += ["-broadcast-address", "localhost:%d" % nsqds[-1].tcp_port]
        for lookupd in lookupds:
            nsqds[-1].command += ["-lookupd-tcp-address", "localhost:%d" % lookupd.tcp_port]
        nsqds[-1].start()
    for nsqd in nsqds:
        nsqd.topic("test-lookup")
    for lookupd in lookupds:
        c.becomes(lambda: lookupd.producers("test-lookup"), "A B D []", 10)
        c.is_now(lambda: sorted(p["broadcast_address"] for p in lookupd.json("/lookup?topic=test-lookup")["producers"]),
                 sorted("localhost:%d" % nsqd.tcp_port for nsqd in nsqds))
    # Such a name with the port of HTTP behind it is also how a node is tombstoned.
    node = "localhost:%d:%d" % (nsqds[0].tcp_port, nsqds[0].http_port)
    lookupds[0].post("/topic/tombstone?topic=test-lookup&node=" + node)
    c.is_now(lambda: lookupds[0].producers("test-lookup"), "B D []")
    c.is_now(lambda: lookupds[1].producers("test-lookup"), "A B D []")
    # Messages published in turn, consumed from all that are looked up.
    for number in range(30):
        nsqds[number % 3].publish("buckets", str(number))
    c.becomes(lambda: lookupds[2].producers("buckets"), "A B D []", 10)
    got = []
    for nsqd in nsqds:
        consumer = Client(nsqd)
        consumer.do("SUB buckets c")
        consumer.send("RDY 100")
        got += [int(consumer.frame()[1][26:]) for _ in range(10)]
    c.is_now(lambda: sorted(got), list(range(30)))
    for nsqd in nsqds:
        nsqd.post("/topic/delete?topic=test-lookup")
    for lookupd in lookupds:
        c.becomes(lambda: lookupd.producers("test-lookup"), "[]", 10)


@scene
def started_side_by_side(c):
    """As nsq-cluster, which the tests of nsq-ruby use: all programs at once, so that an nsqd may find no nsqlookupd.
    Then any nsqd is stopped and started, and consumers look up again."""
    lookupds = [c.nsqlookupd(name, start=False) for name in "LM"]
    nsqds = [c.nsqd(name, *lookupds, start=False, flags=["--worker-id=%d" % (number % 2)])
             for number, name in enumerate("ABD")]
    for node in [*nsqds, *lookupds]:
        node.start()
    for nsqd in nsqds:
        nsqd.publish("some-topic", "first")
        nsqd.publish("other-topic", "second")
    for lookupd in lookupds:
        c.becomes(lambda: lookupd.producers("some-topic"), "A B D []")
        c.is_now(lambda: lookupd.ask("/lookup?topic=some-topic&ts=1700000000")[0], 200)
    nsqds[0].stop()
    for lookupd in lookupds:
        c.becomes(lambda: lookupd.producers("some-topic"), "B D []", 5)
    nsqds[0].come_back({"some-topic": [], "other-topic": []})
    for lookupd in lookupds:
        c.becomes(lambda: lookupd.producers("some-topic"), "A B D []", 5)


# --- clients that discover --------------------------------------------------------------------------------------------

def discover(c, *names):
    """A consumer of each of these libraries finds the nsqds through two nsqlookupds, of which one is dead. Each gets every
    message once, from nsqds that come, leave and return."""
    dead = c.refusing()
    lookupd = c.nsqlookupd("L")
    a, b = (c.nsqd(name, lookupd, dead) for name in "AB")
    a.topic("orders")
    c.becomes(lookupd.nodes, "A(orders) B()")
    consumers = {}
    for name in names:
        job = {"Lookups": [dead, lookupd.http], "Topic": "orders", "Channel": name}
        consumers[name] = c.program("client-" + name, [*c.clients[name], json.dumps(job)])
    channels = " ".join(sorted(consumers))

    def got():
        return {name: " ".join(sorted(re.findall(r"^got (\S+)$", consumer.said(), re.MULTILINE)))
                for name, consumer in consumers.items()}

    def all_get(nsqd, body, *before):
        nsqd.publish("orders", body)
        c.becomes(got, dict.fromkeys(consumers, " ".join(sorted([*before, body]))), 2 * LIMIT)

    c.becomes(lambda: lookupd.producers("orders"), "A [%s]" % channels, 2 * LIMIT)
    all_get(a, "a1")
    all_get(b, "b1", "a1")  # B has its channels from the nsqlookupd
    a.stop()
    a.come_back({"orders": sorted(consumers)})
    all_get(a, "a2", "a1", "b1")
    lookupd.stop()
    all_get(b, "b2", "a1", "a2", "b1")  # connections are kept without an nsqlookupd
    lookupd.start()
    d = c.nsqd("D", dead, lookupd)
    for nsqd in a, b:
        for topic in "first", "second":  # as in restart_and_commands
            nsqd.topic(topic)
    c.becomes(lambda: lookupd.producers("orders"), "A B [%s]" % channels)
    c.becomes(lookupd.nodes, "A(first orders second) B(first orders second) D()")
    all_get(d, "d1", "a1", "a2", "b1", "b2")
    b.kill()
    c.becomes(lambda: lookupd.producers("orders"), "A D [%s]" % channels)
    all_get(a, "a3", "a1", "a2", "b1", "b2", "d1")
    for name, consumer in consumers.items():
        if consumer.process.poll() is not None:
            raise Failed("%s ended by itself" % name)
        consumer.process.send_signal(signal.SIGKILL)
        consumer.wait()


@scene
def clients(c):
    discover(c, "go-nsq", "gnsq", "nsqjs", "pynsq")


@scene
def client_nsq_j(c):
    discover(c, "nsq-j")


@scene
def client_tokio_nsq(c):
    discover(c, "tokio-nsq")
