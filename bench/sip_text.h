/* Text of SIP messages, as the C programs of the bench read and write it: templates whose fields are filled in for each
 * call, header lines, route sets. A program says its name in PROGRAM and includes this whole.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { MAX_DATAGRAM = 4096, BATCH = 32, CALL_DIGITS = 10, MAX_SEGMENTS = 48, MAX_ROUTES = 8 };

typedef struct { const char *at; size_t length; } text;

/* A message template: constant pieces, each followed by one field (FIELD_END after the last piece). */
enum field { FIELD_END, CALL, CALLING, CALLED, PORT, TARGET, TO, ROUTES, COPIED, FIELDS };
static const char *const field_names[FIELDS] = {"", "[call]", "[calling]", "[called]", "[port]", "[target]", "[to]", "[routes]", "[copied]"};
typedef struct { text piece[MAX_SEGMENTS]; enum field field[MAX_SEGMENTS]; } template;

/* Calling and called number of each call, in turn. */
static char (*workload)[2][11];
static long workload_size;

static inline void fail(const char *what, const char *which) {
    fprintf(stderr, PROGRAM ": %s: %s\n", what, which);
    exit(2);
}

static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void read_template(template *t, const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.sip", folder, name);
    FILE *file = fopen(path, "rb");
    char *content = calloc(1, MAX_DATAGRAM);
    if (!file || !content || !fread(content, 1, MAX_DATAGRAM - 1, file)) fail("cannot read the message", path);
    fclose(file);
    int n = 0;
    char *piece = content;
    for (char *c = content; *c && n < MAX_SEGMENTS - 1; c++)
        for (int f = CALL; *c == '[' && f < FIELDS; f++)
            if (!strncmp(c, field_names[f], strlen(field_names[f]))) {
                t->piece[n] = (text){piece, (size_t)(c - piece)};
                t->field[n++] = (enum field)f;
                piece = c + strlen(field_names[f]);
                c = piece - 1;
                break;
            }
    t->piece[n] = (text){piece, strlen(piece)};
    t->field[n] = FIELD_END;
}

/* The calling (0) or called (1) number of a call. */
static inline text party(long call, int side) {
    if (!workload_size) fail("a message wants numbers, and there is no", "workload");
    return (text){workload[call % workload_size][side], 10};
}

static inline size_t render(const template *t, long call, const text *values, char *out) {
    char number[24];
    snprintf(number, sizeof number, "%0*ld", CALL_DIGITS, call);
    size_t n = 0;
    for (int i = 0;; i++) {
        text value = {"", 0};
        switch (t->field[i]) {
        case CALL: value = (text){number, CALL_DIGITS}; break;
        case CALLING: value = party(call, 0); break;
        case CALLED: value = party(call, 1); break;
        case FIELD_END: break;
        default: value = values[t->field[i]];
        }
        if (n + t->piece[i].length + value.length > MAX_DATAGRAM) fail("a message is too long", number);
        memcpy(out + n, t->piece[i].at, t->piece[i].length);
        n += t->piece[i].length;
        memcpy(out + n, value.at, value.length);
        n += value.length;
        if (t->field[i] == FIELD_END) return n;
    }
}

static inline void send_to(int fd, const struct sockaddr_in *to, const char *data, size_t length) {
    sendto(fd, data, length, 0, (const struct sockaddr *)to, sizeof *to); /* what is not sent is lost: counted later */
}

/* The call's next line that starts with `name`, from *at on; an empty text when there is none before the body. */
static inline text next_line(const char **at, const char *name) {
    size_t length = strlen(name);
    for (const char *line = *at; *line && *line != '\r';) {
        const char *end = strstr(line, "\r\n");
        if (!end) break;
        if (!strncmp(line, name, length)) {
            *at = end + 2;
            return (text){line, (size_t)(end - line) + 2};
        }
        line = end + 2;
    }
    return (text){"", 0};
}

/* What a request within the dialog needs of the 200 that made it: remote target, To, route set (RFC 3261 section 12.1.2).
 * `routes` holds MAX_DATAGRAM bytes. Returns the number of Record-Routes; -1 where Contact or To is missing.
 */
static inline int dialog_of(const char *message, text *values, char *routes) {
    text route[MAX_ROUTES];
    const char *at = message;
    text contact = next_line(&at, "Contact: <");
    at = message;
    text to = next_line(&at, "To: ");
    const char *target_end = contact.length ? memchr(contact.at, '>', contact.length) : NULL;
    if (!target_end || !to.length) return -1;
    int n = 0;
    size_t length = 0;
    at = message;
    while (n < MAX_ROUTES && (route[n] = next_line(&at, "Record-Route: ")).length) n++;
    for (int i = n; i--;) { /* the caller's route set is Record-Route reversed; "Route: ..." is the line less "Record-" */
        memcpy(routes + length, route[i].at + 7, route[i].length - 7);
        length += route[i].length - 7;
    }
    values[TARGET] = (text){contact.at + 10, (size_t)(target_end - contact.at) - 10};
    values[TO] = (text){to.at + 4, to.length - 6};
    values[ROUTES] = (text){routes, length};
    return n;
}

/* The lines that an answer has from its request: every Via and Record-Route as received (RFC 3261 sections 8.2.6, 12.1.1).
 * An INVITE's To gets a tag, which is made of the call's number. `copied` holds MAX_DATAGRAM bytes.
 */
static inline text copied_lines(const char *message, long call, char *copied) {
    static const char *const names[] = {"Via: ", "Record-Route: ", "From: ", "To: ", "Call-ID: ", "CSeq: "};
    size_t length = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *at = message;
        for (text line; (line = next_line(&at, names[i])).length;) {
            if (length + line.length + 32 > MAX_DATAGRAM) fail("headers are too long", message);
            memcpy(copied + length, line.at, line.length);
            length += line.length;
            if (message[0] == 'I' && i == 3) length += (size_t)sprintf(copied + length - 2, ";tag=b%0*ld\r\n", CALL_DIGITS, call) - 2;
        }
    }
    return (text){copied, length};
}

static inline void read_workload(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail("cannot read the workload", path);
    char line[64];
    for (long room = 0; fgets(line, sizeof line, file); workload_size++) {
        if (workload_size == room && !(workload = realloc(workload, (size_t)(room += 4096) * sizeof *workload))) fail("no memory for", path);
        if (sscanf(line, "%10[0-9] %10[0-9]", workload[workload_size][0], workload[workload_size][1]) != 2) fail("not two numbers", line);
    }
    fclose(file);
    if (!workload_size) fail("no numbers in the workload", path);
}
