/* SPDX-License-Identifier: MIT */
/*
 * Owns: a world for tests: one engine behind struct tcp_handler, virtual time, and any number of
 * clients without sockets. It drives the engine as the shell does, by the round of serve/drive.h,
 * and checks the contract of serve/handler.h at every turn. The test fails at once when a
 * connection has changed and was not reported, when a deadline never passes, or when recv consumes
 * more than it was given.
 *
 * A test reads like a transcript:
 *
 *     struct world *w = world_new(NULL);
 *     struct client *c = world_connect(w);
 *     SEND(c, "PUB t\n\0\0\0\5hello");
 *     client_expect_ok(c);
 *     world_advance(w, 30 * TIME_SECOND);
 *     client_expect_heartbeat(c);
 *     world_free(w);
 *
 * A connection that the engine makes is a client too: world_accept returns it, and the test plays
 * the server. It receives plain bytes (client_bytes).
 *
 * When a function of this file returns, everything has happened that can follow from the input at
 * the same point in time.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include <nsq/frame.h>

#include "engine/engine.h"
#include "serve/stack.h"

struct session;

#define WORLD_ASKED_MAX 64 /* asks that may wait for world_answer at a time */

/* How the bytes of a client arrive: in one piece per client_send, one by one, or in pieces of
 * random length. The result of a test must not depend on it. */
enum world_cut { CUT_WHOLE, CUT_BYTES, CUT_RANDOM };

/* What becomes of an ASK_APPEND or ASK_UDP_OPEN. */
enum world_answers { ANSWER_AT_ONCE, ANSWER_WITH_FAILURE, ANSWER_WHEN_TOLD };

struct world {
    struct engine *engine; /* for looking at; only the handler changes it */
    struct tcp_handler handler;
    int64_t now;
    enum world_cut cut;
    uint64_t random; /* state of CUT_RANDOM's generator; not 0 */
    enum world_answers answers;
    struct buf asked;    /* uint64_t tickets that wait for world_answer */
    struct list clients; /* of struct client, in the order in which they connected */
    size_t connected;    /* how many have connected so far */
    struct client **by_slot;
    size_t slots;
    struct buf log;                 /* lines "LEVEL text" */
    enum world_answers udp_answers; /* what becomes of an ASK_UDP_OPEN */
    uint64_t udp_ticket;            /* of the last one that was not answered; 0: none */
    struct buf udp;                 /* addresses and datagrams since world_udp */
    struct buf heard;               /* what world_udp returns */
};

struct client {
    struct list link;
    struct world *world;
    uint64_t conn;   /* 0: gone */
    struct buf rest; /* sent by the client, not consumed by the engine yet */
    size_t kept;     /* how many bytes of `rest` were read from the network; a shell keeps them */
    size_t idle_offers; /* of `rest`, one after the other, of which nothing was consumed */
    bool ended;         /* the client has ended its output .. */
    bool eof_told;      /* .. and the engine knows */
    bool last_offered;  /* its last bytes were offered although it was not read */
    bool stalled;       /* takes no output but what client_take asks for */
    struct stack
        *stack;     /* the client's codecs; NULL: none. Transcripts are then of decoded bytes */
    size_t at_most; /* bytes of output that are taken at a time; 0: all there are */
    struct buf in;  /* received, and not expected yet */
    bool shut;      /* the server has shut down writing */
    bool closed;    /* the server has closed the connection */
    bool shut_heard, closed_heard;
    bool dialled;          /* the engine wants it, and was not told yet how it went */
    unsigned want;         /* as it was when the engine last named the connection */
    size_t unsent;         /* the same for out() */
    struct buf transcript; /* all that was received, and when; see cuts.h */
    int64_t transcript_at;
    struct buf address; /* that the engine connects to, as a string */
    struct buf heard;   /* what client_heard returns */
    int64_t timestamp;  /* of the message that was expected last */
};

/* A message's id, captured by client_expect_message. */
struct message_id {
    char text[NSQ_MESSAGE_ID_SIZE + 1];
};

/* --- the world -------------------------------------------------------------------------------- */

/* nsqd's defaults, with a fixed seed and node id. */
struct engine_config world_config(void);

/* Returns a world that the caller ends with world_free; NULL: world_config(). Time begins at 1000 s
 * of the monotonic clock, 1 January 2026 of the wall clock. */
struct world *world_new(const struct engine_config *config);

/* Cuts all connections and ends the engine, which checks that all memory was given back. */
void world_free(struct world *world);

/* The same, but the engine is freed at once. It is not told that its connections end, and it does
 * not go on with anything that waits. */
void world_free_at_once(struct world *world);

/* Lets `ns` pass; the engine is woken at each of its deadlines. world_jump wakes it only at the
 * end, like a machine that was busy or suspended. */
void world_advance(struct world *world, int64_t ns);
void world_jump(struct world *world, int64_t ns);

/* Makes topics t00000, t00001, .., each with one channel for each letter of `channels`. */
void world_make_topics(struct world *world, unsigned count, const char *channels);

/* One round of serve/drive.h. */
void world_round(struct world *world);

/* Rounds until nothing is left to do now. All functions that change something end with it. */
void world_settle(struct world *world);

/* Answers the oldest ask that waits, well or with a failure; world_asked tells how many do. */
void world_answer(struct world *world, bool well);
void world_answer_at(struct world *world, size_t at, bool well); /* the at-th, from 0 */
size_t world_asked(const struct world *world);

/* What the engine did with its UDP socket since the last call, as text that lives until the next
 * call: for each opening "@MS OPEN address\n", for each closing "@MS CLOSE\n", for each datagram
 * "@MS\n" and its bytes. MS is the time since the start of the world, in ms. */
const char *world_udp(struct world *world);

/* Answers the last ASK_UDP_OPEN, which must not have been answered. */
void world_udp_answer(struct world *world, bool well);

/* Asks the engine to end. */
void world_stop(struct world *world);

/* Bytes in use in the engine's memory budget. */
size_t world_used(const struct world *world);

/* How many lines of the log are this one, as in "INFO TOPIC(t): created". */
size_t world_logged(const struct world *world, const char *line);

/* --- a client --------------------------------------------------------------------------------- */

/* A new connection, without and with the magic of V2. */
struct client *world_open(struct world *world);
struct client *world_connect(struct world *world);

/* A new connection to the HTTP API. */
struct client *world_open_http(struct world *world);

/* world_connect for a client with this address. */
struct client *world_connect_from(struct world *world, const char *peer);

/* world_arrive is world_open without the rounds that follow. client_post puts bytes on their way:
 * they arrive in the next round, together with those of all other clients. Both are for tests with
 * thousands of clients. What is posted on a connection that is gone is lost. */
struct client *world_arrive(struct world *world);
void client_post(struct client *client, struct span bytes);

/* Breaks the client's connection, if it has one, and frees the client. */
void client_forget(struct client *client);

/* A connection that the engine refuses; fails the test when it does not. */
void world_connect_refused(struct world *world);

/* Sends bytes; SEND those of a string literal, client_sendf a short text as printf makes it. */
void client_send(struct client *client, struct span bytes);
#define SEND(client, literal) client_send((client), SPAN(literal))
__attribute__((format(printf, 2, 3))) void client_sendf(struct client *client, const char *format,
                                                        ...);

/* A line, an int32 with the size of the body, the body. `line` is a C string without its '\n'. */
void client_send_body(struct client *client, const char *line, struct span body);

/* A body of `size` bytes, all of them `fill`, behind a line. */
void client_send_filled(struct client *client, const char *line, char fill, size_t size);

void client_fin(struct client *client, const struct message_id *id);
void client_req(struct client *client, const struct message_id *id, unsigned ms);
void client_touch(struct client *client, const struct message_id *id);

/* IDENTIFY with this JSON. */
void client_identify(struct client *client, const char *json);

/* The client has received the answer to its IDENTIFY and enables a codec, which it owns. Bytes that
 * were received and not expected yet are decoded by it. A handshake continues in the next calls. */
void client_put_on(struct client *client, struct codec codec);

/* Sends the last bytes of the client's codecs, and then the end. */
void client_end_stream(struct client *client);

/* The client ends its output, or drops the connection. */
void client_eof(struct client *client);
void client_drop(struct client *client);

/* From now on the client reads nothing by itself. client_take reads up to `n` bytes once. */
void client_stall(struct client *client, bool stalled);
size_t client_take(struct client *client, size_t n);

/* The connection and the session behind it, to look at. */
struct conn *client_conn(const struct client *client);
struct session *client_session(const struct client *client);

/* --- connections that the engine makes -------------------------------------------------------- */

/* How many it waits for, and to where the oldest goes; "" when there is none. */
size_t world_dialled(const struct world *world);
const char *world_dialled_to(const struct world *world);

/* Makes the oldest; the world owns the client. */
struct client *world_accept(struct world *world);

/* Has the oldest fail. */
void world_refuse(struct world *world, const char *why);

/* All bytes that were received and not taken yet, as a string, which lives until the next call. */
const char *client_bytes(struct client *client);

/* --- what a client hears ---------------------------------------------------------------------- */

/* Everything that was received and not expected yet, as text, taken off the client; the text lives
 * until the next call. Events are separated by "; ":
 *     R <data>                 a response
 *     E <data>                 an error
 *     M <attempts> <body>      a message
 *     SHUT                     the server has shut down writing
 *     CLOSED                   the server has closed the connection */
const char *client_heard(struct client *client);

/* How many such events there are; none is taken. */
size_t client_events(const struct client *client);

/* The next frame, which is borrowed, and with its message, if it is one, until the next verb. False
 * when none has arrived whole. */
bool client_next(struct client *client, struct nsq_frame *frame, struct nsq_message *message);

/* Each of these takes the next event, which must be the one it names. */
#define client_expect_ok(c) client_expect_frame(c, NSQ_FRAME_RESPONSE, SPAN("OK"))
#define client_expect_heartbeat(c) client_expect_frame(c, NSQ_FRAME_RESPONSE, SPAN("_heartbeat_"))
#define client_expect_response(c, literal) client_expect_frame(c, NSQ_FRAME_RESPONSE, SPAN(literal))
#define client_expect_error(c, literal) client_expect_frame(c, NSQ_FRAME_ERROR, SPAN(literal))
#define client_expect_message(c, attempts, body, id)                                               \
    world_check_message(__FILE__, __LINE__, c, attempts, SPAN(body), id)
#define client_expect_frame(c, type, data) world_check_frame(__FILE__, __LINE__, c, type, data)

/* All events that wait, in client_heard's form. */
#define client_expect(c, text) world_check_heard(__FILE__, __LINE__, c, text)

/* Nothing waits, and the connection is as it was. */
#define client_expect_nothing(c) world_check_heard(__FILE__, __LINE__, c, "")

/* Nothing waits but that the server has shut down writing; or that it has closed. */
#define client_expect_closing(c) world_check_heard(__FILE__, __LINE__, c, "SHUT")
#define client_expect_closed(c) world_check_heard(__FILE__, __LINE__, c, "CLOSED")

/* A line of the log is there; or none such is. */
#define world_expect_log(w, line) world_check_log(__FILE__, __LINE__, w, line, true)
#define world_expect_no_log(w, line) world_check_log(__FILE__, __LINE__, w, line, false)

void world_check_frame(const char *file, int line, struct client *client, enum nsq_frame_type type,
                       struct span data);
void world_check_message(const char *file, int line, struct client *client, unsigned attempts,
                         struct span body, struct message_id *id);
void world_check_heard(const char *file, int line, struct client *client, const char *text);
void world_check_log(const char *file, int line, const struct world *world, const char *text,
                     bool there);

/* Fails the running test, at a place in its source. */
__attribute__((format(printf, 3, 4))) _Noreturn void world_fail(const char *file, int line,
                                                                const char *format, ...);

/* Appends bytes as text: what is not plain ASCII as \xNN, more than `most` of them cut. */
void world_append_text(struct buf *b, struct span bytes, size_t most);

#endif
