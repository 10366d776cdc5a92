/* SPDX-License-Identifier: MIT */
/*
 * Invariant: whatever an nsqlookupd replies, nsqd sends it only valid commands, makes only channels
 * with valid names, and holds no topic for longer than the timeout. When the nsqlookupd becomes
 * honest, it knows all topics and channels, and nothing else, 40 s later. At the end, all memory
 * was given back.
 *
 * Input: a byte, of which bit 0 offers all input byte by byte, and bit 1 writes all log lines; and
 * the effort of a call. Then operations. The low 3 bits of an operation say which one, the other 5
 * are its number n:
 *
 *     0  the next n bytes of the input arrive on the connection of V1
 *     1  the next n bytes arrive on the oldest connection of HTTP
 *     2  the usual reply on the connection of V1; n of IDENTIFY is the port
 *     3  an answer by HTTP whose body is the next n bytes
 *     4  topic number n % 4 is made, and its channel number n / 4 if that is not 0
 *     5  it is deleted
 *     6  n * 500 ms pass
 *     7  n below 12: n % 4: 0 the input of V1 ends; 1 it breaks; 2 the oldest connection of HTTP
 *        breaks; 3 from now on connections are refused, or accepted again. n from 12 to 15: the
 * list of nsqlookupds becomes empty, or has the one, or another one too, which always refuses
 *        connections; 15 is as 13. From 16 on: messages
 *        are published to topic number n % 4: n / 4 % 2 says whether they are deferred, n / 8 % 2
 *        whether there is one or more than the queue of an ephemeral topic keeps
 *
 * Topic number 3 is ephemeral.
 */
#include "fuzz.h"

#include <stdio.h>

#include <nsq/lookup.h>
#include <nsq/magic.h>

#include "base/alloc.h"
#include "base/text.h"
#include "broker/walk.h"
#include "engine/engine.h"
#include "serve/drive.h"

#define LINKS 80 /* connections at a time: PEER_REQUESTS_MAX and some */
#define KNOWN 8192
#define QUEUE 4 /* messages in a queue of an ephemeral topic */

const struct fuzz_shape fuzz_shape = {.header = 2, .body = FUZZ_BYTES};

/* A connection that nsqd has made. */
struct link {
    uint64_t id; /* 0: none */
    bool v1;
    bool identified; /* V1: the magic and IDENTIFY have arrived */
    bool asked;      /* V1: a command was not answered by operation 2 */
    bool told;       /* V1: operation 2 has answered the IDENTIFY */
    bool odd;        /* V1: other bytes than usual replies were sent */
    bool ended;      /* nothing arrives any more */
    struct buf in;   /* on its way to nsqd */
    struct buf out;  /* sent by nsqd and not understood yet */
};

struct known {
    struct name topic, channel;
};

static struct {
    struct engine *engine;
    struct tcp_handler h;
    int64_t now;
    bool cut, refusing;
    struct link links[LINKS];
    /* What the nsqlookupd was told on its latest connection. */
    struct known known[KNOWN];
    size_t known_count;
} run;

/* --- the nsqlookupd --------------------------------------------------------------------------- */

static bool is(const struct known *k, struct span topic, struct span channel)
{
    return span_equal(name_span(&k->topic), topic) && span_equal(name_span(&k->channel), channel);
}

static bool knows(struct span topic, struct span channel)
{
    for (size_t i = 0; i < run.known_count; i++) {
        if (is(&run.known[i], topic, channel)) {
            return true;
        }
    }
    return false;
}

static void add(struct span topic, struct span channel)
{
    if (!knows(topic, channel)) {
        FUZZ_CHECK(run.known_count < KNOWN);
        run.known[run.known_count++] =
            (struct known){.topic = name_make(topic), .channel = name_make(channel)};
    }
}

static void remove_known(struct span topic, struct span channel)
{
    size_t kept = 0;
    for (size_t i = 0; i < run.known_count; i++) {
        const struct known *k = &run.known[i];
        bool goes =
            channel.n == 0 ? span_equal(name_span(&k->topic), topic) : is(k, topic, channel);
        if (!goes) {
            run.known[kept++] = *k;
        }
    }
    run.known_count = kept;
}

static void obey(struct link *link, const struct nsq_lookup_item *item)
{
    const struct nsq_lookup_command *c = &item->command;
    if (item->stage == NSQ_LOOKUP_STAGE_BODY) {
        FUZZ_CHECK(!link->identified);
        link->identified = link->asked = true;
        return;
    }
    fuzz_say_bytes("told", c->line);
    FUZZ_CHECK(nsq_lookup_check(c).why == NSQ_LOOKUP_NO_ERROR);
    FUZZ_CHECK(link->identified == (c->id != NSQ_LOOKUP_IDENTIFY));
    link->asked = c->id != NSQ_LOOKUP_IDENTIFY;
    if (c->id == NSQ_LOOKUP_REGISTER) {
        add(c->topic, span_make(NULL, 0));
        if (c->channel.n > 0) {
            add(c->topic, c->channel);
        }
    } else if (c->id == NSQ_LOOKUP_UNREGISTER) {
        remove_known(c->topic, c->channel);
    }
}

/* Reads what nsqd has sent on the connection of V1. All of it is there at once. */
static void understand(struct link *link)
{
    const struct nsq_lookup_limits limits = {.max_line = 1000, .max_body = 1000};
    struct nsq_lookup_place place = {.stage = NSQ_LOOKUP_STAGE_LINE};
    struct nsq_lookup_item item;
    struct span rest = buf_span(&link->out);
    if (rest.n > 0 && !link->identified) {
        FUZZ_CHECK(span_equal(span_first(rest, 4), SPAN(NSQ_MAGIC_V1)));
        rest = span_skip(rest, 4);
    }
    while (rest.n > 0) {
        FUZZ_CHECK(nsq_lookup_parse(&place, &limits, rest, &item) == NSQ_OK);
        obey(link, &item);
        rest = span_skip(rest, item.consumed);
    }
    buf_drop(&link->out, link->out.n);
}

/* --- the connections -------------------------------------------------------------------------- */

static struct link *find(uint64_t id)
{
    size_t i = 0;
    while (i < LINKS && run.links[i].id != id) {
        i++;
    }
    FUZZ_CHECK(i < LINKS);
    return &run.links[i];
}

/* The connection of V1, or the oldest one of HTTP, by their numbers; NULL: there is none. */
static struct link *oldest(bool v1)
{
    struct link *found = NULL;
    for (size_t i = 0; i < LINKS; i++) {
        struct link *link = &run.links[i];
        if (link->id != 0 && link->v1 == v1 && (found == NULL || link->id < found->id)) {
            found = link;
        }
    }
    return found;
}

static void forget(struct link *link)
{
    buf_free(&link->in);
    buf_free(&link->out);
    *link = (struct link){.id = 0};
}

static void lose(struct link *link, enum closed_reason reason)
{
    uint64_t id = link->id;
    forget(link);
    run.h.closed(run.h.self, id, reason, run.now);
}

static void connect_to(const struct ask *ask)
{
    bool v1 = span_equal(ask->address, SPAN("l:1"));
    fuzz_say_bytes(run.refusing ? "refuses" : "accepts", ask->address);
    if (run.refusing || span_equal(ask->address, SPAN("m:1"))) {
        run.h.connected(run.h.self, ask->ticket, SPAN("refused"), run.now);
        return;
    }
    struct link *link = find(0);
    *link = (struct link){.id = ask->ticket, .v1 = v1};
    if (v1) {
        run.known_count = 0;
    }
    run.h.connected(run.h.self, ask->ticket, span_make(NULL, 0), run.now);
}

static void look(struct link *link)
{
    struct span spans[4];
    size_t n;
    while ((n = run.h.out(run.h.self, link->id, spans, 4, run.now)) > 0) {
        for (size_t i = 0; i < n; i++) {
            buf_append(&link->out, spans[i]);
        }
        run.h.sent(run.h.self, link->id, span_total(spans, n), run.now);
    }
    if (link->v1) {
        understand(link);
    }
    if (run.h.want(run.h.self, link->id) & WANT_CLOSE) {
        lose(link, CLOSED_AS_WANTED);
    }
}

/* Offers input. Returns whether any was consumed. */
static bool offer(struct link *link)
{
    bool reads = link->id != 0 && (run.h.want(run.h.self, link->id) & WANT_READ);
    if (!reads || (link->in.n == 0 && !link->ended)) {
        return false;
    }
    if (link->in.n == 0) {
        link->ended = false;
        run.h.eof(run.h.self, link->id, run.now);
        return true;
    }
    struct span in = span_first(buf_span(&link->in), run.cut ? 1 : SIZE_MAX);
    size_t n = run.h.recv(run.h.self, link->id, in, run.now);
    FUZZ_CHECK(n <= in.n);
    buf_drop(&link->in, n);
    return n > 0;
}

static void do_turn(struct drive *drive)
{
    if (drive->turn == DRIVE_CHANGED) {
        look(find(drive->conn));
    } else if (drive->turn == DRIVE_ASK && drive->ask.kind == ASK_CONNECT) {
        connect_to(&drive->ask);
    } else if (drive->turn == DRIVE_INPUT) {
        for (size_t i = 0; i < LINKS; i++) {
            drive->more_input = offer(&run.links[i]) || drive->more_input;
        }
    }
}

static void settle(void)
{
    struct drive drive = {.rounds_max = 100000};
    while (drive_next(&drive, &run.h, run.now) != DRIVE_OVER) {
        do_turn(&drive);
    }
    FUZZ_CHECK(!drive_has_work_left(&drive, &run.h, run.now));
}

/* Lets time pass, and wakes the engine at each of its deadlines. */
static void pass(int64_t ns)
{
    int64_t end = run.now + ns;
    while (run.now < end) {
        int64_t due = run.h.next_deadline(run.h.self);
        run.now = due <= run.now ? run.now + 1 : time_earlier(due, end);
        settle();
    }
}

/* --- operations ------------------------------------------------------------------------------- */

static void reply(struct link *link, unsigned n)
{
    char body[100] = "OK";
    struct buf *in = &link->in;
    uint8_t size[4];
    if (!link->told) {
        link->told = true;
        snprintf(body, sizeof body, "{\"broadcast_address\":\"h\",\"http_port\":%u}", n);
    }
    be32_store(size, (uint32_t)strlen(body));
    buf_append(in, span_make(size, sizeof size));
    buf_append(in, text_span(body));
    link->asked = false;
}

static void answer(struct link *link, struct span body)
{
    text_append(&link->in, "HTTP/1.1 200 OK\r\nContent-Length: ");
    text_append_unsigned(&link->in, body.n);
    text_append(&link->in, "\r\n\r\n");
    buf_append(&link->in, body);
}

static struct span topic_name(unsigned n)
{
    static const char names[] = "abc";
    return n % 4 == 3 ? SPAN("d#ephemeral") : span_make(&names[n % 4], 1);
}

static void publish(unsigned n)
{
    struct broker *broker = &run.engine->broker;
    struct publish p = {.topic = name_make(topic_name(n)), .delay = n / 4 % 2 * TIME_SECOND};
    uint64_t ticket;
    broker_begin_call(broker);
    for (size_t i = 0; i < (n / 8 % 2 == 0 ? 1 : QUEUE + 2); i++) {
        struct draft draft;
        draft_begin(&draft, 1);
        FUZZ_CHECK(draft_add(&draft, &broker->core.budget, BUDGET_QUEUE, SPAN("m")));
        broker_add_message(broker, &p, draft_finish(&draft), run.now);
    }
    FUZZ_CHECK(broker_publish(broker, &p, run.now, &ticket) == PUBLISH_DONE);
}

static void change(bool make, unsigned n)
{
    struct broker *broker = &run.engine->broker;
    const char channel[] = {(char)('a' + n / 4)};
    struct span t = topic_name(n);
    struct span c = span_make(channel, 1);
    broker_begin_call(broker);
    if (make) {
        struct topic *made = broker_topic(broker, t, BUDGET_CLIENT);
        if (n >= 4) {
            topic_channel(made, c, run.now);
        }
    } else if (n >= 4) {
        broker_delete_channel(broker, t, c);
    } else {
        broker_delete_topic(broker, t);
    }
}

static void end(unsigned how)
{
    struct link *v1 = oldest(true);
    struct link *http = oldest(false);
    if (how == 0 && v1 != NULL) {
        v1->ended = true;
    } else if (how == 1 && v1 != NULL) {
        lose(v1, CLOSED_BY_ERROR);
    } else if (how == 2 && http != NULL) {
        lose(http, CLOSED_BY_ERROR);
    } else if (how == 3) {
        run.refusing = !run.refusing;
    }
}

static void list_nsqlookupds(size_t count)
{
    static const struct span addresses[] = {SPAN_LITERAL("l:1"), SPAN_LITERAL("m:1")};
    peers_set(&run.engine->peers, addresses, count, run.now);
}

static void operate(unsigned op, unsigned n, struct span *in)
{
    struct link *link = oldest(op == 0 || op == 2);
    switch (op) {
    case 0:
    case 1: {
        struct span bytes = fuzz_take(in, n);
        if (link != NULL && !link->ended) {
            buf_append(&link->in, bytes);
            link->odd = true;
        }
        break;
    }
    case 2:
        if (link != NULL && link->asked && !link->ended) {
            reply(link, n);
        }
        break;
    case 3: {
        struct span body = fuzz_take(in, n);
        if (link != NULL) {
            answer(link, body);
        }
        break;
    }
    case 4:
    case 5:
        change(op == 4, n);
        break;
    case 6:
        pass(n * 500 * TIME_MS);
        break;
    default:
        if (n < 12) {
            end(n % 4);
        } else if (n < 16) {
            list_nsqlookupds(n == 15 ? 1 : n - 12);
        } else {
            publish(n);
        }
    }
}

/* --- checks ----------------------------------------------------------------------------------- */

static size_t check_topic(const struct topic *topic)
{
    size_t count = 0;
    struct span name = span_make(NULL, 0);
    const struct channel *c;
    while ((c = walk_channel_after(topic, name)) != NULL) {
        name = name_span(&c->name);
        FUZZ_CHECK(nsq_name_valid(name) && !nsq_name_ephemeral(name));
        count++;
    }
    return count;
}

static void check_names(void)
{
    const struct broker *broker = &run.engine->broker;
    const struct topic *t = broker_first_topic(broker);
    for (; t != NULL; t = broker_topic_after(broker, t)) {
        check_topic(t);
    }
}

/* The nsqlookupd knows each topic and channel, and nothing else. */
static void check_known(void)
{
    const struct broker *broker = &run.engine->broker;
    size_t count = 0;
    const struct topic *t = broker_first_topic(broker);
    for (; t != NULL; t = broker_topic_after(broker, t)) {
        struct span name = span_make(NULL, 0);
        const struct channel *c;
        FUZZ_CHECK(!t->starting);
        FUZZ_CHECK(knows(name_span(&t->name), name));
        while ((c = walk_channel_after(t, name)) != NULL) {
            name = name_span(&c->name);
            FUZZ_CHECK(knows(name_span(&t->name), name));
        }
        count += 1 + check_topic(t);
    }
    FUZZ_CHECK(count == run.known_count);
}

/* From now on the nsqlookupd is honest, for 40 s. If it has sent odd bytes, another one takes its
 * place. */
static void be_honest(void)
{
    int64_t end_at = run.now + 40 * TIME_SECOND;
    struct link *odd = oldest(true);
    run.refusing = false;
    list_nsqlookupds(1);
    if (odd != NULL && odd->odd) {
        lose(odd, CLOSED_BY_ERROR);
    }
    settle();
    while (run.now < end_at) {
        struct link *v1 = oldest(true);
        if (v1 != NULL && v1->asked) {
            reply(v1, 1);
        } else {
            int64_t due = run.h.next_deadline(run.h.self);
            run.now = due <= run.now ? run.now + 1 : time_earlier(due, end_at);
        }
        settle();
    }
}

static void begin(struct span *in)
{
    static const char *const addresses[] = {"l:1"};
    struct engine_config config = engine_defaults();
    unsigned choices = fuzz_byte(in);
    run.cut = choices & 1U;
    config.broker.effort_a_call = 1 + (size_t)fuzz_byte(in) * 16;
    config.broker.mem_queue_bytes = 1 << 24;
    config.broker.mem_queue_size = QUEUE;
    config.peers.addresses = addresses;
    config.peers.address_count = 1;
    config.peers.max_reply = 60;
    config.log_level = (choices & 2U) != 0 ? LOG_DEBUG : LOG_FATAL;
    run.engine = engine_new(&config);
    run.h = engine_handler(run.engine);
    run.now = 1000 * TIME_SECOND;
    run.refusing = false;
    run.known_count = 0;
    settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    begin(&in);
    while (in.n > 0) {
        unsigned op = fuzz_byte(&in);
        fuzz_say("operation %u, %u", op & 7U, op >> 3);
        operate(op & 7U, op >> 3, &in);
        settle();
        check_names();
    }
    be_honest();
    check_known();
    for (size_t i = 0; i < LINKS; i++) {
        if (run.links[i].id != 0) {
            lose(&run.links[i], CLOSED_BY_ERROR);
        }
    }
    engine_free(run.engine);
    return 0;
}
