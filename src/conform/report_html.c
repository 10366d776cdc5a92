/* SPDX-License-Identifier: MIT */
/* One HTML page that loads nothing else: one row for each case, one column for each target. A click
 * on a row shows the exchange. Must not know: how cases are played. */
#include "conform/report.h"

#include "base/alloc.h"
#include "base/text.h"

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;color:#1b1f24;background:#fff;margin:2rem auto;"
    "max-width:76rem;padding:0 1rem}\n"
    "h1{font-size:1.5rem;margin:0 0 .3rem}p{margin:.3rem 0}.dim{color:#59636e}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:.28rem .6rem;border-bottom:1px solid #d8dee4;"
    "vertical-align:top}\n"
    "#m thead th{position:sticky;top:0;background:#f6f8fa;z-index:1}\n"
    "tr.area th{background:#eef1f4;font-size:.95rem}\n"
    "tr.case{cursor:pointer}tr.case:hover td{background:#f6f8fa}\n"
    "tr.case td:first-child{white-space:nowrap}\n"
    "code,pre{font:12.5px/1.45 ui-monospace,monospace}\n"
    "pre{margin:.3rem 0;padding:.5rem .7rem;background:#f6f8fa;border-radius:6px;"
    "white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "pre.why{background:#fff1ef}\n"
    ".v{display:inline-block;min-width:5.6em;text-align:center;padding:.05rem .5rem;"
    "border-radius:999px;font-size:.85rem;border:1px solid}\n"
    ".pass{color:#116329;background:#e6f6ea;border-color:#a7d9b4}\n"
    ".fail,.xpass,.died,.flaky{color:#a40e26;background:#ffebe9;border-color:#f3b0aa}\n"
    ".non-strict{color:#7a4e00;background:#fff6dc;border-color:#e6cf8a}\n"
    ".unsupported{color:#57606a;background:#f0f2f4;border-color:#ccd3da}\n"
    ".xfail{color:#5b3b8c;background:#f3edfc;border-color:#d1bdf0}\n"
    ".unreachable{color:#fff;background:#57606a;border-color:#57606a}\n"
    ".absent{color:#8c959f}\n"
    ".level{font-size:.75rem;color:#59636e;letter-spacing:.03em}\n"
    "#f{margin:1rem 0;display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:center}\n"
    "#f input[type=search]{padding:.3rem .5rem;min-width:16rem;font:inherit}\n"
    "#sum{width:auto;margin:1rem 0}#sum td,#sum th{padding:.25rem .8rem}\n"
    "#sum td{text-align:right}details table{width:auto}\n"
    "tr.more td{background:#fbfcfd}tr.more h3{font-size:.95rem;margin:.7rem 0 .2rem}\n"
    "[hidden]{display:none}\n";

static const char script[] =
    "const rows=[...document.querySelectorAll('tr.case')];\n"
    "const areas=[...document.querySelectorAll('tr.area')];\n"
    "const boxes=[...document.querySelectorAll('#f input[type=checkbox]')];\n"
    "const text=document.querySelector('#f input[type=search]');\n"
    "function filter(){\n"
    "  const on=new Set(boxes.filter(b=>b.checked).map(b=>b.value));\n"
    "  const want=text.value.toLowerCase();let n=0;const used=new Set();\n"
    "  for(const r of rows){\n"
    "    const show=r.dataset.v.split(' ').some(v=>on.has(v))&&\n"
    "      r.textContent.toLowerCase().includes(want);\n"
    "    r.hidden=!show;if(!show)r.nextElementSibling.hidden=true;\n"
    "    if(show){n++;used.add(r.dataset.area)}\n"
    "  }\n"
    "  for(const a of areas)a.hidden=!used.has(a.dataset.area);\n"
    "  document.getElementById('n').textContent=n+' of '+rows.length+' cases shown';\n"
    "}\n"
    "for(const r of rows){\n"
    "  const flip=()=>{const m=r.nextElementSibling;m.hidden=!m.hidden;\n"
    "    r.setAttribute('aria-expanded',String(!m.hidden))};\n"
    "  r.onclick=flip;\n"
    "  r.onkeydown=e=>{if(e.key==='Enter'||e.key===' '){e.preventDefault();flip()}};\n"
    "}\n"
    "for(const b of boxes)b.onchange=filter;\n"
    "text.oninput=filter;filter();\n"
    "const c=location.hash&&document.getElementById(decodeURIComponent(location.hash.slice(1)));\n"
    "if(c&&c.nextElementSibling)c.nextElementSibling.hidden=false;\n";

/* What each verdict means, for the legend. */
static const char *const meanings[] = {
    [VERDICT_PASS] = "the server does what the case says",
    [VERDICT_FAIL] = "the server does something else",
    [VERDICT_NON_STRICT] = "the error code is right, but its text differs from nsqd's",
    [VERDICT_UNSUPPORTED] = "the target lacks what the case needs",
    [VERDICT_XFAIL] = "the server does something else, as the list of known failures says",
    [VERDICT_XPASS] = "the case passes, although the list of known failures contains it",
    [VERDICT_UNREACHABLE] = "the server could not be reached",
    [VERDICT_DIED] = "the server ended during the case",
    [VERDICT_FLAKY] = "the verdict was not the same each time",
};

#define ADD(literal) text_append(out, literal)

static void add_string(const char *s, struct buf *out)
{
    buf_append(out, span_make(s, strlen(s)));
}

/* --- rows ------------------------------------------------------------------------------------- */

static const struct report_case *find(const struct report *report, struct span id)
{
    for (size_t i = 0; i < report->n; i++) {
        if (span_equal(report->cases[i].id, id)) {
            return &report->cases[i];
        }
    }
    return NULL;
}

static void add_badge(enum verdict verdict, struct buf *out)
{
    ADD("<span class=\"v ");
    add_string(verdict_name(verdict), out);
    ADD("\">");
    add_string(verdict_name(verdict), out);
    ADD("</span>");
}

static void add_pre(const char *class, const struct buf *text, struct buf *out)
{
    if (text->n > 0) {
        ADD("<pre class=\"");
        add_string(class, out);
        ADD("\">");
        report_escape(buf_span(text), out);
        ADD("</pre>\n");
    }
}

static void add_fact(const char *name, struct span value, struct buf *out)
{
    if (value.n > 0) {
        ADD("<p><span class=dim>");
        add_string(name, out);
        ADD("</span> ");
        report_escape(value, out);
        ADD("</p>\n");
    }
}

static void add_exchange(const struct report *report, const struct report_case *c, struct buf *out)
{
    ADD("<h3>");
    report_escape(report->target, out);
    ADD(" ");
    add_badge(c->verdict, out);
    ADD("</h3>\n");
    add_fact("known:", c->reason, out);
    add_pre("exchange", &c->exchange, out);
    add_pre("why", &c->why, out);
    add_pre("came", &c->unmatched, out);
}

/* The details of a case: a second row, which a click on the first one shows. */
static void add_more(const struct report *reports, size_t n, const struct report_case *c,
                     struct buf *out)
{
    ADD("<tr class=more hidden><td colspan=");
    text_append_decimal(out, (int64_t)n + 2);
    ADD(">\n");
    add_pre("rules", &c->rules, out);
    add_fact("effect:", c->effect, out);
    add_fact("source:", c->source, out);
    add_fact("server flags:", c->flags, out);
    add_fact("needs:", c->needs, out);
    add_fact("file:", c->path, out);
    for (size_t i = 0; i < n; i++) {
        const struct report_case *own = find(&reports[i], c->id);
        if (own != NULL) {
            add_exchange(&reports[i], own, out);
        }
    }
    ADD("</td></tr>\n");
}

static void add_verdicts(const struct report *reports, size_t n, struct span id, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct report_case *c = find(&reports[i], id);
        ADD("<td>");
        if (c == NULL) {
            ADD("<span class=absent>not run</span>");
        } else {
            add_badge(c->verdict, out);
        }
        ADD("</td>");
    }
}

static void add_case(const struct report *reports, size_t n, const struct report_case *c,
                     struct buf *out)
{
    ADD("<tr class=case tabindex=0 aria-expanded=false id=\"");
    report_escape(c->id, out);
    ADD("\" data-area=\"");
    report_escape(report_area(c->id), out);
    ADD("\" data-v=\"");
    for (size_t i = 0; i < n; i++) {
        const struct report_case *own = find(&reports[i], c->id);
        if (own != NULL) {
            add_string(verdict_name(own->verdict), out);
            ADD(" ");
        }
    }
    ADD("\"><td><code>");
    report_escape(c->id, out);
    ADD("</code> <span class=level>");
    report_escape(c->level, out);
    ADD("</span></td><td>");
    report_escape(c->title, out);
    ADD("</td>");
    add_verdicts(reports, n, c->id, out);
    ADD("</tr>\n");
    add_more(reports, n, c, out);
}

/* --- the page --------------------------------------------------------------------------------- */

static void add_summary(const struct report *reports, size_t n, struct buf *out)
{
    ADD("<table id=sum><thead><tr><th>target</th><th>cases</th>");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        ADD("<th>");
        add_badge((enum verdict)v, out);
        ADD("</th>");
    }
    ADD("</tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        size_t counts[VERDICT_COUNT];
        report_count(&reports[i], counts);
        ADD("<tr><th>");
        report_escape(reports[i].target, out);
        ADD("</th><td>");
        text_append_decimal(out, (int64_t)reports[i].n);
        ADD("</td>");
        for (int v = 0; v < VERDICT_COUNT; v++) {
            ADD("<td>");
            text_append_decimal(out, (int64_t)counts[v]);
            ADD("</td>");
        }
        ADD("</tr>\n");
    }
    ADD("</tbody></table>\n");
}

static void add_filter(struct buf *out)
{
    ADD("<div id=f><input type=search placeholder=\"find in ids and titles\" aria-label=find>\n");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        ADD("<label title=\"");
        add_string(meanings[v], out);
        ADD("\"><input type=checkbox checked value=\"");
        add_string(verdict_name((enum verdict)v), out);
        ADD("\"> ");
        add_string(verdict_name((enum verdict)v), out);
        ADD("</label>\n");
    }
    ADD("<span id=n class=dim></span></div>\n");
}

static void add_legend(struct buf *out)
{
    ADD("<details><summary>What verdicts and levels mean</summary><table>\n");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        ADD("<tr><td>");
        add_badge((enum verdict)v, out);
        ADD("</td><td>");
        add_string(meanings[v], out);
        ADD("</td></tr>\n");
    }
    ADD("<tr><td class=level>MUST</td><td>otherwise a client that is in use breaks, or messages "
        "are "
        "lost, doubled or altered</td></tr>\n"
        "<tr><td class=level>SHOULD</td><td>documented, but clients work without it</td></tr>\n"
        "<tr><td class=level>QUIRK</td><td>what nsqd 1.3.0 does, but no document says</td></tr>\n"
        "<tr><td class=level>DEPARTURE</td><td>where nsqref differs from nsqd on purpose</td></tr>"
        "\n</table></details>\n");
}

static void add_area(struct span area, size_t columns, struct buf *out)
{
    ADD("<tr class=area data-area=\"");
    report_escape(area, out);
    ADD("\"><th colspan=");
    text_append_decimal(out, (int64_t)columns);
    ADD(">");
    report_escape(area, out);
    ADD("</th></tr>\n");
}

static int compare(struct span a, struct span b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static const struct report_case *case_at(const struct report *report, size_t place)
{
    return report->cases != NULL && place < report->n ? &report->cases[place] : NULL;
}

/* Returns the case with the lowest id, of all reports, that no row shows yet, or NULL if none is
 * left. Each report's place moves past this case. */
static const struct report_case *next_case(const struct report *reports, size_t n, size_t *places)
{
    const struct report_case *least = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct report_case *c = case_at(&reports[i], places[i]);
        if (c != NULL && (least == NULL || compare(c->id, least->id) < 0)) {
            least = c;
        }
    }
    for (size_t i = 0; i < n && least != NULL; i++) {
        const struct report_case *c = case_at(&reports[i], places[i]);
        places[i] += c != NULL && compare(c->id, least->id) == 0;
    }
    return least;
}

static void add_matrix(const struct report *reports, size_t n, struct buf *out)
{
    size_t *places = alloc_zeroed(n * sizeof *places);
    const struct report_case *c;
    struct span area = {0};
    ADD("<table id=m><thead><tr><th>case</th><th>rule</th>");
    for (size_t i = 0; i < n; i++) {
        ADD("<th>");
        report_escape(reports[i].target, out);
        ADD("</th>");
    }
    ADD("</tr></thead><tbody>\n");
    while ((c = next_case(reports, n, places)) != NULL) {
        if (!span_equal(area, report_area(c->id))) {
            area = report_area(c->id);
            add_area(area, n + 2, out);
        }
        add_case(reports, n, c, out);
    }
    ADD("</tbody></table>\n");
    alloc_free(places);
}

void report_html(const struct report *reports, size_t n, struct buf *out)
{
    ADD("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
        "<meta name=viewport content=\"width=device-width\">\n"
        "<title>NSQ conformance</title>\n<style>\n");
    ADD(style);
    ADD("</style></head><body>\n<h1>NSQ conformance</h1>\n"
        "<p class=dim>Session files played against NSQ servers by nsq-conform. A click on a row "
        "shows what was sent and received.</p>\n");
    add_summary(reports, n, out);
    add_legend(out);
    add_filter(out);
    add_matrix(reports, n, out);
    ADD("<script>\n");
    ADD(script);
    ADD("</script></body></html>\n");
}
