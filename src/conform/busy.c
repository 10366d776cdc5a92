/* SPDX-License-Identifier: MIT */
/* Linux counts the time in which processes wait ("pressure stall information"). Must not know:
 * servers, reports. */
#include "conform/busy.h"

#include <string.h>

#include "base/time.h"
#include "conform/transport_tcp.h"
#include "conform/values.h"
#include "shell/clock.h"

#define US (TIME_MS / 1000)

int64_t busy_read(FILE *pressure)
{
    unsigned long long us;
    int fields = fscanf(pressure, "some avg10=%*f avg60=%*f avg300=%*f total=%llu", &us);
    return fields == 1 ? (int64_t)us * US : BUSY_UNKNOWN;
}

int64_t busy_now(void)
{
    FILE *pressure = fopen("/proc/pressure/cpu", "r");
    if (pressure == NULL) {
        return BUSY_UNKNOWN;
    }
    int64_t waited = busy_read(pressure);
    fclose(pressure);
    return waited;
}

static bool have_times(const struct step *step)
{
    bool found = false;
    for (; step != NULL && !found; step = step->next) {
        found = step->kind == STEP_WAIT || step->after > 0 || step->within > 0 ||
                have_times(step->inside); /* blocks are nested only a few times */
    }
    return found;
}

bool busy_has_times(const struct transcript *file)
{
    return have_times(file->steps);
}

static bool was_busy(const struct busy_play *play)
{
    return play->before != BUSY_UNKNOWN && play->after != BUSY_UNKNOWN &&
           play->after - play->before >= play->ns / 100 * BUSY_PERCENT;
}

bool busy_again(const struct busy_play *play, unsigned plays, unsigned *left)
{
    if (play->verdict != VERDICT_FAIL || !was_busy(play) || plays >= BUSY_PLAYS_MAX ||
        (plays == 1 && *left == 0)) {
        return false;
    }
    *left -= plays == 1;
    return true;
}

/* Names end with a hexadecimal digit, which becomes a letter after f. */
void busy_run_case(const struct case_setting *setting, const struct transcript *file,
                   unsigned *left, struct case_result *result)
{
    struct case_setting again = *setting;
    uint8_t names[VALUES_NAMES_MAX];
    memcpy(names, setting->names.p, setting->names.n);
    again.names.p = names;
    for (unsigned plays = 1;; plays++) {
        struct busy_play play = {.before = busy_now(), .ns = -clock_now()};
        run_case(&again, file, result);
        play.verdict = result->verdict;
        play.after = busy_now();
        play.ns += clock_now();
        if (setting->target == NULL || !busy_has_times(file) || !busy_again(&play, plays, left) ||
            !tcp_transport_reachable(setting->target)) {
            return;
        }
        case_result_free(result);
        names[setting->names.n - 1] = (uint8_t)('f' + plays);
    }
}
