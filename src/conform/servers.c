/* SPDX-License-Identifier: MIT */
/* Distributes the cases to servers by the flags that they need, and these in batches. Must not
 * know: how a server is started (spawn.h). */
#include "conform/servers.h"

#include "base/alloc.h"

/* Numbers the cases with the same flags, and deals them out to as many servers as they need. */
static void deal(struct servers *s)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t same = 0;
        size_t before = 0;
        for (size_t k = 0; k < s->n; k++) {
            bool equal = span_equal(s->cases[i]->file.flags, s->cases[k]->file.flags);
            same += equal;
            before += equal && k < i;
        }
        s->part_of[i] = before % ((same + SERVER_CASES_MAX - 1) / SERVER_CASES_MAX);
    }
}

void servers_init(struct servers *s, const char *command, const char *suite, const int *end_fd,
                  const struct suite_case *const *cases, size_t n)
{
    *s = (struct servers){
        .command = command, .suite = suite, .end_fd = end_fd, .cases = cases, .n = n};
    s->of = alloc_zeroed((n + 1) * sizeof *s->of);
    s->part_of = alloc_zeroed((n + 1) * sizeof *s->part_of);
    s->left = alloc_zeroed((n + 1) * sizeof *s->left);
    memset(s->left, 1, n * sizeof *s->left);
    deal(s);
}

void servers_free(struct servers *s)
{
    alloc_free(s->of);
    alloc_free(s->part_of);
    alloc_free(s->left);
}

/* Returns the number of a case's server in this batch, or SERVERS_MAX if the batch is full. */
static size_t server_for(struct servers *s, size_t i)
{
    struct span flags = s->cases[i]->file.flags;
    for (size_t k = 0; k < s->count; k++) {
        if (s->part[k] == s->part_of[i] && span_equal(s->flags[k], flags)) {
            return k;
        }
    }
    if (s->count == SERVERS_MAX) {
        return SERVERS_MAX;
    }
    s->flags[s->count] = flags;
    s->part[s->count] = s->part_of[i];
    return s->count++;
}

static void start(struct servers *s, size_t k)
{
    spawn_start(&s->list[k], s->command, s->flags[k], s->suite);
}

bool servers_next(struct servers *s)
{
    s->count = 0;
    for (size_t i = 0; i < s->n; i++) {
        s->of[i] = s->left[i] ? server_for(s, i) : SERVERS_MAX;
        s->left[i] = s->left[i] && s->of[i] == SERVERS_MAX;
    }
    for (size_t k = 0; k < s->count; k++) {
        start(s, k);
    }
    spawn_wait(s->list, s->count, s->end_fd);
    return s->count > 0;
}

void servers_stop(struct servers *s)
{
    spawn_stop(s->list, s->count);
}

bool servers_restart(struct servers *s, size_t k)
{
    spawn_stop(&s->list[k], 1);
    start(s, k);
    spawn_wait(&s->list[k], 1, s->end_fd);
    return s->list[k].state == SPAWN_READY;
}
