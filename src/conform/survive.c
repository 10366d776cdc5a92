/* SPDX-License-Identifier: MIT */
/* Goes through the files of a corpus, starts the server again where that is possible, and prints
 * what was found. Must not know: what the bytes of an input mean. */
#include "conform/survive.h"

#include <time.h>

#include "base/time.h"
#include "conform/files.h"
#include "conform/spawn.h"
#include "conform/suite.h"
#include "conform/survive_play.h"
#include "conform/workers.h"
#include "shell/clock.h"

#define INPUT_MAX ((size_t)1 << 20)      /* the most bytes of a file */
#define ANSWER_TIMEOUT (5 * TIME_SECOND) /* how long the answer to a PUB may take */
#define END_TIMEOUT (TIME_SECOND / 2)
#define FINDINGS_MAX 20 /* then the run ends: each costs a start of the server */

struct run {
    const struct args *args;
    const int *end_fd;
    FILE *out;
    FILE *err;
    struct spawn server; /* not used with --target */
    const char *address;
    const char *http_address; /* NULL or empty: none */
    int64_t patience;         /* ns; see survive_play */
    size_t inputs;
    size_t plays;
    size_t findings;
    size_t for_http; /* connections that were not made, because there is no HTTP address */
    bool over;       /* the server cannot be reached any more, or there are too many findings */
};

static bool answers(struct run *run)
{
    return survive_answers(run->address, ANSWER_TIMEOUT * run->args->time_scale / 100);
}

static bool start(struct run *run)
{
    run->address = run->args->target;
    run->http_address = run->args->http_target;
    if (run->args->spawn != NULL) {
        spawn_start(&run->server, run->args->spawn, SPAN(""), run->args->cases);
        spawn_wait(&run->server, 1, run->end_fd);
        run->address = run->server.address;
        run->http_address = run->server.http_address;
    }
    return (run->args->spawn == NULL || run->server.state == SPAWN_READY) && answers(run);
}

static void stop(struct run *run)
{
    if (run->args->spawn != NULL) {
        spawn_stop(&run->server, 1);
    }
}

/* Returns true if the server's process has ended. A process that crashes may need some time after
 * its last connection was closed. */
static bool has_ended(struct run *run)
{
    const struct timespec pause = {.tv_nsec = 5 * TIME_MS};
    int64_t deadline = clock_now() + END_TIMEOUT;
    if (run->args->spawn == NULL) {
        return false;
    }
    while (spawn_runs(&run->server) && clock_now() < deadline) {
        nanosleep(&pause, NULL);
    }
    return !spawn_runs(&run->server);
}

/* Prints why the server no longer answers, in one line. */
static void print_finding(struct run *run, const char *path, const char *how)
{
    bool ended = has_ended(run);
    struct span why = ended ? buf_span(&run->server.why) : SPAN("");
    size_t n = 0;
    while (n < why.n && why.p[n] != '\n') {
        n++;
    }
    if (ended) {
        fprintf(run->out, "%s, %s: %.*s\n", path, how, (int)n, (const char *)why.p);
    } else {
        fprintf(run->out, "%s, %s: the server did not answer a PUB\n", path, how);
    }
    fflush(run->out);
}

/* After a finding. A server at --target cannot be started again; it is asked once more. */
static void go_on(struct run *run)
{
    if (run->args->spawn != NULL) {
        stop(run);
        run->over = run->findings == FINDINGS_MAX || !start(run);
    } else {
        run->over = run->findings == FINDINGS_MAX || !answers(run);
    }
}

static void play(struct run *run, const char *path, struct span input, enum survive_way way,
                 bool bare)
{
    char how[64];
    struct survive_talk talk;
    if (run->over || workers_stopped(run->end_fd)) {
        return;
    }
    survive_talk(&talk, path, input, bare);
    const char *address = talk.http ? run->http_address : run->address;
    bool there = address != NULL && address[0] != '\0';
    bool alive = !there || (survive_play(address, &talk, way, &run->patience) && answers(run));
    survive_talk_free(&talk);
    run->plays += there;
    run->for_http += !there;
    if (!alive) {
        snprintf(how, sizeof how, "%s%s", survive_way_name(way), bare ? ", as it is" : "");
        run->findings++;
        print_finding(run, path, how);
        go_on(run);
    }
}

static void play_file(struct run *run, const char *path)
{
    struct buf input = {0};
    if (files_read(path, INPUT_MAX, &input, run->err)) {
        play(run, path, buf_span(&input), SURVIVE_WHOLE, true);
        for (unsigned way = 0; way < SURVIVE_WAYS; way++) {
            play(run, path, buf_span(&input), (enum survive_way)way, false);
        }
        run->inputs++;
    }
    buf_free(&input);
}

static enum conform_exit play_all(struct run *run, const struct files *files)
{
    for (size_t i = 0; i < files->n && !run->over && !workers_stopped(run->end_fd); i++) {
        play_file(run, files->paths[i]);
    }
    fprintf(run->out, "%zu inputs, %zu connections, %zu findings%s\n", run->inputs, run->plays,
            run->findings, run->over ? "; the run ended early" : "");
    if (run->for_http > 0) {
        fprintf(run->out, "%zu connections were not made, because the server has no HTTP address\n",
                run->for_http);
    }
    if (workers_stopped(run->end_fd)) {
        return EXIT_STOPPED;
    }
    return run->findings == 0 ? EXIT_CONFORMS : EXIT_DOES_NOT;
}

enum conform_exit survive(const struct args *args, const int *end_fd, FILE *out, FILE *err)
{
    struct run run = {.args = args, .end_fd = end_fd, .out = out, .err = err};
    struct files files = {0};
    enum conform_exit code = EXIT_USAGE;
    if (files_add(&files, args->survive, "", err)) {
        bool ready = start(&run);
        if (!ready) {
            fprintf(err, "nsq-conform: the server does not answer a PUB, so no input was played\n");
        }
        code = ready ? play_all(&run, &files) : EXIT_UNREACHABLE;
        stop(&run);
    }
    files_free(&files);
    return code;
}
