/* SPDX-License-Identifier: MIT */
/* Decides what is told next. Must not know how it is told. */
#include "peer/peer_course.h"

#include "broker/walk.h"

static const struct name nothing;

/* --- changes ---------------------------------------------------------------------------------- */

static bool exists(const struct broker *broker, const struct change *change)
{
    const struct topic *topic = broker_find_topic(broker, name_span(&change->topic));
    return topic != NULL && (change->channel.n == 0 ||
                             topic_find_channel(topic, name_span(&change->channel)) != NULL);
}

/* Tells whether the topic or channel of a change exists now. */
static struct peer_command tell_state(const struct broker *broker, const struct change *change)
{
    return (struct peer_command){.id = exists(broker, change) ? NSQ_LOOKUP_REGISTER
                                                              : NSQ_LOOKUP_UNREGISTER,
                                 .is_change = true,
                                 .topic = change->topic,
                                 .channel = change->channel};
}

/* As tell_state, but a topic that was deleted is unregistered even if it exists again. The change
 * that made it again comes later, and registers it. */
static struct peer_command tell(const struct broker *broker, const struct change *change)
{
    struct peer_command command = tell_state(broker, change);
    if (change->deleted && change->channel.n == 0) {
        command.id = NSQ_LOOKUP_UNREGISTER;
    }
    return command;
}

/* Returns whether the walk has not visited the place of this change yet. */
static bool is_ahead(const struct peer_course *course, const struct change *change)
{
    struct span topic = name_span(&change->topic);
    struct span place = name_span(&course->topic);
    return span_equal(topic, place)
               ? sorted_is_before(name_span(&course->channel), name_span(&change->channel))
               : sorted_is_before(place, topic);
}

static void start_walk(struct peer_course *course)
{
    course->walking = true;
    course->topic = course->channel = nothing;
}

/* Some changes were forgotten before they were read. */
static void make_up(struct peer_course *course, const struct changes *changes)
{
    course->missed = course->missed || changes->lost_deleted > course->read;
    if (course->walking) {
        course->again = true;
    } else {
        start_walk(course);
    }
}

enum found { FOUND_NONE, FOUND_SKIPPED, FOUND_COMMAND };

static enum found next_change(struct peer_course *course, const struct broker *broker,
                              struct peer_command *command)
{
    uint64_t number;
    const struct change *change = changes_after(&broker->core.changes, course->read, &number);
    if (change == NULL) {
        return FOUND_NONE;
    }
    if (number > course->read + 1) {
        make_up(course, &broker->core.changes);
    }
    course->read = number;
    *command = tell(broker, change);
    bool walk_finds =
        course->walking && command->id == NSQ_LOOKUP_REGISTER && is_ahead(course, change);
    return walk_finds ? FOUND_SKIPPED : FOUND_COMMAND;
}

/* --- the walk --------------------------------------------------------------------------------- */

/* Returns the next channel of the topic that the walk has visited last. */
static const struct channel *next_channel(const struct peer_course *course,
                                          const struct broker *broker)
{
    struct span name = name_span(&course->topic);
    const struct topic *topic = name.n == 0 ? NULL : broker_find_topic(broker, name);
    return topic == NULL ? NULL : walk_channel_after(topic, name_span(&course->channel));
}

/* Moves the walk to its next place: a channel, or a topic without channels. Returns false when
 * there is none. */
static bool move_walk(struct peer_course *course, const struct broker *broker)
{
    const struct channel *channel = next_channel(course, broker);
    if (channel == NULL) {
        const struct topic *topic = walk_topic_after(broker, name_span(&course->topic));
        if (topic == NULL) {
            return false;
        }
        course->topic = topic->name;
        channel = walk_channel_after(topic, name_span(&nothing));
    }
    course->channel = channel == NULL ? nothing : channel->name;
    return true;
}

static bool next_of_walk(struct peer_course *course, const struct broker *broker,
                         struct peer_command *command)
{
    if (course->walking && !move_walk(course, broker)) {
        course->walking = course->again;
        course->again = false;
        course->topic = course->channel = nothing;
        course->walking = course->walking && move_walk(course, broker);
    }
    if (course->walking) {
        *command = (struct peer_command){
            .id = NSQ_LOOKUP_REGISTER, .topic = course->topic, .channel = course->channel};
    }
    return course->walking;
}

/* --- what is next ----------------------------------------------------------------------------- */

void peer_course_skip(struct peer_course *course, const struct broker *broker)
{
    *course = (struct peer_course){.read = broker->core.changes.last};
}

void peer_course_begin(struct peer_course *course, const struct broker *broker)
{
    uint64_t number;
    const struct change *first = changes_after(&broker->core.changes, course->read, &number);
    *course = (struct peer_course){.ping = course->ping, .read = broker->core.changes.last};
    if (first != NULL) {
        course->has_first = true;
        course->first = *first;
    }
    start_walk(course);
}

bool peer_course_has_more(const struct peer_course *course, const struct broker *broker)
{
    return course->read < broker->core.changes.last || course->walking || course->has_first ||
           course->ping;
}

void peer_course_first(const struct peer_course *course, const struct broker *broker,
                       struct peer_command *command)
{
    uint64_t number;
    const struct change *first = changes_after(&broker->core.changes, course->read, &number);
    *command = first != NULL ? tell(broker, first) : (struct peer_command){.id = NSQ_LOOKUP_PING};
}

/* What is told when there is no change and the walk is over. */
static bool next_of_rest(struct peer_course *course, const struct broker *broker,
                         struct peer_command *command)
{
    if (course->has_first) {
        course->has_first = false;
        *command = tell_state(broker, &course->first); /* no later change mends it */
        return true;
    }
    if (course->ping) {
        course->ping = false;
        *command = (struct peer_command){.id = NSQ_LOOKUP_PING};
        return true;
    }
    return false;
}

bool peer_course_next(struct peer_course *course, const struct broker *broker,
                      struct peer_command *command)
{
    for (int i = 0; i < PEER_SKIPS_A_CALL; i++) {
        bool walk_has_turn = course->walk_has_turn;
        course->walk_has_turn = false;
        if (walk_has_turn && next_of_walk(course, broker, command)) {
            return true;
        }
        switch (next_change(course, broker, command)) {
        case FOUND_COMMAND:
            course->walk_has_turn = true;
            return true;
        case FOUND_NONE:
            return next_of_walk(course, broker, command) || next_of_rest(course, broker, command);
        case FOUND_SKIPPED:
            break;
        }
    }
    return false;
}
