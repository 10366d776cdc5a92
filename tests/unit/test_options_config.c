/* SPDX-License-Identifier: MIT */
/*
 * Tests of nsqd/options_config.h: which configuration files refuse the start. These are all files
 * with which nsqd 1.3.0 restricts access (it was started with them), and some with which it does
 * not start or which only look as if they restricted access.
 */
#include "nsqd/options_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void parse(struct options *o, const char *flag, struct options_text *text)
{
    static const struct options_host host = {.name = "h", .node_id = 1};
    char *argv[] = {"nsqd", "-config=f.cfg", (char *)(uintptr_t)flag};
    assert_int_equal(options_parse(o, flag == NULL ? 2 : 3, argv, &host, text), OPTIONS_RUN);
}

/* Why a file with these bytes refuses the start; "" if it does not. ASan sees a read past the end
 * of the bytes. */
static const char *check(const char *bytes, size_t n, const char *flag, struct options_text *text)
{
    struct options o;
    char *file = malloc(n > 0 ? n : 1);
    memcpy(file, bytes, n);
    parse(&o, flag, text);
    enum options_result r = options_config_check(&o, span_make(file, n), text);
    free(file);
    assert_int_equal(r, text->fatal[0] == '\0' ? OPTIONS_RUN : OPTIONS_FATAL);
    assert_int_equal(text->code, r == OPTIONS_RUN ? 0 : 1);
    return text->fatal;
}

static const struct {
    const char *bytes;
    const char
        *key; /* the key in the message; "": the start succeeds; "\\": a key that cannot be shown */
} files[] = {
    {"", ""},
    {"\n", ""},
    {"tls_required = true\n", "tls_required"},
    {"tls_required=true", "tls_required"},
    {"tls_required", ""}, /* a key without a value; nsqd does not start with it */
    {"tls_required\n=true", ""},
    {"tls_required =\n", "tls_required"},
    {"tls_required = \"tcp-https\"", "tls_required"},
    {"tls_required = 1", "tls_required"},
    {"tls_client_auth_policy = \"require\"", "tls_client_auth_policy"},
    {"auth_http_addresses = [\"127.0.0.1:1\"]", "auth_http_addresses"},
    {"auth_http_addresses = [\n", "auth_http_addresses"},
    {"auth_http_addresses = \"\"", "auth_http_addresses"}, /* one address, which is empty */
    {"tcp_address = \"127.0.0.1:4150\"", "tcp_address"},

    /* values that do not restrict access */
    {"tls_required = false", ""},
    {"tls_required=false\r\n", ""},
    {"tls_required=false\t# not yet\n", ""},
    {"tls_required = false#", ""},
    {"tls_required = falsehood", "tls_required"},
    {"tls_required = fals", "tls_required"},
    {"tls_required = false, true", "tls_required"},
    {"tls_required = \"false\"", "tls_required"}, /* to be on the safe side */
    {"tls_required = 0", "tls_required"},
    {"tls_required.false = false", "tls_required"},
    {"tls_client_auth_policy = \"\"", ""},
    {"tls_client_auth_policy = \"\" # none", ""},
    {"tls_client_auth_policy = \"\"x", "tls_client_auth_policy"},
    {"auth_http_addresses = []", ""},
    {"auth_http_addresses = []]", "auth_http_addresses"},
    {"tcp_address = \"0.0.0.0:4150\"", ""},
    {"tcp_address = \"0.0.0.0:41500\"", "tcp_address"},

    /* how a key is written */
    {" \t tls_required = true", "tls_required"},
    {"\"tls_required\" = true", "tls_required"},
    {"'tls_required' = true", "tls_required"},
    {"  'tls_required'\t=true", "tls_required"},
    {"\"tls_required' = true", ""},
    {"\"tls_required", ""},
    {"\"", ""},
    {"\"tls\\u005frequired\" = true", "\\"},
    {"\"\\\\\" = 1", "\\"},
    {"'a\\b' = 1", "\\"},
    {"a = \"\\\\\"", ""},
    {"tls_required.a = 1", "tls_required"},
    {"[tls_required]", "tls_required"},
    {"[[tls_required]]", "tls_required"},
    {" [ \"tls_required\" ]", "tls_required"},
    {"[tls_required.a]", "tls_required"},
    {"[a]\ntls_required = true", "tls_required"}, /* to be on the safe side */
    {"a = \"\"\"\ntls_required = true\n\"\"\"", "tls_required"},
    {"\xEF\xBB\xBFtls_required=true", "tls_required"},
    {"\xFF\xFEtls_required=true", "tls_required"},
    {"\xFE\xFFtls_required=true", "tls_required"},
    {"a=1\n\xEF\xBB\xBFtls_required=true", ""}, /* a byte order mark counts only at the start */
    {"\xEF\xBBtls_required=true", ""},

    /* other keys */
    {"# tls_required = true", ""},
    {"#tls_required = true\nlog_level = \"debug\"", ""},
    {"TLS_REQUIRED = true", ""},
    {"tls-required = true", ""},
    {"xtls_required = true", ""},
    {"tls_requiredx = true", ""},
    {"tls_require = true", ""},
    {"a = { tls_required = true }", ""},
    {"a = 1 tls_required = true", ""},
    {"http_address = \"127.0.0.1:4151\"", ""},
    {"=true", ""},

    /* on any line; the message names the first key that restricts access */
    {"a = 1\n\nb = 2\r\ntls_required = true", "tls_required"},
    {"a = 1\ntls_required = false\ntcp_address = \"x:1\"\ntls_required = true\n", "tcp_address"},
};

static void a_file_that_restricts_access_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        struct options_text text;
        char expected[256] = "";
        bool untold = strcmp(files[i].key, "\\") == 0;
        if (files[i].key[0] != '\0') {
            snprintf(expected, sizeof expected,
                     "failed to load config file f.cfg - %s restrict%s access, and config files "
                     "are not read yet",
                     untold ? "a key with a backslash may" : files[i].key, untold ? "" : "s");
        }
        const char *fatal = check(files[i].bytes, strlen(files[i].bytes), NULL, &text);
        if (strcmp(fatal, expected) != 0) {
            fail_msg("%s: '%s'", files[i].bytes, fatal);
        }
    }
}

static void every_beginning_of_a_file_is_read_within_its_bytes(void **state)
{
    (void)state;
    static const char bytes[] = "\xEF\xBB\xBF [[ 'tls_required' ]]\n \"x\\y\" . = false # \r\n";
    for (size_t n = 0; n < sizeof bytes; n++) {
        struct options_text text;
        const char *fatal = check(bytes, n, NULL, &text);
        bool refused = fatal[0] != '\0';
        assert_int_equal(refused, n >= strcspn(bytes, "]") + 1);
    }
}

static void a_nul_is_a_byte_like_any_other(void **state)
{
    (void)state;
    static const char bytes[] = "a\0= 1\n\0tls_required = true\ntls_required\0= true\n";
    static const char more[] = "\0\ntls_required = true";
    struct options_text text;
    assert_string_equal(check(bytes, sizeof bytes - 1, NULL, &text), "");
    assert_string_not_equal(check(more, sizeof more - 1, NULL, &text), "");
}

static void a_file_that_is_not_seen_to_its_end_is_refused(void **state)
{
    (void)state;
    struct options_text text;
    char *bytes = malloc(OPTIONS_CONFIG_MAX + 1);
    memset(bytes, '#', OPTIONS_CONFIG_MAX + 1);
    assert_string_equal(check(bytes, OPTIONS_CONFIG_MAX - 1, NULL, &text), "");
    assert_string_not_equal(check(bytes, OPTIONS_CONFIG_MAX, NULL, &text), "");
    assert_string_not_equal(check(bytes, OPTIONS_CONFIG_MAX + 1, NULL, &text), "");
    free(bytes);
}

static const struct {
    const char *bytes;
    const char *flag;
    bool runs;
} overridden[] = {
    {"tls_required = true", "-tls-required=false", true},
    {"tls_required = true", "-tls-client-auth-policy=", false},
    {"tls_client_auth_policy = \"require\"", "-tls-client-auth-policy=", true},
    {"tls_client_auth_policy = \"require\"", "-tls-required=false", false},
    {"auth_http_addresses = [\"a:1\"]", "-auth-http-address=b:1", true},
    {"tcp_address = \"127.0.0.1:1\"", "-tcp-address=127.0.0.1:2", true},
    {"tcp_address = \"127.0.0.1:1\"", "-http-address=127.0.0.1:2", false},
};

static void a_flag_on_the_command_line_goes_before_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(overridden); i++) {
        struct options_text text;
        const char *fatal =
            check(overridden[i].bytes, strlen(overridden[i].bytes), overridden[i].flag, &text);
        if ((fatal[0] == '\0') != overridden[i].runs) {
            fail_msg("%s with %s: '%s'", overridden[i].bytes, overridden[i].flag, fatal);
        }
    }
}

static void a_file_that_cannot_be_read_is_fatal(void **state)
{
    (void)state;
    struct options o;
    struct options_text text;
    parse(&o, NULL, &text);
    assert_int_equal(options_config_unreadable(&o, "open f.cfg: no such file or directory", &text),
                     OPTIONS_FATAL);
    assert_int_equal(text.code, 1);
    assert_string_equal(text.fatal, "failed to load config file f.cfg - open f.cfg: no such file "
                                    "or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_restricts_access_is_refused),
        cmocka_unit_test(every_beginning_of_a_file_is_read_within_its_bytes),
        cmocka_unit_test(a_nul_is_a_byte_like_any_other),
        cmocka_unit_test(a_file_that_is_not_seen_to_its_end_is_refused),
        cmocka_unit_test(a_flag_on_the_command_line_goes_before_the_file),
        cmocka_unit_test(a_file_that_cannot_be_read_is_fatal),
    };
    return cmocka_run_group_tests_name("options_config", tests, NULL, NULL);
}
