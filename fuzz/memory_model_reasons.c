/* SPDX-License-Identifier: MIT */
/*
 * The reasons for moves of messages: reads the FIN, REQ, TOUCH or RDY in the line of a call, and
 * decides whether the call or the time explains a move.
 */
#include "memory_model_parts.h"

#include "fuzz.h"
#include "session/session.h"

const struct conn *conn_of(const struct memory_model *model, unsigned conn)
{
    uint64_t id = model->conns[conn].id;
    return id == 0 ? NULL : model->engine->serve.slots[(uint32_t)id].conn;
}

const struct session *model_session(const struct memory_model *model, unsigned conn)
{
    const struct conn *c = conn_of(model, conn);
    return c == NULL || c->protocol != &v2_protocol ? NULL : c->session;
}

unsigned number_of(const struct memory_model *model, const struct consumer *consumer)
{
    const struct session *s = container_of(consumer, struct session, consumer);
    unsigned i = 0;
    while (i < model->conn_count && model->conns[i].id != s->conn->id) {
        i++;
    }
    FUZZ_CHECK(i < model->conn_count);
    return i;
}

bool is_subscribed(const struct memory_model *model, unsigned conn)
{
    const struct session *s = conn == MODEL_NOBODY ? NULL : model_session(model, conn);
    return s != NULL && s->consumer.channel != NULL;
}

/* An id is hexadecimal digits in lower case. */
static bool read_id(struct span text, uint64_t *id)
{
    *id = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
        if (digit == 16) {
            return false;
        }
        *id = *id << 4 | digit;
    }
    return true;
}

/* Reads "NAME <id>" at the start of the rest of a line. */
static bool read_said(struct span line, struct model_said *said)
{
    static const struct {
        const char *name;
        size_t n;
    } names[] = {[SAID_FIN] = {"FIN ", 4}, [SAID_REQ] = {"REQ ", 4}, [SAID_TOUCH] = {"TOUCH ", 6}};
    for (size_t i = SAID_FIN; i <= SAID_TOUCH; i++) {
        size_t n = names[i].n;
        if (line.n > n + NSQ_MESSAGE_ID_SIZE && line.p[0] == (uint8_t)names[i].name[0] &&
            memcmp(line.p, names[i].name, n) == 0) {
            said->what = (enum said_what)i;
            said->rest = span_skip(line, n + NSQ_MESSAGE_ID_SIZE);
            return read_id(span_make(line.p + n, NSQ_MESSAGE_ID_SIZE), &said->id);
        }
    }
    return false;
}

/* Reads "RDY <count>\n". ANY_COUNT: the count is missing or written in another way. */
static bool read_rdy(struct span line, struct model_said *said)
{
    size_t i = 4;
    if (line.n < 4 || memcmp(line.p, "RDY", 3) != 0) {
        return false;
    }
    *said = (struct model_said){.what = SAID_RDY};
    for (; i < line.n && line.p[i] >= '0' && line.p[i] <= '9' && i < 10; i++) {
        said->id = 10 * said->id + (line.p[i] - '0');
    }
    if (line.p[3] != ' ' || i == 4 || i >= line.n || line.p[i] != '\n') {
        said->id = ANY_COUNT;
    }
    return true;
}

/* The end of a body may stand before the line, so the search begins at the end. */
void find_said(struct memory_model *model, struct span line)
{
    model->said = model->said_rdy = (struct model_said){.what = SAID_NOTHING};
    for (size_t i = line.n; i-- > 0;) {
        struct model_said said;
        if (model->said.what == SAID_NOTHING && read_said(span_skip(line, i), &said)) {
            model->said = said;
        } else if (read_rdy(span_skip(line, i), &said)) {
            model->said_rdy = said;
        }
    }
}

size_t deliveries(const struct memory_model *model, const struct row *row, unsigned *last)
{
    size_t n = 0;
    for (size_t i = 0; i < model->delivery_count; i++) {
        const struct model_delivery *d = &model->deliveries[i];
        if (d->id == row->id && d->channel == row->channel) {
            n++;
            *last = d->conn;
        }
    }
    return n;
}

bool by_owner(const struct memory_model *model, const struct call *call, const struct row *row,
              enum said_what what)
{
    unsigned got = MODEL_NOBODY;
    if (model->said.what != what || model->said.id != row->id) {
        return false;
    }
    bool owned = row->place == ROW_IN_FLIGHT && row->owner == call->actor;
    return owned || (deliveries(model, row, &got) > 0 && got == call->actor);
}

bool by_time(const struct call *call, const struct row *row)
{
    bool waits = row->place == ROW_IN_FLIGHT || row->place == ROW_DEFERRED;
    return waits && call->kind == CALL_STEP && row->due <= call->now;
}

int64_t requeued_until(const struct memory_model *model, const struct call *call)
{
    int64_t most = model->engine->v2.config.max_req_timeout / TIME_MS;
    int64_t ms = 0;
    struct span rest = model->said.rest;
    for (size_t i = 1; i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '9' && ms <= most; i++) {
        ms = 10 * ms + (rest.p[i] - '0');
    }
    return call->now + (ms < most ? ms : most) * TIME_MS;
}
