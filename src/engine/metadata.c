/* SPDX-License-Identifier: MIT */
/* The list of engine/metadata.h, and its reader and writer. Must not know files. */
#include "engine/metadata.h"

#include "base/alloc.h"
#include "json/json.h"
#include "json/writer.h"

#define CAP_LEAST 16 /* items */

void metadata_free(struct metadata *m)
{
    alloc_free(m->items);
    *m = (struct metadata){.items = NULL};
}

void metadata_add(struct metadata *m, bool is_channel, struct span name, bool paused)
{
    if (m->count == m->cap) {
        m->cap = m->cap == 0 ? CAP_LEAST : 2 * m->cap;
        m->items = alloc_resize(m->items, m->cap * sizeof *m->items);
    }
    struct metadata_item *item = &m->items[m->count++];
    *item = (struct metadata_item){
        .is_channel = is_channel, .paused = paused, .name_n = (uint8_t)name.n};
    if (name.n > 0) {
        memcpy(item->name, name.p, name.n);
    }
}

/* --- the reader ------------------------------------------------------------------------------- */

/* Each place is inside the place before it. */
enum place { DOCUMENT, ROOT, TOPICS, TOPIC, CHANNELS, CHANNEL };

enum value { OBJECT, ARRAY, STRING, BOOL, NUMBER, ANY };

/* A member of an object. */
struct member {
    const char *name;
    enum value value;
    unsigned places; /* a bit for each place that has it */
};

#define IN(place) (1u << (place))

static const struct member members[] = {
    {"topics", ARRAY, IN(ROOT)},
    {"version", STRING, IN(ROOT)},
    {"name", STRING, IN(TOPIC) | IN(CHANNEL)},
    {"paused", BOOL, IN(TOPIC) | IN(CHANNEL)},
    {"channels", ARRAY, IN(TOPIC)},
};
static const struct member unknown = {"", ANY, 0};
static const struct member element = {"", OBJECT, 0}; /* of a list; and the document itself */

struct reader {
    struct metadata *m;
    struct metadata_error *error;
    enum place place;
    unsigned depth;              /* open objects and arrays */
    unsigned ignored;            /* how many of them are inside the value of an unknown key */
    const struct member *member; /* of the next value */
    bool had[CHANNEL + 1];       /* in this place a list was already found */
    size_t topic;                /* the index of the current topic in the list */
    size_t skipped;              /* when this topic began */
};

/* Ends the reading. */
static int fail(struct reader *r, enum metadata_why why)
{
    r->error->why = why;
    r->error->member = r->member->name;
    return 0;
}

/* Called for each value. A null fits everywhere. */
static int take(struct reader *r, enum value value)
{
    if (r->ignored == 0 && r->place == TOPICS) {
        r->error->topic++;
    }
    if (r->ignored == 0 && r->place == CHANNELS) {
        r->error->channel++;
    }
    bool fits = r->ignored > 0 || r->member->value == ANY || r->member->value == value;
    return value == ANY || fits ? 1 : fail(r, METADATA_WRONG_TYPE);
}

/* The topic or channel whose members are read. */
static struct metadata_item *current(const struct reader *r)
{
    return &r->m->items[r->place == TOPIC ? r->topic : r->m->count - 1];
}

static int on_null(void *context)
{
    struct reader *r = context;
    bool is_element = r->ignored == 0 && (r->place == TOPICS || r->place == CHANNELS);
    r->m->skipped += is_element; /* as if it had an empty name */
    return take(r, ANY);
}

static int on_bool(void *context, int value)
{
    struct reader *r = context;
    if (take(r, BOOL) == 0) {
        return 0;
    }
    if (r->ignored == 0 && r->member->value == BOOL) {
        current(r)->paused = value != 0;
    }
    return 1;
}

static int on_number(void *context, const char *text, size_t n)
{
    (void)text;
    (void)n;
    return take(context, NUMBER);
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
    struct reader *r = context;
    if (take(r, STRING) == 0) {
        return 0;
    }
    if (r->ignored == 0 && r->member->value == STRING && r->place != ROOT) {
        struct metadata_item *item = current(r);
        item->name_n = n > NSQ_NAME_MAX ? 0 : (uint8_t)n; /* an empty name is not valid either */
        if (item->name_n > 0) {
            memcpy(item->name, text, n);
        }
    }
    return 1;
}

static int on_key(void *context, const unsigned char *text, size_t n)
{
    struct reader *r = context;
    if (r->ignored > 0) {
        return 1;
    }
    r->member = &unknown;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct span name = span_make(members[i].name, strlen(members[i].name));
        if ((members[i].places & IN(r->place)) != 0 && json_key_matches(span_make(text, n), name)) {
            r->member = &members[i];
        }
    }
    bool again = r->member->value == ARRAY && r->had[r->place];
    r->had[r->place] = r->had[r->place] || r->member->value == ARRAY;
    return again ? fail(r, METADATA_REPEATED) : 1;
}

/* A place begins. */
static void enter(struct reader *r)
{
    r->place++;
    r->had[r->place] = false;
    r->member = &element;
    if (r->place == TOPIC) {
        r->topic = r->m->count;
        r->skipped = r->m->skipped;
        r->error->channel = -1;
    }
    if (r->place == TOPIC || r->place == CHANNEL) {
        metadata_add(r->m, r->place == CHANNEL, span_make(NULL, 0), false);
    }
}

static int begin(struct reader *r, enum value value)
{
    if (take(r, value) == 0) {
        return 0;
    }
    if (++r->depth > JSON_DEPTH_MAX) {
        return fail(r, METADATA_TOO_DEEP);
    }
    if (r->ignored > 0 || r->member->value == ANY) {
        r->ignored++;
    } else {
        enter(r);
    }
    return 1;
}

static int on_object(void *context)
{
    return begin(context, OBJECT);
}

static int on_array(void *context)
{
    return begin(context, ARRAY);
}

/* Leaves the items from `first` on out if the name of this one is not valid. */
static void check_name(struct reader *r, size_t first, size_t skipped)
{
    if (!nsq_name_valid(metadata_name(&r->m->items[first]))) {
        r->m->count = first;
        r->m->skipped = skipped + 1;
    }
}

static int on_end(void *context)
{
    struct reader *r = context;
    r->depth--;
    if (r->ignored > 0) {
        r->ignored--;
        return 1;
    }
    if (r->place == CHANNEL) {
        check_name(r, r->m->count - 1, r->m->skipped);
    } else if (r->place == CHANNELS) {
        r->error->channel = -1;
    } else if (r->place == TOPIC) {
        check_name(r, r->topic, r->skipped);
    } else if (r->place == TOPICS) {
        r->error->topic = -1;
    }
    r->place--;
    r->member = &element;
    return 1;
}

static const yajl_callbacks callbacks = {.yajl_null = on_null,
                                         .yajl_boolean = on_bool,
                                         .yajl_number = on_number,
                                         .yajl_string = on_string,
                                         .yajl_start_map = on_object,
                                         .yajl_map_key = on_key,
                                         .yajl_end_map = on_end,
                                         .yajl_start_array = on_array,
                                         .yajl_end_array = on_end};

bool metadata_read(struct span document, struct metadata *m, struct metadata_error *error)
{
    struct reader reader = {.m = m, .error = error, .member = &element};
    *error = (struct metadata_error){.member = "", .topic = -1, .channel = -1};
    bool valid = document.n > 0 && json_read(document, &callbacks, &reader);
    if (!valid && error->why == METADATA_GOOD) {
        fail(&reader, METADATA_NO_JSON);
    }
    if (!valid) {
        metadata_free(m);
    }
    return valid;
}

/* --- the writer ------------------------------------------------------------------------------- */

/* The index of the next item that is written, from `at` on, or the count. `topic_kept` is whether
 * the last topic before it is written. */
static size_t next_kept(const struct metadata *m, size_t at, bool *topic_kept)
{
    for (; at < m->count; at++) {
        const struct metadata_item *item = &m->items[at];
        bool kept = !nsq_name_ephemeral(metadata_name(item));
        *topic_kept = item->is_channel ? *topic_kept : kept;
        if (kept && *topic_kept) {
            return at;
        }
    }
    return at;
}

static void write_item(struct json_writer *json, const struct metadata_item *item)
{
    json_open_object(json);
    json_member_string(json, "name", metadata_name(item));
    json_member_bool(json, "paused", item->paused);
}

/* Writes the channels that begin at the item `at`. Returns the index of the next topic. */
static size_t write_channels(struct json_writer *json, const struct metadata *m, size_t at,
                             bool *topic_kept)
{
    at = next_kept(m, at, topic_kept);
    if (at == m->count || !m->items[at].is_channel) {
        json_member_null(json, "channels");
        return at;
    }
    json_member_array(json, "channels");
    while (at < m->count && m->items[at].is_channel) {
        write_item(json, &m->items[at]);
        json_close_object(json);
        at = next_kept(m, at + 1, topic_kept);
    }
    json_close_array(json);
    return at;
}

void metadata_write(const struct metadata *m, struct span version, struct buf *out)
{
    struct json_writer json = json_writer(out, JSON_GO);
    bool topic_kept = false;
    size_t at = next_kept(m, 0, &topic_kept);
    json_open_object(&json);
    if (at == m->count) {
        json_member_null(&json, "topics");
    } else {
        json_member_array(&json, "topics");
        while (at < m->count) {
            write_item(&json, &m->items[at]);
            at = write_channels(&json, m, at + 1, &topic_kept);
            json_close_object(&json);
        }
        json_close_array(&json);
    }
    json_member_string(&json, "version", version);
    json_close_object(&json);
}
