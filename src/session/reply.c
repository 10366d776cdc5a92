/* SPDX-License-Identifier: MIT */
/*
 * Creates and frees replies. Must not know the meaning of their texts: errors.c and the files of
 * the commands have the texts.
 */
#include "session/reply.h"

#include "base/alloc.h"
#include "base/text.h"

struct reply reply_response(void)
{
    return (struct reply){.kind = REPLY_RESPONSE, .text = alloc_zeroed(sizeof(struct buf))};
}

struct reply reply_error(enum nsq_error code)
{
    struct reply reply = {
        .kind = REPLY_ERROR, .code = code, .text = alloc_zeroed(sizeof(struct buf))};
    buf_append(reply.text, nsq_error_name(code));
    text_append(reply.text, " ");
    return reply;
}

struct reply reply_command_error(enum nsq_command_id command, enum nsq_error code)
{
    struct reply reply = reply_error(code);
    buf_append(reply.text, nsq_command_row(command)->name);
    text_append(reply.text, " ");
    return reply;
}

void reply_free(struct reply *reply)
{
    if (reply->kind != REPLY_POSTED && reply->text != NULL) {
        buf_free(reply->text);
        alloc_free(reply->text);
        reply->text = NULL;
    }
}
