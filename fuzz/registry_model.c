/* SPDX-License-Identifier: MIT */
/* Changes a registry and its tables in the same way, and compares them. Must not know: how the
 * registry stores anything. */
#include "registry_model.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/time.h"
#include "fuzz.h"

#define T REGISTRY_MODEL_TOPICS
#define C REGISTRY_MODEL_CHANNELS
#define P REGISTRY_MODEL_PRODUCERS

#define INACTIVE (20 * TIME_SECOND)
#define LIFETIME (5 * TIME_SECOND)

/* In the order in which the registry shows them. */
static const char *const topic_names[T] = {"a#ephemeral", "a-b", "a.b", "a", "aZ", "b#ephemeral"};
static const char *const channel_names[C] = {"c", "c#ephemeral", "c-d", "c_"};
static const bool topic_is_ephemeral[T] = {true, false, false, false, false, true};
static const bool channel_is_ephemeral[C] = {false, true, false, false};

void registry_model_begin(struct registry_model *m, size_t most, size_t cap)
{
    const struct registry_config config = {.inactive_timeout = INACTIVE,
                                           .tombstone_lifetime = LIFETIME,
                                           .max_registrations = most,
                                           .seed = {{3, 4}}};
    *m = (struct registry_model){.budget = budget_of_cap(cap), .allowance = 100};
    log_init(&m->log, LOG_INFO);
    registry_init(&m->registry, &config, &m->budget, &m->effort, &m->log);
}

void registry_model_end(struct registry_model *m)
{
    registry_free(&m->registry);
    FUZZ_CHECK(m->budget.used == 0 && m->budget.names == 0);
    log_free(&m->log);
}

static struct span topic_name(size_t t)
{
    return text_span(topic_names[t]);
}

/* Channel C is no channel. */
static struct span channel_name(size_t c)
{
    return c == C ? SPAN("") : text_span(channel_names[c]);
}

static void allow(struct registry_model *m)
{
    effort_allow(&m->effort, m->allowance);
}

/* --- operations ------------------------------------------------------------------------------- */

static void join(struct registry_model *m, size_t p)
{
    const struct registry_peer peer = {.remote_address = SPAN("1.2.3.4:5"),
                                       .hostname = SPAN(""),
                                       .broadcast_address = SPAN("host"),
                                       .version = SPAN("1"),
                                       .tcp_port = (int64_t)p,
                                       .http_port = -1};
    if (m->producers[p] != NULL) {
        return;
    }
    m->producers[p] = registry_join(&m->registry, &peer, m->now);
    if (m->producers[p] == NULL) {
        FUZZ_CHECK(!budget_has_room(&m->budget, BUDGET_CLIENT, 1000));
        return;
    }
    fuzz_say("producer %zu joins", p);
    m->joined[p] = ++m->joins;
    m->last_update[p] = m->now;
}

static void leave(struct registry_model *m, size_t p)
{
    if (m->producers[p] == NULL) {
        return;
    }
    fuzz_say("producer %zu leaves", p);
    registry_leave(&m->registry, m->producers[p]);
    m->producers[p] = NULL;
    for (size_t t = 0; t < T; t++) {
        m->in_topic[t][p] = false;
        for (size_t c = 0; c < C; c++) {
            m->in_channel[t][c][p] = false;
        }
    }
}

static size_t entries_of(const struct registry_model *m, size_t p)
{
    size_t n = 0;
    for (size_t t = 0; t < T; t++) {
        n += m->in_topic[t][p];
        for (size_t c = 0; c < C; c++) {
            n += m->in_channel[t][c][p];
        }
    }
    return n;
}

static void note_registered(struct registry_model *m, size_t p, size_t t, size_t c)
{
    if (!m->in_topic[t][p]) {
        m->in_topic[t][p] = true;
        m->tombstoned_at[t][p] = -1;
    }
    m->topics[t] = true;
    if (c < C) {
        m->channels[t][c] = true;
        m->in_channel[t][c][p] = true;
    }
}

static void do_register(struct registry_model *m, size_t p, size_t t, size_t c)
{
    if (m->producers[p] == NULL) {
        return;
    }
    fuzz_say("producer %zu registers topic %zu channel %zu", p, t, c);
    bool is_late = registry_can_collect(&m->registry); /* deleted entries still count */
    size_t more = (size_t)!m->in_topic[t][p] + (size_t)(c < C && !m->in_channel[t][c][p]);
    bool too_many = more > 0 && entries_of(m, p) + more > m->registry.config.max_registrations;
    allow(m);
    switch (registry_register(&m->registry, m->producers[p], topic_name(t), channel_name(c))) {
    case REGISTRY_DONE:
        FUZZ_CHECK(!too_many);
        note_registered(m, p, t, c);
        break;
    case REGISTRY_TOO_MANY:
        FUZZ_CHECK(too_many || is_late);
        break;
    default:
        FUZZ_CHECK(!too_many && !budget_has_room_for_name(&m->budget, BUDGET_QUEUE, 1000));
    }
}

static bool has_any(const bool producers[P])
{
    for (size_t p = 0; p < P; p++) {
        if (producers[p]) {
            return true;
        }
    }
    return false;
}

static void note_unregistered(struct registry_model *m, size_t p, size_t t, size_t c)
{
    if (c < C) {
        m->in_channel[t][c][p] = false;
        if (channel_is_ephemeral[c] && !has_any(m->in_channel[t][c])) {
            m->channels[t][c] = false;
        }
        return;
    }
    m->in_topic[t][p] = false;
    for (c = 0; c < C; c++) {
        m->in_channel[t][c][p] = false;
    }
    if (topic_is_ephemeral[t] && !has_any(m->in_topic[t])) {
        m->topics[t] = false;
    }
}

static void unregister(struct registry_model *m, size_t p, size_t t, size_t c)
{
    if (m->producers[p] == NULL) {
        return;
    }
    fuzz_say("producer %zu unregisters topic %zu channel %zu", p, t, c);
    do {
        allow(m);
    } while (!registry_unregister(&m->registry, m->producers[p], topic_name(t), channel_name(c)));
    note_unregistered(m, p, t, c);
}

static void create(struct registry_model *m, size_t t, size_t c)
{
    fuzz_say("topic %zu channel %zu is created", t, c);
    if (registry_create(&m->registry, topic_name(t), channel_name(c))) {
        m->topics[t] = true;
        if (c < C) {
            m->channels[t][c] = true;
        }
    } else {
        FUZZ_CHECK(!budget_has_room_for_name(&m->budget, BUDGET_QUEUE, 1000));
    }
}

static void delete_channel(struct registry_model *m, size_t t, size_t c)
{
    fuzz_say("topic %zu channel %zu is deleted", t, c);
    FUZZ_CHECK(registry_delete_channel(&m->registry, topic_name(t), channel_name(c)) ==
               m->channels[t][c]);
    m->channels[t][c] = false;
    for (size_t p = 0; p < P; p++) {
        m->in_channel[t][c][p] = false;
    }
}

static void delete_topic(struct registry_model *m, size_t t)
{
    bool is_there = m->topics[t] || has_any(m->in_topic[t]);
    fuzz_say("topic %zu is deleted", t);
    m->topics[t] = false;
    for (size_t p = 0; p < P; p++) {
        m->in_topic[t][p] = false;
    }
    for (size_t c = 0; c < C; c++) {
        is_there = is_there || m->channels[t][c];
        m->channels[t][c] = false;
        for (size_t p = 0; p < P; p++) {
            m->in_channel[t][c][p] = false;
        }
    }
    FUZZ_CHECK(registry_delete_topic(&m->registry, topic_name(t)) == is_there);
}

static size_t producer_number(const struct registry_model *m,
                              const struct registry_producer *producer)
{
    size_t p = 0;
    while (p < P && m->producers[p] != producer) {
        p++;
    }
    FUZZ_CHECK(p < P);
    return p;
}

static void tombstone(struct registry_model *m, size_t t, size_t p)
{
    const struct registry_topic *topic = registry_find_topic(&m->registry, topic_name(t));
    struct registry_place place = {.n = 0};
    struct registry_entry *entry;
    while (topic != NULL && (entry = registry_next_entry(&topic->key, &place)) != NULL) {
        struct registry_producer *producer = registry_producer_of(entry);
        if (!registry_has_left(producer) && producer_number(m, producer) == p) {
            fuzz_say("producer %zu gets a tombstone in topic %zu", p, t);
            registry_topic_entry(entry)->tombstoned_at = m->now;
            m->tombstoned_at[t][p] = m->now;
        }
    }
}

static void ping(struct registry_model *m, size_t p)
{
    if (m->producers[p] != NULL) {
        fuzz_say("producer %zu pings", p);
        registry_ping(m->producers[p], m->now);
        m->last_update[p] = m->now;
    }
}

void registry_model_do(struct registry_model *m, const uint8_t op[4])
{
    size_t p = op[1] % P;
    size_t t = op[2] % T;
    size_t c = op[3] % (C + 1);
    switch (op[0] % 12) {
    case 0:
        join(m, p);
        break;
    case 1:
        leave(m, p);
        break;
    case 2:
        ping(m, p);
        break;
    case 3:
    case 4:
        do_register(m, p, t, c);
        break;
    case 5:
        unregister(m, p, t, c);
        break;
    case 6:
        create(m, t, c);
        break;
    case 7:
        delete_topic(m, t);
        break;
    case 8:
        delete_channel(m, t, op[3] % C);
        break;
    case 9:
        tombstone(m, t, p);
        break;
    case 10:
        m->now += op[1] * TIME_SECOND / 10;
        break;
    default:
        m->allowance = op[2];
        effort_allow(&m->effort, op[1]);
        registry_collect(&m->registry);
        m->allowance += 1; /* a call must have some */
    }
}

/* --- checks ----------------------------------------------------------------------------------- */

/* Compares the producers of a topic or channel. `in`: those of the tables. They are in the order in
 * which they joined. */
static void check_entries(const struct registry_model *m, const struct registry_key *key,
                          const bool in[P])
{
    struct registry_place place = {.n = 0};
    const struct registry_entry *entry;
    uint64_t before = 0;
    size_t n = 0;
    size_t expected = 0;
    while ((entry = registry_next_entry(key, &place)) != NULL) {
        const struct registry_producer *producer = registry_producer_of(entry);
        FUZZ_CHECK(entry->key == key);
        if (!registry_has_left(producer)) {
            size_t p = producer_number(m, producer);
            FUZZ_CHECK(in[p] && m->joined[p] > before);
            before = m->joined[p];
            n++;
        }
    }
    for (size_t p = 0; p < P; p++) {
        expected += in[p];
    }
    FUZZ_CHECK(n == expected);
}

static void check_channels(const struct registry_model *m, const struct registry_topic *topic,
                           size_t t)
{
    struct registry_place place = {.n = 0};
    for (size_t c = 0; c < C; c++) {
        if (m->channels[t][c]) {
            const struct registry_key *channel = registry_next_channel(topic, &place);
            FUZZ_CHECK(channel != NULL);
            FUZZ_CHECK(span_equal(registry_channel_name(channel), channel_name(c)));
            check_entries(m, channel, m->in_channel[t][c]);
        }
    }
    FUZZ_CHECK(registry_next_channel(topic, &place) == NULL);
}

static void check_topics(const struct registry_model *m)
{
    struct registry_place place = {.n = 0};
    size_t registered = 0;
    for (size_t t = 0; t < T; t++) {
        const struct registry_topic *topic = registry_find_topic(&m->registry, topic_name(t));
        bool is_there = m->topics[t];
        registered += m->topics[t];
        for (size_t c = 0; c < C; c++) {
            is_there = is_there || m->channels[t][c];
        }
        FUZZ_CHECK(is_there == (topic != NULL));
        if (is_there) {
            FUZZ_CHECK(registry_next_topic(&m->registry, &place) == topic);
            FUZZ_CHECK(span_equal(registry_topic_name(topic), topic_name(t)));
            FUZZ_CHECK(topic->registered == m->topics[t]);
            check_entries(m, &topic->key, m->in_topic[t]);
            check_channels(m, topic, t);
        }
    }
    FUZZ_CHECK(registry_next_topic(&m->registry, &place) == NULL);
    FUZZ_CHECK(m->registry.registered == registered);
}

static size_t topic_number(const struct registry_topic *topic)
{
    size_t t = 0;
    while (t < T && !span_equal(registry_topic_name(topic), topic_name(t))) {
        t++;
    }
    FUZZ_CHECK(t < T);
    return t;
}

/* Compares the topics of a producer, as /nodes shows them. */
static void check_topics_of(const struct registry_model *m, size_t p)
{
    struct registry_place place = {.n = 0};
    const struct registry_topic_entry *entry;
    size_t n = 0;
    size_t expected = 0;
    while ((entry = registry_next_topic_of(m->producers[p], &place)) != NULL) {
        if (registry_is_removed(entry->entry.key)) {
            continue;
        }
        size_t t = topic_number(registry_topic_of(entry));
        int64_t at = m->tombstoned_at[t][p];
        FUZZ_CHECK(m->in_topic[t][p]);
        FUZZ_CHECK(entry->tombstoned_at == (at < 0 ? TIME_NEVER : at));
        FUZZ_CHECK(registry_is_tombstoned(&m->registry, entry, m->now) ==
                   (at >= 0 && m->now - at < LIFETIME));
        n++;
    }
    for (size_t t = 0; t < T; t++) {
        expected += m->in_topic[t][p];
    }
    FUZZ_CHECK(n == expected);
}

static void check_producers(const struct registry_model *m)
{
    struct registry_place place = {.n = 0};
    const struct registry_producer *producer;
    uint64_t before = 0;
    size_t n = 0;
    while ((producer = registry_next_producer(&m->registry, &place)) != NULL) {
        size_t p = producer_number(m, producer);
        FUZZ_CHECK(m->joined[p] > before && producer->peer.tcp_port == (int64_t)p);
        FUZZ_CHECK(registry_is_active(&m->registry, producer, m->now) ==
                   (m->now - m->last_update[p] <= INACTIVE));
        FUZZ_CHECK(producer->count >= entries_of(m, p));
        FUZZ_CHECK(registry_can_collect(&m->registry) || producer->count == entries_of(m, p));
        check_topics_of(m, p);
        before = m->joined[p];
        n++;
    }
    for (size_t p = 0; p < P; p++) {
        n -= m->producers[p] != NULL;
    }
    FUZZ_CHECK(n == 0);
}

void registry_model_check(const struct registry_model *m)
{
    check_topics(m);
    check_producers(m);
}
