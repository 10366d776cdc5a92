/* SPDX-License-Identifier: MIT */
/*
 * Owns: a library that is preloaded into the servers that this process starts, and a file through
 * which the library tells its figures. Must not know: the library.
 */
#ifndef TESTS_SOAK_PRELOAD_H
#define TESTS_SOAK_PRELOAD_H

#include <stddef.h>

struct preload {
    void *shared; /* the file, mapped; zeros at first */
    size_t n;     /* bytes */
    int fd;
};

/* Sets the environment of later servers. `library`: a file beside this program. `variable`: the
 * name of the variable with the descriptor of the file. Ends this process if something fails. */
void preload_begin(struct preload *p, const char *library, const char *variable, size_t n);

/* Later servers do not load the library. */
void preload_stop(void);

/* Closes the file. */
void preload_end(struct preload *p);

#endif
