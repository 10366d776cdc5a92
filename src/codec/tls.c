/* SPDX-License-Identifier: MIT */
/*
 * Implements the codec for TLS (codec/codec.h). A codec is one connection of OpenSSL, which reads
 * and writes memory. tls_context.c makes the contexts. Must not know sockets, files and NSQ.
 */
#include "codec/tls.h"

#include <assert.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdio.h>

#include "base/alloc.h"
#include "codec/tls_context.h"
#include "codec/tls_words.h"

#define TLS_NAME_MAX 256     /* bytes of a server's name, including NUL; DNS allows 253 */
#define RECORD_MAX 16384     /* bytes of data in one record: RFC 8446, 5.1 */
#define RECORD_OVERHEAD 2048 /* bytes that encryption may add to a record: RFC 5246, 6.2.3 */
#define RECORD_HEAD 5        /* bytes before a record's data: type, version, length */
#define WHY_MAX 160          /* bytes of an error text, including NUL */
/* The largest size of a codec in bytes of memory. Measured with OpenSSL 3.0: 9,000 for a new codec,
 * 44,000 at the end of a handshake, 23,000 for an idle codec, 40,000 with a part of a record. */
#define TLS_COST ((size_t)64 << 10)

/* During a call of the codec, OpenSSL reads from `in` and writes to `down`. */
struct tls_codec {
    struct tls *tls;
    SSL *ssl; /* NULL: OpenSSL could not make it; decode will fail */
    enum codec_state state;
    struct span in;
    struct buf *down;
    uint8_t head[RECORD_HEAD]; /* head of the first record; checked before OpenSSL reads it */
    uint8_t head_size;         /* how many bytes of `head` have arrived */
    bool for_http;             /* made by tls_https_server */
    uint8_t head_read;         /* how many bytes of `head` OpenSSL has read */
    struct buf peer_name;
    char why[WHY_MAX];
};

/* --- how OpenSSL reads and writes ------------------------------------------------------------- */

static int io_read(BIO *bio, char *to, int size)
{
    struct tls_codec *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    bool at_head = c->head_read < RECORD_HEAD;
    struct span from =
        at_head ? span_make(c->head + c->head_read, RECORD_HEAD - c->head_read) : c->in;
    struct span part = span_first(from, (size_t)size);
    if (part.n == 0 || c->head_size < RECORD_HEAD) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(to, part.p, part.n);
    if (at_head) {
        c->head_read = (uint8_t)(c->head_read + part.n);
    } else {
        c->in = span_skip(c->in, part.n);
    }
    return (int)part.n;
}

static int io_write(BIO *bio, const char *from, int size)
{
    struct tls_codec *c = BIO_get_data(bio);
    assert(c->down != NULL);
    BIO_clear_retry_flags(bio);
    buf_append(c->down, span_make(from, (size_t)size));
    return size;
}

static long io_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* a flush does nothing: io_write keeps no bytes */
}

BIO_METHOD *tls_io_new(void)
{
    BIO_METHOD *io = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "memory of a codec");
    if (io != NULL) {
        BIO_meth_set_read(io, io_read);
        BIO_meth_set_write(io, io_write);
        BIO_meth_set_ctrl(io, io_ctrl);
    }
    return io;
}

/* --- decoding --------------------------------------------------------------------------------- */

static void failed(struct tls_codec *c)
{
    c->state = CODEC_FAILED;
    tls_words(c->why, sizeof c->why, c->ssl == NULL ? X509_V_OK : SSL_get_verify_result(c->ssl));
}

/* Stores the common name of the peer's certificate. If there are several, the last one counts, as
 * in Go. */
static void keep_peer_name(struct tls_codec *c)
{
    X509 *peer = SSL_get0_peer_certificate(c->ssl);
    X509_NAME *subject = peer == NULL ? NULL : X509_get_subject_name(peer);
    int at = -1;
    for (int i = -1; subject != NULL; at = i) {
        i = X509_NAME_get_index_by_NID(subject, NID_commonName, at);
        if (i < 0) {
            break;
        }
    }
    if (at < 0) {
        return;
    }
    unsigned char *text = NULL;
    int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (n > 0) {
        buf_append(&c->peer_name, span_make(text, (size_t)n));
    }
    OPENSSL_free(text);
    ERR_clear_error(); /* OpenSSL reports an error if the name is not a text */
}

/* Sets the state to CODEC_FAILED before OpenSSL has read anything. Sends the alert, unless `alert`
 * is -1. Always returns false. */
static bool refuse(struct tls_codec *c, int alert, const char *why)
{
    const uint8_t record[] = {SSL3_RT_ALERT, 3, 1, 0, 2, SSL3_AL_FATAL, (uint8_t)alert};
    if (alert >= 0) {
        buf_append(c->down, span_make(record, sizeof record));
    }
    c->state = CODEC_FAILED;
    snprintf(c->why, sizeof c->why, "tls: %.100s", why);
    return false;
}

/* Go looks for the beginnings of these requests. */
static bool is_http(const uint8_t head[RECORD_HEAD])
{
    static const char *const beginnings[] = {"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (memcmp(head, beginnings[i], RECORD_HEAD) == 0) {
            return true;
        }
    }
    return false;
}

/* Collects the head of the first record. Checks the head when it is complete. Returns false if the
 * head is not valid. The rules are the rules of Go: the record must be a handshake or an alert, and
 * its version and length must be possible. OpenSSL has other rules, and finds errors at other
 * bytes. */
static bool take_head(struct tls_codec *c)
{
    if (c->head_size == RECORD_HEAD) {
        return true;
    }
    struct span part = span_first(c->in, RECORD_HEAD - (size_t)c->head_size);
    if (part.n > 0) {
        memcpy(c->head + c->head_size, part.p, part.n);
        c->head_size = (uint8_t)(c->head_size + part.n);
        c->in = span_skip(c->in, part.n);
    }
    if (c->head_size < RECORD_HEAD) {
        return true;
    }
    unsigned size = be16_load(c->head + 3);
    if (c->head[0] == 0x80) {
        return refuse(c, SSL_AD_PROTOCOL_VERSION, "unsupported SSLv2 handshake received");
    }
    if ((c->head[0] != SSL3_RT_HANDSHAKE && c->head[0] != SSL3_RT_ALERT) || c->head[1] >= 0x10) {
        refuse(c, -1, "first record does not look like a TLS handshake");
        if (c->for_http && is_http(c->head)) {
            snprintf(c->why, sizeof c->why, "%s", CODEC_WHY_HTTP);
        }
        return false;
    }
    if (size > RECORD_MAX + RECORD_OVERHEAD) {
        char why[WHY_MAX];
        snprintf(why, sizeof why, "oversized record received with length %u", size);
        return refuse(c, SSL_AD_RECORD_OVERFLOW, why);
    }
    return true;
}

static void handshake(struct tls_codec *c)
{
    if (!take_head(c)) {
        return;
    }
    int done = SSL_do_handshake(c->ssl);
    if (done == 1) {
        c->state = CODEC_OPEN;
        keep_peer_name(c);
    } else if (SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ) {
        failed(c);
    }
}

/* Decrypts into an array first, so that `up` takes memory only if there are bytes. */
static void read_records(struct tls_codec *c, size_t room, struct buf *up)
{
    uint8_t bytes[RECORD_MAX];
    size_t n = 0;
    for (size_t got = 0; got < room; got += n) {
        size_t most = room - got < sizeof bytes ? room - got : sizeof bytes;
        int ok = SSL_read_ex(c->ssl, bytes, most, &n);
        if (ok != 1) {
            int error = SSL_get_error(c->ssl, ok);
            if (error == SSL_ERROR_ZERO_RETURN) {
                c->state = CODEC_CLOSED;
            } else if (error != SSL_ERROR_WANT_READ) {
                failed(c);
            }
            return;
        }
        buf_append(up, span_make(bytes, n));
    }
}

static size_t tls_decode(void *self, struct span in, size_t room, struct buf *up, struct buf *down)
{
    struct tls_codec *c = self;
    if (c->state > CODEC_OPEN) {
        return 0;
    }
    c->in = in;
    c->down = down;
    ERR_clear_error();
    if (c->ssl == NULL) {
        failed(c);
    } else if (c->state == CODEC_HANDSHAKING) {
        handshake(c); /* bytes that follow the handshake are for the next call */
    } else {
        read_records(c, room, up);
    }
    size_t taken = in.n - c->in.n;
    c->in = span_make(NULL, 0);
    c->down = NULL;
    return taken;
}

/* Returns true if OpenSSL has decrypted a record and decode has returned only a part of it. OpenSSL
 * keeps no other bytes, because it reads a record only when decode needs it. */
static bool tls_has_pending(const void *self)
{
    const struct tls_codec *c = self;
    return c->state == CODEC_OPEN && SSL_pending(c->ssl) > 0;
}

/* --- encoding --------------------------------------------------------------------------------- */

static void tls_encode(void *self, struct span in, struct buf *down)
{
    struct tls_codec *c = self;
    size_t n;
    assert(c->state != CODEC_HANDSHAKING);
    if (in.n == 0 || c->state == CODEC_FAILED) {
        return;
    }
    c->down = down;
    ERR_clear_error();
    if (SSL_write_ex(c->ssl, in.p, in.n, &n) != 1) { /* writes all: io_write never fails */
        failed(c);
    }
    c->down = NULL;
}

static void tls_flush(void *self, struct buf *down)
{
    (void)self;
    (void)down;
}

static void tls_finish(void *self, struct buf *down)
{
    struct tls_codec *c = self;
    if (c->state != CODEC_OPEN && c->state != CODEC_CLOSED) {
        return;
    }
    c->down = down;
    ERR_clear_error();
    SSL_shutdown(c->ssl); /* sends close_notify, and waits for nothing */
    ERR_clear_error();
    c->down = NULL;
}

/* --- the other calls of the contract ---------------------------------------------------------- */

static enum codec_state tls_state(const void *self)
{
    return ((const struct tls_codec *)self)->state;
}

static struct span tls_why(const void *self)
{
    const struct tls_codec *c = self;
    return span_make(c->why, strlen(c->why));
}

static struct span tls_peer_name(const void *self)
{
    return buf_span(&((const struct tls_codec *)self)->peer_name);
}

static struct codec_parameters tls_parameters(const void *self)
{
    const struct tls_codec *c = self;
    const SSL_CIPHER *cipher = c->state == CODEC_OPEN ? SSL_get_current_cipher(c->ssl) : NULL;
    if (cipher == NULL) {
        return (struct codec_parameters){0};
    }
    return (struct codec_parameters){(uint16_t)SSL_version(c->ssl),
                                     SSL_CIPHER_get_protocol_id(cipher)};
}

static void codec_free(void *self)
{
    struct tls_codec *c = self;
    SSL_free(c->ssl);
    tls_release(c->tls);
    buf_free(&c->peer_name);
    alloc_free(c);
}

static const struct codec_calls calls = {
    .decode = tls_decode,
    .encode = tls_encode,
    .flush = tls_flush,
    .finish = tls_finish,
    .has_pending = tls_has_pending,
    .state = tls_state,
    .why = tls_why,
    .peer_name = tls_peer_name,
    .parameters = tls_parameters,
    .free = codec_free,
};

/* Makes a codec. The caller then chooses the server side or the client side. */
static struct tls_codec *codec_new(struct tls *tls)
{
    struct tls_codec *c = alloc_zeroed(sizeof *c);
    c->tls = tls;
    c->state = CODEC_HANDSHAKING;
    tls->users++;
    BIO *io = BIO_new(tls->io);
    c->ssl = SSL_new(tls->ssl);
    if (io == NULL || c->ssl == NULL) {
        BIO_free(io);
        SSL_free(c->ssl);
        c->ssl = NULL; /* decode will fail */
        return c;
    }
    BIO_set_data(io, c);
    BIO_set_init(io, 1);
    SSL_set_bio(c->ssl, io, io); /* c->ssl owns io now */
    return c;
}

static struct codec make_server(void *self)
{
    struct tls_codec *c = codec_new(self);
    if (c->ssl != NULL) {
        SSL_set_accept_state(c->ssl);
    }
    return (struct codec){&calls, c};
}

struct codec_maker tls_server(struct tls *tls)
{
    bool certificates = SSL_CTX_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE;
    return (struct codec_maker){.make = make_server,
                                .self = tls,
                                .cost = TLS_COST + (certificates ? TLS_CERTIFICATES_MAX : 0)};
}

static struct codec make_https_server(void *self)
{
    struct codec codec = make_server(self);
    ((struct tls_codec *)codec.self)->for_http = true;
    return codec;
}

struct codec_maker tls_https_server(struct tls *tls)
{
    struct codec_maker maker = tls_server(tls);
    maker.make = make_https_server;
    return maker;
}

/* Sets the name that the server's certificate must have. Also sends the name to the server (SNI),
 * unless the name is an IP address (RFC 6066, section 3). As in Go, only the alternative names of a
 * certificate count, a '*' stands for one whole label, and the name may end with a dot. */
static bool name_server(SSL *ssl, const char *full_name)
{
    char name[TLS_NAME_MAX];
    size_t n = strlen(full_name);
    if (n >= sizeof name) {
        return false;
    }
    memcpy(name, full_name, n + 1);
    if (n > 0 && name[n - 1] == '.') {
        name[n - 1] = '\0';
    }
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) {
        return true;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct codec tls_connect(struct tls *tls, const char *server_name)
{
    struct tls_codec *c = codec_new(tls);
    if (c->ssl != NULL) {
        SSL_set_connect_state(c->ssl);
        if (server_name != NULL && !name_server(c->ssl, server_name)) {
            SSL_free(c->ssl);
            c->ssl = NULL;
        }
    }
    return (struct codec){&calls, c};
}
