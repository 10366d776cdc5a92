/* SPDX-License-Identifier: MIT */
/*
 * Owns: a server that runs as a program: its process, its log, its end, its costs. The program is
 * ../nsqd or ../nsqlookupd, relative to the folder of the test program.
 * Must not know: what is tested. A program that still runs when a test ends is killed.
 */
#ifndef TESTS_SUPPORT_PROGRAM_H
#define TESTS_SUPPORT_PROGRAM_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define PROGRAM_PATIENCE_MS 20000
#define PROGRAM_PATH_MAX 512

/* Where its standard error goes to. */
enum program_stderr {
    PROGRAM_PIPE,        /* to the test */
    PROGRAM_UNREAD_PIPE, /* a pipe whose reading end is open, but nobody reads it */
    PROGRAM_BROKEN_PIPE, /* a pipe whose reading end is closed */
    PROGRAM_NULL,        /* to /dev/null */
    PROGRAM_CLOSED,      /* standard error is closed */
    PROGRAM_ALL_CLOSED,  /* standard input, output and error are closed */
};

struct program_setup {
    const char *name;          /* "nsqlookupd"; NULL: nsqd */
    const char *const *args;   /* more arguments, NULL at the end; NULL: none */
    const char *address;       /* --tcp-address; NULL: 127.0.0.1:0 */
    const char *folder;        /* --data-path of nsqd; NULL: one of its own */
    unsigned long descriptors; /* the limit of file descriptors; 0: unchanged */
    enum program_stderr err;
    bool deaf; /* started with all signals blocked, and SIGHUP, SIGINT, SIGTERM, SIGPIPE ignored */
};

struct program {
    bool used;
    pid_t pid;   /* 0: it has ended */
    int err;     /* the reading end of its standard error; -1: none */
    int unread;  /* the reading end that nobody reads; -1: none */
    pid_t drain; /* the process of program_drain; 0: none */
    unsigned port;
    char folder[PROGRAM_PATH_MAX]; /* its temporary data path; "": none */
    struct buf log;                /* what was read of its standard error so far */
};

/* main calls this first, with argv[0]. */
void program_locate(const char *argv0);

/* Starts the program; does not wait for anything. Borrowed until program_clean_up. */
struct program *program_spawn(const struct program_setup *setup);

/* Starts the program with these arguments and waits until it listens. */
#define program_start(...)                                                                         \
    program_start_with(&(struct program_setup){.args = (const char *const[]){__VA_ARGS__, NULL}})
struct program *program_start_with(const struct program_setup *setup);

/* Waits until it listens for NAME ("HTTP") on loopback. Returns the port. */
unsigned program_port(struct program *p, const char *name);

/* From now on another process reads its log and discards it, for tests in which the log is longer
 * than a pipe holds. Call it before clients connect, because that process would share their
 * descriptors. */
void program_drain(struct program *p);

/* Waits until its log contains this text `times` times. */
void program_await(struct program *p, const char *text, unsigned times);

/* How often this text occurs in the log, as far as it was read. */
unsigned program_logged(const struct program *p, const char *text);

/* Waits until it has ended and its log is complete. Returns its exit code, or 128 + the signal that
 * ended it. */
int program_wait(struct program *p);

/* Sends a signal and waits for the end. Fails the test if that takes a second.
 * At its end the program waits only 200 ms for a pipe that is full, and the test may get no
 * processor time meanwhile. A pipe may hold as little as 32 KiB, because each short write may begin
 * a new page. So a test that looks for the last lines of the log must first read the log
 * (program_await), until much less than 32 KiB are still to come. */
int program_end(struct program *p, int signal);

/* Starts the program, and checks that it ends by itself with this code after it has written this
 * line, or nothing if `line` is "". (A run-time library may write more if it finds no descriptor
 * for itself.) */
void program_expect_refusal(const struct program_setup *setup, int code, const char *line);

/* Its processor time so far, in ms; its memory, in bytes; its open file descriptors. */
int64_t program_cpu_ms(const struct program *p);
size_t program_memory(const struct program *p);
size_t program_descriptors(const struct program *p);

/* Whether its file descriptor `fd` is /dev/null. */
bool program_has_null(const struct program *p, int fd);

/* For a test's tear-down: kills every program that still runs, and frees everything. */
int program_clean_up(void **state);

#endif
