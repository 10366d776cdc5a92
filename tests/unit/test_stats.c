/* SPDX-License-Identifier: MIT */
/*
 * Tests of api/stats.h: whole pages. Each expected page was printed by upstream's nsqd 1.3.0 for
 * the same commands; only the times, the ports, the name of the build, and which of a producer's
 * topics is shown (upstream's choice is random) were made equal to ours. In the texts ' stands for
 * ".
 */
#include "api/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <nsq/version.h>

#include "support/stats_stage.h"

#define NO_TLS                                                                                     \
    "'tls':false,'tls_cipher_suite':'','tls_version':'','tls_negotiated_protocol':'','tls_"        \
    "negotiated_protocol_is_mutual':false"
#define NO_E2E "'e2e_processing_latency':{'count':0,'percentiles':null}"
#define HEAD "{'version':'1.3.0','health':'OK','start_time':1795929504,'topics':"
#define CONSUMER_1                                                                                 \
    "{'client_id':'c1','hostname':'host','version':'V2','remote_address':'127.0.0.1:34788','"      \
    "state':3,'ready_count':1,'in_flight_count':1,'message_count':4,'finish_count':1,'requeue_"    \
    "count':1,'connect_ts':1795929504,'sample_rate':0,'deflate':false,'snappy':false,'user_agent'" \
    ":'agent/1'," NO_TLS "}"
#define CONSUMER_2                                                                                 \
    "{'client_id':'127.0.0.1','hostname':'127.0.0.1','version':'V2','remote_address':'127.0.0.1:"  \
    "46090','state':4,'ready_count':0,'in_flight_count':0,'message_count':0,'finish_count':0,'"    \
    "requeue_count':0,'connect_ts':1795929509,'sample_rate':0,'deflate':false,'snappy':false,'"    \
    "user_agent':''," NO_TLS "}"
#define PRODUCER_1                                                                                 \
    "{'client_id':'p\\u003c1\\u003e','hostname':'h\xc3"                                            \
    "\xa9"                                                                                         \
    "st','version':'V2','remote_address':'127.0.0.1:34782','state':0,'ready_count':0,'in_flight_"  \
    "count':0,'message_count':0,'finish_count':0,'requeue_count':0,'connect_ts':1795929504,'"      \
    "sample_rate':0,'deflate':false,'snappy':false,'user_agent':'prod/"                            \
    "1','pub_counts':[{'topic':'alpha','count':4}]," NO_TLS "}"
#define PRODUCER_2                                                                                 \
    "{'client_id':'127.0.0.1','hostname':'127.0.0.1','version':'V2','remote_address':'127.0.0.1:"  \
    "46078','state':0,'ready_count':0,'in_flight_count':0,'message_count':0,'finish_count':0,'"    \
    "requeue_count':0,'connect_ts':1795929509,'sample_rate':0,'deflate':false,'snappy':false,'"    \
    "user_agent':'','pub_counts':[{'topic':'beta','count':1}]," NO_TLS "}"
#define PRODUCER_2_WITHOUT_COUNTS                                                                  \
    "{'client_id':'127.0.0.1','hostname':'127.0.0.1','version':'V2','remote_address':'127.0.0.1:"  \
    "46078','state':0,'ready_count':0,'in_flight_count':0,'message_count':0,'finish_count':0,'"    \
    "requeue_count':0,'connect_ts':1795929509,'sample_rate':0,'deflate':false,'snappy':false,'"    \
    "user_agent':''," NO_TLS "}"
#define CHANNEL_ONE                                                                                \
    "{'channel_name':'one','depth':1,'backend_depth':0,'in_flight_count':1,'deferred_count':1,'"   \
    "message_count':4,'requeue_count':1,'timeout_count':1,'client_count':2,'clients':"
#define CHANNEL_TWO                                                                                \
    "{'channel_name':'two','depth':4,'backend_depth':0,'in_flight_count':0,'deferred_count':0,'"   \
    "message_count':4,'requeue_count':0,'timeout_count':0,'client_count':0,'clients':"
#define TOPIC_BETA                                                                                 \
    "{'topic_name':'beta','channels':[],'depth':3,'backend_depth':0,'message_count':3,'message_"   \
    "bytes':9,'paused':true," NO_E2E "}"
#define TOPIC_GAMMA                                                                                \
    "{'topic_name':'gamma','channels':[],'depth':0,'backend_depth':0,'message_count':0,'message_"  \
    "bytes':0,'paused':false," NO_E2E "}"
#define ALPHA_END                                                                                  \
    "'depth':0,'backend_depth':0,'message_count':4,'message_bytes':8,'paused':false," NO_E2E "}"

static const char everything_json[] =
    HEAD "[{'topic_name':'alpha','channels':[" CHANNEL_ONE "[" CONSUMER_1 "," CONSUMER_2
         "],'paused':false," NO_E2E "}," CHANNEL_TWO "[],'paused':true," NO_E2E "}]," ALPHA_END
         "," TOPIC_BETA "," TOPIC_GAMMA "],'producers':[" PRODUCER_1 "," PRODUCER_2 "]}";

static const char no_clients_json[] =
    HEAD "[{'topic_name':'alpha','channels':[" CHANNEL_ONE "null,'paused':false," NO_E2E
         "}," CHANNEL_TWO "null,'paused':true," NO_E2E "}]," ALPHA_END "," TOPIC_BETA
         "," TOPIC_GAMMA "],'producers':null}";

static const char one_topic[] =
    HEAD "[{'topic_name':'alpha','channels':[" CHANNEL_ONE "[" CONSUMER_1 "," CONSUMER_2
         "],'paused':false," NO_E2E "}," CHANNEL_TWO "[],'paused':true," NO_E2E "}]," ALPHA_END
         "],'producers':[" PRODUCER_1 "," PRODUCER_2_WITHOUT_COUNTS "]}";

static const char one_channel[] =
    HEAD "[{'topic_name':'alpha','channels':[" CHANNEL_TWO "[],'paused':true," NO_E2E
         "}]," ALPHA_END "],'producers':[" PRODUCER_1 "," PRODUCER_2_WITHOUT_COUNTS "]}";

static const char no_topic[] = HEAD "null,'producers':null}";

static const char channel_only[] =
    HEAD "[{'topic_name':'alpha','channels':[" CHANNEL_TWO "[],'paused':true," NO_E2E
         "}]," ALPHA_END "],'producers':[" PRODUCER_1 "," PRODUCER_2 "]}";

static const char no_channel[] =
    HEAD "[],'producers':[" PRODUCER_1 "," PRODUCER_2_WITHOUT_COUNTS "]}";

static const char everything_text[] =
    "nsqd v1.3.0 (built w/c11-nsqref-" NSQREF_VERSION ")\n"
    "start_time 2026-11-29T05:18:24Z\n"
    "uptime 5.404850377s\n"
    "\n"
    "Health: OK\n"
    "\n"
    "Topics:\n"
    "   [alpha          ] depth: 0     be-depth: 0     msgs: 4        e2e%: \n"
    "      [one                      ] depth: 1     be-depth: 0     inflt: 1    def: 1    re-q: 1  "
    "   timeout: 1     msgs: 4        e2e%: \n"
    "        [V2 host:34788 agent/1   ] state: 3 inflt: 1    rdy: 1    fin: 1        re-q: 1       "
    " msgs: 4        connected: 5s\n"
    "        [V2 127.0.0.1:46090      ] state: 4 inflt: 0    rdy: 0    fin: 0        re-q: 0       "
    " msgs: 0        connected: 0s\n"
    "   *P [two                      ] depth: 4     be-depth: 0     inflt: 0    def: 0    re-q: 0  "
    "   timeout: 0     msgs: 4        e2e%: \n"
    "\n"
    "*P [beta           ] depth: 3     be-depth: 0     msgs: 3        e2e%: \n"
    "\n"
    "   [gamma          ] depth: 0     be-depth: 0     msgs: 0        e2e%: \n"
    "\n"
    "Producers:\n"
    "   [V2 h\xc3"
    "\xa9"
    "st:34782 prod/1    ] msgs: 4        topics: alpha=4 connected: 5s\n"
    "   [V2 127.0.0.1:46078      ] msgs: 1        topics: beta=1 connected: 0s\n";

static const char no_clients_text[] =
    "nsqd v1.3.0 (built w/c11-nsqref-" NSQREF_VERSION ")\n"
    "start_time 2026-11-29T05:18:24Z\n"
    "uptime 5.404850377s\n"
    "\n"
    "Health: OK\n"
    "\n"
    "Topics:\n"
    "   [alpha          ] depth: 0     be-depth: 0     msgs: 4        e2e%: \n"
    "      [one                      ] depth: 1     be-depth: 0     inflt: 1    def: 1    re-q: 1  "
    "   timeout: 1     msgs: 4        e2e%: \n"
    "   *P [two                      ] depth: 4     be-depth: 0     inflt: 0    def: 0    re-q: 0  "
    "   timeout: 0     msgs: 4        e2e%: \n"
    "\n"
    "*P [beta           ] depth: 3     be-depth: 0     msgs: 3        e2e%: \n"
    "\n"
    "   [gamma          ] depth: 0     be-depth: 0     msgs: 0        e2e%: \n"
    "\n"
    "Producers: None\n";

static const char no_topic_text[] = "nsqd v1.3.0 (built w/c11-nsqref-" NSQREF_VERSION ")\n"
                                    "start_time 2026-11-29T05:18:24Z\n"
                                    "uptime 5.404850377s\n"
                                    "\n"
                                    "Health: OK\n"
                                    "\n"
                                    "Topics: None\n"
                                    "\n"
                                    "Producers: None\n";

static const char gamma_text[] =
    "nsqd v1.3.0 (built w/c11-nsqref-" NSQREF_VERSION ")\n"
    "start_time 2026-11-29T05:18:24Z\n"
    "uptime 5.404850377s\n"
    "\n"
    "Health: OK\n"
    "\n"
    "Topics:\n"
    "   [gamma          ] depth: 0     be-depth: 0     msgs: 0        e2e%: \n"
    "\n"
    "Producers:\n"
    "   [V2 h\xc3"
    "\xa9"
    "st:34782 prod/1    ] state: 0 inflt: 0    rdy: 0    fin: 0        re-q: 0        msgs: 0      "
    "  connected: 5s\n"
    "   [V2 127.0.0.1:46078      ] state: 0 inflt: 0    rdy: 0    fin: 0        re-q: 0        "
    "msgs: 0        connected: 0s\n";

/* --- the state that was played on upstream's nsqd --------------------------------------------- */

struct row {
    const char *page;
    struct stats_filter filter;
};

static void the_pages_are_those_of_nsqd(void **state)
{
    (void)state;
    const struct row rows[] = {
        {everything_json, {.json = true, .clients = true}},
        {no_clients_json, {.json = true}},
        {one_topic, {.json = true, .clients = true, .topic = SPAN("alpha")}},
        {one_channel,
         {.json = true, .clients = true, .topic = SPAN("alpha"), .channel = SPAN("two")}},
        {no_topic, {.json = true, .clients = true, .topic = SPAN("nope")}},
        {channel_only, {.json = true, .clients = true, .channel = SPAN("two")}},
        {no_channel,
         {.json = true, .clients = true, .topic = SPAN("alpha"), .channel = SPAN("nope")}},
        {everything_text, {.clients = true}},
        {no_clients_text, {0}},
        {no_topic_text, {.clients = true, .topic = SPAN("nope")}},
        {gamma_text, {.clients = true, .topic = SPAN("gamma")}},
    };
    struct stats_stage s;
    stage_open(&s, NULL);
    stage_play(&s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stage_expect(&s, &rows[i].filter, rows[i].page);
    }
    stage_close(&s);
}

static void an_empty_server(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    stage_expect(&s, &(struct stats_filter){.json = true, .clients = true},
                 HEAD "[],'producers':null}");
    stage_expect(&s, &(struct stats_filter){.clients = true}, no_topic_text);
    stage_close(&s);
}

/* A name that no topic can have is a topic that does not exist. */
static void names_that_are_not_valid(void **state)
{
    (void)state;
    struct stats_stage s;
    char longest[1000];
    memset(longest, 'a', sizeof longest);
    stage_open(&s, NULL);
    stage_play(&s);
    struct stats_filter filter = {.json = true, .topic = span_make(longest, sizeof longest)};
    stage_expect(&s, &filter, HEAD "null,'producers':null}");
    filter.topic = SPAN("\xff \n");
    stage_expect(&s, &filter, HEAD "null,'producers':null}");
    filter.topic = SPAN("");
    filter.channel = span_make(longest, sizeof longest);
    stage_expect(&s, &filter, HEAD "[],'producers':null}");
    stage_close(&s);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void the_figures_of_memory(void **state)
{
    (void)state;
    struct stats_stage s;
    stage_open(&s, NULL);
    s.server.memory = (struct stats_memory){4239, 1622016, 2015232, 1622017, 1, 2, 3, 4194304, 5};
    stage_expect(&s, &(struct stats_filter){.json = true, .memory = true, .topic = SPAN("x")},
                 HEAD
                 "null,'memory':{'heap_objects':4239,'heap_idle_bytes':1622016,'heap_in_use_bytes':"
                 "2015232,'heap_released_bytes':1622017,'gc_pause_usec_100':1,'gc_pause_usec_99':2,"
                 "'gc_pause_usec_95':3,'next_gc_bytes':4194304,'gc_total_runs':5},'producers':"
                 "null}");
    stage_expect(&s, &(struct stats_filter){.memory = true},
                 "nsqd v1.3.0 (built w/c11-nsqref-" NSQREF_VERSION ")\n"
                 "start_time 2026-11-29T05:18:24Z\n"
                 "uptime 5.404850377s\n"
                 "\n"
                 "Health: OK\n"
                 "\n"
                 "Memory:\n"
                 "   heap_objects             \t4239\n"
                 "   heap_idle_bytes          \t1622016\n"
                 "   heap_in_use_bytes        \t2015232\n"
                 "   heap_released_bytes      \t1622017\n"
                 "   gc_pause_usec_100        \t1\n"
                 "   gc_pause_usec_99         \t2\n"
                 "   gc_pause_usec_95         \t3\n"
                 "   next_gc_bytes            \t4194304\n"
                 "   gc_total_runs            \t5\n"
                 "\n"
                 "Topics: None\n"
                 "\n"
                 "Producers: None\n");
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pages_are_those_of_nsqd),
        cmocka_unit_test(an_empty_server),
        cmocka_unit_test(names_that_are_not_valid),
        cmocka_unit_test(the_figures_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
