/* SPDX-License-Identifier: MIT */
/* Starts servers as child processes and reads their address from their output. Must not know: which
 * cases they are for. */
#define _XOPEN_SOURCE 700 /* realpath */ /* NOLINT(bugprone-reserved-identifier) */

#include "conform/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wordexp.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "conform/auth_server.h"
#include "conform/listener.h"
#include "conform/transport_tcp.h"
#include "conform/workers.h"
#include "shell/clock.h"

#define START_TIMEOUT (15 * TIME_SECOND)
#define STOP_TIMEOUT (10 * TIME_SECOND)
/* For the addresses of HTTP, when the server already accepts other connections. */
#define WEB_TIMEOUT TIME_SECOND
#define GROUP_TIMEOUT TIME_SECOND
#define LOG_MAX ((size_t)1 << 20)
#define LOG_SHOWN 400 /* bytes of a log that `why` quotes */

static void fail(struct spawn *s, const char *why)
{
    s->state = SPAWN_FAILED;
    buf_append(&s->why, span_make(why, strlen(why)));
    text_append(&s->why, "\n");
}

/* --- the command ------------------------------------------------------------------------------ */

/* Replaces one {word} at the start of the rest. */
static bool replace(struct span *rest, struct span word, struct span by, struct buf *out)
{
    bool here = span_equal(span_first(*rest, word.n), word);
    if (here) {
        buf_append(out, by);
        *rest = span_skip(*rest, word.n);
    }
    return here;
}

static void fill_flags(struct span rest, struct span flags, struct buf *out)
{
    while (rest.n > 0) {
        if (!replace(&rest, SPAN("{flags}"), flags, out)) {
            buf_append(out, span_first(rest, 1));
            rest = span_skip(rest, 1);
        }
    }
}

void spawn_command(const char *command, struct span flags, const struct spawn_places *places,
                   struct buf *out)
{
    struct buf text = {0};
    fill_flags(text_span(command), flags, &text);
    struct span rest = buf_span(&text);
    while (rest.n > 0) {
        if (!replace(&rest, SPAN("{port}"), text_span(places->port), out) &&
            !replace(&rest, SPAN("{http-port}"), text_span(places->http_port), out) &&
            !replace(&rest, SPAN("{https-port}"), text_span(places->https_port), out) &&
            !replace(&rest, SPAN("{dir}"), text_span(places->dir), out) &&
            !replace(&rest, SPAN("{suite}"), text_span(places->suite), out) &&
            !replace(&rest, SPAN("{auth}"), text_span(places->auth), out) &&
            !replace(&rest, SPAN("{lookupd}"), text_span(places->lookupd), out) &&
            !replace(&rest, SPAN("{lookupd2}"), text_span(places->lookupd2), out)) {
            buf_append(out, span_first(rest, 1));
            rest = span_skip(rest, 1);
        }
    }
    buf_free(&text);
}

/* Finds a TCP port for a place such as {port}, if the command has it. */
static bool take_port(struct spawn *s, const char *place, struct port *port,
                      char address[SOCKET_ADDRESS_MAX])
{
    address[0] = '\0';
    if (strstr(s->command, place) == NULL) {
        return true;
    }
    if (!port_take(port)) {
        fail(s, "no free TCP port was found");
        return false;
    }
    snprintf(address, SOCKET_ADDRESS_MAX, "127.0.0.1:%u", port->number);
    return true;
}

static bool take_ports(struct spawn *s)
{
    return take_port(s, "{port}", &s->port, s->address) &&
           take_port(s, "{http-port}", &s->http_port, s->http_address) &&
           take_port(s, "{https-port}", &s->https_port, s->https_address);
}

static bool make_folders(struct spawn *s, char data[FILES_PATH_MAX + 16])
{
    const char *base = getenv("TMPDIR");
    snprintf(s->folder, sizeof s->folder, "%s/nsq-conform-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(s->folder) == NULL) {
        s->folder[0] = '\0';
        fail(s, "cannot make a temporary folder");
        return false;
    }
    snprintf(s->log, sizeof s->log, "%s/log", s->folder);
    snprintf(data, FILES_PATH_MAX + 16, "%s/data", s->folder);
    return mkdir(data, 0700) == 0;
}

/* Becomes the server. Returns only if the command cannot be run. */
static void be_server(const struct spawn *s, char **words)
{
    setpgid(0, 0); /* so that all its processes can be found: listener.h, end_group */
    int null = open("/dev/null", O_RDONLY);
    int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* so that it ends when the runner is killed */
#endif
    execvp(words[0], words);
    fprintf(stderr, "%s: cannot be run\n", words[0]);
    fflush(stderr);
}

/* A path may contain spaces and other characters with a meaning for wordexp. So the command is
 * split with one byte in the place of each text, and then the texts are filled in. No command
 * contains these bytes. */
static const struct spawn_places marks = {.port = "\1",
                                          .dir = "\2",
                                          .suite = "\3",
                                          .auth = "\4",
                                          .http_port = "\5",
                                          .https_port = "\6",
                                          .lookupd = "\7",
                                          .lookupd2 = "\10"};

/* Returns a copy of the word with the texts in the places of their marks. */
static char *fill_word(const char *word, const struct spawn_places *places)
{
    const char *texts[] = {places->port,    places->dir,       places->suite,
                           places->auth,    places->http_port, places->https_port,
                           places->lookupd, places->lookupd2};
    struct buf out = {0};
    for (const char *at = word; *at != '\0'; at++) {
        bool mark = *at >= '\1' && *at <= '\10';
        buf_append(&out, mark ? text_span(texts[*at - '\1']) : span_make(at, 1));
    }
    buf_append(&out, span_make("", 1));
    char *filled = alloc_zeroed(out.n);
    if (out.n > 0) {
        memcpy(filled, buf_span(&out).p, out.n);
    }
    buf_free(&out);
    return filled;
}

static void free_words(char **words)
{
    for (char **word = words; *word != NULL; word++) {
        alloc_free(*word);
    }
    alloc_free((void *)words);
}

static void start_words(struct spawn *s, const char *text, const struct spawn_places *places)
{
    wordexp_t words;
    if (wordexp(text, &words, WRDE_NOCMD) != 0) {
        fail(s, "the command cannot be split into words");
        return;
    }
    char **filled = alloc_zeroed((words.we_wordc + 1) * sizeof *filled);
    for (size_t i = 0; i < words.we_wordc; i++) {
        filled[i] = fill_word(words.we_wordv[i], places);
    }
    fflush(NULL);
    s->pid = words.we_wordc == 0 ? -1 : fork();
    if (s->pid == 0) {
        be_server(s, filled);
        free_words(filled); /* valgrind looks at this process too */
        _exit(127);
    }
    if (s->pid < 0) {
        s->pid = 0;
        fail(s, "the command cannot be started");
    }
    if (s->pid > 0) {
        setpgid(s->pid, s->pid); /* also here: the child may not have run yet */
    }
    free_words(filled);
    wordfree(&words);
}

static bool has(struct span s, const char *part)
{
    size_t n = strlen(part);
    bool found = false;
    for (size_t i = 0; i + n <= s.n && !found; i++) {
        found = memcmp(s.p + i, part, n) == 0;
    }
    return found;
}

/* Starts an auth server if the flags contain {auth}. */
static bool start_auth(struct spawn *s, struct span flags, char address[SOCKET_ADDRESS_MAX])
{
    address[0] = '\0';
    if (!has(flags, "{auth}")) {
        return true;
    }
    s->auth_pid = auth_server_start(address);
    if (s->auth_pid == 0) {
        fail(s, "no auth server can be started");
    }
    return s->auth_pid != 0;
}

#define PORT_TEXT 16

static const char *port_text(const struct port *port, char text[PORT_TEXT])
{
    snprintf(text, PORT_TEXT, "%u", port->number);
    return port->number == 0 ? "" : text;
}

/* Starts the command in the server's folder, at its ports. */
static void run_command(struct spawn *s)
{
    char data[FILES_PATH_MAX + 16];
    char ports[3][PORT_TEXT];
    struct buf text = {0};
    snprintf(data, sizeof data, "%s/data", s->folder);
    char *absolute = realpath(s->suite, NULL); /* the server may run in another folder */
    const struct spawn_places places = {.port = port_text(&s->port, ports[0]),
                                        .http_port = port_text(&s->http_port, ports[1]),
                                        .https_port = port_text(&s->https_port, ports[2]),
                                        .dir = data,
                                        .suite = absolute == NULL ? s->suite : absolute,
                                        .auth = s->auth,
                                        .lookupd = s->lookupds[0],
                                        .lookupd2 = s->lookupds[1]};
    spawn_command(s->command, s->flags, &marks, &text);
    buf_append(&text, span_make("", 1));
    start_words(s, (const char *)buf_span(&text).p, &places);
    buf_free(&text);
    free(absolute);
}

static void begin(struct spawn *s)
{
    char data[FILES_PATH_MAX + 16];
    s->state = SPAWN_STARTING;
    s->tries++;
    if (make_folders(s, data) && take_ports(s) && start_auth(s, s->flags, s->auth)) {
        run_command(s);
    }
}

void spawn_start_scripted(struct spawn *s, const char *command, struct span flags,
                          const char *suite, const char *const lookupds[2])
{
    *s = (struct spawn){
        .command = command, .flags = flags, .suite = suite, .lookupds = {lookupds[0], lookupds[1]}};
    begin(s);
}

void spawn_start(struct spawn *s, const char *command, struct span flags, const char *suite)
{
    static const char *const none[2] = {SPAWN_NO_LOOKUPD, SPAWN_NO_LOOKUPD};
    spawn_start_scripted(s, command, flags, suite, none);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void short_sleep(void)
{
    const struct timespec pause = {.tv_nsec = 5 * TIME_MS};
    nanosleep(&pause, NULL);
}

/* Ends the processes that a script has started and has left behind. The script has just ended: as
 * long as its group has a member, the system does not use the group's number again. */
static void end_group(pid_t group)
{
    int64_t deadline = clock_now() + GROUP_TIMEOUT;
    if (kill(-group, SIGTERM) == 0) {
        while (kill(-group, 0) == 0 && clock_now() < deadline) {
            short_sleep();
        }
        kill(-group, SIGKILL);
    }
}

static bool has_ended(struct spawn *s, int *status, int options)
{
    if (s->pid != 0 && waitpid(s->pid, status, options) != 0) {
        end_group(s->pid);
        s->pid = 0;
    }
    return s->pid == 0;
}

/* Waits for a server that was told to end, and kills it after the deadline. */
static void see_off(struct spawn *s, int64_t deadline)
{
    while (!has_ended(s, NULL, WNOHANG) && clock_now() < deadline) {
        short_sleep();
    }
    if (s->pid != 0) {
        kill(s->pid, SIGKILL);
        has_ended(s, NULL, 0);
    }
}

/* Waits for the end of a server, and forgets it. */
static void finish(struct spawn *s, int64_t deadline)
{
    see_off(s, deadline);
    if (s->auth_pid != 0) {
        kill(s->auth_pid, SIGKILL);
        waitpid(s->auth_pid, NULL, 0);
        s->auth_pid = 0;
    }
    if (s->folder[0] != '\0') {
        files_remove(s->folder);
        s->folder[0] = '\0';
    }
    port_release(&s->port);
    port_release(&s->http_port);
    port_release(&s->https_port);
    buf_free(&s->why);
}

/* --- until it is ready ------------------------------------------------------------------------ */

static void read_log(const struct spawn *s, struct buf *log)
{
    FILE *none = fopen("/dev/null", "w");
    if (none != NULL) {
        files_read(s->log, LOG_MAX, log, none);
        fclose(none);
    }
}

/* Finds the address after a sign such as "TCP: listening on ", up to the end of its line. */
static bool find_address(const struct spawn *s, const char *sign, char address[SOCKET_ADDRESS_MAX])
{
    struct buf log = {0};
    read_log(s, &log);
    char *text = alloc_zeroed(log.n + 1);
    memcpy(text, log.n == 0 ? "" : (const char *)buf_span(&log).p, log.n);
    const char *at = strstr(text, sign);
    at += at == NULL ? 0 : strlen(sign);
    size_t n = at == NULL ? 0 : strcspn(at, "\n");
    bool found = n > 0 && n < SOCKET_ADDRESS_MAX && at[n] == '\n';
    if (found) {
        memcpy(address, at, n);
        address[n] = '\0';
    }
    alloc_free(text);
    buf_free(&log);
    return found;
}

/* Quotes the beginning of the log, which says why a server does not start, or the end, which says
 * why it ended later. */
static void add_log(struct spawn *s, bool end)
{
    struct buf log = {0};
    read_log(s, &log);
    struct span all = buf_span(&log);
    all = end && all.n > LOG_SHOWN ? span_skip(all, all.n - LOG_SHOWN) : all;
    bool cut = all.n > LOG_SHOWN;
    buf_append(&s->why, span_first(all, LOG_SHOWN));
    if (cut) {
        text_append(&s->why, "..\n");
    }
    buf_free(&log);
}

/* A command that a shell cannot find or run ends with one of these codes. */
static bool is_refusal(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) != 126 && WEXITSTATUS(status) != 127;
}

bool spawn_runs(struct spawn *s)
{
    int status;
    char text[64];
    if (s->pid == 0 || !has_ended(s, &status, WNOHANG)) {
        return s->pid != 0;
    }
    bool started = s->state == SPAWN_READY;
    snprintf(text, sizeof text, "the server ended by itself, %s %d",
             WIFSIGNALED(status) ? "by signal" : "with exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    fail(s, text);
    s->state = !started && is_refusal(status) ? SPAWN_REFUSED : SPAWN_FAILED;
    add_log(s, started);
    return false;
}

/* Whether another process has a port that this server should have. */
static bool has_lost(const struct port *port, const char *address)
{
    return port->number != 0 && tcp_transport_reachable(address);
}

/* Starts once more at other ports if another process has one of this server's ports. */
static bool try_again(struct spawn *s)
{
    bool lost = has_lost(&s->port, s->address) || has_lost(&s->http_port, s->http_address) ||
                has_lost(&s->https_port, s->https_address);
    if (!lost || s->tries == SPAWN_TRIES_MAX) {
        return false;
    }
    if (s->pid != 0) {
        kill(s->pid, SIGTERM);
    }
    finish(s, clock_now() + STOP_TIMEOUT);
    begin(s);
    return true;
}

/* Finds out whether the server that answers is the one that was started. */
static void check_listener(struct spawn *s)
{
    char text[160];
    pid_t other = 0;
    const char *colon = strrchr(s->address, ':');
    unsigned port = colon == NULL ? 0 : (unsigned)strtoul(colon + 1, NULL, 10);
    if (port == 0 || listener_of(port, s->pid, &other) != LISTENER_OTHER) {
        s->state = SPAWN_READY;
        return;
    }
    snprintf(text, sizeof text,
             "process %ld listens at port %u; the command has not started this process",
             (long)other, port);
    fail(s, text);
}

/* Checks whether the server answers now. Returns true if the start is over, well or not. */
static bool start_is_over(struct spawn *s)
{
    bool runs = s->state == SPAWN_STARTING && spawn_runs(s);
    bool known =
        s->address[0] != '\0' || (runs && find_address(s, "TCP: listening on ", s->address));
    if (runs && known && tcp_transport_reachable(s->address)) {
        check_listener(s);
    }
    return s->state == SPAWN_READY || (s->state != SPAWN_STARTING && !try_again(s));
}

/* Whether an address for HTTP is ready: it accepts connections, or was found in the log. */
static bool web_is_ready(const struct spawn *s, const struct port *port, const char *sign,
                         char address[SOCKET_ADDRESS_MAX])
{
    if (port->number != 0) {
        return tcp_transport_reachable(address);
    }
    return address[0] != '\0' || find_address(s, sign, address);
}

static void await_web(struct spawn *s, const struct port *port, const char *sign,
                      char address[SOCKET_ADDRESS_MAX], int64_t deadline, const int *end_fd)
{
    while (s->state == SPAWN_READY && !web_is_ready(s, port, sign, address) &&
           clock_now() < deadline && !workers_stopped(end_fd)) {
        short_sleep();
    }
}

/* A server that has no HTTP is waited for in vain, so the wait is short. Without a certificate a
 * server has no HTTPS. */
static void await_webs(struct spawn *servers, size_t n, const int *end_fd)
{
    int64_t deadline = clock_now() + WEB_TIMEOUT;
    for (size_t i = 0; i < n; i++) {
        struct spawn *s = &servers[i];
        await_web(s, &s->http_port, "HTTP: listening on ", s->http_address, deadline, end_fd);
        if (has(s->flags, "--tls-cert")) {
            await_web(s, &s->https_port, "HTTPS: listening on ", s->https_address, deadline,
                      end_fd);
        }
    }
}

void spawn_wait(struct spawn *servers, size_t n, const int *end_fd)
{
    int64_t deadline = clock_now() + START_TIMEOUT;
    for (size_t i = 0; i < n; i++) {
        while (!start_is_over(&servers[i]) && clock_now() < deadline && !workers_stopped(end_fd)) {
            short_sleep();
        }
        if (servers[i].state == SPAWN_STARTING) {
            fail(&servers[i],
                 "the server accepts no connection within the time that a start may take");
            add_log(&servers[i], true);
        }
    }
    await_webs(servers, n, end_fd);
}

/* Forgets an address that was read from the log. */
static void forget_address(const struct port *port, char *address)
{
    if (port->number == 0) {
        address[0] = '\0';
    }
}

bool spawn_end(struct spawn *s, bool killed)
{
    if (s->pid == 0) {
        return false;
    }
    /* A script may have started the server: a kill must reach both. */
    kill(killed ? -s->pid : s->pid, killed ? SIGKILL : SIGTERM);
    see_off(s, clock_now() + STOP_TIMEOUT);
    return true;
}

bool spawn_again(struct spawn *s, struct span flags)
{
    /* the log must not say the old ports when the new ones are looked for */
    files_write(s->log, span_make("", 0), stderr);
    forget_address(&s->port, s->address);
    forget_address(&s->http_port, s->http_address);
    forget_address(&s->https_port, s->https_address);
    s->state = SPAWN_STARTING;
    s->tries = SPAWN_TRIES_MAX; /* no other port: that would need another folder */
    s->flags = flags.n > 0 ? flags : s->flags;
    if (s->auth_pid == 0 && !start_auth(s, s->flags, s->auth)) {
        return false;
    }
    run_command(s);
    spawn_wait(s, 1, NULL);
    return s->state == SPAWN_READY;
}

/* --- all servers ------------------------------------------------------------------------------ */

void spawn_stop(struct spawn *servers, size_t n)
{
    int64_t deadline = clock_now() + STOP_TIMEOUT;
    for (size_t i = 0; i < n; i++) {
        if (servers[i].pid != 0) {
            kill(servers[i].pid, SIGTERM);
        }
    }
    for (size_t i = 0; i < n; i++) {
        finish(&servers[i], deadline);
    }
}
