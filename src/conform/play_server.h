/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing the server's side of a session file once, over TCP: the clients must send what the
 * file says, and get what the file says the server sends. Message ids and timestamps are made up.
 * Must not know: NSQ's rules; only the file decides.
 *
 * A client may also send NOP at any time, and the two commands with which nsq-conform proves that
 * no reply came: a PUB to a scratch topic, and a last, unknown command. They are answered. When two
 * programs play the two sides, both need the same --names. TLS uses the certificate of the cases.
 */
#ifndef CONFORM_PLAY_SERVER_H
#define CONFORM_PLAY_SERVER_H

#include "conform/args.h"

/* Plays args->serve at args->listen, and prints "TCP: listening on ADDRESS" when it listens.
 * EXIT_CONFORMS: the clients sent all that the file says, and nothing else. */
enum conform_exit serve_file(const struct args *args, FILE *err);

#endif
