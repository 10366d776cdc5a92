/* SPDX-License-Identifier: MIT */
/* Quotes words for a shell. Must not know: reports. */
#include "conform/command_line.h"

#include "base/text.h"

static bool is_plain(uint8_t c)
{
    static const char others[] = "_@%+=:,./-";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(others, c) != NULL);
}

static bool needs_quotes(struct span word)
{
    for (size_t i = 0; i < word.n; i++) {
        if (!is_plain(word.p[i])) {
            return true;
        }
    }
    return word.n == 0;
}

void command_line_word(struct span word, struct buf *out)
{
    if (!needs_quotes(word)) {
        buf_append(out, word);
        return;
    }
    text_append(out, "'");
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '\'') {
            text_append(out, "'\\''");
        } else {
            buf_append(out, span_make(word.p + i, 1));
        }
    }
    text_append(out, "'");
}

static void add_string(const char *word, struct buf *out)
{
    command_line_word(span_make(word, strlen(word)), out);
}

static void add_program(const struct args *args, struct buf *out)
{
    add_string(args->program == NULL ? "nsq-conform" : args->program, out);
}

static void add_options(const struct args *args, bool only_kept, struct buf *out)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const struct args_given *g = &args->given[i];
        if (only_kept && !g->kept) {
            continue;
        }
        buf_append(out, g->name[1] == '\0' ? SPAN(" -") : SPAN(" --"));
        add_string(g->name, out);
        if (g->value != NULL) {
            buf_append(out, g->optional ? SPAN("=") : SPAN(" "));
            add_string(g->value, out);
        }
    }
}

void command_line_whole(const struct args *args, struct buf *out)
{
    add_program(args, out);
    add_options(args, false, out);
    for (size_t i = 0; i < args->file_count; i++) {
        text_append(out, " ");
        add_string(args->files[i], out);
    }
}

void command_line_again(const struct args *args, struct buf *out)
{
    add_program(args, out);
    add_options(args, true, out);
    if (args->file_count == 0) {
        text_append(out, " --only");
    }
}
