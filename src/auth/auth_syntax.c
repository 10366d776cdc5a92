/* SPDX-License-Identifier: MIT */
#include "auth/auth_syntax.h"

#include <utf8proc.h>

#include "base/text.h"

#define REPEAT_MAX 1000 /* Go's bound of {n,m}, and of the product of those within each other */
#define RUNE_MAX 0x10FFFF
#define LONG_S 0x17F  /* folds to s */
#define KELVIN 0x212A /* folds to k */
#define ASCII 128

/* --- sets of ASCII characters ----------------------------------------------------------------- */

struct set {
    uint64_t bits[2];
};

static bool set_has(const struct set *s, unsigned c)
{
    return (s->bits[c / 64] >> c % 64 & 1) != 0;
}

static void set_add(struct set *s, unsigned c)
{
    s->bits[c / 64] |= UINT64_C(1) << c % 64;
}

static void set_add_all(struct set *s, struct set other)
{
    s->bits[0] |= other.bits[0];
    s->bits[1] |= other.bits[1];
}

static struct set set_inverse(struct set s)
{
    return (struct set){{~s.bits[0], ~s.bits[1]}};
}

static void set_add_range(struct set *s, uint32_t low, uint32_t high)
{
    for (uint32_t c = low; c <= high && c < ASCII; c++) {
        set_add(s, c);
    }
}

static bool is_letter(unsigned c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(uint32_t c)
{
    return c < ASCII && (is_letter(c) || (c >= '0' && c <= '9'));
}

/* Adds the other case of each letter. */
static void set_fold(struct set *s)
{
    for (unsigned c = 'A'; c <= 'Z'; c++) {
        unsigned small = c + ('a' - 'A');
        if (set_has(s, c) || set_has(s, small)) {
            set_add(s, c);
            set_add(s, small);
        }
    }
}

/* --- named sets ------------------------------------------------------------------------------- */

/* Characters and ranges of them, in pairs. */
struct named {
    const char *name;
    const char *pairs;
};

static const struct named posix[] = {
    {"alnum", "09AZaz"},  {"alpha", "AZaz"},     {"ascii", NULL},     {"blank", "\t\t  "},
    {"cntrl", NULL},      {"digit", "09"},       {"graph", "!~"},     {"lower", "az"},
    {"print", " ~"},      {"punct", "!/:@[`{~"}, {"space", "\t\r  "}, {"upper", "AZ"},
    {"word", "09AZaz__"}, {"xdigit", "09AFaf"},
};

static const struct named perl[] = {{"d", "09"}, {"s", "\t\n\f\r  "}, {"w", "09AZaz__"}};

/* Scripts of Unicode. Of ASCII, letters are Latin and all else is Common. */
static const char scripts[] =
    " Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak "
    "Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian "
    "Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot "
    "Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs "
    "Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi "
    "Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic "
    "Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana "
    "Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu "
    "Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen "
    "Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive "
    "Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari "
    "Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian "
    "Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian "
    "Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa "
    "Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham "
    "SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog "
    "Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan "
    "Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi "
    "Zanabazar_Square ";

/* General categories that are those of two letters together have one. */
static const char categories[] = " C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe "
                                 "Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs ";

/* Whether `name` is one of the words of a list, in which blanks stand around each. */
static bool is_listed(struct span list, struct span name)
{
    for (size_t i = 0; name.n > 0 && i + name.n + 2 <= list.n; i++) {
        if (list.p[i] == ' ' && list.p[i + 1 + name.n] == ' ' &&
            memcmp(list.p + i + 1, name.p, name.n) == 0) {
            return true;
        }
    }
    return false;
}

static bool same(struct span s, const char *word)
{
    return span_equal(s, span_make(word, strlen(word)));
}

static struct set set_of(const struct named *n)
{
    struct set s = {{0, 0}};
    if (n->pairs == NULL && same(SPAN("ascii"), n->name)) {
        s = set_inverse(s);
    } else if (n->pairs == NULL) { /* cntrl: it holds NUL, which no string does */
        set_add_range(&s, 0, 0x1f);
        set_add(&s, 0x7f);
    } else {
        for (const char *p = n->pairs; *p != '\0'; p += 2) {
            set_add_range(&s, (uint8_t)p[0], (uint8_t)p[1]);
        }
    }
    return s;
}

/* The ASCII characters of a category or script. False: there is none of that name. */
static bool unicode_set(struct span name, struct set *s)
{
    *s = (struct set){{0, 0}};
    if (same(name, "Any")) {
        *s = set_inverse(*s);
        return true;
    }
    bool category = is_listed(SPAN(categories), name);
    if (!category && !is_listed(SPAN(scripts), name)) {
        return false;
    }
    for (unsigned c = 0; c < ASCII; c++) {
        const char *its = utf8proc_category_string((utf8proc_int32_t)c);
        bool in = category ? memcmp(its, name.p, name.n) == 0
                           : same(name, is_letter(c) ? "Latin" : "Common");
        if (in) {
            set_add(s, c);
        }
    }
    return true;
}

/* --- the translator --------------------------------------------------------------------------- */

struct flags {
    bool fold;  /* i */
    bool dot;   /* s: a dot matches newline */
    bool multi; /* m */
};

/* An open group, or the whole. */
struct level {
    struct flags flags;   /* outside of it, to come back to */
    bool has_atom;        /* something that can be repeated ends here .. */
    bool repeated;        /* .. and has a repetition already, so that it needs brackets .. */
    size_t atom;          /* .. and begins here in `out` .. */
    unsigned atom_weight; /* .. and repeats so often within itself */
    unsigned weight;      /* the most of the atoms before that */
    size_t begin;         /* of the group in `out` */
};

struct translator {
    struct span in; /* what is left */
    struct buf *out;
    struct span why;
    struct flags flags;
    size_t depth;
    bool just_repeated; /* a repetition was read last: another one may not follow */
    struct level levels[AUTH_SYNTAX_DEPTH_MAX + 1];
};

static bool refuse(struct translator *t, struct span why)
{
    t->why = why;
    return false;
}

#define REFUSE(t, literal) refuse((t), SPAN(literal))

static bool at(const struct translator *t, size_t i, char c)
{
    return t->in.n > i && t->in.p[i] == (uint8_t)c;
}

static void skip(struct translator *t, size_t n)
{
    t->in = span_skip(t->in, n);
}

static bool next_rune(struct translator *t, uint32_t *rune)
{
    utf8proc_int32_t c = -1;
    utf8proc_ssize_t n = utf8proc_iterate(t->in.p, (utf8proc_ssize_t)t->in.n, &c);
    if (n <= 0 || c < 0) {
        return REFUSE(t, "invalid UTF-8");
    }
    skip(t, (size_t)n);
    *rune = (uint32_t)c;
    return true;
}

/* --- what is written -------------------------------------------------------------------------- */

static void put_char(struct buf *out, unsigned c)
{
    static const char digits[] = "0123456789abcdef";
    if (is_alnum(c)) {
        buf_append(out, span_make(&(uint8_t){(uint8_t)c}, 1));
    } else {
        const char text[] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
        buf_append(out, span_make(text, sizeof text));
    }
}

/* A set; an empty one as a byte that no subject has. */
static void put_set(struct buf *out, const struct set *s)
{
    text_append(out, "[");
    bool empty = true;
    for (unsigned c = 0; c < ASCII; c++) {
        if (!set_has(s, c)) {
            continue;
        }
        unsigned last = c;
        while (last + 1 < ASCII && set_has(s, last + 1)) {
            last++;
        }
        put_char(out, c);
        if (last > c) {
            text_append(out, "-");
            put_char(out, last);
        }
        c = last;
        empty = false;
    }
    if (empty) {
        text_append(out, "\\x80");
    }
    text_append(out, "]");
}

/* The weight of a level, with the atom that ends here. */
static unsigned weight_of(const struct level *l)
{
    return l->has_atom && l->atom_weight > l->weight ? l->atom_weight : l->weight;
}

/* An atom begins, which is repeated so often within itself. */
static void begin_atom(struct translator *t, size_t begin, unsigned weight)
{
    struct level *l = &t->levels[t->depth];
    l->weight = weight_of(l);
    l->has_atom = true;
    l->repeated = false;
    l->atom = begin;
    l->atom_weight = weight;
}

static void put_atom(struct translator *t, const struct set *s)
{
    begin_atom(t, t->out->n, 1);
    put_set(t->out, s);
}

/* A character, in both cases if they are folded. */
static void put_literal(struct translator *t, uint32_t rune)
{
    struct set s = {{0, 0}};
    if (t->flags.fold && (rune == LONG_S || rune == KELVIN)) {
        rune = rune == LONG_S ? 's' : 'k';
    }
    if (rune < ASCII && !(t->flags.fold && is_letter(rune))) {
        begin_atom(t, t->out->n, 1);
        put_char(t->out, rune);
        return;
    }
    set_add_range(&s, rune, rune);
    set_fold(&s);
    put_atom(t, &s);
}

/* Something of no width; a group, so that it may be repeated. */
static void put_assertion(struct translator *t, struct span pattern)
{
    begin_atom(t, t->out->n, 1);
    buf_append(t->out, pattern);
}

/* --- escapes ---------------------------------------------------------------------------------- */

static int hex(uint32_t c)
{
    return c >= '0' && c <= '9'   ? (int)(c - '0')
           : c >= 'a' && c <= 'f' ? (int)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (int)(c - 'A') + 10
                                  : -1;
}

/* Behind "\x". */
static bool hex_escape(struct translator *t, uint32_t *rune)
{
    bool braces = at(t, 0, '{');
    size_t digits = 0;
    *rune = 0;
    for (skip(t, braces ? 1 : 0); braces || digits < 2; digits++) {
        int digit = t->in.n == 0 ? -1 : hex(t->in.p[0]);
        if (braces && digits > 0 && at(t, 0, '}')) {
            skip(t, 1);
            return true;
        }
        if (digit < 0) {
            return REFUSE(t, "invalid escape sequence");
        }
        *rune = *rune * 16 + (uint32_t)digit;
        if (*rune > RUNE_MAX) {
            return REFUSE(t, "invalid escape sequence");
        }
        skip(t, 1);
    }
    return true;
}

/* Behind a backslash and the first of its digits. */
static bool octal_escape(struct translator *t, uint32_t *rune)
{
    for (int i = 0; i < 2 && t->in.n > 0 && t->in.p[0] >= '0' && t->in.p[0] <= '7'; i++) {
        *rune = *rune * 8 + (uint32_t)(t->in.p[0] - '0');
        skip(t, 1);
    }
    return true;
}

/* An escape that is one character, behind its backslash. */
static bool escape(struct translator *t, uint32_t *rune)
{
    static const char letters[] = "afnrtv";
    static const char meanings[] = "\a\f\n\r\t\v";
    uint32_t c;
    if (t->in.n == 0) {
        return REFUSE(t, "trailing backslash at end of expression");
    }
    if (!next_rune(t, &c)) {
        return false;
    }
    const char *letter = c < ASCII && c != 0 ? strchr(letters, (int)c) : NULL;
    bool octal = t->in.n > 0 && t->in.p[0] >= '0' && t->in.p[0] <= '7';
    *rune = c;
    if (c < ASCII && !is_alnum(c)) {
        return true;
    }
    if (c == '0' || (c >= '1' && c <= '7' && octal)) { /* else a back-reference */
        *rune = c - '0';
        return octal_escape(t, rune);
    }
    if (c == 'x') {
        return hex_escape(t, rune);
    }
    if (letter != NULL) {
        *rune = (uint32_t)meanings[letter - letters];
        return true;
    }
    return REFUSE(t, "invalid escape sequence");
}

static void add_named(const struct translator *t, struct set *set, struct set named, bool negative)
{
    if (t->flags.fold) {
        set_fold(&named);
    }
    set_add_all(set, negative ? set_inverse(named) : named);
}

/* "\pN", "\p{Name}", "\P{^Name}"; the backslash is there still. */
static bool unicode_escape(struct translator *t, struct set *set)
{
    bool negative = t->in.p[1] == 'P';
    skip(t, 2);
    struct span name = t->in;
    uint32_t c;
    struct set named;
    if (at(t, 0, '{')) {
        const uint8_t *end = memchr(t->in.p, '}', t->in.n);
        if (end == NULL) {
            return REFUSE(t, "invalid character class range");
        }
        name = span_make(t->in.p + 1, (size_t)(end - t->in.p) - 1);
        skip(t, name.n + 2);
    } else if (t->in.n > 0 && next_rune(t, &c)) {
        name.n -= t->in.n;
    }
    if (name.n > 0 && name.p[0] == '^') {
        negative = !negative;
        name = span_skip(name, 1);
    }
    if (!unicode_set(name, &named)) {
        return REFUSE(t, "invalid character class range");
    }
    add_named(t, set, named, negative);
    return true;
}

/* Whether an escape for a set stands here, with its backslash. If so, takes it. */
static bool set_escape(struct translator *t, struct set *set, bool *found)
{
    *found = at(t, 0, '\\') && t->in.n > 1;
    if (!*found) {
        return true;
    }
    uint8_t c = t->in.p[1];
    if (c == 'p' || c == 'P') {
        return unicode_escape(t, set);
    }
    for (size_t i = 0; i < sizeof perl / sizeof perl[0]; i++) {
        uint8_t small = (uint8_t)perl[i].name[0];
        if (c == small || c == small - ('a' - 'A')) {
            skip(t, 2);
            add_named(t, set, set_of(&perl[i]), c != small);
            return true;
        }
    }
    *found = false;
    return true;
}

/* --- classes ---------------------------------------------------------------------------------- */

/* "[:alpha:]", "[:^alpha:]" within a class. What has no ":]" is none. */
static bool posix_class(struct translator *t, struct set *set, bool *found)
{
    *found = false;
    if (t->in.n <= 2 || !at(t, 0, '[') || !at(t, 1, ':')) {
        return true;
    }
    struct span name = span_skip(t->in, 2);
    size_t n = 0;
    while (n + 1 < name.n && !(name.p[n] == ':' && name.p[n + 1] == ']')) {
        n++;
    }
    if (n + 1 >= name.n) {
        return true;
    }
    skip(t, n + 4);
    name = span_first(name, n);
    bool negative = name.n > 0 && name.p[0] == '^';
    name = span_skip(name, negative ? 1 : 0);
    for (size_t i = 0; i < sizeof posix / sizeof posix[0]; i++) {
        if (same(name, posix[i].name)) {
            add_named(t, set, set_of(&posix[i]), negative);
            *found = true;
            return true;
        }
    }
    return REFUSE(t, "invalid character class range");
}

static bool class_char(struct translator *t, uint32_t *rune)
{
    if (t->in.n == 0) {
        return REFUSE(t, "missing closing ]");
    }
    if (at(t, 0, '\\')) {
        skip(t, 1);
        return escape(t, rune);
    }
    return next_rune(t, rune);
}

static bool class_range(struct translator *t, struct set *set)
{
    uint32_t low;
    if (!class_char(t, &low)) {
        return false;
    }
    uint32_t high = low;
    if (t->in.n >= 2 && at(t, 0, '-') && !at(t, 1, ']')) {
        skip(t, 1);
        if (!class_char(t, &high)) {
            return false;
        }
        if (high < low) {
            return REFUSE(t, "invalid character class range");
        }
    }
    struct set range = {{0, 0}};
    set_add_range(&range, low, high);
    if (t->flags.fold && low <= LONG_S && LONG_S <= high) {
        set_add(&range, 's');
    }
    if (t->flags.fold && low <= KELVIN && KELVIN <= high) {
        set_add(&range, 'k');
    }
    add_named(t, set, range, false);
    return true;
}

static bool class(struct translator *t)
{
    struct set set = {{0, 0}};
    skip(t, 1);
    bool negative = at(t, 0, '^');
    skip(t, negative ? 1 : 0);
    for (bool first = true; first || !at(t, 0, ']'); first = false) { /* "]" may come first */
        bool found;
        if (!posix_class(t, &set, &found)) {
            return false;
        }
        if (!found && !set_escape(t, &set, &found)) {
            return false;
        }
        if (!found && !class_range(t, &set)) {
            return false;
        }
    }
    skip(t, 1);
    if (negative) {
        set = set_inverse(set);
    }
    put_atom(t, &set);
    return true;
}

/* --- repetitions ------------------------------------------------------------------------------ */

#define NO_END UINT32_MAX
#define TOO_MANY (REPEAT_MAX + 1)

/* A decimal without leading zeros. False: there is none. */
static bool count(struct span *s, uint32_t *n)
{
    size_t digits = 0;
    *n = 0;
    while (digits < s->n && s->p[digits] >= '0' && s->p[digits] <= '9') {
        *n = *n > REPEAT_MAX ? TOO_MANY : *n * 10 + (uint32_t)(s->p[digits] - '0');
        digits++;
    }
    if (digits == 0 || (digits > 1 && s->p[0] == '0')) {
        return false;
    }
    *s = span_skip(*s, digits);
    return true;
}

/* "{n}", "{n,}", "{n,m}" at the start of `s`. Returns its length; 0: it is not of that form. */
static size_t braces(struct span s, uint32_t *least, uint32_t *most)
{
    struct span rest = span_skip(s, 1);
    if (!count(&rest, least)) {
        return 0;
    }
    *most = *least;
    if (rest.n > 0 && rest.p[0] == ',') {
        rest = span_skip(rest, 1);
        *most = NO_END;
        if (rest.n > 0 && rest.p[0] != '}' && !count(&rest, most)) {
            return 0;
        }
    }
    return rest.n > 0 && rest.p[0] == '}' ? s.n - rest.n + 1 : 0;
}

/* The bytes of `out` from `begin` on are put in brackets. */
static void bracket(struct buf *out, size_t begin)
{
    struct span opening = SPAN("(?:");
    text_append(out, "    ");
    uint8_t *p = out->p + out->head + begin;
    memmove(p + opening.n, p, out->n - 4 - begin);
    memcpy(p, opening.p, opening.n);
    out->p[out->head + out->n - 1] = ')';
}

/* One that no subject is long enough to reach is as good as none. */
static void put_counts(struct buf *out, uint32_t least, uint32_t most)
{
    uint32_t bound = AUTH_SYNTAX_SUBJECT_MAX + 1;
    text_append(out, "{");
    text_append_decimal(out, least > bound ? bound : least);
    text_append(out, ",");
    if (most < bound) {
        text_append_decimal(out, most);
    }
    text_append(out, "}");
}

/* Repeats what stands before; `n` bytes say so. `counted`: in braces. */
static bool repeat(struct translator *t, size_t n, uint32_t least, uint32_t most, bool counted)
{
    struct level *l = &t->levels[t->depth];
    skip(t, n);
    skip(t, at(t, 0, '?') ? 1 : 0); /* a lazy one matches no less */
    if (t->just_repeated) {
        return REFUSE(t, "invalid nested repetition operator");
    }
    if (!l->has_atom) {
        return REFUSE(t, "missing argument to repetition operator");
    }
    if (counted) {
        uint32_t times = most == NO_END ? least : most;
        l->atom_weight = most == 0 ? 1 : l->atom_weight * (times == 0 ? 1 : times);
        if ((least >= 2 || times >= 2) && l->atom_weight > REPEAT_MAX) {
            return REFUSE(t, "invalid repeat count");
        }
    }
    if (l->repeated) {
        bracket(t->out, l->atom);
    }
    l->repeated = true;
    put_counts(t->out, least, most);
    t->just_repeated = true;
    return true;
}

static bool counted(struct translator *t, bool *found)
{
    uint32_t least;
    uint32_t most;
    size_t n = braces(t->in, &least, &most);
    *found = n > 0;
    if (n == 0) {
        return true;
    }
    if (least > REPEAT_MAX || (most != NO_END && (most > REPEAT_MAX || least > most))) {
        return REFUSE(t, "invalid repeat count");
    }
    return repeat(t, n, least, most, true);
}

/* --- groups ----------------------------------------------------------------------------------- */

static bool open_group(struct translator *t)
{
    if (t->depth == AUTH_SYNTAX_DEPTH_MAX) {
        return REFUSE(t, "expression nests too deeply");
    }
    t->levels[++t->depth] = (struct level){.flags = t->flags, .weight = 1, .begin = t->out->n};
    text_append(t->out, "(?:");
    return true;
}

static bool close_group(struct translator *t)
{
    if (t->depth == 0) {
        return REFUSE(t, "unexpected )");
    }
    const struct level l = t->levels[t->depth--];
    skip(t, 1);
    text_append(t->out, ")");
    t->flags = l.flags;
    begin_atom(t, l.begin, weight_of(&l));
    return true;
}

/* "?P<name>" or "?<name>", behind the "(". */
static bool named_group(struct translator *t)
{
    skip(t, at(t, 1, 'P') ? 3 : 2);
    const uint8_t *end = t->in.n == 0 ? NULL : memchr(t->in.p, '>', t->in.n);
    size_t n = end == NULL ? 0 : (size_t)(end - t->in.p);
    bool valid = n > 0;
    for (size_t i = 0; i < n; i++) {
        valid = valid && (t->in.p[i] == '_' || is_alnum(t->in.p[i]));
    }
    if (!valid) {
        return REFUSE(t, "invalid named capture");
    }
    skip(t, n + 1);
    return open_group(t);
}

/* "?flags)" or "?flags:", behind the "(". */
static bool flags_group(struct translator *t)
{
    struct flags flags = t->flags;
    bool on = true;
    bool saw = true; /* a flag behind the last '-', if there is one */
    for (skip(t, 1); t->in.n > 0; skip(t, 1)) {
        uint8_t c = t->in.p[0];
        if (c == '-' && on) {
            on = false;
            saw = false;
        } else if (c == 'i' || c == 'm' || c == 's' || c == 'U') { /* lazy ones match no less */
            flags.fold = c == 'i' ? on : flags.fold;
            flags.multi = c == 'm' ? on : flags.multi;
            flags.dot = c == 's' ? on : flags.dot;
            saw = true;
        } else if ((c == ':' || c == ')') && saw) {
            skip(t, 1);
            bool opened = c == ')' || open_group(t);
            t->flags = flags;
            return opened;
        } else {
            break;
        }
    }
    return REFUSE(t, "invalid or unsupported Perl syntax");
}

static bool group(struct translator *t)
{
    skip(t, 1);
    if (!at(t, 0, '?')) {
        return open_group(t);
    }
    bool p_name = t->in.n > 3 && at(t, 1, 'P') && at(t, 2, '<');
    bool name = t->in.n > 2 && at(t, 1, '<') && !at(t, 2, '=') && !at(t, 2, '!');
    return p_name || name ? named_group(t) : flags_group(t);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* "\Q", up to "\E" or the end: the characters as they are. */
static bool quoted(struct translator *t)
{
    for (skip(t, 2); t->in.n > 0;) {
        uint32_t c;
        if (at(t, 0, '\\') && at(t, 1, 'E')) {
            skip(t, 2);
            return true;
        }
        if (!next_rune(t, &c)) {
            return false;
        }
        put_literal(t, c);
    }
    return true;
}

static bool backslash(struct translator *t)
{
    static const struct {
        char letter;
        const char *pattern;
    } assertions[] = {{'A', "(?:\\A)"}, {'b', "(?:\\b)"}, {'B', "(?:\\B)"}, {'z', "(?:\\z)"}};
    struct set set = {{0, 0}};
    bool found;
    uint32_t c;
    for (size_t i = 0; i < sizeof assertions / sizeof assertions[0]; i++) {
        if (at(t, 1, assertions[i].letter)) {
            skip(t, 2);
            put_assertion(t, span_make(assertions[i].pattern, strlen(assertions[i].pattern)));
            return true;
        }
    }
    if (at(t, 1, 'Q')) {
        return quoted(t);
    }
    if (!set_escape(t, &set, &found)) {
        return false;
    }
    if (found) {
        put_atom(t, &set);
        return true;
    }
    skip(t, 1);
    if (!escape(t, &c)) {
        return false;
    }
    put_literal(t, c);
    return true;
}

static bool literal(struct translator *t)
{
    uint32_t c;
    if (!next_rune(t, &c)) {
        return false;
    }
    put_literal(t, c);
    return true;
}

static bool or_else(struct translator *t)
{
    skip(t, 1);
    text_append(t->out, "|");
    struct level *l = &t->levels[t->depth];
    l->weight = weight_of(l);
    l->has_atom = false;
    return true;
}

static bool dot(struct translator *t)
{
    struct set set = {{0, 0}};
    skip(t, 1);
    if (!t->flags.dot) {
        set_add(&set, '\n');
    }
    set = set_inverse(set);
    put_atom(t, &set);
    return true;
}

static bool assertion(struct translator *t, struct span one_line, struct span multi_line)
{
    skip(t, 1);
    put_assertion(t, t->flags.multi ? multi_line : one_line);
    return true;
}

/* Takes one piece. */
static bool piece(struct translator *t)
{
    bool found;
    switch (t->in.p[0]) {
    case '(':
        return group(t);
    case ')':
        return close_group(t);
    case '|':
        return or_else(t);
    case '[':
        return class(t);
    case '.':
        return dot(t);
    case '^':
        return assertion(t, SPAN("(?:\\A)"), SPAN("(?m:^)"));
    case '$':
        return assertion(t, SPAN("(?:\\z)"), SPAN("(?m:$)"));
    case '\\':
        return backslash(t);
    case '*':
        return repeat(t, 1, 0, NO_END, false);
    case '+':
        return repeat(t, 1, 1, NO_END, false);
    case '?':
        return repeat(t, 1, 0, 1, false);
    case '{':
        return counted(t, &found) && (found || literal(t)); /* of no such form: itself */
    default:
        return literal(t);
    }
}

bool auth_syntax_translate(struct span source, struct buf *out, struct span *why)
{
    struct translator t = {.in = source, .out = out};
    struct buf whole = {0};
    t.out = &whole;
    t.levels[0].weight = 1;
    bool ok = true;
    while (ok && t.in.n > 0) {
        bool was = t.just_repeated;
        ok = piece(&t);
        t.just_repeated = t.just_repeated && !was;
    }
    if (ok && t.depth > 0) {
        ok = REFUSE(&t, "missing closing )");
    }
    if (ok) {
        buf_append(out, buf_span(&whole));
    }
    buf_free(&whole);
    *why = t.why;
    return ok;
}
