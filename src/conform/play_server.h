/* SPDX-License-Identifier: MIT */
/*
 * Owns: the server's side of a session file, played once to one client over TCP: it must get what
 * clients send there, and sends what the server sends there. Message ids and times are made up.
 *
 * A client may say NOP at any time, and may send the PUB and, behind all else, the command by which
 * nsq-conform proves that nothing came, which are answered; else it says what the file says. Two
 * programs that play the two sides agree on the names of topics and channels by the same --names.
 * TLS is spoken with the certificate of the cases.
 */
#ifndef CONFORM_PLAY_SERVER_H
#define CONFORM_PLAY_SERVER_H

#include "conform/args.h"

/* Plays args->serve at args->listen, and says "TCP: listening on ADDRESS" when it listens.
 * EXIT_CONFORMS: the client said all of it, and nothing else. */
enum conform_exit serve_file(const struct args *args, FILE *err);

#endif
