/* SPDX-License-Identifier: MIT */
/*
 * Owns: a run of operations (ops.h) on an engine on virtual time, and what is checked after each
 * call. The targets engine and http_api share it. Must not know: which target runs.
 *
 * Whatever the clients do, and however time passes: each message is in one place of each channel
 * that got it, and leaves that place only for a reason (memory_model.h lists them). Every client
 * gets whole frames in order, however much of its output is sent at a time. Nothing follows a fatal
 * error. If the server wants to read, it takes input that is offered. No due work is left when time
 * goes on. The memory budget is the sum of the costs of everything that exists, and 0 at the end.
 *
 * As in client.h, the clock of ids begins at 0 and stands still until the input moves it.
 */
#ifndef FUZZ_ENGINE_RUN_H
#define FUZZ_ENGINE_RUN_H

#include <nsq/span.h>

#define ENGINE_RUN_HEADER 8

/* Runs one input: the eight bytes of struct engine_choice, then at most 256 operations. With `web`,
 * the connections from ENGINE_RUN_WEB on are clients of the HTTP API: their COMMAND is a request as
 * in request_writer.h. Returns what a target returns. */
int engine_run(struct span in, bool web);

#define ENGINE_RUN_WEB 10 /* of the 16 connections */

#endif
