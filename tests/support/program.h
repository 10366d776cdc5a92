/* SPDX-License-Identifier: MIT */
/*
 * Owns: an nsqd that was started as a program: its process, its log, its end, what it costs. The
 * program is ../nsqd, seen from the folder of the test.
 * Must not know: what is tested. Whatever is still running when a test ends is killed.
 */
#ifndef TESTS_SUPPORT_PROGRAM_H
#define TESTS_SUPPORT_PROGRAM_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define PROGRAM_PATIENCE_MS 20000
#define PROGRAM_PATH_MAX 512

/* Where its standard error goes. */
enum program_stderr {
    PROGRAM_PIPE,        /* to the test */
    PROGRAM_UNREAD_PIPE, /* to nobody: the reading end is open, and nobody reads */
    PROGRAM_BROKEN_PIPE, /* to nobody: the reading end is closed */
    PROGRAM_NULL,        /* to /dev/null */
    PROGRAM_CLOSED,      /* closed */
    PROGRAM_ALL_CLOSED,  /* and standard input and output as well */
};

struct program_setup {
    const char *const *args;   /* more arguments, NULL at the end; NULL: none */
    const char *address;       /* --tcp-address; NULL: 127.0.0.1:0 */
    const char *folder;        /* --data-path; NULL: one of its own */
    unsigned long descriptors; /* the limit of descriptors; 0: as it is */
    enum program_stderr err;
};

struct program {
    bool used;
    pid_t pid;   /* 0: it has ended */
    int err;     /* where its standard error is read; -1: nowhere */
    int unread;  /* where it could be read; -1 */
    pid_t drain; /* of program_drain; 0: none */
    unsigned port;
    char folder[PROGRAM_PATH_MAX]; /* its own data path; "": it has none */
    struct buf log;                /* what it has written so far, as far as it was read */
};

/* Called by main with argv[0], before anything else. */
void program_locate(const char *argv0);

/* Starts the program; does not wait for anything. Borrowed until program_clean_up. */
struct program *program_spawn(const struct program_setup *setup);

/* Starts the program with these arguments and waits until it listens. */
#define program_start(...)                                                                         \
    program_start_with(&(struct program_setup){.args = (const char *const[]){__VA_ARGS__, NULL}})
struct program *program_start_with(const struct program_setup *setup);

/* From now on its log is read by a process of its own and thrown away: for a test that makes it say
 * more than a pipe holds. To be called before there are clients: that process would share them. */
void program_drain(struct program *p);

/* Waits until its log has this text `times` times. */
void program_await(struct program *p, const char *text, unsigned times);

/* How often this text stands in what was read of its log. */
unsigned program_logged(const struct program *p, const char *text);

/* Waits for its end and the end of its log. Returns its exit code; 128 + the signal that ended it.
 */
int program_wait(struct program *p);

/* Sends a signal and waits for the end; fails if it takes a second. */
int program_end(struct program *p, int signal);

/* ms of processor time so far; bytes of memory; open descriptors. */
int64_t program_cpu_ms(const struct program *p);
size_t program_memory(const struct program *p);
size_t program_descriptors(const struct program *p);

/* Whether this descriptor of its is /dev/null. */
bool program_has_null(const struct program *p, int fd);

/* For a test's teardown: kills what is still running, and forgets everything. */
int program_clean_up(void **state);

#endif
