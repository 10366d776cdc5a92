/* SPDX-License-Identifier: MIT */
/*
 * Owns: the command of --create-topics, for servers that do not make a topic when a client first
 * uses it. The command runs for the topics, or for the channels, that a case names. Must not know:
 * how a case is played.
 */
#ifndef CONFORM_CREATE_TOPICS_H
#define CONFORM_CREATE_TOPICS_H

#include "base/buf.h"
#include "conform/args.h"
#include "conform/session_file.h"

#define CREATE_TOPICS_MAX 256  /* how often the command runs for one case */
#define CREATE_TOPICS_MS 10000 /* how long one command may run */

/* Runs the commands one after the other with a shell. In a command, {topic} and {channel} are
 * replaced by names of the case: the names that its variables $topic... and $channel... have.
 * (`names` is the prefix of these names.) {address} becomes the address of the server, and {port}
 * its port. A command without {channel} runs for each topic. A command with {channel} runs for each
 * pair of a topic and a channel. The pairs are found in the steps that send bytes, for example in
 * "SUB topic channel".
 *
 * Returns false if a command failed, or took too long. Then `why` says which one, and what it has
 * printed. */
bool create_topics(const struct args_list *commands, const char *address, struct span names,
                   const struct transcript *file, struct buf *why);

#endif
