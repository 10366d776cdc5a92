/* SPDX-License-Identifier: MIT */
/*
 * nsq-conform: replays session files against an NSQ server and tells, rule by rule, what it does.
 */
#include <stdio.h>
#include <string.h>

#include "conform/run_case.h"
#include "shell/machine.h"

int main(int argc, char **argv)
{
    const char *target = NULL;
    int failed = 0;
    int passed = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--target") == 0 && i + 1 < argc) {
            target = argv[++i];
            continue;
        }
        struct buf bytes = {0};
        char why[MACHINE_WHY_MAX];
        struct session_file file;
        struct session_error error;
        if (!machine_read_file(argv[i], SESSION_FILE_MAX + 1, &bytes, why)) {
            printf("%s\n", why);
            return 2;
        }
        if (!session_file_parse(&file, buf_span(&bytes), &error)) {
            printf("%s:%u:%u: expected %s\n", argv[i], error.line, error.column, error.expected);
            return 2;
        }
        struct case_result result;
        char names[32];
        snprintf(names, sizeof names, "c%d.%d",
                 target == NULL ? 0 : (int)(uintptr_t)&bytes & 0xffff, i);
        const struct case_setting setting = {
            .target = target, .names = span_make(names, strlen(names)), .time_scale = 100};
        run_case(&setting, &file, &result);
        printf("%-6s %.*s\n", verdict_name(result.verdict), (int)file.id.n,
               (const char *)file.id.p);
        if (result.verdict != VERDICT_PASS) {
            failed++;
            printf("%s:%u\n%.*s%.*s\n", argv[i], result.failed_line, (int)result.transcript.n,
                   (const char *)buf_span(&result.transcript).p, (int)result.why.n,
                   (const char *)buf_span(&result.why).p);
        } else {
            passed++;
            if (target == NULL && !run_case_cuts(&setting, &file, &result)) {
                printf("cuts: %.*s\n", (int)result.why.n, (const char *)buf_span(&result.why).p);
                failed++;
            }
        }
        case_result_free(&result);
        session_file_free(&file);
        buf_free(&bytes);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
