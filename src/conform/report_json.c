/* SPDX-License-Identifier: MIT */
/* A report as JSON: written by the writer of src/json, read back by yajl. Must not know: how cases
 * are played. */
#include "conform/report.h"

#include <nsq/version.h>

#include <yajl/yajl_tree.h>

#include "base/alloc.h"
#include "base/text.h"
#include "conform/json_pieces.h"

static struct span verdict_span(enum verdict verdict)
{
    const char *name = verdict_name(verdict);
    return span_make(name, strlen(name));
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_case(struct json_writer *json, const struct report_case *c)
{
    json_open_object(json);
    json_member_string(json, "id", c->id);
    json_member_string(json, "title", c->title);
    json_member_string(json, "level", c->level);
    json_member_string(json, "req", c->reqs);
    json_member_string(json, "needs", c->needs);
    json_member_string(json, "flags", c->flags);
    json_member_string(json, "effect", c->effect);
    json_member_string(json, "source", c->source);
    json_member_string(json, "file", c->path);
    json_member_string(json, "verdict", verdict_span(c->verdict));
    json_member_integer(json, "line", c->line);
    json_member_string(json, "reason", c->reason);
    json_member_lines(json, "rules", buf_span(&c->rules));
    json_member_lines(json, "transcript", buf_span(&c->exchange));
    json_member_lines(json, "why", buf_span(&c->why));
    json_member_string(json, "came", buf_span(&c->unmatched));
    if (c->ms >= 0) {
        json_member_integer(json, "ms", c->ms);
    }
    json_close_object(json);
}

/* Writes what is known. */
static void write_known(struct json_writer *json, const char *key, const struct buf *text)
{
    if (text->n > 0) {
        json_member_string(json, key, buf_span(text));
    }
}

static void write_run(struct json_writer *json, const struct report *report)
{
    write_known(json, "suite", &report->suite);
    json_member_string(json, "target", report->target);
    write_known(json, "target_version", &report->target_version);
    write_known(json, "date", &report->date);
    if (report->ms >= 0) {
        json_member_integer(json, "ms", report->ms);
    }
    write_known(json, "command", &report->command);
    write_known(json, "again", &report->again);
}

void report_json(const struct report *report, struct buf *out)
{
    size_t counts[VERDICT_COUNT];
    report_count(report, counts);
    struct json_writer json = json_writer(out, JSON_INDENTED);
    json_open_object(&json);
    json_member_string(&json, "tool", SPAN("nsq-conform " NSQREF_VERSION));
    write_run(&json, report);
    json_member_object(&json, "counts");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        json_member_integer(&json, verdict_name((enum verdict)v), (int64_t)counts[v]);
    }
    json_close_object(&json);
    json_member_array(&json, "cases");
    for (size_t i = 0; i < report->n; i++) {
        write_case(&json, &report->cases[i]);
    }
    json_close_array(&json);
    json_close_object(&json);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool read_text(yajl_val object, const char *key, struct span *text)
{
    const char *path[] = {key, NULL};
    yajl_val v = yajl_tree_get(object, path, yajl_t_string);
    if (v != NULL) {
        *text = span_make(v->u.string, strlen(v->u.string));
    }
    return v != NULL;
}

/* A member that may be missing. */
static void read_known(yajl_val object, const char *key, struct buf *text)
{
    struct span value;
    if (read_text(object, key, &value)) {
        buf_append(text, value);
    }
}

static int64_t read_ms(yajl_val object)
{
    const char *path[] = {"ms", NULL};
    yajl_val v = yajl_tree_get(object, path, yajl_t_number);
    return YAJL_IS_INTEGER(v) && YAJL_GET_INTEGER(v) >= 0 ? YAJL_GET_INTEGER(v) : -1;
}

static bool read_lines(yajl_val object, const char *key, struct buf *lines)
{
    const char *path[] = {key, NULL};
    yajl_val v = yajl_tree_get(object, path, yajl_t_array);
    for (size_t i = 0; v != NULL && i < v->u.array.len; i++) {
        const char *line = YAJL_GET_STRING(v->u.array.values[i]);
        if (line == NULL) {
            return false;
        }
        buf_append(lines, span_make(line, strlen(line)));
        text_append(lines, "\n");
    }
    return v != NULL;
}

static bool read_verdict(yajl_val object, enum verdict *verdict)
{
    struct span name;
    if (!read_text(object, "verdict", &name)) {
        return false;
    }
    for (int v = 0; v < VERDICT_COUNT; v++) {
        if (span_equal(name, verdict_span((enum verdict)v))) {
            *verdict = (enum verdict)v;
            return true;
        }
    }
    return false;
}

static bool read_line(yajl_val object, unsigned *line)
{
    const char *path[] = {"line", NULL};
    yajl_val v = yajl_tree_get(object, path, yajl_t_number);
    bool ok = YAJL_IS_INTEGER(v) && YAJL_GET_INTEGER(v) >= 0 && YAJL_GET_INTEGER(v) <= UINT32_MAX;
    *line = ok ? (unsigned)YAJL_GET_INTEGER(v) : 0;
    return ok;
}

static bool read_case(yajl_val v, struct report_case *c)
{
    struct span came = {0};
    bool ok = read_text(v, "id", &c->id) && read_text(v, "title", &c->title) &&
              read_text(v, "level", &c->level) && read_text(v, "req", &c->reqs) &&
              read_text(v, "needs", &c->needs) && read_text(v, "flags", &c->flags) &&
              read_text(v, "effect", &c->effect) && read_text(v, "source", &c->source) &&
              read_text(v, "file", &c->path) && read_text(v, "reason", &c->reason) &&
              read_verdict(v, &c->verdict) && read_line(v, &c->line) &&
              read_lines(v, "rules", &c->rules) && read_lines(v, "transcript", &c->exchange) &&
              read_lines(v, "why", &c->why) && read_text(v, "came", &came);
    buf_append(&c->unmatched, came);
    c->ms = read_ms(v);
    return ok;
}

static bool read_report(struct report *report, yajl_val tree)
{
    const char *path[] = {"cases", NULL};
    struct span target;
    yajl_val cases = yajl_tree_get(tree, path, yajl_t_array);
    report_init(report, span_make(NULL, 0), cases == NULL ? 0 : cases->u.array.len);
    report->memory = tree;
    if (cases == NULL || !read_text(tree, "target", &target)) {
        return false;
    }
    report->target = target;
    report->ms = read_ms(tree);
    read_known(tree, "suite", &report->suite);
    read_known(tree, "target_version", &report->target_version);
    read_known(tree, "date", &report->date);
    read_known(tree, "command", &report->command);
    read_known(tree, "again", &report->again);
    for (size_t i = 0; i < report->n; i++) {
        if (!read_case(cases->u.array.values[i], &report->cases[i])) {
            return false;
        }
    }
    return true;
}

bool report_read(struct report *report, struct span json, struct buf *why)
{
    char error[256];
    char *text = alloc_zeroed(json.n + 1);
    if (json.n > 0) {
        memcpy(text, json.p, json.n);
    }
    yajl_val tree = yajl_tree_parse(text, error, sizeof error);
    alloc_free(text);
    if (tree == NULL) {
        *report = (struct report){0};
        buf_append(why, span_make(error, strlen(error)));
        return false;
    }
    if (!read_report(report, tree)) {
        report_free(report);
        text_append(why, "not a report of nsq-conform");
        return false;
    }
    return true;
}
