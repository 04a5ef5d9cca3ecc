/* The called side of the flood's calls, and of the innocent's: answers every call at once, whoever placed it.
 *
 * An INVITE gets 180 and 200, a BYE 200. The 200 of an INVITE is sent again until its ACK or BYE comes (RFC 3261 section
 * 13.3.1.4), since a contestant that loses datagrams loses answers too. Ends on SIGTERM, and prints one JSON object.
 *
 * answerer FD MESSAGES_DIR
 */
#define PROGRAM "answerer"
#include "../sip_text.h"
#include <signal.h>

enum { CALLS = 8192 }; /* whose ACK is waited for at one time; a newer call takes the place of an older one */

static const double T1 = 0.5, T2 = 4.0, GIVE_UP = 4.0; /* seconds, as of the generator */

typedef struct {
    long call; /* -1: nothing is waited for */
    double began, resend_at, interval;
    struct sockaddr_in source;
    size_t length;
    char answer[MAX_DATAGRAM];
} waiting;

static template ringing, answer, bye_answer;
static waiting *calls;
static int fd;
static volatile sig_atomic_t ending;
static struct { long invites, answered, retransmissions, cleared; } tally;

static void end(int signal_number) {
    (void)signal_number;
    ending = 1;
}

static void take(const char *message, const struct sockaddr_in *source) {
    static char copied[MAX_DATAGRAM], out[MAX_DATAGRAM];
    const char *id = strstr(message, "\nCall-ID: ");
    if (!id || !strncmp(message, "SIP/2.0 ", 8)) return;
    long call = strtol(id + 10, NULL, 10);
    if (call < 0) return;
    waiting *w = &calls[call % CALLS];
    if (message[0] == 'A') {
        if (w->call == call) w->call = -1;
        return;
    }
    text values[FIELDS] = {[COPIED] = copied_lines(message, call, copied)};
    if (message[0] != 'I') {
        if (message[0] == 'B') tally.cleared++;
        if (w->call == call) w->call = -1;
        send_to(fd, source, out, render(&bye_answer, call, values, out));
        return;
    }
    tally.invites++;
    if (w->call != call) tally.answered++;
    send_to(fd, source, out, render(&ringing, call, values, out));
    w->length = render(&answer, call, values, w->answer);
    send_to(fd, source, w->answer, w->length);
    double at = now();
    w->call = call, w->source = *source, w->began = at, w->interval = T1, w->resend_at = at + T1;
}

static void drain(void) {
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
        take(data[i], &source[i]);
    }
}

static void watch_timers(double at) {
    for (int i = 0; i < CALLS; i++) {
        waiting *w = &calls[i];
        if (w->call < 0 || at < w->resend_at) continue;
        if (at - w->began > GIVE_UP) { w->call = -1; continue; }
        w->interval = w->interval * 2 < T2 ? w->interval * 2 : T2;
        w->resend_at = at + w->interval;
        tally.retransmissions++;
        send_to(fd, &w->source, w->answer, w->length);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) fail("wants 2 arguments, see the top of", __FILE__);
    fd = atoi(argv[1]);
    read_template(&ringing, argv[2], "ringing");
    read_template(&answer, argv[2], "answer");
    read_template(&bye_answer, argv[2], "bye_answer");
    if (!(calls = calloc(CALLS, sizeof *calls))) fail("no memory for", "calls");
    for (int i = 0; i < CALLS; i++) calls[i].call = -1;
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
    double next_check = 0;
    while (!ending) {
        poll(&(struct pollfd){fd, POLLIN, 0}, 1, 50);
        drain();
        double at = now();
        if (at < next_check) continue;
        next_check = at + 0.05;
        watch_timers(at);
    }
    printf("{\"invites\": %ld, \"answered\": %ld, \"retransmissions\": %ld, \"cleared\": %ld}\n",
           tally.invites, tally.answered, tally.retransmissions, tally.cleared);
    return 0;
}
