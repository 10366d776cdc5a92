/* SPDX-License-Identifier: MIT */
/* Tests of conform/create_topics.h. The commands write into a file. */
#include "conform/create_topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conform/files.h"
#include "support/folder.h"

#define HEAD "id: a/b\ntitle: t\nreq: R-1\nlevel: MUST\nsource: spec\n\nc connect\n"

/* Creates the names of a case with these steps. Returns what is wrong; NULL: nothing. */
static const char *wrong(const struct args_list *commands, const char *steps)
{
    static char text[4096];
    struct transcript file;
    struct transcript_error error = {0};
    struct buf why = {0};
    if (!transcript_parse(&file, span_make(steps, strlen(steps)), &error)) {
        fail_msg("line %u: expected %s", error.line, error.expected);
    }
    bool ok = create_topics(commands, "127.0.0.1:17", SPAN("n"), &file, &why);
    assert_true(why.n < sizeof text);
    snprintf(text, sizeof text, "%.*s", (int)why.n,
             why.n == 0 ? "" : (const char *)buf_span(&why).p);
    assert_true(ok == (text[0] == '\0'));
    buf_free(&why);
    transcript_free(&file);
    return ok ? NULL : text;
}

static void assert_made(const char *wanted)
{
    struct buf made = {0};
    assert_true(files_read(folder_path("made"), 4096, &made, stderr));
    buf_append(&made, SPAN("\0"));
    assert_string_equal((const char *)buf_span(&made).p, wanted);
    buf_free(&made);
    assert_int_equal(remove(folder_path("made")), 0);
}

static void each_topic_and_each_channel_is_made_once(void **state)
{
    (void)state;
    char topic[FOLDER_PATH_MAX + 64];
    char channel[FOLDER_PATH_MAX + 64];
    snprintf(topic, sizeof topic, "echo {topic} {port} >>%s", folder_path("made"));
    snprintf(channel, sizeof channel, "echo {topic}/{channel} {address} >>%s", folder_path("made"));
    const struct args_list commands = {.values = {topic, channel}, .n = 2};
    assert_null(wrong(&commands, HEAD "c > \"  V2SUB \" $topic \"#ephemeral \" $channel1 \"\\n\"\n"
                                      "c > \"SUB \" $topic \"#ephemeral \" $channel2 \"\\n\"\n"
                                      "c > \"PUB \" $topic3 \"\\n\" size{\"x\"}\n"
                                      "c < nothing\nc > \"PUB \" $topic3 \"\\n\" size{\"x\"}\n"));
    assert_made("n.scratch 17\nn.topic#ephemeral 17\nn.topic3 17\n"
                "n.topic#ephemeral/n.channel1 127.0.0.1:17\n"
                "n.topic#ephemeral/n.channel2 127.0.0.1:17\n");
}

static void names_of_repetitions_are_made_too(void **state)
{
    (void)state;
    char topic[FOLDER_PATH_MAX + 64];
    snprintf(topic, sizeof topic, "echo {topic} >>%s", folder_path("made"));
    const struct args_list commands = {.values = {topic}, .n = 1};
    assert_null(wrong(&commands, HEAD "repeat 2 $i {\n"
                                      "    c > \"  V2PUB \" $topic$i \"\\n\" size{\"x\"}\n}\n"));
    assert_made("n.topic1\nn.topic2\n");
}

static void a_command_that_fails_is_shown(void **state)
{
    (void)state;
    const struct args_list commands = {.values = {"echo no {topic}; exit 3"}, .n = 1};
    assert_string_equal(wrong(&commands, HEAD "c > \"PUB \" $topic \"\\n\"\n"),
                        "the command of --create-topics: it failed\n"
                        "echo no n.topic; exit 3\nno n.topic\n");
    const struct args_list killed = {.values = {"kill -9 $$ # {topic}"}, .n = 1};
    assert_non_null(strstr(wrong(&killed, HEAD "c > \"PUB \" $topic \"\\n\"\n"), ": it failed\n"));
    const struct args_list loud = {.values = {"yes | head -c 100000; false {topic}"}, .n = 1};
    assert_true(strlen(wrong(&loud, HEAD "c > \"PUB \" $topic \"\\n\"\n")) < 2200);
    assert_null(wrong(&loud, HEAD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_topic_and_each_channel_is_made_once),
        cmocka_unit_test(names_of_repetitions_are_made_too),
        cmocka_unit_test(a_command_that_fails_is_shown),
    };
    return cmocka_run_group_tests_name("create_topics", tests, folder_make, folder_remove);
}
