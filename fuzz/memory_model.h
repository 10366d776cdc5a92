/* SPDX-License-Identifier: MIT */
/*
 * Owns: a second record of all messages of an engine, one row for each message of each channel, and
 * what must hold between two looks at the engine. It reads the engine's structs and calls nothing.
 *
 * A row remembers where its message was. After every call into the engine all containers are
 * walked. Each move since the last look must have a reason: the time; a frame that was sent to the
 * client that has the message now; or the command that the call completed. One call completes at
 * most one command line, because the input is offered line by line.
 */
#ifndef FUZZ_MEMORY_MODEL_H
#define FUZZ_MEMORY_MODEL_H

#include "engine/engine.h"

#define MODEL_CONNECTIONS 16
#define MODEL_ROWS 512
#define MODEL_CHANNELS 24
#define MODEL_TOPICS 16
#define MODEL_DELIVERIES 256
#define MODEL_NOBODY MODEL_CONNECTIONS

/* What has just been called. */
enum call_kind { CALL_RECV, CALL_STEP, CALL_OTHER };

struct call {
    enum call_kind kind;
    unsigned actor;   /* RECV: the connection that sent the input; else MODEL_NOBODY */
    struct span line; /* RECV: the line that it completed; the end of a body may stand before it.
                         Otherwise empty */
    int64_t now;
};

enum row_place { ROW_NEW, ROW_QUEUED, ROW_IN_FLIGHT, ROW_DEFERRED, ROW_GONE };

struct row {
    uint64_t id;
    enum row_place place;
    unsigned channel;
    unsigned owner; /* IN_FLIGHT: a connection or MODEL_NOBODY */
    uint16_t attempts;
    bool finished; /* GONE: by FIN */
    uint32_t look; /* the number of the last look that found it */
    int64_t due;   /* IN_FLIGHT, DEFERRED */
    int64_t delivered_at;
};

struct model_channel {
    const struct channel *real; /* NULL: gone */
    bool ephemeral;
    bool consumed; /* a consumer was seen here */
    bool sampled;  /* a consumer with a sample rate was seen here */
    uint32_t look;
    size_t rows; /* seen in this look */
    uint64_t message_count, drop_count;
    uint64_t gone; /* messages that have left it */
    bool emptied;  /* since the last look */
    bool deleted;  /* since the last look */
};

struct model_topic {
    const struct topic *real; /* NULL: gone */
    bool ephemeral;
    uint32_t look;
    uint64_t distributed; /* messages that were given to its channels */
    uint64_t emptied;     /* messages that were dropped because it was emptied */
    bool deleted;         /* since the last look */
};

/* A message that was sent since the last look. */
struct model_delivery {
    unsigned conn;
    unsigned channel;
    uint64_t id;
};

/* What an administrator is about to empty or delete; it may not exist. */
struct model_change {
    struct span topic;
    struct span channel;
    bool whole_topic; /* else the channel only */
    bool deleted;     /* else emptied */
};

struct model_conn {
    uint64_t id;      /* as the engine counts them; 0: closed */
    unsigned channel; /* that it is or was subscribed to; MODEL_CHANNELS: none */
    int64_t ready_count;
    uint64_t finish_count;
    size_t in_flight; /* seen in this look */
};

/* The command in the line of a call that names a message. For RDY, `id` is the count. */
enum said_what { SAID_NOTHING, SAID_FIN, SAID_REQ, SAID_TOUCH, SAID_RDY };

struct model_said {
    enum said_what what;
    uint64_t id;
    struct span rest; /* what follows the id */
};

struct memory_model {
    const struct engine *engine;
    struct model_said said;     /* in the current call */
    struct model_said said_rdy; /* RDY may stand in the same line */
    uint32_t look;
    bool full;           /* the tables are full; nothing is checked any more */
    unsigned conn_count; /* one more than the highest number that was opened */
    struct model_conn conns[MODEL_CONNECTIONS];
    size_t row_count, channel_count, topic_count, delivery_count;
    int64_t next_due;               /* the earliest `due` of all rows at the last look */
    size_t owed_tickets;            /* of the replies that sessions owe */
    size_t used;                    /* bytes in the memory budget at the last look, */
    uint64_t inserted;              /* .. timers ever inserted by then, */
    size_t timers;                  /* .. and timers in the heap */
    uint16_t index[2 * MODEL_ROWS]; /* 1 + number of a row; open addressing */
    struct row rows[MODEL_ROWS];
    struct model_channel channels[MODEL_CHANNELS];
    struct model_topic topics[MODEL_TOPICS];
    struct model_delivery deliveries[MODEL_DELIVERIES];
};

/* Begins with an empty engine, which is borrowed. */
void model_begin(struct memory_model *model, const struct engine *engine);

/* Notes that a connection was opened. */
void model_open(struct memory_model *model, unsigned conn, uint64_t id);

/* Notes that it was closed. Call this before the look at that call. */
void model_closed(struct memory_model *model, unsigned conn);

/* Notes that a frame with this message was added to the connection's output since the last look. */
void model_delivered(struct memory_model *model, unsigned conn, uint64_t id, uint16_t attempts);

/* Notes what is about to be emptied or deleted. Call this before the look at that call. */
void model_change(struct memory_model *model, const struct model_change *change);

/* Walks everything and checks what the call has changed. */
void model_look(struct memory_model *model, const struct call *call);

/* The connection's session, while it has one: from the magic to the end. */
const struct session *model_session(const struct memory_model *model, unsigned conn);

/* The id of the message that a MESSAGE of ops.h means: `whose` and `k` as there, `number` is the
 * connection that sends it. k itself: there is no such message. */
uint64_t model_choose(const struct memory_model *model, unsigned number, unsigned whose,
                      unsigned k);

#endif
