/* SPDX-License-Identifier: MIT */
/*
 * Reads the files that the flags for TLS name, and makes TLS contexts from them. Must not know
 * connections, or which options are allowed together.
 */
#include "nsqd/tls_files.h"

#include <string.h>

#include "shell/machine.h"

/* The files of one TLS context; `why` is the reason when the context cannot be made. */
struct reading {
    struct buf certificates, key, authorities, why;
};

static void free_reading(struct reading *r)
{
    buf_free(&r->certificates);
    buf_free(&r->key);
    buf_free(&r->authorities);
    buf_free(&r->why);
}

static bool read_file(const char *path, struct buf *bytes, struct line *why)
{
    char reason[MACHINE_WHY_MAX];
    if (machine_read_file(path, TLS_FILES_MAX, bytes, reason)) {
        return true;
    }
    line_add(why, "%s", reason);
    return false;
}

static struct tls_pem pem(const char *path, const struct buf *bytes)
{
    return (struct tls_pem){.bytes = buf_span(bytes), .file = path};
}

static struct tls_pem pem_if_named(const char *path, const struct buf *bytes)
{
    return path[0] == '\0' ? (struct tls_pem){.file = NULL} : pem(path, bytes);
}

/* If there is no context, copies the reason to `why`. Returns true when there is a context. */
static bool report_failure(struct tls *tls, const struct buf *reason, struct line *why)
{
    struct span text = buf_span(reason);
    if (tls == NULL) {
        line_add(why, "%.*s", (int)text.n, (const char *)text.p);
    }
    return tls != NULL;
}

static enum tls_clients policy(const struct options *o)
{
    return strcmp(o->tls_client_auth_policy, OPTIONS_TLS_REQUIRE) == 0 ? TLS_CLIENTS_SHOWN
           : strcmp(o->tls_client_auth_policy, OPTIONS_TLS_REQUIRE_VERIFY) == 0
               ? TLS_CLIENTS_VERIFIED
               : TLS_CLIENTS_ANY; /* options_check refuses any other word */
}

static bool read_authorities(const struct options *o, struct reading *r, struct line *why)
{
    return o->tls_root_ca_file[0] == '\0' || read_file(o->tls_root_ca_file, &r->authorities, why);
}

bool tls_files_serve(void *context, const struct options *o, struct line *why)
{
    struct tls_files *files = context;
    struct reading r = {0};
    bool ok = read_file(o->tls_cert, &r.certificates, why) && read_file(o->tls_key, &r.key, why) &&
              read_authorities(o, &r, why);
    if (ok) {
        const struct tls_server_settings settings = {
            .certificates = pem(o->tls_cert, &r.certificates),
            .key = pem(o->tls_key, &r.key),
            .authorities = pem_if_named(o->tls_root_ca_file, &r.authorities),
            .clients = policy(o),
            .min_version = (int)o->tls_min_version,
        };
        files->server = tls_server_new(&settings, &r.why);
        ok = report_failure(files->server, &r.why, why);
    }
    free_reading(&r);
    return ok;
}

/* The context is made only when it is needed. It is needed when the authorities must be checked, or
 * when there are auth servers, which may use https. */
bool tls_files_request(void *context, const struct options *o, struct line *why)
{
    struct tls_files *files = context;
    struct reading r = {0};
    if (o->tls_root_ca_file[0] == '\0' && o->auth_http_address.n == 0) {
        return true;
    }
    bool ok = read_authorities(o, &r, why);
    if (ok) {
        const struct tls_client_settings settings = {
            .authorities = pem_if_named(o->tls_root_ca_file, &r.authorities),
            .verify = true,
            .min_version = (int)o->tls_min_version,
        };
        files->client = tls_client_new(&settings, &r.why);
        ok = report_failure(files->client, &r.why, why);
    }
    free_reading(&r);
    return ok;
}

void tls_files_free(struct tls_files *files)
{
    tls_free(files->server);
    tls_free(files->client);
    *files = (struct tls_files){NULL, NULL};
}
