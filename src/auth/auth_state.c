/* SPDX-License-Identifier: MIT */
/*
 * Matches the patterns of the rules one after the other, with a place between two of them. Must not
 * know where the rules come from.
 */
#include "auth/auth_state.h"

#include "base/alloc.h"

void auth_rule_clear_channels(struct auth_rule *rule)
{
    for (size_t i = 0; i < rule->channel_count; i++) {
        auth_pattern_free(rule->channels[i]);
    }
    alloc_free(rule->channels);
    rule->channels = NULL;
    rule->channel_count = 0;
}

void auth_state_clear_rules(struct auth_state *state)
{
    for (size_t i = 0; i < state->rule_count; i++) {
        auth_rule_clear_channels(&state->rules[i]);
        auth_pattern_free(state->rules[i].topic);
    }
    alloc_free(state->rules);
    state->rules = NULL;
    state->rule_count = 0;
}

void auth_state_free(struct auth_state *state)
{
    if (state != NULL) {
        auth_state_clear_rules(state);
        buf_free(&state->identity);
        buf_free(&state->identity_url);
        alloc_free(state);
    }
}

static void next_rule(struct auth_place *place)
{
    *place = (struct auth_place){.rule = place->rule + 1};
}

/* Matches the next pattern of the rule at the place. */
static enum auth_verdict check_one(struct auth_state *s, struct span topic, struct span channel,
                                   struct effort *effort)
{
    const struct auth_rule *rule = &s->rules[s->place.rule];
    if (!(channel.n > 0 ? rule->subscribe : rule->publish)) {
        next_rule(&s->place);
        return AUTH_UNDECIDED;
    }
    if (!s->place.topic_done) {
        s->place.topic_done = auth_pattern_matches(rule->topic, topic, effort);
    } else if (auth_pattern_matches(rule->channels[s->place.channel++], channel, effort)) {
        return AUTH_ALLOWED;
    }
    if (!s->place.topic_done || s->place.channel == rule->channel_count) {
        next_rule(&s->place);
    }
    return AUTH_UNDECIDED;
}

static void note_published_to(struct auth_state *s, struct span topic)
{
    s->published_to_n = topic.n;
    memcpy(s->published_to, topic.p, topic.n);
}

enum auth_verdict auth_state_check(struct auth_state *s, struct span topic, struct span channel,
                                   struct effort *effort)
{
    enum auth_verdict verdict = AUTH_UNDECIDED;
    if (channel.n == 0 && topic.n > 0 &&
        span_equal(topic, span_make(s->published_to, s->published_to_n))) {
        return AUTH_ALLOWED;
    }
    do {
        verdict =
            s->place.rule == s->rule_count ? AUTH_DENIED : check_one(s, topic, channel, effort);
    } while (verdict == AUTH_UNDECIDED && effort_is_left(effort));
    if (verdict != AUTH_UNDECIDED) {
        s->place = (struct auth_place){.rule = 0};
    }
    if (verdict == AUTH_ALLOWED && channel.n == 0 && topic.n <= AUTH_NAME_MAX) {
        note_published_to(s, topic);
    }
    return verdict;
}
