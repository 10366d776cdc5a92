/* SPDX-License-Identifier: MIT */
/*
 * Makes documents of an auth server from choices. Each choice is a byte: a number below the length
 * of a list. Must not know JSON's grammar beyond the texts below.
 *
 * A document is a number of members, each with a key and a value; `document_make` and the functions
 * member_... show the order of the choices.
 */
#include "auth_document.h"

#include <stdio.h>

#include "base/text.h"
#include "fuzz.h"

#define MEMBERS_BELOW 7
#define LIST_BELOW 4 /* DOCUMENT_RULES_MAX + 1 */
#define COUNT(list) ((unsigned)(sizeof(list) / sizeof(list)[0]))

const char *const document_names[DOCUMENT_NAMES] = {"", "a", "b", "topic"};

/* Bit n of `matches`: document_names[n]. */
static const struct {
    const char *text;
    unsigned matches;
    bool refused;
} patterns[] = {
    {"\"\"", 15, false},
    {"\"a\"", 2, false},
    {"\"^$\"", 1, false},
    {"\".*\"", 15, false},
    {"\".\"", 14, false},
    {"\"^t\"", 8, false},
    {"\"o|b\"", 12, false},
    {"\"(?<n>t)\"", 8, false},
    {"\"(?P<n>b)\"", 4, false},
    {"\"\\\\Qo\\\\E\"", 8, false},
    {"\"\\\\Q(\"", 0, false},
    {"\"[[:alpha:]]{2}\"", 8, false},
    {"\"[]b]\"", 4, false},
    {"\"[^]a]\"", 12, false},
    {"\"[(]|a\"", 2, false},
    {"\"()()(b)\"", 4, false},
    {"\"(?i)A\"", 2, false},
    {"\"\\\\pL\"", 14, false},
    {"\"(\"", 0, true},
    {"\")\"", 0, true},
    {"\"[a\"", 0, true},
    {"\"\\\\C\"", 0, true},
    {"\"[\\\\C]\"", 0, true},
    {"\"(?P<n b)\"", 0, true},
    {"\"(?<\\u00e9>b)\"", 0, true},
    {"\"*\"", 0, true},
    {"\"a{1001}\"", 0, true},
};

/* Values of any type. What is a text comes last, what is a list before it. */
static const char *const values[] = {
    "true", "false",     "0",    "1.5", "-1e2", "{}", "{\"ttl\":[{\"ttl\":1}]}",
    "[]",   "[[],{},1]", "\"x\""};
#define NO_LIST 7 /* so many of them are neither a list nor a text */
#define NO_TEXT 9

static void put(struct document *d, const char *text)
{
    buf_append(&d->text, span_make(text, strlen(text)));
}

static void put_wrong(struct document *d, const char *text)
{
    put(d, text);
    d->wrong = true;
}

/* --- values of the document ------------------------------------------------------------------- */

static void member_ttl(struct document *d, struct span *in)
{
    static const struct {
        const char *text;
        int64_t ttl;
    } good[] = {{"1", 1}, {"0", 0}, {"-3", -3}, {"-0", 0}, {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {"9223372036854775808",
                                      "-9223372036854775809",
                                      "1.5",
                                      "1e2",
                                      "true",
                                      "false",
                                      "{}",
                                      "[]",
                                      "\"1\"",
                                      "[1]"};
    put(d, "\"ttl\":");
    unsigned choice = fuzz_below(in, COUNT(good) + COUNT(bad) + 1);
    if (choice < COUNT(good)) {
        put(d, good[choice].text);
        d->ttl = good[choice].ttl;
    } else if (choice < COUNT(good) + COUNT(bad)) {
        put_wrong(d, bad[choice - COUNT(good)]);
    } else {
        put(d, "null");
    }
}

static void member_text(struct document *d, struct span *in, const char *key, const char **text)
{
    static const struct {
        const char *text;
        const char *meaning;
    } good[] = {{"\"\"", ""},
                {"\"i\"", "i"},
                {"\"\\ud800\\u0041\"", "\xef\xbf\xbd"
                                       "A"},
                {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
                {"\"\xff\"", "\xef\xbf\xbd"}};
    put(d, key);
    unsigned choice = fuzz_below(in, COUNT(good) + NO_TEXT + 1);
    if (choice < COUNT(good)) {
        put(d, good[choice].text);
        *text = good[choice].meaning;
    } else if (choice < COUNT(good) + NO_TEXT) {
        put_wrong(d, values[choice - COUNT(good)]);
    } else {
        put(d, "null");
    }
}

/* Only an answer with status 403 is read for it; in others it is an unknown key. */
static void member_port(struct document *d, struct span *in)
{
    static const struct {
        const char *text;
        int64_t port;
    } good[] = {{"1", 1}, {"0", 0}, {"-1", -1}, {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {"9223372036854775808", "1.5",  "true", "{}", "[]", "[1]",
                                      "{\"https_port\":1}",  "\"1\""};
    put(d, "\"https_port\":");
    unsigned choice = fuzz_below(in, COUNT(good) + COUNT(bad) + 1);
    if (choice < COUNT(good)) {
        put(d, good[choice].text);
        d->port = good[choice].port;
    } else if (choice < COUNT(good) + COUNT(bad)) {
        put(d, bad[choice - COUNT(good)]);
        d->port_wrong = true;
    } else {
        put(d, "null");
    }
}

/* A time: year, month, day, hour, minute, second, fraction, zone. */
static bool put_time(struct document *d, struct span *in)
{
    static const struct {
        int year;
        bool leap;
    } years[] = {{0, true},     {1900, false}, {1996, true},  {2000, true},
                 {2001, false}, {2022, false}, {2100, false}, {2400, true}};
    static const unsigned days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0};
    static const struct {
        const char *text;
        bool good;
    } fractions[] = {{"", true},   {".5", true},  {",5", true},
                     {".", false}, {".x", false}, {";5", false}},
      zones[] = {{"Z", true},       {"+01:00", true},  {"-24:60", true},  {"+23:59", true},
                 {"", false},       {"z", false},      {"ZZ", false},     {"+0100", false},
                 {"+25:00", false}, {"-00:61", false}, {"+1:00", false},  {"+01:0x", false},
                 {"*01:00", false}, {"+01-00", false}, {"+x1:00", false}, {"+01:000", false}};
    char text[64];
    unsigned year = fuzz_below(in, COUNT(years));
    unsigned month = fuzz_below(in, COUNT(days));
    unsigned day = fuzz_below(in, 33);
    unsigned hour = fuzz_below(in, 25);
    unsigned minute = fuzz_below(in, 61);
    unsigned second = fuzz_below(in, 61);
    unsigned fraction = fuzz_below(in, COUNT(fractions));
    unsigned zone = fuzz_below(in, COUNT(zones));
    snprintf(text, sizeof text, "\"%04d-%02u-%02uT%02u:%02u:%02u%s%s\"", years[year].year, month,
             day, hour, minute, second, fractions[fraction].text, zones[zone].text);
    put(d, text);
    return day >= 1 && day <= days[month] + (month == 2 && years[year].leap ? 1U : 0U) &&
           hour < 24 && minute < 60 && second < 60 && fractions[fraction].good && zones[zone].good;
}

static void member_expires(struct document *d, struct span *in)
{
    put(d, "\"expires\":");
    unsigned choice = fuzz_below(in, COUNT(values) + 2);
    if (choice < COUNT(values)) {
        put_wrong(d, values[choice]);
    } else if (choice == COUNT(values)) {
        put(d, "null");
    } else if (!put_time(d, in)) {
        d->wrong = true;
    }
}

/* --- authorizations --------------------------------------------------------------------------- */

static void put_channel(struct document *d, struct span *in, struct document_rule *rule)
{
    unsigned choice = fuzz_below(in, COUNT(patterns) + NO_TEXT + 1);
    if (choice < COUNT(patterns)) {
        put(d, patterns[choice].text);
        rule->channels |= patterns[choice].matches;
        rule->bad_channel = rule->bad_channel || patterns[choice].refused;
    } else if (choice < COUNT(patterns) + NO_TEXT) {
        put_wrong(d, values[choice - COUNT(patterns)]);
    } else {
        put(d, "null");
        rule->channels = 15;
    }
}

static void put_permission(struct document *d, struct span *in, struct document_rule *rule)
{
    static const char *const unknown[] = {"\"Publish\"", "\"\"", "\"subscribed\"", "null"};
    unsigned choice = fuzz_below(in, 2 + COUNT(unknown) + NO_TEXT);
    if (choice == 0) {
        put(d, "\"publish\"");
        rule->publish = true;
    } else if (choice == 1) {
        put(d, "\"subscribe\"");
        rule->subscribe = true;
    } else if (choice < 2 + COUNT(unknown)) {
        put(d, unknown[choice - 2]);
        d->unknown = true;
    } else {
        put_wrong(d, values[choice - 2 - COUNT(unknown)]);
    }
}

typedef void put_element(struct document *, struct span *, struct document_rule *);

/* A list, null or a value of a wrong type. `permissions`: else channels. */
static void put_list(struct document *d, struct span *in, struct document_rule *rule,
                     bool permissions)
{
    put_element *element = permissions ? put_permission : put_channel;
    unsigned choice = fuzz_below(in, NO_LIST + 3);
    bool is_list = choice > NO_LIST + 1;
    if (choice <= NO_LIST) {
        put_wrong(d, choice < NO_LIST ? values[choice] : "\"x\"");
        return;
    }
    if (permissions) {
        rule->publish = rule->subscribe = false;
    } else {
        rule->channels = 0;
        rule->bad_channel = false;
    }
    if (!is_list) {
        put(d, "null");
        return;
    }
    put(d, "[");
    unsigned n = fuzz_below(in, LIST_BELOW);
    for (unsigned i = 0; i < n; i++) {
        put(d, i == 0 ? "" : ",");
        element(d, in, rule);
    }
    put(d, "]");
}

/* Returns which pattern is the topic's now; `before` if the value changes nothing. */
static unsigned put_topic(struct document *d, struct span *in, unsigned before)
{
    unsigned choice = fuzz_below(in, COUNT(patterns) + NO_TEXT + 1);
    if (choice < COUNT(patterns)) {
        put(d, patterns[choice].text);
        return choice;
    }
    if (choice < COUNT(patterns) + NO_TEXT) {
        put_wrong(d, values[choice - COUNT(patterns)]);
    } else {
        put(d, "null");
    }
    return before;
}

static void put_rule_members(struct document *d, struct span *in, struct document_rule *rule)
{
    unsigned topic = 0; /* the pattern of an empty text */
    unsigned n = fuzz_below(in, MEMBERS_BELOW);
    for (unsigned i = 0; i < n; i++) {
        put(d, i == 0 ? "" : ",");
        switch (fuzz_below(in, 5)) {
        case 0:
            put(d, "\"topic\":");
            topic = put_topic(d, in, topic);
            break;
        case 1:
            put(d, "\"channels\":");
            put_list(d, in, rule, false);
            break;
        case 2:
            put(d, "\"permissions\":");
            put_list(d, in, rule, true);
            break;
        case 3:
            put(d, "\"ttl\":");
            put(d, values[fuzz_below(in, COUNT(values))]);
            break;
        default:
            put(d, "\"other\":");
            put(d, values[fuzz_below(in, COUNT(values))]);
            break;
        }
    }
    rule->topics = patterns[topic].matches;
    rule->bad_topic = patterns[topic].refused;
}

static void put_rule(struct document *d, struct span *in)
{
    unsigned choice = fuzz_below(in, NO_LIST + 4);
    struct document_rule rule = {.topics = 15};
    if (choice < 5) {
        put_wrong(d, values[choice]);
        return;
    }
    if (choice == 5 || choice == 6) {
        put_wrong(d, choice == 5 ? "[{}]" : "\"x\"");
        return;
    }
    if (choice == 7) {
        put(d, "null");
    } else {
        put(d, "{");
        put_rule_members(d, in, &rule);
        put(d, "}");
    }
    d->rules[d->rule_count++] = rule;
}

static void member_authorizations(struct document *d, struct span *in)
{
    put(d, "\"authorizations\":");
    unsigned choice = fuzz_below(in, NO_LIST + 3);
    if (choice <= NO_LIST) {
        put_wrong(d, choice < NO_LIST ? values[choice] : "\"x\"");
        return;
    }
    d->rule_count = 0;
    if (choice == NO_LIST + 1) {
        put(d, "null");
        return;
    }
    put(d, "[");
    unsigned n = fuzz_below(in, LIST_BELOW);
    for (unsigned i = 0; i < n; i++) {
        put(d, i == 0 ? "" : ",");
        put_rule(d, in);
    }
    put(d, "]");
}

/* --- the document ----------------------------------------------------------------------------- */

void document_make(struct document *d, struct span *choices)
{
    *d = (struct document){.identity = "", .identity_url = ""};
    unsigned n = fuzz_below(choices, MEMBERS_BELOW);
    put(d, "{");
    for (unsigned i = 0; i < n; i++) {
        put(d, i == 0 ? "" : ",");
        switch (fuzz_below(choices, 8)) {
        case 0:
            member_ttl(d, choices);
            break;
        case 1:
            member_text(d, choices, "\"identity\":", &d->identity);
            break;
        case 2:
            member_text(d, choices, "\"identity_url\":", &d->identity_url);
            break;
        case 3:
            member_expires(d, choices);
            break;
        case 4:
            member_authorizations(d, choices);
            break;
        case 5:
            member_port(d, choices);
            break;
        case 6:
            put(d, "\"topic\":");
            put(d, values[fuzz_below(choices, COUNT(values))]);
            break;
        default:
            put(d, "\"other\":");
            put(d, values[fuzz_below(choices, COUNT(values))]);
            break;
        }
    }
    put(d, "}");
}
