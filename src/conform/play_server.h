/* SPDX-License-Identifier: MIT */
/*
 * Owns: one play of the server's side of a session file, over TCP. The file has the bytes of both
 * sides. The clients must send the clients' bytes, and this program sends them the server's bytes.
 * The program invents message ids and timestamps. Must not know: the rules of NSQ, because only the
 * file decides.
 *
 * A client may also send some commands that are not in the file. It may send NOP at any time. If
 * the client is another nsq-conform, it sends two more commands than the case has: a PUB to another
 * topic, and an unknown command at the end. The server answers these two commands. When nsq-conform
 * receives these answers, it knows that no earlier reply is still on its way. If two programs play
 * the two sides, both need the same --names. TLS uses the certificate in the folder of the cases.
 */
#ifndef CONFORM_PLAY_SERVER_H
#define CONFORM_PLAY_SERVER_H

#include "conform/args.h"

/* Plays args->serve at the address args->listen. Prints "TCP: listening on ADDRESS" when it accepts
 * connections. Returns EXIT_CONFORMS if the clients have sent everything in the file, and nothing
 * else. */
enum conform_exit serve_file(const struct args *args, FILE *err);

#endif
