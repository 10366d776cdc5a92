/* SPDX-License-Identifier: MIT */
/*
 * Reads the magic, which may arrive in several parts, and switches the protocol. Bytes after the
 * magic are left for the protocol that has this magic.
 */
#include "serve/magic.h"

#include "base/alloc.h"
#include "base/time.h"

/* The session: the part of the magic that has arrived. */
struct magic {
    struct conn *conn;
    size_t size;
    uint8_t bytes[MAGIC_SIZE];
};

static void log_magic(const struct magic_table *table, const struct magic *m, enum log_level level,
                      const char *form)
{
    if (form != NULL) {
        log_say(table->log, level, form, conn_peer(m->conn), span_make(m->bytes, m->size));
    }
}

static const struct magic_row *find_row(const struct magic_table *table, struct span magic)
{
    for (size_t i = 0; i < table->row_count; i++) {
        if (span_equal(table->rows[i].magic, magic)) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static void choose(const struct magic_table *table, struct magic *m, int64_t now)
{
    struct conn *conn = m->conn;
    const struct magic_row *row = find_row(table, span_make(m->bytes, sizeof m->bytes));
    log_magic(table, m, LOG_INFO, table->chosen_form);
    if (row == NULL) {
        conn_send(conn, table->refusal, now);
        conn_finish(conn, true, now);
        log_magic(table, m, LOG_ERROR, table->bad_form);
        return;
    }
    alloc_free(m);
    conn_set_due(conn, TIME_NEVER);
    conn_switch_protocol(conn, row->protocol, row->service, now);
}

static void *on_open(void *service, struct conn *conn, int64_t now)
{
    const struct magic_table *table = service;
    struct magic *m = alloc_zeroed(sizeof *m);
    m->conn = conn;
    if (table->timeout > 0) {
        conn_set_due(conn, time_after(now, table->timeout));
    }
    return m;
}

static size_t on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct magic *m = session;
    struct span part = span_first(in, sizeof m->bytes - m->size);
    memcpy(m->bytes + m->size, part.p, part.n);
    m->size += part.n;
    if (m->size == sizeof m->bytes) {
        choose(service, m, now);
    }
    return part.n;
}

static void on_eof(void *service, void *session, int64_t now)
{
    const struct magic_table *table = service;
    const struct magic *m = session;
    log_magic(table, m, LOG_ERROR, m->size == 0 ? table->eof_form : table->cut_form);
    conn_finish(m->conn, false, now);
}

static void on_due(void *service, void *session, int64_t now)
{
    const struct magic_table *table = service;
    const struct magic *m = session;
    log_magic(table, m, LOG_ERROR, table->late_form);
    conn_finish(m->conn, false, now);
}

static void on_closed(void *service, void *session, int64_t now)
{
    (void)service;
    (void)now;
    alloc_free(session);
}

const struct protocol magic_protocol = {
    .open = on_open,
    .recv = on_recv,
    .eof = on_eof,
    .due = on_due,
    .closed = on_closed,
};
