/* SPDX-License-Identifier: MIT */
/*
 * Owns: nsqd's HTTP API as a table of routes: publishing, and creating, deleting, emptying and
 * pausing topics and channels. The texts, statuses and the order of the checks are those of nsqd
 * 1.3.0. Must not know: connections, the framing of requests (src/http), sockets, clocks.
 *
 * The HTTP server passes a struct api to the handlers (http_server_config.service).
 */
#ifndef API_API_H
#define API_API_H

#include "api/metrics.h"
#include "broker/broker.h"
#include "http/http_server.h"
#include "serve/ticket.h"

/* The headers of nsqd's answers. An answer of plain text has API_HEADERS. An answer in JSON has
 * API_HEADERS_JSON. api_service_init uses API_HEADERS_JSON for
 * http_server_config.message_headers. */
#define API_HEADERS "X-Nsq-Content-Type: nsq; version=1.0\r\n"
#define API_HEADERS_JSON "Content-Type: application/json; charset=utf-8\r\n" API_HEADERS

/* The value of an option, as GET /config shows it. The spans are borrowed. */
struct api_setting {
    struct span name;
    struct span value;
    bool json; /* otherwise a plain text */
};

/* Times are in ns. All spans are borrowed, and must live as long as the struct api. */
struct api_config {
    int64_t max_msg_size; /* a negative max_msg_size or max_body_size allows no byte, as in nsqd */
    int64_t max_body_size;
    int64_t max_req_timeout; /* the longest delay of POST /pub */
    /* What GET /info tells. */
    struct span version;
    struct span broadcast_address;
    struct span hostname;
    int64_t tcp_port;   /* -1: a unix socket */
    int64_t http_port;  /* -1: a unix socket; 0: there is none */
    int64_t start_time; /* seconds since 1970 */
    int64_t max_heartbeat_interval;
    int64_t max_output_buffer_size;
    int64_t max_output_buffer_timeout;
    int64_t max_deflate_level;
    /* What GET /stats tells in addition. */
    int64_t started;                /* `now` when the server started */
    int32_t zone;                   /* of the local time at the start: seconds east of UTC */
    const struct span *quantiles;   /* the percentiles of the configuration as JSON: "0.99" */
    struct metrics_options metrics; /* what GET /metrics shows in addition */
    /* What GET /config tells. */
    const struct api_setting *settings;
    size_t setting_count;
};

#define API_LOOKUPDS_MAX 64 /* nsqlookupds. A longer list in PUT /config is refused */

/* The list of nsqlookupds that PUT /config has set. A struct of zeros: none was set. */
struct api_lookupds {
    struct buf json;                /* the list as GET /config shows it; empty: none was set */
    struct buf bytes;               /* the bytes of all addresses, one after the other */
    size_t sizes[API_LOOKUPDS_MAX]; /* bytes of each address */
    size_t count;
    bool is_new; /* the list was set, and api_take_lookupds was not called since then */
    size_t cost; /* bytes that are charged for it */
};

#define API_MOVING_A_STEP 64 /* one call of api_step continues at most this many publishes */

struct api {
    struct api_config config;
    struct broker *broker;
    const struct serve *serve; /* the connections */
    struct tickets *tickets;   /* the table of the engine */
    struct log *log;
    int64_t wall_offset; /* ns; `now` + wall_offset is the wall clock. Set by the program */
    /* A list of struct api_publish: the publishes of which at least one message must still be moved
     * to a channel. A publish is answered when all its messages were moved. So a client cannot
     * publish faster than the messages move. */
    struct list moving;
    struct api_lookupds lookupds;
};

/* Bytes. A longer value in PUT /config is refused. (nsqd accepts --max-msg-size bytes.) Without
 * this limit, one request could keep the server busy for a long time. */
#define API_CONFIG_MAX 65536

/* The configuration is copied. The other arguments are borrowed. The caller frees the API with
 * api_free, after the connections. */
void api_init(struct api *api, const struct api_config *config, struct broker *broker,
              const struct serve *serve, struct tickets *tickets, struct log *log);

void api_free(struct api *api);

/* Returns all routes. */
struct http_routes api_routes(void);

/* Fills `addresses` with the list of nsqlookupds that PUT /config has set since the last call, and
 * sets *count. The spans are borrowed until the list is set again. Returns false when no list was
 * set. */
bool api_take_lookupds(struct api *api, struct span addresses[API_LOOKUPDS_MAX], size_t *count);

/* Continues the publishes in api->moving, while the current call has effort left. */
void api_step(struct api *api, int64_t now);
static inline bool api_has_work(const struct api *api)
{
    return !list_empty(&api->moving);
}

/* --- for the files of src/api ----------------------------------------------------------------- */

/* Returns how many bytes a limit of the configuration allows. */
static inline size_t api_limit(int64_t limit)
{
    return limit > 0 ? (size_t)limit : 0;
}

/* Answers with 200: an empty body, or a text. */
void api_answer_ok(struct http_call *call, struct span text, int64_t now);

/* Answers 400 INVALID_REQUEST and returns false if the query is bad. */
bool api_check_query(struct api *api, struct http_call *call, int64_t now);

/* The handlers of /pub, /mpub and /topic/create call this function. It checks the query and the
 * name of the topic, and then returns the topic. Creates the topic when it does not exist. Returns
 * NULL when it has already answered the call with an error. */
struct topic *api_make_topic(struct api *api, struct http_call *call, enum budget_use use,
                             int64_t now);

/* Returns what the pages of statistics tell about the server itself. The result is borrowed. */
struct stats_server api_stats_server(const struct api *api, int64_t now);

/* Handlers (struct http_route). */
void api_pub_begin(void *service, struct http_call *call, int64_t now);
void api_mpub_begin(void *service, struct http_call *call, int64_t now);
void api_publish_piece(void *service, struct http_call *call, struct span bytes, int64_t now);
void api_publish_end(void *service, struct http_call *call, bool broken, int64_t now);
void api_publish_drop(void *service, struct http_call *call);
void api_stats_end(void *service, struct http_call *call, bool broken, int64_t now);
void api_metrics_end(void *service, struct http_call *call, bool broken, int64_t now);
void api_config_get(void *service, struct http_call *call, int64_t now);
void api_config_begin(void *service, struct http_call *call, int64_t now);
void api_config_piece(void *service, struct http_call *call, struct span bytes, int64_t now);
void api_config_end(void *service, struct http_call *call, bool broken, int64_t now);
void api_config_drop(void *service, struct http_call *call);

/* Frees what PUT /config has set. */
void api_config_free(struct api *api);

#endif
