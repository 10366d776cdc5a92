/* SPDX-License-Identifier: MIT */
/*
 * Owns: the vectors of upstream's disk queues (nsq/diskqueue.h): valid and invalid data files,
 * meta files and names of files, and the result of a parser for each of them.
 * Must not know: the session files.
 */
#ifndef CONFORM_VECTORS_DISKQUEUE_H
#define CONFORM_VECTORS_DISKQUEUE_H

#include "conform/vectors.h"

/* Writes the members "diskqueue_data", "diskqueue_meta" and "diskqueue_names". */
void vectors_diskqueue(struct json_writer *json);

#endif
