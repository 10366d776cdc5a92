/* SPDX-License-Identifier: MIT */
/*
 * Starts a server as a program, reads its log, measures it and ends it.
 */
#include "support/program.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SHELL_ARGS 3 /* arguments of the shell that starts the program */
#define ARGS_MAX 32
#define PROGRAMS_MAX 8
#define INHERITED_MAX 1024 /* descriptors */
#define END_MS 1000        /* the program must exit within this time */

static char place[PROGRAM_PATH_MAX]; /* the folder of the programs, with a slash */
static struct program programs[PROGRAMS_MAX];

void program_locate(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    int n = slash == NULL ? 0 : (int)(slash - argv0) + 1;
    snprintf(place, sizeof place, "%.*s../", n, argv0);
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec t = {0};
    assert_int_equal(clock_gettime(clock, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- starting --------------------------------------------------------------------------------- */

/* In the child: sets up its file descriptors. `err` is the writing end of the pipe, or -1. */
static void set_descriptors(const struct program_setup *setup, int err)
{
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(err >= 0 ? err : null, 2);
    for (int fd = 3; fd < INHERITED_MAX; fd++) {
        close(fd); /* the test's parent process may have left some open */
    }
    if (setup->err >= PROGRAM_CLOSED) {
        close(2);
    }
    if (setup->err == PROGRAM_ALL_CLOSED) {
        close(0);
        close(1);
    }
}

/* In the child: as a parent process may leave signals behind. */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
    struct sigaction act = {.sa_handler = SIG_IGN};
    sigfillset(&act.sa_mask);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        sigaction(ignored[i], &act, NULL);
    }
    sigprocmask(SIG_SETMASK, &act.sa_mask, NULL);
}

/* A shell sets the limit of descriptors, because valgrind intercepts setrlimit. The search for
 * leaks needs descriptors of its own, so it is switched off when there is a limit. */
static _Noreturn void become(const struct program_setup *setup, char **args, int err)
{
    static char shell[] = "sh";
    static char option[] = "-c";
    char script[128];
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the program ends when the test does */
    set_descriptors(setup, err);
    if (setup->deaf) {
        ignore_signals();
    }
    if (setup->descriptors == 0) {
        execv(args[SHELL_ARGS], args + SHELL_ARGS);
    } else {
        snprintf(
            script, sizeof script,
            "ASAN_OPTIONS=detect_leaks=0; export ASAN_OPTIONS; ulimit -n %lu && exec \"$0\" \"$@\"",
            setup->descriptors);
        args[0] = shell;
        args[1] = option;
        args[2] = script;
        execv("/bin/sh", args);
    }
    _exit(127);
}

static const char *name_of(const struct program_setup *setup)
{
    return setup->name == NULL ? "nsqd" : setup->name;
}

static struct program *take_place(void)
{
    for (size_t i = 0; i < PROGRAMS_MAX; i++) {
        if (!programs[i].used) {
            programs[i] = (struct program){.used = true, .err = -1, .unread = -1};
            return &programs[i];
        }
    }
    fail_msg("more than %d programs", PROGRAMS_MAX);
    return NULL;
}

/* Appends an argument. */
static void add_arg(char *args[ARGS_MAX], const char *arg)
{
    size_t n = SHELL_ARGS;
    while (args[n] != NULL) {
        n++;
    }
    assert_true(n + 1 < ARGS_MAX);
    args[n] = (char *)(uintptr_t)arg; /* execv does not write to it */
}

/* The data path of nsqd, or "". nsqlookupd has none. */
static void choose_folder(const struct program_setup *setup, struct program *p,
                          char folder[2 * PROGRAM_PATH_MAX])
{
    folder[0] = '\0';
    if (setup->name != NULL) {
        return;
    }
    if (setup->folder == NULL) {
        snprintf(p->folder, sizeof p->folder, "/tmp/nsqref-test-XXXXXX");
        assert_non_null(mkdtemp(p->folder));
    }
    snprintf(folder, 2 * PROGRAM_PATH_MAX, "--data-path=%s",
             setup->folder == NULL ? p->folder : setup->folder);
}

struct program *program_spawn(const struct program_setup *setup)
{
    char path[2 * PROGRAM_PATH_MAX];
    char address[PROGRAM_PATH_MAX];
    char folder[2 * PROGRAM_PATH_MAX];
    char *args[ARGS_MAX] = {[SHELL_ARGS] = path};
    int ends[2];
    struct program *p = take_place();
    snprintf(path, sizeof path, "%s%s", place, name_of(setup));
    if (access(path, X_OK) != 0) {
        fail_msg("%s: %s; `make` builds it", path, strerror(errno));
    }
    snprintf(address, sizeof address, "--tcp-address=%s",
             setup->address == NULL ? "127.0.0.1:0" : setup->address);
    choose_folder(setup, p, folder);
    add_arg(args, address);
    add_arg(args, "--http-address=127.0.0.1:0");
    if (folder[0] != '\0') {
        add_arg(args, "--https-address=127.0.0.1:0");
        add_arg(args, folder);
    }
    for (size_t i = 0; setup->args != NULL && setup->args[i] != NULL; i++) {
        add_arg(args, setup->args[i]);
    }
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        become(setup, args, setup->err <= PROGRAM_BROKEN_PIPE ? ends[1] : -1);
    }
    close(ends[1]);
    if (setup->err == PROGRAM_PIPE) {
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        p->err = ends[0];
    } else if (setup->err == PROGRAM_UNREAD_PIPE) {
        p->unread = ends[0];
    } else {
        close(ends[0]);
    }
    return p;
}

unsigned program_port(struct program *p, const char *name)
{
    char line[64];
    snprintf(line, sizeof line, " %s: listening on 127.0.0.1:", name);
    program_await(p, line, 1);
    uint8_t end = '\0';
    buf_append(&p->log, span_make(&end, 1));
    const char *log = (const char *)buf_span(&p->log).p;
    assert(log != NULL); /* for the analyzer */
    const char *text = strstr(log, line);
    p->log.n--;
    return text == NULL ? 0 : (unsigned)atoi(text + strlen(line));
}

struct program *program_start_with(const struct program_setup *setup)
{
    struct program *p = program_spawn(setup);
    if (setup->address == NULL) {
        p->port = program_port(p, "TCP");
    } else {
        program_await(p, "TCP: listening on ", 1);
    }
    return p;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* Reads more of the log. False: end of file. */
static bool read_log(struct program *p, int64_t deadline)
{
    for (;;) {
        uint8_t *room = buf_room(&p->log, 65536);
        ssize_t n = read(p->err, room, 65536);
        if (n >= 0) {
            buf_grew(&p->log, (size_t)n);
            return n > 0;
        }
        struct pollfd fd = {.fd = p->err, .events = POLLIN};
        if (clock_ms(CLOCK_MONOTONIC) > deadline || poll(&fd, 1, PROGRAM_PATIENCE_MS) == 0) {
            struct span s = buf_span(&p->log);
            fail_msg("no more from the program after '%.*s'", (int)s.n, (const char *)s.p);
        }
    }
}

unsigned program_logged(const struct program *p, const char *text)
{
    struct span rest = buf_span(&p->log);
    size_t n = strlen(text);
    unsigned times = 0;
    while (rest.n >= n) {
        bool here = span_equal(span_first(rest, n), span_make(text, n));
        times += here;
        rest = span_skip(rest, here ? n : 1);
    }
    return times;
}

void program_await(struct program *p, const char *text, unsigned times)
{
    int64_t deadline = clock_ms(CLOCK_MONOTONIC) + PROGRAM_PATIENCE_MS;
    while (program_logged(p, text) < times) {
        if (!read_log(p, deadline)) {
            struct span s = buf_span(&p->log);
            fail_msg("nsqd has ended without '%s': '%.*s'", text, (int)s.n, (const char *)s.p);
        }
    }
}

void program_drain(struct program *p)
{
    p->drain = fork();
    assert_true(p->drain >= 0);
    if (p->drain == 0) {
        char bytes[4096];
        struct pollfd fd = {.fd = p->err, .events = POLLIN};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (read(p->err, bytes, sizeof bytes) != 0) {
            poll(&fd, 1, -1);
        }
        _exit(0);
    }
    close(p->err);
    p->err = -1;
}

/* --- ending ----------------------------------------------------------------------------------- */

static void end_folder(struct program *p)
{
    if (p->folder[0] != '\0') {
        rmdir(p->folder);
        p->folder[0] = '\0';
    }
}

int program_wait(struct program *p)
{
    int status = 0;
    int64_t deadline = clock_ms(CLOCK_MONOTONIC) + PROGRAM_PATIENCE_MS;
    while (p->err >= 0 && read_log(p, deadline)) {
    }
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    p->pid = 0;
    end_folder(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_end(struct program *p, int signal)
{
    int64_t start = clock_ms(CLOCK_MONOTONIC);
    assert_int_equal(kill(p->pid, signal), 0);
    int code = program_wait(p);
    int64_t took = clock_ms(CLOCK_MONOTONIC) - start;
    if (took >= END_MS) {
        fail_msg("the end took %lld ms", (long long)took);
    }
    return code;
}

void program_expect_refusal(const struct program_setup *setup, int code, const char *line)
{
    char prefix[32];
    struct program *p = program_spawn(setup);
    int ended = program_wait(p);
    struct span log = buf_span(&p->log);
    int n = snprintf(prefix, sizeof prefix, "[%s] 2", name_of(setup));
    bool said = line[0] == '\0' ? log.n == 0 : program_logged(p, line) == 1;
    bool prefixed = code != 1 || log.n == 0 ||
                    span_equal(span_first(log, (size_t)n), span_make(prefix, (size_t)n));
    if (ended != code || !said || !prefixed) {
        fail_msg("exit code %d, not %d, and '%.*s'", ended, code, (int)log.n, (const char *)log.p);
    }
}

static void drop(struct program *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
        p->pid = 0;
    }
    if (p->drain > 0) {
        kill(p->drain, SIGKILL);
        waitpid(p->drain, NULL, 0);
    }
    if (p->err >= 0) {
        close(p->err);
    }
    if (p->unread >= 0) {
        close(p->unread);
    }
    end_folder(p);
    buf_free(&p->log);
    p->used = false;
}

int program_clean_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROGRAMS_MAX; i++) {
        if (programs[i].used) {
            drop(&programs[i]);
        }
    }
    return 0;
}

/* --- what it costs ---------------------------------------------------------------------------- */

int64_t program_cpu_ms(const struct program *p)
{
    clockid_t clock;
    assert_int_equal(clock_getcpuclockid(p->pid, &clock), 0);
    return clock_ms(clock);
}

size_t program_memory(const struct program *p)
{
    char name[64];
    unsigned long pages = 0;
    snprintf(name, sizeof name, "/proc/%d/statm", (int)p->pid);
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
    fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

size_t program_descriptors(const struct program *p)
{
    char name[64];
    size_t n = 0;
    snprintf(name, sizeof name, "/proc/%d/fd", (int)p->pid);
    DIR *folder = opendir(name);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        n += entry->d_name[0] != '.';
    }
    closedir(folder);
    return n;
}

bool program_has_null(const struct program *p, int fd)
{
    char name[64];
    char target[64];
    snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)p->pid, fd);
    ssize_t n = readlink(name, target, sizeof target);
    return n > 0 && span_equal(span_make(target, (size_t)n), SPAN("/dev/null"));
}
