/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading a session file line by line and word by word. Only the parser uses this file. The
 * parser is in session_file.c (steps), session_file_http.c (steps of HTTP), session_file_items.c
 * (items and names) and session_file_header.c.
 * Must not know: what the words mean.
 */
#ifndef CONFORM_SESSION_FILE_READER_H
#define CONFORM_SESSION_FILE_READER_H

#include "conform/session_file.h"

struct reader {
    struct transcript *file;
    struct transcript_error *error;
    struct span rest;                              /* of the file, after the current line */
    struct span line;                              /* the rest of the current line */
    size_t line_size;                              /* bytes of the whole line */
    unsigned number;                               /* of the current line, from 1 */
    unsigned depth;                                /* how many size{ } and repeat( ) are open */
    unsigned blocks;                               /* how many repeat { } and any { } are open */
    struct span counters[TRANSCRIPT_COUNTERS_MAX]; /* of all repetitions that are open */
    size_t counter_count;
    bool patterns; /* the items may contain * for any bytes */
};

/* Allocates memory of zeros that lives as long as the file. */
void *reader_node(struct transcript *file, size_t n);

/* Reports an error at the current position of the reader. `what` says what was expected there. Only
 * the first report counts. Always returns false. */
bool reader_expected(struct reader *r, const char *what);

/* Goes to the next line. Returns false at the end of the file. */
bool reader_next_line(struct reader *r);

/* reader_at returns true if the rest of the line begins with these bytes. reader_take also removes
 * them from the rest. All functions below whose names begin with reader_take also remove the text
 * that they have read. */
bool reader_at(const struct reader *r, struct span word);
bool reader_take(struct reader *r, struct span word);

#define TAKE(r, literal) reader_take((r), SPAN(literal))

/* Reads one or more letters, digits and underscores. */
bool reader_take_word(struct reader *r, struct span *word, const char *what);

/* Takes the rest of the line, which must not be empty. */
bool reader_take_text(struct reader *r, struct span *text);

/* Reads a decimal number in canonical form: no leading zeros, and no "-0". */
bool reader_take_number(struct reader *r, int64_t *value);

/* Reads a duration, for example "1500ms". There is no other unit. */
bool reader_take_duration(struct reader *r, int64_t *ns);

/* Reads a string in double quotes. */
bool reader_take_string(struct reader *r, struct span *bytes);

/* --- session_file_items.c --------------------------------------------------------------------- */

/* Reads one or more items with single spaces between them. */
bool reader_take_items(struct reader *r, struct item **items);

/* Reads a name and the counters that follow it: c, c$i, m$i$k. `name` becomes the whole text. */
bool reader_take_name(struct reader *r, struct span *name, const char *what);

/* Reads a number of repetitions, a space, and the name of the counter, for example "300 $i". The
 * counter is known until the caller removes it with reader_drop_counter. */
bool reader_take_counter(struct reader *r, int64_t *count, struct span *counter);
void reader_drop_counter(struct reader *r);

/* Returns true if a word is the name of a counter that is known here. */
bool reader_is_counter(const struct reader *r, struct span word);

/* --- session_file_http.c ---------------------------------------------------------------------- */

/* reader_at_method returns true if the rest of the line begins with the method of a request.
 * reader_take_request then reads the request. */
bool reader_at_method(const struct reader *r);
bool reader_take_request(struct reader *r, struct step *step);

/* reader_at_status returns true if the rest of the line begins with a digit. reader_take_reply then
 * reads what the response must have. */
bool reader_at_status(const struct reader *r);
bool reader_take_reply(struct reader *r, struct step *step);

/* --- session_file_header.c -------------------------------------------------------------------- */

/* Reads all lines of the header, and the empty line after the header. */
bool reader_take_header(struct reader *r);

#endif
