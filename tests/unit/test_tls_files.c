/* SPDX-License-Identifier: MIT */
/* Tests of nsqd/tls_files.h: contexts from flags and files, and the error texts. */
#include "nsqd/tls_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nsqd/configure.h"
#include "support/certs.h"
#include "support/folder.h"

#define WHY_MAX 1024

static void write_pem(const char *name, const struct buf *pem)
{
    FILE *f = fopen(folder_path(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(buf_span(pem).p, 1, pem->n, f), pem->n);
    assert_int_equal(fclose(f), 0);
}

static int make_all(void **state)
{
    if (folder_make(state) != 0 || certs_make_all(state) != 0) {
        return -1;
    }
    write_pem("cert", &certs.server.certificates);
    write_pem("key", &certs.server.key);
    write_pem("other-key", &certs.client.key);
    write_pem("root", &certs.authority.certificates);
    folder_write("empty", "");
    return 0;
}

static int remove_all(void **state)
{
    certs_free_all(state);
    return folder_remove(state);
}

/* Parses flags, in which '@' stands for the folder, and builds the contexts. Returns the error
 * text, "" if there is none. */
static const char *build(bool (*call)(void *, const struct options *, struct line *),
                         struct tls_files *files, struct options *o, int argc,
                         const char *const *words)
{
    static char text[8][FOLDER_PATH_MAX + 64];
    static char why[WHY_MAX];
    static struct start_text said;
    static const struct options_host host = {.name = "h", .node_id = 1};
    char *argv[8];
    for (int i = 0; i < argc; i++) {
        const char *at = strchr(words[i], '@');
        snprintf(text[i], sizeof text[i], "%.*s%s%s",
                 at == NULL ? (int)strlen(words[i]) : (int)(at - words[i]), words[i],
                 at == NULL ? "" : folder_name, at == NULL ? "" : at + 1);
        argv[i] = text[i];
    }
    assert_int_equal(options_parse(o, argc, argv, &host, &said), START_RUN);
    struct line line;
    line_start(&line, why, sizeof why);
    *files = (struct tls_files){NULL, NULL};
    bool ok = call(files, o, &line);
    assert_int_equal(ok, why[0] == '\0');
    return why;
}

#define BUILD(call, files, o, ...)                                                                 \
    build(call, files, o,                                                                          \
          (int)(sizeof(const char *const[]){"nsqd", __VA_ARGS__} / sizeof(char *)),                \
          (const char *const[]){"nsqd", __VA_ARGS__})

/* "open FOLDER/NAME: no such file or directory" */
static const char *no_such(const char *name)
{
    static char text[WHY_MAX];
    snprintf(text, sizeof text, "open %s: no such file or directory", folder_path(name));
    return text;
}

static void a_pair_becomes_a_server(void **state)
{
    (void)state;
    struct tls_files files;
    struct options o;
    assert_string_equal(BUILD(tls_files_serve, &files, &o, "-tls-cert=@/cert", "-tls-key=@/key",
                              "-tls-root-ca-file=@/root", "-tls-client-auth-policy=require"),
                        "");
    assert_non_null(files.server);
    assert_null(files.client);
    struct codec_maker maker = tls_server(files.server);
    struct codec codec = maker.make(maker.self);
    tls_files_free(&files);
    assert_null(files.server);
    assert_int_equal(codec.calls->state(codec.self), CODEC_HANDSHAKING);
    codec.calls->free(codec.self);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    struct tls_files files;
    struct options o;
    assert_string_equal(BUILD(tls_files_serve, &files, &o, "-tls-cert=@/none", "-tls-key=@/gone"),
                        no_such("none"));
    assert_string_equal(BUILD(tls_files_serve, &files, &o, "-tls-cert=@/cert", "-tls-key=@/gone"),
                        no_such("gone"));
    assert_string_equal(BUILD(tls_files_serve, &files, &o, "-tls-cert=@/cert", "-tls-key=@/key",
                              "-tls-root-ca-file=@/none"),
                        no_such("none"));
    assert_string_equal(BUILD(tls_files_serve, &files, &o, "-tls-cert=@/cert"),
                        "open : no such file or directory");
    assert_non_null(
        strstr(BUILD(tls_files_serve, &files, &o, "-tls-cert=@/cert", "-tls-key=@/other-key"),
               "tls: private key does not match public key (/tmp/"));
    assert_non_null(strstr(BUILD(tls_files_serve, &files, &o, "-tls-cert=@/cert", "-tls-key=@/key",
                                 "-tls-root-ca-file=@/empty"),
                           "failed to append certificate to pool (/tmp/"));
    assert_null(files.server);
}

static void nsqd_s_own_requests_have_a_context_where_they_need_one(void **state)
{
    (void)state;
    struct tls_files files;
    struct options o;
    assert_string_equal(BUILD(tls_files_request, &files, &o, "-tls-cert=@/none"), "");
    assert_null(files.client);
    assert_string_equal(BUILD(tls_files_request, &files, &o, "-tls-root-ca-file=@/root"), "");
    assert_non_null(files.client);
    tls_files_free(&files);
    assert_string_equal(BUILD(tls_files_request, &files, &o, "-auth-http-address=a:1"), "");
    assert_non_null(files.client);
    tls_files_free(&files);
    assert_string_equal(BUILD(tls_files_request, &files, &o, "-tls-root-ca-file=@/none"),
                        no_such("none"));
    assert_non_null(strstr(BUILD(tls_files_request, &files, &o, "-tls-root-ca-file=@/key"),
                           "failed to append certificate to pool (/tmp/"));
    assert_null(files.client);
}

/* As in nsqd, a policy for client certificates makes TLS required. */
static void what_is_required_reaches_the_engine(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        bool required;
    } rows[] = {
        {"-tls-required=false", false},
        {"-tls-required", true},
        {"-tls-required=tcp-https", true},
        {"-tls-client-auth-policy=", false},
        {"-tls-client-auth-policy=require", true},
        {"-tls-client-auth-policy=require-verify", true},
    };
    const struct configure_machine machine = {.memory = 1 << 30, .descriptors = 1024};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_files files;
        struct options o;
        BUILD(tls_files_request, &files, &o, rows[i].flag);
        assert_int_equal(configure(&o, &machine).v2.tls_required, rows[i].required);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_becomes_a_server),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(nsqd_s_own_requests_have_a_context_where_they_need_one),
        cmocka_unit_test(what_is_required_reaches_the_engine),
    };
    return cmocka_run_group_tests_name("tls_files", tests, make_all, remove_all);
}
