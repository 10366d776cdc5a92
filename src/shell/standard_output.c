/* SPDX-License-Identifier: MIT */
/*
 * The C library writes buffered output late, and keeps an error to itself. This file asks for both.
 * Must not know: what was written.
 */
#include "shell/standard_output.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "shell/machine.h"

/* Some file systems report an error of a write only at a close. Closing a copy of the descriptor
 * asks for it. */
static bool close_copy(void)
{
    int copy = dup(STDOUT_FILENO);
    return copy < 0 || close(copy) == 0;
}

bool standard_output_end(const char *program)
{
    char reason[MACHINE_REASON_MAX];
    bool earlier = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) == 0 && close_copy() && !earlier) {
        return true;
    }
    /* Of an earlier error only the fact is known. */
    machine_reason(errno == 0 ? EIO : errno, reason);
    fprintf(stderr, "%s: write /dev/stdout: %s\n", program, reason);
    return false;
}
