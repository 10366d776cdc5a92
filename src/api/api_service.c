/* SPDX-License-Identifier: MIT */
/*
 * Joins the API with its HTTP servers. Must not know what routes do, sockets, clocks.
 */
#include "api/api_service.h"

#include "base/text.h"

/* The text is written as nsqd writes it, with spaces. */
static void set_refusal(struct api_service *service, int64_t https_port)
{
    text_append(&service->refusal_body, "{\"message\": \"TLS_REQUIRED\", \"https_port\": ");
    text_append_decimal(&service->refusal_body, https_port);
    text_append(&service->refusal_body, "}");
    service->refusal = (struct http_answer){
        .status = 403, .headers = SPAN(API_HEADERS_JSON), .body = buf_span(&service->refusal_body)};
}

void api_service_init(struct api_service *service, const struct api_service_config *config,
                      struct broker *broker, const struct serve *serve, struct tickets *tickets,
                      struct log *log)
{
    struct http_server_config http = {
        .routes = api_routes(),
        .service = &service->api,
        .message_headers = SPAN(API_HEADERS_JSON),
        .effort = &broker->core.effort,
        .effort_a_call = broker->core.config.effort_a_call,
        .budget = &broker->core.budget,
        .slots = &service->slots,
        .log = log,
        .log_form = "% % % (%)",
    };
    struct http_server_config https = http;
    *service = (struct api_service){.refusal_body = {0}};
    api_init(&service->api, &config->api, broker, serve, tickets, log);
    set_refusal(service, config->https_port);
    http_slots_init(&service->slots, config->max_connections);
    https.tls = config->tls;
    http.refusal = config->needs_tls ? &service->refusal : NULL;
    http_server_init(&service->http, &http);
    http_server_init(&service->https, &https);
}

void api_service_free(struct api_service *service)
{
    api_free(&service->api);
    buf_free(&service->refusal_body);
}

void api_service_wall(struct api_service *service, int64_t offset)
{
    service->api.wall_offset = offset;
    service->http.wall_offset = offset;
    service->https.wall_offset = offset;
}

void api_service_step(struct api_service *service, int64_t now)
{
    api_step(&service->api, now);
    http_server_step(&service->http, now);
    http_server_step(&service->https, now);
}

static struct listener listener(struct http_server *server)
{
    return (struct listener){
        .protocol = &http_protocol,
        .service = server,
        .forms = {.refused = "HTTP: refusing client(%), too many connections"}};
}

struct listener api_service_http(struct api_service *service)
{
    return listener(&service->http);
}

struct listener api_service_https(struct api_service *service)
{
    return listener(&service->https);
}
