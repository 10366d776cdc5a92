/* SPDX-License-Identifier: MIT */
/*
 * Builds the URL of a query to an auth server. Must not know connections, or how HTTP is spoken.
 */
#include "auth/auth_request.h"

#include "base/text.h"

void auth_query_append(struct buf *out, struct span common_name, struct span remote_ip,
                       struct span secret, bool tls)
{
    http_query_append(out, SPAN("common_name"), common_name);
    http_query_append(out, SPAN("remote_ip"), remote_ip);
    http_query_append(out, SPAN("secret"), secret);
    http_query_append(out, SPAN("tls"), tls ? SPAN("true") : SPAN("false"));
}

bool auth_request_url(struct http_url *url, struct span server, struct span query, struct span *why)
{
    struct buf text = {0};
    bool whole = http_url_has_scheme(server);
    if (server.n > AUTH_SERVER_MAX) {
        *why = SPAN("URL too long");
        return false;
    }
    buf_append(&text, whole ? SPAN("") : SPAN("http://"));
    buf_append(&text, server);
    buf_append(&text, whole ? SPAN("?") : SPAN("/auth?"));
    buf_append(&text, query);
    bool good = http_url_parse(url, buf_span(&text), why);
    buf_free(&text);
    return good;
}
