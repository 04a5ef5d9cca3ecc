/* Call generator of the bench: plays the calling and the called side of a bounded number of SIP calls over UDP.
 *
 * The contestant stands between two sockets that the bench opened: the caller's (INVITE, ACK and BYE leave it) and the
 * called one's (it answers 180, 200 and 200). RATE 0: a fixed number of calls (WINDOW) is outstanding at any time, so that
 * socket buffers cannot overflow and the contestant is saturated. Else RATE calls begin each second, evenly, at most
 * WINDOW outstanding, and the set-up time of each is printed. HOLD 1: calls stay up, there is no BYE. ALONE 1: the called
 * side is somebody else, and what reaches it is not waited for. Prints one JSON object; generator_fallback.py is the same
 * in Python. What a message looks like is in messages/ and not here.
 *
 * generator CALLER_FD CALLED_FD GATEWAY_PORT MESSAGES_DIR WORKLOAD FIRST_CALL CALLS WINDOW MAX_SECONDS RATE HOLD ALONE
 */
#define PROGRAM "generator"
#include "sip_text.h"

enum { RINGING = 1, ANSWERED = 2, ACKNOWLEDGED = 4, CLEARED = 8, PROVISIONAL = 16, TRYING = 32 };

static const double T1 = 0.5;      /* RFC 3261 section 17.1.1.1: first retransmission after 500 ms, then doubling */
static const double GIVE_UP = 4.0; /* a call that is not over by then has failed; RFC 3261's 32 s would stall a round */

static template invite, ringing, answer, ack, refused_ack, bye, bye_answer;

/* One call in progress. */
typedef struct {
    long call; /* -1: free */
    unsigned seen;
    double started, resend_at, interval;
    size_t request_length; /* of the request that awaits an answer: INVITE, then BYE */
    char request[MAX_DATAGRAM];
} slot;

static struct { long completed, failed, retransmissions, stray, wrong, record_routed, trying, refused[700]; } tally;
static int caller_fd, called_fd;
static struct sockaddr_in gateway;
static slot *slots;
static int *slot_of; /* by call number less first_call; -1: not begun, or over */
static long first_call, calls;
static double rate;      /* calls a second; 0: the next begins when one ends */
static unsigned complete; /* what must have been seen of a call for it to be over */
static long *setup_us;   /* by call number less first_call: INVITE sent to 200 received; -1: none came */

static slot *slot_of_message(const char *message) {
    const char *at = strstr(message, "\nCall-ID: ");
    long index = at ? strtol(at + 10, NULL, 10) - first_call : -1;
    return index >= 0 && index < calls && slot_of[index] >= 0 ? &slots[slot_of[index]] : NULL;
}

static void wrong(const char *what, const char *message) {
    if (!tally.wrong++) fprintf(stderr, PROGRAM ": %s:\n%s\n", what, message);
}

static long next_call;

static void start_next(slot *s) {
    if (next_call >= calls) return;
    s->call = first_call + next_call;
    slot_of[next_call++] = (int)(s - slots);
    s->seen = 0;
    s->interval = T1;
    s->request_length = render(&invite, s->call, NULL, s->request);
    s->started = now();
    s->resend_at = s->started + T1;
    send_to(caller_fd, &gateway, s->request, s->request_length);
}

static void finish(slot *s, int completed) {
    slot_of[s->call - first_call] = -1;
    if (completed) tally.completed++;
    else tally.failed++;
    s->call = -1;
    if (!rate) start_next(s);
}

static void note(slot *s, unsigned what) {
    s->seen |= what;
    if ((s->seen & complete) == complete) finish(s, 1);
}

/* 200 for the INVITE: acknowledge and clear, by the route set and the remote target (RFC 3261 section 12.1.2). */
static void acknowledge_and_clear(slot *s, const char *message) {
    setup_us[s->call - first_call] = (long)((now() - s->started) * 1e6);
    static char routes[MAX_DATAGRAM], out[MAX_DATAGRAM];
    text values[FIELDS] = {0};
    int record_routes = dialog_of(message, values, routes);
    if (record_routes < 0) { wrong("a 200 for an INVITE without Contact or To", message); return; }
    if (record_routes) tally.record_routed++;
    s->seen |= ANSWERED;
    send_to(caller_fd, &gateway, out, render(&ack, s->call, values, out));
    if (!(complete & CLEARED)) return;
    s->request_length = render(&bye, s->call, values, s->request);
    s->interval = T1;
    s->resend_at = now() + T1;
    send_to(caller_fd, &gateway, s->request, s->request_length);
}

static void refuse(slot *s, const char *message, int status) {
    static char out[MAX_DATAGRAM];
    text values[FIELDS] = {0};
    const char *at = message;
    text to = next_line(&at, "To: ");
    if (to.length) values[TO] = (text){to.at + 4, to.length - 6};
    send_to(caller_fd, &gateway, out, render(&refused_ack, s->call, values, out));
    tally.refused[status < 700 ? status : 699]++;
    finish(s, 0);
}

/* The caller's side: a response. */
static void response(slot *s, const char *message) {
    int status = atoi(message + 8), for_bye = strstr(message, "\r\nCSeq: 2 ") != NULL;
    char branch[32];
    snprintf(branch, sizeof branch, "z9hG4bK%0*ld%c", CALL_DIGITS, s->call, for_bye ? 'b' : 'i');
    const char *at = message;
    text via = next_line(&at, "Via: "), second = next_line(&at, "Via: ");
    if (!via.length || second.length || !memmem(via.at, via.length, branch, strlen(branch))) {
        wrong("a response whose only Via is not the caller's own", message);
        return;
    }
    if (status < 200) {
        if (status == 100 && !(s->seen & TRYING)) { s->seen |= TRYING; tally.trying++; }
        note(s, status == 180 ? RINGING | PROVISIONAL : PROVISIONAL);
    } else if (status >= 300) {
        refuse(s, message, status);
    } else if (for_bye) {
        note(s, CLEARED);
    } else if (s->seen & ANSWERED) {
        tally.stray++;
    } else {
        acknowledge_and_clear(s, message);
    }
}

/* The called side: a request. */
static void request(slot *s, const char *message, const struct sockaddr_in *source) {
    static char copied[MAX_DATAGRAM], out[MAX_DATAGRAM];
    if (message[0] == 'A') { note(s, ACKNOWLEDGED); return; }
    int is_invite = message[0] == 'I';
    const char *at = message;
    if (!is_invite && next_line(&at, "Route: ").length) { wrong("a BYE with a Route left in it", message); return; }
    text values[FIELDS] = {[COPIED] = copied_lines(message, s->call, copied)};
    if (is_invite) {
        send_to(called_fd, source, out, render(&ringing, s->call, values, out));
        send_to(called_fd, source, out, render(&answer, s->call, values, out));
    } else {
        send_to(called_fd, source, out, render(&bye_answer, s->call, values, out));
    }
}

static void drain(int fd) {
    static char data[BATCH][MAX_DATAGRAM + 1];
    static struct sockaddr_in source[BATCH];
    struct mmsghdr headers[BATCH] = {0};
    struct iovec vectors[BATCH];
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){data[i], MAX_DATAGRAM};
        headers[i].msg_hdr = (struct msghdr){.msg_name = &source[i], .msg_namelen = sizeof source[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        data[i][headers[i].msg_len] = 0;
        slot *s = slot_of_message(data[i]);
        int is_response = !strncmp(data[i], "SIP/2.0 ", 8);
        if (!s) tally.stray++;
        else if (is_response != (fd == caller_fd)) wrong("a message on the wrong side", data[i]);
        else if (is_response) response(s, data[i]);
        else request(s, data[i], &source[i]);
    }
}

static void watch_timers(slot *s, double at) {
    if (s->call < 0) return;
    if (at - s->started > GIVE_UP) { finish(s, 0); return; }
    int silent = s->seen & ANSWERED ? (complete & ~s->seen & CLEARED) != 0 : !(s->seen & (RINGING | PROVISIONAL));
    if (!silent || at < s->resend_at) return;
    s->interval *= 2;
    s->resend_at = at + s->interval;
    tally.retransmissions++;
    send_to(caller_fd, &gateway, s->request, s->request_length);
}

static void print_results(double elapsed) {
    printf("{\"completed\": %ld, \"failed\": %ld, \"elapsed_s\": %.6f, \"retransmissions\": %ld, \"stray\": %ld, \"wrong\": %ld, "
           "\"record_routed\": %ld, \"trying\": %ld, \"refused\": {",
           tally.completed, calls - tally.completed, elapsed, tally.retransmissions, tally.stray, tally.wrong, tally.record_routed, tally.trying);
    const char *comma = "";
    for (int status = 300; status < 700; status++)
        if (tally.refused[status]) { printf("%s\"%d\": %ld", comma, status, tally.refused[status]); comma = ", "; }
    printf("}, \"setup_us\": [");
    comma = "";
    for (long i = 0; rate && i < calls; i++)
        if (setup_us[i] >= 0) { printf("%s%ld", comma, setup_us[i]); comma = ", "; }
    printf("]}\n");
}

/* Begin what is due; how long to wait for the next, at most until the timers want to be looked at. */
static double start_due(double begin, double at, int window) {
    double wait = 0.05;
    if (!rate) return wait;
    for (; next_call < calls && slots[next_call % window].call < 0; start_next(&slots[next_call % window])) {
        double due = begin + (double)next_call / rate - at;
        if (due > 0) return due < wait ? due : wait;
    }
    return wait;
}

int main(int argc, char **argv) {
    if (argc != 13) fail("wants 12 arguments, see the top of", __FILE__);
    caller_fd = atoi(argv[1]);
    called_fd = atoi(argv[2]);
    gateway = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[3])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    template *const templates[] = {&invite, &ringing, &answer, &ack, &refused_ack, &bye, &bye_answer};
    const char *const names[] = {"invite", "ringing", "answer", "ack", "refused_ack", "bye", "bye_answer"};
    for (int i = 0; i < 7; i++) read_template(templates[i], argv[4], names[i]);
    read_workload(argv[5]);
    first_call = atol(argv[6]);
    calls = atol(argv[7]);
    int window = atoi(argv[8]);
    rate = atof(argv[10]);
    complete = RINGING | ANSWERED | (atoi(argv[12]) ? 0 : ACKNOWLEDGED) | (atoi(argv[11]) ? 0 : CLEARED);
    if (calls < 1 || window < 1) fail("not a number of calls", argv[7]);
    slots = calloc((size_t)window, sizeof *slots);
    slot_of = malloc((size_t)calls * sizeof *slot_of);
    setup_us = malloc((size_t)calls * sizeof *setup_us);
    if (!slots || !slot_of || !setup_us) fail("no memory for calls", argv[7]);
    for (long i = 0; i < calls; i++) slot_of[i] = -1, setup_us[i] = -1;
    for (int i = 0; i < window; i++) slots[i].call = -1;

    double begin = now(), end = begin + atof(argv[9]), at = begin, next_check = begin;
    for (int i = 0; i < window && !rate; i++) start_next(&slots[i]);
    struct pollfd sockets[2] = {{caller_fd, POLLIN, 0}, {called_fd, POLLIN, 0}};
    while (tally.completed + tally.failed < calls && at < end) {
        double wait = start_due(begin, at, window);
        ppoll(sockets, 2, &(struct timespec){0, (long)(wait * 1e9)}, NULL);
        if (sockets[1].revents) drain(called_fd);
        if (sockets[0].revents) drain(caller_fd);
        if ((at = now()) < next_check) continue;
        next_check = at + 0.05;
        for (int i = 0; i < window; i++) watch_timers(&slots[i], at);
    }
    print_results(now() - begin);
    return 0;
}
