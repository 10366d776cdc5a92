/* SPDX-License-Identifier: MIT */
/* Appends lines of Prometheus' text format. Must not know: which figures are reported. */
#include "api/prom_text.h"

#include "base/text.h"
#include "base/time.h"
#include "json/utf8.h"

void prom_family(struct buf *out, const char *name, enum prom_kind kind, const char *help)
{
    static const char *const kinds[] = {
        [PROM_COUNTER] = "counter", [PROM_GAUGE] = "gauge", [PROM_SUMMARY] = "summary"};
    text_append(out, "# HELP ");
    buf_append(out, text_span(name));
    text_append(out, " ");
    buf_append(out, text_span(help));
    text_append(out, "\n# TYPE ");
    buf_append(out, text_span(name));
    text_append(out, " ");
    buf_append(out, text_span(kinds[kind]));
    text_append(out, "\n");
}

/* Appends the value of a label. The format knows three escapes. */
static void append_value(struct buf *out, struct span value)
{
    struct span c;
    while (value.n > 0) {
        if (!utf8_next(&value, &c)) {
            text_append(out, "\xef\xbf\xbd"); /* U+FFFD */
        } else if (c.p[0] == '\n') {
            text_append(out, "\\n");
        } else if (c.p[0] == '"') {
            text_append(out, "\\\"");
        } else if (c.p[0] == '\\') {
            text_append(out, "\\\\");
        } else {
            buf_append(out, c);
        }
    }
}

void prom_sample(struct buf *out, const char *name, const struct prom_label *labels, size_t count)
{
    buf_append(out, text_span(name));
    for (size_t i = 0; i < count; i++) {
        buf_append(out, i == 0 ? SPAN("{") : SPAN(","));
        buf_append(out, text_span(labels[i].name));
        text_append(out, "=\"");
        append_value(out, labels[i].value);
        text_append(out, "\"");
    }
    buf_append(out, count > 0 ? SPAN("} ") : SPAN(" "));
}

void prom_number(struct buf *out, uint64_t number)
{
    text_append_unsigned(out, number);
    text_append(out, "\n");
}

void prom_seconds(struct buf *out, int64_t ns)
{
    char digits[9];
    size_t n = sizeof digits;
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    uint64_t fraction = size % TIME_SECOND;
    for (size_t i = sizeof digits; i-- > 0; fraction /= 10) {
        digits[i] = (char)('0' + fraction % 10);
    }
    while (n > 0 && digits[n - 1] == '0') {
        n--;
    }
    buf_append(out, ns < 0 ? SPAN("-") : SPAN(""));
    text_append_unsigned(out, size / TIME_SECOND);
    buf_append(out, n > 0 ? SPAN(".") : SPAN(""));
    buf_append(out, span_make(digits, n));
    text_append(out, "\n");
}

void prom_no_number(struct buf *out)
{
    text_append(out, "NaN\n");
}
