/* SPDX-License-Identifier: MIT */
/*
 * GET and PUT /config: tells the values of the options, and changes two of them. Must not know what
 * the options do, connections, clocks.
 */
#include "api/api.h"

#include "base/alloc.h"
#include "base/text.h"
#include "json/json.h"
#include "json/writer.h"

#define LOOKUPDS SPAN("nsqlookupd_tcp_addresses")
#define LOG_LEVEL SPAN("log_level")

/* A PUT whose body arrives. */
struct config_put {
    struct buf body; /* at most API_CONFIG_MAX bytes and a piece */
    size_t cost;     /* bytes that are charged for it */
};

/* --- values ----------------------------------------------------------------------------------- */

static const struct api_setting *find_setting(const struct api *api, struct span name)
{
    for (size_t i = 0; i < api->config.setting_count; i++) {
        if (span_equal(api->config.settings[i].name, name)) {
            return &api->config.settings[i];
        }
    }
    return NULL;
}

static void answer_json(struct http_call *call, struct span value, int64_t now)
{
    const struct http_answer answer = {
        .status = 200, .headers = SPAN(API_HEADERS_JSON), .body = value};
    http_call_answer(call, &answer, now);
}

static void tell_value(const struct api *api, struct http_call *call, int64_t now)
{
    const struct api_setting *setting = find_setting(api, call->param);
    char level[TEXT_DECIMAL_MAX];
    if (setting == NULL) {
        http_call_message(call, 400, SPAN("INVALID_OPTION"), now);
    } else if (span_equal(setting->name, LOG_LEVEL)) {
        answer_json(call, text_decimal(level, api->log->least), now);
    } else if (span_equal(setting->name, LOOKUPDS) && api->lookupds.json.n > 0) {
        answer_json(call, buf_span(&api->lookupds.json), now);
    } else if (setting->json) {
        answer_json(call, setting->value, now);
    } else {
        api_answer_ok(call, setting->value, now);
    }
}

void api_config_get(void *service, struct http_call *call, int64_t now)
{
    tell_value(service, call, now);
}

/* --- the list of nsqlookupds ------------------------------------------------------------------ */

/* Reads an array of strings, or null. As in Go, a null in the array is an empty string. */
struct list_reader {
    struct json_writer writer;
    struct api_lookupds list;
    bool open; /* within the array */
};

static void free_list(struct api_lookupds *list)
{
    buf_free(&list->json);
    buf_free(&list->bytes);
}

static int add_address(struct list_reader *r, struct span address)
{
    struct api_lookupds *list = &r->list;
    if (list->count == API_LOOKUPDS_MAX) {
        return 0;
    }
    json_write_string(&r->writer, address);
    buf_append(&list->bytes, address);
    list->sizes[list->count++] = address.n;
    return 1;
}

static int on_null(void *context)
{
    struct list_reader *r = context;
    if (r->open) {
        return add_address(r, span_make(NULL, 0));
    }
    json_write_null(&r->writer);
    return 1;
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
    struct list_reader *r = context;
    struct buf valid = {0};
    if (!r->open) {
        return 0;
    }
    json_append_valid(&valid, span_make(text, n));
    int fits = add_address(r, buf_span(&valid));
    buf_free(&valid);
    return fits;
}

static int on_start_array(void *context)
{
    struct list_reader *r = context;
    if (r->open) {
        return 0;
    }
    r->open = true;
    json_open_array(&r->writer);
    return 1;
}

static int on_end_array(void *context)
{
    struct list_reader *r = context;
    r->open = false;
    json_close_array(&r->writer);
    return 1;
}

static int refuse(void *context)
{
    (void)context;
    return 0;
}

static int refuse_bool(void *context, int value)
{
    (void)value;
    return refuse(context);
}

static int refuse_number(void *context, const char *text, size_t n)
{
    (void)text;
    (void)n;
    return refuse(context);
}

static const yajl_callbacks list_callbacks = {.yajl_null = on_null,
                                              .yajl_boolean = refuse_bool,
                                              .yajl_number = refuse_number,
                                              .yajl_string = on_string,
                                              .yajl_start_map = refuse,
                                              .yajl_start_array = on_start_array,
                                              .yajl_end_array = on_end_array};

static void forget_lookupds(struct api *api)
{
    budget_release(&api->broker->core.budget, api->lookupds.cost);
    free_list(&api->lookupds);
}

/* Returns false when the body is not a list of strings. Then nothing is changed. */
static bool set_lookupds(struct api *api, struct buf *body)
{
    struct list_reader reader = {.list = {.is_new = true}};
    reader.writer = json_writer(&reader.list.json, JSON_GO);
    effort_use(&api->broker->core.effort, body->n / EFFORT_JSON_BYTES);
    json_mend_surrogates(body->p + body->head, body->n, body->n);
    if (!json_read(buf_span(body), &list_callbacks, &reader)) {
        free_list(&reader.list);
        return false;
    }
    forget_lookupds(api);
    api->lookupds = reader.list;
    buf_fit(&api->lookupds.json);
    buf_fit(&api->lookupds.bytes);
    api->lookupds.cost = api->lookupds.json.cap + api->lookupds.bytes.cap;
    budget_charge(&api->broker->core.budget, api->lookupds.cost);
    return true;
}

bool api_take_lookupds(struct api *api, struct span addresses[API_LOOKUPDS_MAX], size_t *count)
{
    struct api_lookupds *list = &api->lookupds;
    struct span rest = buf_span(&list->bytes);
    if (!list->is_new) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        addresses[i] = span_first(rest, list->sizes[i]);
        rest = span_skip(rest, list->sizes[i]);
    }
    *count = list->count;
    list->is_new = false;
    return true;
}

static bool set_log_level(struct api *api, struct span word)
{
    enum log_level level;
    if (!log_level_named(word, &level)) {
        return false;
    }
    log_set_level(api->log, level);
    return true;
}

void api_config_free(struct api *api)
{
    forget_lookupds(api);
}

/* --- handlers --------------------------------------------------------------------------------- */

void api_config_begin(void *service, struct http_call *call, int64_t now)
{
    const struct api *api = service;
    (void)now;
    call->state = alloc_zeroed(sizeof(struct config_put));
    budget_charge(&api->broker->core.budget, sizeof(struct config_put));
}

void api_config_drop(void *service, struct http_call *call)
{
    const struct api *api = service;
    struct config_put *put = call->state;
    budget_release(&api->broker->core.budget, put->cost + sizeof *put);
    buf_free(&put->body);
    alloc_free(put);
}

void api_config_piece(void *service, struct http_call *call, struct span bytes, int64_t now)
{
    const struct api *api = service;
    struct config_put *put = call->state;
    struct budget *budget = &api->broker->core.budget;
    size_t most = api_limit(api->config.max_msg_size);
    most = most < API_CONFIG_MAX ? most : API_CONFIG_MAX;
    if (put->body.n + bytes.n > most) {
        call->unused = put->body.n + bytes.n - most - 1;
        http_call_message(call, 413, SPAN("INVALID_VALUE"), now);
    } else if (!budget_has_room(budget, BUDGET_CLIENT, 2 * (put->body.n + bytes.n))) {
        http_call_message(call, 503, SPAN("NO_MEMORY"), now);
    } else {
        buf_append(&put->body, bytes);
        budget_charge(budget, put->body.cap - put->cost);
        put->cost = put->body.cap;
    }
}

void api_config_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    struct api *api = service;
    struct config_put *put = call->state;
    bool is_level = span_equal(call->param, LOG_LEVEL);
    if (broken) {
        http_call_message(call, 500, SPAN("INTERNAL_ERROR"), now);
    } else if (put->body.n == 0) {
        http_call_message(call, 413, SPAN("INVALID_VALUE"), now);
    } else if (!is_level && !span_equal(call->param, LOOKUPDS)) {
        http_call_message(call, 400, SPAN("INVALID_OPTION"), now);
    } else if (is_level ? set_log_level(api, buf_span(&put->body))
                        : set_lookupds(api, &put->body)) {
        tell_value(api, call, now);
    } else {
        http_call_message(call, 400, SPAN("INVALID_VALUE"), now);
    }
}
