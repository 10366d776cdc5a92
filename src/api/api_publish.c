/* SPDX-License-Identifier: MIT */
/*
 * POST /pub and POST /mpub. The messages are made while the body arrives. A body has three forms:
 * one message, a message for each line, and the binary form of MPUB. Must not know connections,
 * how a topic gives messages to its channels.
 */
#include "api/api.h"

#include <nsq/name.h>

#include "base/alloc.h"
#include "base/text.h"
#include "http/http_target.h"

#define LINE_COST_LEAST 4096 /* bytes that are charged first for a message of unknown size */
#define NUMBER_SIZE 4        /* bytes of a number of the binary form */

enum form { FORM_ONE, FORM_LINES, FORM_BINARY };

struct api_publish {
    struct api *api;
    struct http_call *call;
    enum form form;
    struct publish publish;
    uint64_t received;  /* bytes of the body */
    struct buf line;    /* ONE, LINES: the message that is arriving */
    size_t line_cost;   /* charged for it */
    bool line_too_big;  /* it has more than max_msg_size bytes; they are not kept */
    bool counted;       /* BINARY: the number of messages has arrived */
    int64_t left;       /* BINARY: how many messages must still arrive */
    size_t digits;      /* BINARY: bytes of the number that is arriving */
    uint32_t number;    /* BINARY: that number so far */
    struct draft draft; /* BINARY: the message that is arriving */
    struct ticket ticket;
    struct list moving; /* in api->moving */
};

static struct budget *budget_of(const struct api_publish *p)
{
    return &p->api->broker->core.budget;
}

/* --- the end of a publish --------------------------------------------------------------------- */

static void fail(struct api_publish *p, int status, struct span text, int64_t now)
{
    http_call_message(p->call, status, text, now);
}

static void no_memory(struct api_publish *p, int64_t now)
{
    fail(p, 503, SPAN("NO_MEMORY"), now);
}

static void answered(struct ticket *ticket, struct span why, int64_t now)
{
    struct api_publish *p = container_of(ticket, struct api_publish, ticket);
    if (why.n > 0) {
        fail(p, 503, SPAN("EXITING"), now);
    } else {
        api_answer_ok(p->call, SPAN("OK"), now);
    }
}

static void answer_moved(struct api_publish *p, int64_t now)
{
    if (broker_moved(p->api->broker, &p->publish, now)) {
        list_remove(&p->moving);
        api_answer_ok(p->call, SPAN("OK"), now);
    }
}

/* Publishes all messages. The answer may have to wait for the disk, or for the moves. */
static void publish(struct api_publish *p, int64_t now)
{
    uint64_t ticket;
    switch (broker_publish(p->api->broker, &p->publish, now, &ticket)) {
    case PUBLISH_REFUSED:
        no_memory(p, now);
        break;
    case PUBLISH_WAITS:
        http_call_hold(p->call);
        tickets_wait(p->api->tickets, &p->ticket, ticket, answered);
        break;
    default:
        http_call_hold(p->call);
        list_push(&p->api->moving, &p->moving);
        answer_moved(p, now);
    }
}

void api_step(struct api *api, int64_t now)
{
    struct broker *broker = api->broker;
    size_t count = 0;
    for (const struct list *l = api->moving.next; l != &api->moving && count < API_MOVING_A_STEP;
         l = l->next) {
        count++;
    }
    for (; count > 0 && effort_is_left(&broker->core.effort); count--) {
        struct api_publish *p = container_of(api->moving.next, struct api_publish, moving);
        list_remove(&p->moving);
        list_push(&api->moving, &p->moving);
        answer_moved(p, now);
    }
}

void api_publish_drop(void *service, struct http_call *call)
{
    struct api *api = service;
    struct api_publish *p = call->state;
    list_remove(&p->moving);
    tickets_forget(api->tickets, &p->ticket);
    broker_discard(api->broker, &p->publish.messages);
    draft_drop(&p->draft, budget_of(p));
    budget_release(budget_of(p), p->line_cost + sizeof *p);
    buf_free(&p->line);
    alloc_free(p);
}

/* --- messages --------------------------------------------------------------------------------- */

static void add_message(struct api_publish *p, struct body *body, int64_t now)
{
    effort_use(&p->api->broker->core.effort, EFFORT_PART);
    broker_add_message(p->api->broker, &p->publish, body, now + p->api->wall_offset);
}

/* Adds a message whose bytes are all there. Returns false if there is no memory. */
static bool add_bytes(struct api_publish *p, struct span bytes, int64_t now)
{
    struct draft draft = {0};
    draft_begin(&draft, (uint32_t)bytes.n);
    if (!draft_add(&draft, budget_of(p), BUDGET_QUEUE, bytes)) {
        return false;
    }
    add_message(p, draft_finish(&draft), now);
    return true;
}

/* Returns what is charged for n bytes of p->line. It depends only on n, so it does not matter how
 * the input was cut. */
static size_t cost_of_line(size_t n)
{
    size_t cost = LINE_COST_LEAST;
    while (cost < n) {
        cost *= 2;
    }
    return n == 0 ? 0 : 2 * cost;
}

static void drop_line(struct api_publish *p)
{
    buf_drop(&p->line, p->line.n);
    budget_release(budget_of(p), p->line_cost);
    p->line_cost = 0;
    p->line_too_big = false;
}

/* Returns how many more bytes the line may have. */
static size_t room_for_line(const struct api_publish *p)
{
    return api_limit(p->api->config.max_msg_size) - p->line.n;
}

/* Keeps bytes of a message that is not complete. Returns false if there is no memory. A message
 * that is too big needs the memory for its first bytes too, because they may arrive alone. */
static bool keep(struct api_publish *p, struct span bytes)
{
    size_t room = room_for_line(p);
    bool too_big = bytes.n > room;
    if (p->line_too_big) {
        return true;
    }
    bytes = span_first(bytes, room);
    size_t cost = cost_of_line(p->line.n + bytes.n);
    if (cost > p->line_cost) {
        if (!budget_has_room(budget_of(p), BUDGET_QUEUE, cost - p->line_cost)) {
            return false;
        }
        budget_charge(budget_of(p), cost - p->line_cost);
        p->line_cost = cost;
    }
    buf_append(&p->line, bytes);
    if (too_big) {
        drop_line(p);
        p->line_too_big = true;
    }
    return true;
}

/* Makes a message of p->line. Empty lines are no messages. */
static bool end_line(struct api_publish *p, int64_t now)
{
    bool ok = p->line.n == 0 || add_bytes(p, buf_span(&p->line), now);
    drop_line(p);
    return ok;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Takes the bytes of one line, or of a part of one. Returns false if the call was answered. nsqd
 * checks the size of a line when it ends. */
static bool take_line(struct api_publish *p, struct span part, bool ends, int64_t now)
{
    uint64_t most = api_limit(p->api->config.max_body_size);
    if (p->received > most) {
        p->call->unused += (size_t)(p->received - most - 1);
        fail(p, 413, SPAN("BODY_TOO_BIG"), now);
        return false;
    }
    if (!keep(p, part)) {
        no_memory(p, now);
        return false;
    }
    if (ends && p->line_too_big) {
        fail(p, 413, SPAN("MSG_TOO_BIG"), now);
        return false;
    }
    if (ends && !end_line(p, now)) {
        no_memory(p, now);
        return false;
    }
    return true;
}

static void take_lines(struct api_publish *p, struct span in, int64_t now)
{
    bool open = true;
    while (open && in.n > 0) {
        const uint8_t *end = memchr(in.p, '\n', in.n);
        size_t n = end == NULL ? in.n : (size_t)(end - in.p);
        struct span line = span_first(in, n);
        p->received += n + (end != NULL);
        in = span_skip(in, n + (end != NULL));
        p->call->unused = in.n;
        effort_use(&p->api->broker->core.effort, EFFORT_PART);
        open = take_line(p, line, end != NULL, now);
    }
}

/* --- one message ------------------------------------------------------------------------------ */

static void take_one(struct api_publish *p, struct span in, int64_t now)
{
    size_t room = room_for_line(p);
    if (!keep(p, in)) {
        no_memory(p, now);
    } else if (p->line_too_big) {
        p->call->unused = in.n - room - 1;
        fail(p, 413, SPAN("MSG_TOO_BIG"), now);
    }
}

/* Reads a decimal as Go's strconv.ParseInt does. */
static bool parse_integer(struct span text, int64_t *value)
{
    bool negative = text.n > 0 && text.p[0] == '-';
    uint64_t most = (uint64_t)INT64_MAX + negative;
    uint64_t n = 0;
    if (negative || (text.n > 0 && text.p[0] == '+')) {
        text = span_skip(text, 1);
    }
    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)text.p[i] - '0';
        if (digit > 9 || n > (most - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *value = (int64_t)(negative ? 0 - n : n);
    return text.n > 0;
}

/* Reads the parameter `defer`, in ms. Returns false if it is bad. As in nsqd, the product with a
 * million wraps around. */
static bool take_delay(struct api_publish *p)
{
    struct buf text = {0};
    int64_t ms = 0;
    bool ok = !http_query_find(p->call->query, SPAN("defer"), &text) ||
              parse_integer(buf_span(&text), &ms);
    buf_free(&text);
    p->publish.delay = (int64_t)((uint64_t)ms * (uint64_t)TIME_MS);
    return ok && p->publish.delay >= 0 && p->publish.delay <= p->api->config.max_req_timeout;
}

static void end_one(struct api_publish *p, int64_t now)
{
    struct topic *topic;
    if (p->line.n == 0) {
        fail(p, 400, SPAN("MSG_EMPTY"), now);
    } else if ((topic = api_make_topic(p->api, p->call, BUDGET_QUEUE, now)) != NULL) {
        p->publish.topic = topic->name;
        if (!take_delay(p)) {
            fail(p, 400, SPAN("INVALID_DEFER"), now);
        } else if (!end_line(p, now)) {
            no_memory(p, now);
        } else {
            publish(p, now);
        }
    }
}

/* --- the binary form -------------------------------------------------------------------------- */

/* A number is complete: how many messages there are, or the size of the next one. Returns the
 * error, or an empty span. */
static struct span take_number(struct api_publish *p)
{
    int64_t number = p->number;
    const struct api_config *c = &p->api->config;
    p->digits = 0;
    p->number = 0;
    if (!p->counted) {
        p->counted = true;
        p->left = number;
        bool bad = number <= 0 || number > INT32_MAX || number > (c->max_body_size - 4) / 5;
        return bad ? SPAN("BAD_BODY") : SPAN("");
    }
    if (number <= 0 || number > INT32_MAX || number > c->max_msg_size) {
        return SPAN("BAD_MESSAGE");
    }
    draft_begin(&p->draft, (uint32_t)number);
    return SPAN("");
}

/* Takes a byte of a number. */
static struct span take_digit(struct api_publish *p, uint8_t byte)
{
    p->number = p->number << 8 | byte;
    p->digits++;
    return p->digits == NUMBER_SIZE ? take_number(p) : SPAN("");
}

/* Takes bytes of a message. Returns how many were used; 0: there is no memory. */
static size_t take_part(struct api_publish *p, struct span in, int64_t now)
{
    struct span part = span_first(in, p->draft.size - p->draft.have);
    if (!draft_add(&p->draft, budget_of(p), BUDGET_QUEUE, part)) {
        return 0;
    }
    if (p->draft.have == p->draft.size) {
        add_message(p, draft_finish(&p->draft), now);
        p->left--;
    }
    return part.n;
}

/* When the last message is complete, all are published. nsqd does not read the rest of the body. */
static void take_binary(struct api_publish *p, struct span in, int64_t now)
{
    while (in.n > 0) {
        if (p->draft.size == 0) {
            struct span error = take_digit(p, in.p[0]);
            in = span_skip(in, 1);
            p->call->unused = in.n;
            if (error.n > 0) {
                fail(p, 413, error, now);
                return;
            }
            continue;
        }
        size_t n = take_part(p, in, now);
        in = span_skip(in, n);
        p->call->unused = in.n;
        if (n == 0) {
            no_memory(p, now);
            return;
        }
        if (p->left == 0) {
            publish(p, now);
            return;
        }
    }
}

/* --- handlers --------------------------------------------------------------------------------- */

static struct api_publish *begin(struct api *api, struct http_call *call)
{
    struct api_publish *p = alloc_zeroed(sizeof *p);
    p->api = api;
    p->call = call;
    list_init(&p->moving);
    budget_charge(budget_of(p), sizeof *p);
    call->state = p;
    return p;
}

/* Returns whether the head of a request announces more bytes than fit. A negative limit does not
 * allow an empty body, as in nsqd. */
static bool is_too_long(const struct http_call *call, int64_t limit)
{
    return limit < 0 || (call->has_length && call->length > (uint64_t)limit);
}

void api_pub_begin(void *service, struct http_call *call, int64_t now)
{
    struct api_publish *p = begin(service, call);
    if (is_too_long(call, p->api->config.max_msg_size)) {
        fail(p, 413, SPAN("MSG_TOO_BIG"), now);
    }
}

/* Returns the form that the parameter `binary` asks for. */
static enum form form_of(const struct api *api, const struct http_call *call)
{
    struct buf value = {0};
    enum form form = FORM_LINES;
    if (http_query_find(call->query, SPAN("binary"), &value)) {
        struct span v = buf_span(&value);
        bool off = span_equal(v, SPAN("false")) || span_equal(v, SPAN("0"));
        form = off ? FORM_LINES : FORM_BINARY;
        if (!off && !span_equal(v, SPAN("true")) && !span_equal(v, SPAN("1"))) {
            log_say(api->log, LOG_WARNING, "deprecated value '%' used for /mpub binary param", v);
        }
    }
    buf_free(&value);
    return form;
}

/* As in nsqd, the topic is created before the body is read. */
void api_mpub_begin(void *service, struct http_call *call, int64_t now)
{
    struct api *api = service;
    if (is_too_long(call, api->config.max_body_size)) {
        http_call_message(call, 413, SPAN("BODY_TOO_BIG"), now);
        return;
    }
    const struct topic *topic = api_make_topic(api, call, BUDGET_QUEUE, now);
    if (topic != NULL) {
        struct api_publish *p = begin(api, call);
        p->publish.topic = topic->name;
        p->form = form_of(api, call);
    }
}

void api_publish_piece(void *service, struct http_call *call, struct span bytes, int64_t now)
{
    struct api_publish *p = call->state;
    (void)service;
    switch (p->form) {
    case FORM_ONE:
        take_one(p, bytes, now);
        break;
    case FORM_LINES:
        take_lines(p, bytes, now);
        break;
    default:
        take_binary(p, bytes, now);
    }
}

void api_publish_end(void *service, struct http_call *call, bool broken, int64_t now)
{
    struct api_publish *p = call->state;
    (void)service;
    if (p->form == FORM_BINARY) {
        fail(p, 413, p->counted ? SPAN("BAD_MESSAGE") : SPAN("BAD_BODY"), now);
    } else if (broken) {
        fail(p, 500, SPAN("INTERNAL_ERROR"), now);
    } else if (p->form == FORM_ONE) {
        end_one(p, now);
    } else if (take_line(p, span_make(NULL, 0), true, now)) {
        publish(p, now);
    }
}
