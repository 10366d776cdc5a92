/* SPDX-License-Identifier: MIT */
/* Blocking code with one deadline for each wait, because steps come one after the other. Must not
 * know: NSQ's rules. */
#include "conform/play_server.h"

#include <nsq/frame.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "conform/files.h"
#include "conform/player_io.h"
#include "conform/session_file_unroll.h"
#include "conform/suite.h"
#include "shell/clock.h"
#include "shell/socket.h"

#define INPUT_TIMEOUT (10 * TIME_SECOND)  /* for what a client must send */
#define ACCEPT_TIMEOUT (60 * TIME_SECOND) /* for a client to connect */
#define CHECK_TIME (50 * TIME_MS)         /* a connection that ends sooner was a mere check */
#define NOTHING_TIMEOUT (300 * TIME_MS)   /* for the PUB that proves that no reply came */
#define MARGIN (100 * TIME_MS)            /* added to "after", so that nothing comes too early */
#define READ_SIZE 65536
#define SHOWN_MAX 200
#define TLS_FILE_MAX 65536
#define FIRST_TIME (INT64_C(1767225600) * TIME_SECOND) /* 2026-01-01 */

struct served {
    struct span name; /* empty: not connected yet */
    int fd;           /* -1: closed */
    bool ended;       /* the client has ended its output */
    struct buf raw;   /* received, not decoded yet */
    struct buf in;
    struct wire wire; /* the codecs that are enabled */
};

struct server {
    const struct args *args;
    struct transcript file;
    struct unrolled steps; /* of the file, written out */
    struct values values;
    struct buf scratch; /* the PUB with which a client proves that no reply came */
    int listener;
    struct socket_file path; /* of the listener, if it is a unix socket */
    struct served conns[PLAYER_CONNS_MAX];
    size_t n;
    size_t turn;     /* the connection with which the next search begins */
    uint64_t made;   /* how many ids and timestamps were made up */
    struct tls *tls; /* NULL: not needed yet */
    FILE *err;
};

static bool fail(struct server *s, const struct step *step, const char *came, struct span bytes)
{
    struct buf text = {0};
    text_append(&text, "expected: ");
    transcript_step_print(step, 0, &text);
    text_append(&text, "received: ");
    buf_append(&text, span_make(came, strlen(came)));
    if (bytes.n > 0) {
        text_append(&text, " \"");
        transcript_escape(span_first(bytes, SHOWN_MAX), &text);
        text_append(&text, "\"");
    }
    fprintf(s->err, "%s:%u\n%.*s\n", s->args->serve, step->line, (int)text.n,
            (const char *)buf_span(&text).p);
    buf_free(&text);
    return false;
}

static void pause_for(int64_t ns)
{
    const struct timespec t = {.tv_sec = ns / TIME_SECOND, .tv_nsec = ns % TIME_SECOND};
    nanosleep(&t, NULL);
}

/* Waits until a descriptor is ready. Returns false if it is not ready by the deadline. */
static bool await(int fd, short events, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t left = deadline - clock_now();
    int n;
    do {
        n = poll(&p, 1, left <= 0 ? 0 : (int)((left + TIME_MS - 1) / TIME_MS));
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* Waits for input until the deadline. Returns false if none came, or if the client has closed its
 * output. */
static bool read_more(struct served *c, int64_t deadline)
{
    if (c->ended || c->fd < 0 || !await(c->fd, POLLIN, deadline)) {
        return false;
    }
    ssize_t n = recv(c->fd, buf_room(&c->raw, READ_SIZE), READ_SIZE, 0);
    if (n > 0) {
        buf_grew(&c->raw, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        c->ended = true;
    }
    return !c->ended;
}

static void send_raw(struct served *c, struct span bytes)
{
    int64_t deadline = clock_now() + INPUT_TIMEOUT;
    while (bytes.n > 0 && c->fd >= 0 && await(c->fd, POLLOUT, deadline)) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return; /* the next read finds that the client is gone */
        }
        bytes = span_skip(bytes, n < 0 ? 0 : (size_t)n);
    }
}

static void send_bytes(struct served *c, struct span bytes)
{
    struct buf out = {0};
    wire_encode(&c->wire, bytes, &out);
    send_raw(c, buf_span(&out));
    buf_free(&out);
}

static void send_answer(struct served *c)
{
    send_raw(c, buf_span(&c->wire.answer));
    buf_free(&c->wire.answer);
}

/* Decodes what was received. */
static void decode(struct served *c)
{
    wire_decode(&c->wire, buf_span(&c->raw), SIZE_MAX, &c->in);
    buf_drop(&c->raw, c->raw.n);
    send_answer(c);
}

static void send_frame(struct served *c, enum nsq_frame_type type, struct span data)
{
    uint8_t header[NSQ_FRAME_HEADER_SIZE];
    nsq_frame_header(header, type, data.n);
    send_bytes(c, span_make(header, sizeof header));
    send_bytes(c, data);
}

/* --- commands that clients may send at any time ----------------------------------------------- */

enum extra { EXTRA_NONE, EXTRA_PART, EXTRA_WHOLE };

/* Whether the input begins with the command, or with a part of it. */
static enum extra begins_with(struct span in, struct span command)
{
    size_t n = in.n < command.n ? in.n : command.n;
    if (in.n == 0 || !span_equal(span_first(in, n), span_first(command, n))) {
        return EXTRA_NONE;
    }
    return n == command.n ? EXTRA_WHOLE : EXTRA_PART;
}

/* Removes one such command from the input, and answers it. */
static enum extra take_extra(struct server *s, struct served *c)
{
    enum extra nop = begins_with(buf_span(&c->in), SPAN("NOP\n"));
    enum extra pub = begins_with(buf_span(&c->in), buf_span(&s->scratch));
    enum extra last = begins_with(buf_span(&c->in), SPAN(PLAYER_LAST_COMMAND));
    if (nop == EXTRA_WHOLE) {
        buf_drop(&c->in, 4);
    } else if (pub == EXTRA_WHOLE) {
        buf_drop(&c->in, s->scratch.n);
        send_frame(c, NSQ_FRAME_RESPONSE, SPAN("OK"));
    } else if (last == EXTRA_WHOLE) {
        buf_drop(&c->in, sizeof PLAYER_LAST_COMMAND - 1);
        send_frame(c, NSQ_FRAME_ERROR, SPAN("E_INVALID no such command"));
        shutdown(c->fd, SHUT_WR);
    }
    enum extra most = nop > pub ? nop : pub;
    return most > last ? most : last;
}

/* Waits until the client has sent these bytes. They must come next. */
static bool expect_bytes(struct server *s, struct served *c, const struct step *step,
                         struct span wanted)
{
    int64_t deadline = clock_now() + INPUT_TIMEOUT;
    for (;;) {
        decode(c);
        struct span in = buf_span(&c->in);
        if (in.n >= wanted.n && span_equal(span_first(in, wanted.n), wanted)) {
            buf_drop(&c->in, wanted.n);
            return true;
        }
        enum extra extra = take_extra(s, c);
        if (extra == EXTRA_WHOLE) {
            continue;
        }
        if (extra == EXTRA_NONE && in.n >= wanted.n) {
            return fail(s, step, "", in);
        }
        if (!read_more(c, deadline)) {
            return fail(s, step, c->ended ? "the end of the connection" : "nothing more",
                        buf_span(&c->in));
        }
    }
}

/* Does the same as expect_bytes, for bytes that bypass the codecs. */
static bool expect_raw(struct server *s, struct served *c, const struct step *step,
                       struct span wanted)
{
    int64_t deadline = clock_now() + INPUT_TIMEOUT;
    while (c->raw.n < wanted.n && read_more(c, deadline)) {
    }
    if (!span_equal(span_first(buf_span(&c->raw), wanted.n), wanted)) {
        return fail(s, step, "", buf_span(&c->raw));
    }
    buf_drop(&c->raw, wanted.n);
    return true;
}

/* Waits until the client ends its output. It must send nothing before that. */
static bool expect_end(struct server *s, struct served *c, const struct step *step)
{
    int64_t deadline = clock_now() + INPUT_TIMEOUT;
    enum extra extra;
    do {
        decode(c);
        while ((extra = take_extra(s, c)) == EXTRA_WHOLE) {
        }
    } while ((c->in.n == 0 || extra == EXTRA_PART) && read_more(c, deadline));
    if (!c->ended || c->in.n > 0) {
        return fail(s, step, c->in.n > 0 ? "" : "nothing", buf_span(&c->in));
    }
    return true;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* Finds the connection of a step. If the actor is "c*", the connections take turns. */
static struct served *find(struct server *s, struct span actor)
{
    for (size_t i = 0; i < s->n; i++) {
        struct served *c = &s->conns[(s->turn + i) % s->n];
        if (actor_is_of(actor, c->name)) {
            s->turn = (s->turn + i + 1) % s->n;
            return c;
        }
    }
    return NULL;
}

/* Accepts a client. Skips connections that only check whether a server answers. */
static bool accept_client(struct server *s, const struct step *step)
{
    char peer[SOCKET_ADDRESS_MAX];
    int64_t deadline = clock_now() + ACCEPT_TIMEOUT;
    if (s->n == PLAYER_CONNS_MAX) {
        return fail(s, step, "too many connections", span_make(NULL, 0));
    }
    struct served *c = &s->conns[s->n];
    while (await(s->listener, POLLIN, deadline)) {
        *c = (struct served){.name = step->actor, .fd = socket_accept(s->listener, peer)};
        if (c->fd < 0) {
            continue;
        }
        read_more(c, clock_now() + CHECK_TIME);
        if (!c->ended || c->raw.n > 0) {
            s->n++;
            return true;
        }
        close(c->fd);
        buf_free(&c->raw);
    }
    return fail(s, step, "no connection", span_make(NULL, 0));
}

/* Returns the value with this name. If there is none, creates it from the next number. */
static struct span value_of(struct server *s, struct span name, bool is_id)
{
    struct value *v = values_find(&s->values, name);
    char text[NSQ_MESSAGE_ID_SIZE + 1];
    if (v == NULL && (v = values_add(&s->values, name)) != NULL) {
        uint64_t number = ++s->made;
        snprintf(text, sizeof text, "%016llx", (unsigned long long)number);
        if (!is_id) {
            be64_store((uint8_t *)text, (uint64_t)FIRST_TIME + number);
        }
        buf_append(&v->bytes, span_make(text, is_id ? NSQ_MESSAGE_ID_SIZE : 8));
    }
    return v == NULL ? span_make(NULL, 0) : buf_span(&v->bytes);
}

static bool send_message(struct server *s, struct served *c, const struct step *step)
{
    uint8_t header[NSQ_MESSAGE_HEADER_SIZE];
    struct span id = value_of(s, step->var, true);
    struct span name = step->at.n > 0 ? step->at : SPAN("at of no name");
    struct span at = value_of(s, name, false);
    struct buf data = {0};
    bool ok = id.n == NSQ_MESSAGE_ID_SIZE && at.n == 8;
    if (ok) {
        const struct nsq_message m = {.timestamp = (int64_t)be64_load(at.p),
                                      .attempts =
                                          (uint16_t)(step->attempts < 0 ? 1 : step->attempts),
                                      .id = id.p};
        nsq_message_header(header, &m);
        buf_append(&data, span_make(header, sizeof header));
        ok = values_render(&s->values, step->items, &data);
        buf_append(&data, step->any_body ? SPAN("any body") : SPAN(""));
        send_frame(c, NSQ_FRAME_MESSAGE, buf_span(&data));
    }
    buf_free(&data);
    return ok || fail(s, step, "a value that no earlier step uses", span_make(NULL, 0));
}

/* A frame whose data is made of items. */
static bool send_items(struct server *s, struct served *c, const struct step *step)
{
    struct buf data = {0};
    bool error = step->kind == STEP_ERROR;
    if (error) {
        buf_append(&data, nsq_error_name(step->code));
        if (step->items != NULL) {
            text_append(&data, " ");
        }
    }
    bool ok = values_render(&s->values, step->items, &data);
    send_frame(c, error ? NSQ_FRAME_ERROR : NSQ_FRAME_RESPONSE, buf_span(&data));
    buf_free(&data);
    return ok || fail(s, step, "a value that no earlier step uses", span_make(NULL, 0));
}

static bool expect_items(struct server *s, struct served *c, const struct step *step)
{
    struct buf wanted = {0};
    bool ok = values_render(&s->values, step->items, &wanted)
                  ? (step->raw ? expect_raw : expect_bytes)(s, c, step, buf_span(&wanted))
                  : fail(s, step, "a value that no earlier step uses", span_make(NULL, 0));
    buf_free(&wanted);
    return ok;
}

/* Gives a client the time to prove that no reply came. */
static void serve_nothing(struct server *s, struct served *c)
{
    int64_t deadline = clock_now() + NOTHING_TIMEOUT;
    decode(c);
    while (take_extra(s, c) == EXTRA_NONE && read_more(c, deadline)) {
        decode(c);
    }
}

/* --- upgrades --------------------------------------------------------------------------------- */

static bool read_pem(const struct server *s, const char *name, struct buf *bytes)
{
    char path[FILES_PATH_MAX];
    snprintf(path, sizeof path, "%s/tls/%s", s->args->cases, name);
    return files_read(path, TLS_FILE_MAX, bytes, s->err);
}

/* Loads the certificate of the cases, once. */
static bool make_tls(struct server *s)
{
    struct buf certificate = {0};
    struct buf key = {0};
    struct buf why = {0};
    if (s->tls == NULL && read_pem(s, "cert.pem", &certificate) && read_pem(s, "key.pem", &key)) {
        const struct tls_server_settings settings = {
            .certificates = {.bytes = buf_span(&certificate), .file = "cert.pem"},
            .key = {.bytes = buf_span(&key), .file = "key.pem"},
            .min_version = TLS_1_0};
        s->tls = tls_server_new(&settings, &why);
    }
    buf_free(&certificate);
    buf_free(&key);
    buf_free(&why);
    return s->tls != NULL;
}

static bool serve_upgrade(struct server *s, struct served *c, const struct step *step)
{
    struct span why;
    int64_t deadline = clock_now() + INPUT_TIMEOUT;
    if (step->upgrade == UPGRADE_TLS && !make_tls(s)) {
        return fail(s, step, "cannot load the certificate of the cases", span_make(NULL, 0));
    }
    decode(c); /* with the codecs so far; the rest is the new codec's input */
    wire_enable_codec(&c->wire, wire_server_codec(step, s->tls), SIZE_MAX, &c->in);
    send_answer(c);
    while (wire_state(&c->wire, &why) == CODEC_HANDSHAKING && read_more(c, deadline)) {
        decode(c);
    }
    return wire_state(&c->wire, &why) == CODEC_OPEN ||
           fail(s, step, "a TLS handshake that fails:", why);
}

static void finish_output(struct served *c)
{
    struct buf out = {0};
    wire_finish(&c->wire, &out);
    send_raw(c, buf_span(&out));
    buf_free(&out);
}

static bool serve_frame(struct server *s, struct served *c, const struct step *step)
{
    if (step->after > 0) {
        pause_for(step->after + MARGIN);
    }
    switch (step->kind) {
    case STEP_JSON:
        send_frame(c, NSQ_FRAME_RESPONSE, step->text);
        return true;
    case STEP_MESSAGE:
        return send_message(s, c, step);
    case STEP_HEARTBEAT:
        send_frame(c, NSQ_FRAME_RESPONSE, SPAN("_heartbeat_"));
        return true;
    case STEP_SERVER_END:
        finish_output(c);
        shutdown(c->fd, SHUT_WR);
        return true;
    default:
        return send_items(s, c, step);
    }
}

static bool serve_step(struct server *s, const struct step *step);

static bool serve_actor_step(struct server *s, const struct step *step)
{
    struct served *c = find(s, step->actor);
    if (c == NULL) {
        return fail(s, step, "a name that no connection has", span_make(NULL, 0));
    }
    switch (step->kind) {
    case STEP_STOP_READING:
    case STEP_START_READING:
        return true; /* what the client reads is its own matter */
    case STEP_UPGRADE:
        return serve_upgrade(s, c, step);
    case STEP_SEND:
        return expect_items(s, c, step);
    case STEP_CLIENT_END:
    case STEP_CLIENT_CLOSE:
    case STEP_CLIENT_RESET:
        return expect_end(s, c, step);
    case STEP_NOTHING:
        serve_nothing(s, c);
        return true;
    case STEP_NO_MESSAGE:
        pause_for(step->within + MARGIN);
        return true;
    default:
        return serve_frame(s, c, step);
    }
}

static bool serve_steps(struct server *s, const struct step *step)
{
    while (step != NULL && serve_step(s, step)) {
        step = step->next;
    }
    return step == NULL;
}

static bool serve_step(struct server *s, const struct step *step)
{
    switch (step->kind) {
    case STEP_COMMENT:
        return true;
    case STEP_CONNECT:
        return accept_client(s, step);
    case STEP_WAIT:
        pause_for(step->after);
        return true;
    case STEP_ANY:
        return serve_steps(s, step->inside);
    default:
        return serve_actor_step(s, step);
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Waits until the clients have closed. They must not send more. */
static bool see_off(struct server *s)
{
    const struct step end = {.kind = STEP_CLIENT_CLOSE, .actor = SPAN_LITERAL("client")};
    bool ok = true;
    for (size_t i = 0; i < s->n && ok; i++) {
        ok = expect_end(s, &s->conns[i], &end);
    }
    return ok;
}

/* Returns true if this program can play the file. If not, says why. */
static bool can_serve(const struct server *s)
{
    const char *why = NULL;
    if (s->file.server == SERVER_NSQLOOKUPD) {
        why = "--serve cannot play nsqlookupd";
    } else if (transcript_speaks_http(&s->file)) {
        why = "--serve cannot play HTTP";
    } else if (transcript_scripts_lookupd(&s->file)) {
        why = "--serve cannot play a scripted nsqlookupd: it is no server";
    } else if (transcript_has(&s->file, STEP_RESTART)) {
        why = "--serve cannot play restart: it is this program that would end";
    }
    if (why != NULL) {
        fprintf(s->err, "%s: %s\n", s->args->serve, why);
    }
    return why == NULL;
}

static bool load(struct server *s)
{
    struct buf bytes = {0};
    struct transcript_error error;
    const char *path = s->args->serve;
    bool ok = files_read(path, TRANSCRIPT_SIZE_MAX + 1, &bytes, s->err);
    if (ok && !transcript_parse(&s->file, buf_span(&bytes), &error)) {
        fprintf(s->err, "%s:%u:%u: expected %s\n", path, error.line, error.column, error.expected);
        ok = false;
    }
    buf_free(&bytes);
    if (ok && !can_serve(s)) {
        transcript_free(&s->file);
        ok = false;
    }
    if (ok) {
        transcript_unroll(&s->file, &s->steps);
    }
    return ok;
}

static bool start(struct server *s)
{
    char why[SOCKET_WHY_MAX];
    char address[SOCKET_ADDRESS_MAX];
    s->listener = socket_listen(s->args->listen, why);
    if (s->listener < 0) {
        fprintf(s->err, "nsq-conform: %s\n", why);
        return false;
    }
    s->path = socket_find_file(s->args->listen);
    socket_local_address(s->listener, address);
    fprintf(s->err, "TCP: listening on %s\n", address);
    fflush(s->err);
    return true;
}

static void stop(struct server *s)
{
    for (size_t i = 0; i < s->n; i++) {
        close(s->conns[i].fd);
        buf_free(&s->conns[i].raw);
        buf_free(&s->conns[i].in);
        wire_free(&s->conns[i].wire);
    }
    tls_free(s->tls);
    close(s->listener);
    socket_clean_up(s->args->listen, &s->path);
}

enum conform_exit serve_file(const struct args *args, FILE *err)
{
    struct server *s = alloc_zeroed(sizeof *s);
    char names[VALUES_NAMES_MAX];
    enum conform_exit code = EXIT_USAGE;
    *s = (struct server){.args = args, .err = err};
    if (load(s)) {
        s->values.names = values_names(args->names == NULL ? "c" : args->names, s->file.id, names);
        text_append(&s->scratch, "PUB ");
        values_scratch(&s->values, &s->scratch);
        buf_append(&s->scratch, span_make("\n\0\0\0\1x", 6));
        if (start(s)) {
            bool ok = serve_steps(s, s->steps.steps) && see_off(s);
            code = ok ? EXIT_CONFORMS : EXIT_DOES_NOT;
            stop(s);
        }
        unrolled_free(&s->steps);
        transcript_free(&s->file);
    }
    values_free(&s->values);
    buf_free(&s->scratch);
    alloc_free(s);
    return code;
}
