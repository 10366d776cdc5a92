/* SPDX-License-Identifier: MIT */
/* Finds the names in the steps of a case, and runs a command for each. Must not know: what the
 * command does. */
#include "conform/create_topics.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "conform/session_file_unroll.h"
#include "conform/values.h"
#include "shell/clock.h"

#define OUTPUT_MAX 2000 /* bytes of the command's output that are shown */

struct creation {
    const char *command;
    const char *address;
    bool channels; /* the command has {channel} */
    struct values values;
    struct buf *done; /* the commands that have run, each with NUL */
    size_t count;
    struct buf *why;
};

/* --- running ---------------------------------------------------------------------------------- */

static bool starts(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* Appends the command for these names, and NUL. Names consist of letters, digits, '.', '_', '-' and
 * '#', which have no meaning for a shell inside a word. */
static void fill(const struct creation *c, struct span topic, struct span channel, struct buf *out)
{
    const char *colon = strrchr(c->address, ':');
    const char *port = colon == NULL ? "" : colon + 1;
    const struct {
        const char *word;
        struct span text;
    } texts[] = {{"{topic}", topic},
                 {"{channel}", channel},
                 {"{address}", span_make(c->address, strlen(c->address))},
                 {"{port}", span_make(port, strlen(port))}};
    for (const char *at = c->command; *at != '\0';) {
        size_t i = 0;
        while (i < sizeof texts / sizeof texts[0] && !starts(at, texts[i].word)) {
            i++;
        }
        bool found = i < sizeof texts / sizeof texts[0];
        buf_append(out, found ? texts[i].text : span_make(at, 1));
        at += found ? strlen(texts[i].word) : 1;
    }
    buf_append(out, span_make("", 1));
}

static pid_t start(const char *command, int out)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (pid > 0) {
        setpgid(pid, pid); /* also here: the child may not have run yet */
    }
    return pid;
}

/* Reads what the command prints, until it closes its output. Returns false if it takes too long. */
static bool read_output(int in, struct buf *output)
{
    int64_t deadline = clock_now() + CREATE_TOPICS_MS * TIME_MS;
    char bytes[512];
    ssize_t n = 1;
    while (n > 0) {
        int64_t left = (deadline - clock_now()) / TIME_MS;
        struct pollfd p = {.fd = in, .events = POLLIN};
        if (left <= 0 || poll(&p, 1, (int)left) <= 0) {
            return false;
        }
        n = read(in, bytes, sizeof bytes);
        size_t room = OUTPUT_MAX - output->n;
        buf_append(output, span_make(bytes, n <= 0 ? 0 : (size_t)n < room ? (size_t)n : room));
    }
    return true;
}

/* Returns NULL if the command has succeeded, or else what was wrong. */
static const char *run(const char *command, struct buf *output)
{
    int ends[2];
    int status = 0;
    if (pipe(ends) != 0) {
        return "no pipe can be made";
    }
    pid_t pid = start(command, ends[1]);
    close(ends[1]);
    bool in_time = pid > 0 && read_output(ends[0], output);
    close(ends[0]);
    if (pid <= 0) {
        return "it cannot be started";
    }
    if (!in_time) {
        kill(-pid, SIGKILL);
    }
    waitpid(pid, &status, 0);
    return !in_time                                        ? "it took longer than 10 s"
           : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NULL
                                                           : "it failed";
}

static bool was_done(const struct creation *c, struct span command)
{
    struct span rest = buf_span(c->done);
    while (rest.n > 0) {
        size_t n = strlen((const char *)rest.p) + 1;
        if (span_equal(span_first(rest, n), command)) {
            return true;
        }
        rest = span_skip(rest, n);
    }
    return false;
}

static bool create(struct creation *c, struct span topic, struct span channel)
{
    struct buf command = {0};
    struct buf output = {0};
    const char *wrong = NULL;
    fill(c, topic, channel, &command);
    if (!was_done(c, buf_span(&command))) {
        const char *text = (const char *)buf_span(&command).p;
        wrong =
            c->count++ == CREATE_TOPICS_MAX ? "the case has too many names" : run(text, &output);
        buf_append(c->done, buf_span(&command));
        if (wrong != NULL) {
            text_append(c->why, "the command of --create-topics: ");
            buf_append(c->why, span_make(wrong, strlen(wrong)));
            text_append(c->why, "\n");
            buf_append(c->why, span_first(buf_span(&command), command.n - 1));
            text_append(c->why, "\n");
            buf_append(c->why, buf_span(&output));
        }
    }
    buf_free(&command);
    buf_free(&output);
    return wrong == NULL;
}

/* --- names ------------------------------------------------------------------------------------ */

static bool is_kind(const struct item *item, struct span kind)
{
    return item->kind == ITEM_VAR && span_equal(span_first(item->bytes, kind.n), kind);
}

/* Appends a name. "#ephemeral" behind its variable belongs to it. */
static void append_name(struct creation *c, const struct item *item, struct buf *out)
{
    const struct span ending = SPAN("#ephemeral");
    const struct value *value = values_get(&c->values, item->bytes);
    const struct item *next = item->next;
    buf_drop(out, out->n);
    if (value != NULL) {
        buf_append(out, buf_span(&value->bytes));
    }
    if (next != NULL && next->kind == ITEM_BYTES &&
        span_equal(span_first(next->bytes, ending.n), ending)) {
        buf_append(out, ending);
    }
}

static bool create_for_step(struct creation *c, const struct step *s)
{
    struct buf topic = {0};
    struct buf channel = {0};
    bool ok = true;
    for (const struct item *i = s->kind == STEP_SEND ? s->items : NULL; i != NULL && ok;
         i = i->next) {
        if (is_kind(i, SPAN("topic"))) {
            append_name(c, i, &topic);
            ok = c->channels || create(c, buf_span(&topic), buf_span(&channel));
        } else if (c->channels && topic.n > 0 && is_kind(i, SPAN("channel"))) {
            append_name(c, i, &channel);
            ok = create(c, buf_span(&topic), buf_span(&channel));
        }
    }
    buf_free(&topic);
    buf_free(&channel);
    return ok;
}

/* Whether the player sends a PUB to a topic of its own: see play_nothing in player_steps.c. */
static bool needs_scratch(const struct step *steps)
{
    bool found = false;
    for (const struct step *s = steps; s != NULL && !found; s = s->next) {
        found = s->kind == STEP_NOTHING || needs_scratch(s->inside);
    }
    return found;
}

static bool create_all(struct creation *c, const struct step *steps)
{
    bool ok = true;
    c->channels = strstr(c->command, "{channel}") != NULL;
    if (!c->channels && needs_scratch(steps)) {
        struct buf scratch = {0};
        values_scratch(&c->values, &scratch);
        ok = create(c, buf_span(&scratch), SPAN(""));
        buf_free(&scratch);
    }
    for (const struct step *s = steps; s != NULL && ok; s = s->next) {
        ok = create_for_step(c, s);
    }
    return ok;
}

bool create_topics(const struct args_list *commands, const char *address, struct span names,
                   const struct transcript *file, struct buf *why)
{
    struct buf done = {0};
    struct unrolled steps;
    struct creation c = {.address = address, .values = {.names = names}, .done = &done, .why = why};
    bool ok = true;
    transcript_unroll(file, &steps);
    for (size_t i = 0; i < commands->n && ok; i++) {
        c.command = commands->values[i];
        ok = create_all(&c, steps.steps);
    }
    unrolled_free(&steps);
    values_free(&c.values);
    buf_free(&done);
    return ok;
}
