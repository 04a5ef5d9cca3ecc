/* Floods a SIP contestant with calls over UDP, at a set rate, from as many sockets as it is given.
 *
 * RATE INVITEs begin each second, evenly, from each socket in turn, until SIGTERM, at most for MAX_SECONDS. None is sent
 * again, and a refusal is not acknowledged: a flood does not play by the rules, and its refusals are the contestant's to
 * get rid of. A call that is let through and answered is acknowledged and cleared at once, so that the flood goes on
 * asking for its full rate and does not bar itself by calls that stay up. Amid the flood, from the same sockets,
 * EMERGENCY_RATE emergency calls begin each second; these keep to the rules, and are sent again as of RFC 3261.
 *
 * What could not be sent in time is not sent later: `behind` counts it. Prints one JSON object.
 *
 * flooder GATEWAY_PORT MESSAGES_DIR EMERGENCY_MESSAGES_DIR WORKLOAD FIRST_CALL RATE EMERGENCY_RATE MAX_SECONDS FD,FD...
 */
#define PROGRAM "flooder"
#include "../sip_text.h"
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { ANSWERED = 1, CLEARED = 2, PROVISIONAL = 4, REFUSED = 8 };
enum { MOST_SOCKETS = 4096, AT_ONCE = 16, EMERGENCY_OFFSET = 9000000 };

static const double TICK = 0.00025;   /* between two looks at what is due */
static const double LATEST = 0.02;    /* what is due for longer is not sent any more */
static const double T1 = 0.5, GIVE_UP = 4.0; /* seconds, as of the generator */

typedef struct { int fd; char port[8]; } source;

typedef struct {
    const source *from;
    unsigned seen;
    double started, resend_at, interval;
    size_t length; /* of the request that awaits an answer: INVITE, then BYE */
    char request[MAX_DATAGRAM];
} emergency;

typedef struct { template invite, ack, bye; } messages;

static messages of_flood, of_emergency;
static struct sockaddr_in gateway;
static source sources[MOST_SOCKETS];
static int source_count, epoll_fd;
static emergency *emergencies;
static long first_call, begun, most_emergencies;
static double flood_until;
static struct { long sent, unsent, behind, connected, cleared, emergencies, emergencies_completed, retransmissions, status[700]; } tally;
static volatile sig_atomic_t ending;

static void end(int signal_number) {
    (void)signal_number;
    ending = 1;
}

static int send_from(const source *from, const char *data, size_t length) {
    return sendto(from->fd, data, length, MSG_DONTWAIT, (struct sockaddr *)&gateway, sizeof gateway) == (ssize_t)length;
}

static text port_of(const source *from) { return (text){from->port, strlen(from->port)}; }

static void send_flood(void) {
    static char out[MAX_DATAGRAM];
    const source *from = &sources[begun % source_count];
    text values[FIELDS] = {[PORT] = port_of(from)};
    if (send_from(from, out, render(&of_flood.invite, first_call + begun++, values, out))) tally.sent++;
    else tally.unsent++;
}

static void begin_emergency(double at) {
    long number = tally.emergencies++;
    emergency *e = &emergencies[number];
    e->from = &sources[number % source_count];
    text values[FIELDS] = {[PORT] = port_of(e->from)};
    e->length = render(&of_emergency.invite, first_call + EMERGENCY_OFFSET + number, values, e->request);
    e->started = at, e->interval = T1, e->resend_at = at + T1;
    send_from(e->from, e->request, e->length);
}

/* An INVITE was answered with 200: acknowledge, and clear. */
static void acknowledge_and_clear(const source *from, const char *message, long call, emergency *e) {
    static char routes[MAX_DATAGRAM], out[MAX_DATAGRAM];
    const messages *m = e ? &of_emergency : &of_flood;
    text values[FIELDS] = {[PORT] = port_of(from)};
    if (dialog_of(message, values, routes) < 0) return;
    send_from(from, out, render(&m->ack, call, values, out));
    char *request = e ? e->request : out;
    size_t length = render(&m->bye, call, values, request);
    send_from(from, request, length);
    if (!e) return;
    e->length = length, e->seen |= ANSWERED, e->interval = T1, e->resend_at = now() + T1;
}

static void take(const source *from, const char *message) {
    if (strncmp(message, "SIP/2.0 ", 8)) return;
    int status = atoi(message + 8);
    const char *id = strstr(message, "\nCall-ID: ");
    long number = id ? strtol(id + 10, NULL, 10) - first_call : -1;
    if (number < 0 || status < 100 || status > 699) return;
    emergency *e = NULL;
    if (number >= EMERGENCY_OFFSET) {
        if (number - EMERGENCY_OFFSET >= tally.emergencies) return;
        e = &emergencies[number - EMERGENCY_OFFSET];
    } else if (number >= begun) {
        return; /* of an earlier round */
    }
    int for_bye = strstr(message, "\r\nCSeq: 2 ") != NULL;
    if (!e) {
        if (!for_bye) tally.status[status]++;
        if (for_bye) tally.cleared++;
        else if (status >= 200 && status < 300) tally.connected++, acknowledge_and_clear(from, message, first_call + number, NULL);
    } else if (status < 200) {
        e->seen |= PROVISIONAL;
    } else if (status >= 300) {
        if (!(e->seen & ANSWERED)) e->seen |= REFUSED;
    } else if (!for_bye) {
        acknowledge_and_clear(from, message, first_call + number, e);
    } else if (!(e->seen & CLEARED)) {
        e->seen |= CLEARED;
        tally.emergencies_completed++;
    }
}

static void drain(void) {
    static char data[BATCH][MAX_DATAGRAM + 1];
    struct epoll_event ready[BATCH];
    int n = epoll_wait(epoll_fd, ready, BATCH, 0);
    for (int i = 0; i < n; i++) {
        const source *from = &sources[ready[i].data.u32];
        struct mmsghdr headers[BATCH] = {0};
        struct iovec vectors[BATCH];
        for (int j = 0; j < BATCH; j++) {
            vectors[j] = (struct iovec){data[j], MAX_DATAGRAM};
            headers[j].msg_hdr = (struct msghdr){.msg_iov = &vectors[j], .msg_iovlen = 1};
        }
        int got = recvmmsg(from->fd, headers, BATCH, MSG_DONTWAIT, NULL);
        for (int j = 0; j < got; j++) {
            data[j][headers[j].msg_len] = 0;
            take(from, data[j]);
        }
    }
}

/* Send again what waits for an answer too long. Whether any emergency call is not over yet. */
static int watch_emergencies(double at) {
    int open = 0;
    for (long i = 0; i < tally.emergencies; i++) {
        emergency *e = &emergencies[i];
        if (e->seen & (CLEARED | REFUSED) || at - e->started > GIVE_UP) continue;
        open = 1;
        if (at < e->resend_at || (e->seen & (PROVISIONAL | ANSWERED)) == PROVISIONAL) continue;
        e->interval *= 2;
        e->resend_at = at + e->interval;
        tally.retransmissions++;
        send_from(e->from, e->request, e->length);
    }
    return open;
}

/* Until SIGTERM or the end of its time, and on until the emergency calls that began before are over. */
static double flood(double rate, double emergency_rate) {
    double begin = now(), at = begin, next_check = begin;
    for (int open = 1; open || (!ending && at < flood_until);) {
        at = now();
        double due = (at - begin) * rate - (double)(begun + tally.behind);
        if (due > LATEST * rate + 1) tally.behind += (long)(due - LATEST * rate);
        for (int i = 0; i < AT_ONCE && (double)(begun + tally.behind) < (at - begin) * rate && begun < EMERGENCY_OFFSET; i++) send_flood();
        if (!ending && at < flood_until && tally.emergencies < most_emergencies && (double)tally.emergencies < (at - begin) * emergency_rate) begin_emergency(at), open = 1;
        drain();
        if (at >= next_check) open = watch_emergencies(at), next_check = at + 0.02;
        if (at > flood_until + GIVE_UP) break;
        if ((double)(begun + tally.behind) >= (now() - begin) * rate) nanosleep(&(struct timespec){0, (long)(TICK * 1e9)}, NULL);
    }
    return at - begin;
}

static void open_sources(char *list) {
    epoll_fd = epoll_create1(0);
    for (char *one = strtok(list, ","); one; one = strtok(NULL, ",")) {
        if (source_count == MOST_SOCKETS) fail("too many sockets", one);
        source *s = &sources[source_count];
        struct sockaddr_in address;
        s->fd = atoi(one);
        if (getsockname(s->fd, (struct sockaddr *)&address, &(socklen_t){sizeof address})) fail("not a socket", one);
        snprintf(s->port, sizeof s->port, "%d", ntohs(address.sin_port));
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)source_count++};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &event)) fail("cannot wait for", one);
    }
    if (!source_count) fail("no sockets in", "the last argument");
}

static void read_messages(messages *m, const char *folder) {
    read_template(&m->invite, folder, "invite");
    read_template(&m->ack, folder, "ack");
    read_template(&m->bye, folder, "bye");
}

static void print_results(double elapsed) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    printf("{\"elapsed_s\": %.6f, \"cpu_us\": %.0f, \"sent\": %ld, \"unsent\": %ld, \"behind\": %ld, \"connected\": %ld, \"cleared\": %ld, "
           "\"emergencies\": %ld, \"emergencies_completed\": %ld, \"emergency_retransmissions\": %ld, \"statuses\": {",
           elapsed, cpu_us, tally.sent, tally.unsent, tally.behind, tally.connected, tally.cleared, tally.emergencies,
           tally.emergencies_completed, tally.retransmissions);
    const char *comma = "";
    for (int status = 100; status < 700; status++)
        if (tally.status[status]) { printf("%s\"%d\": %ld", comma, status, tally.status[status]); comma = ", "; }
    printf("}}\n");
}

int main(int argc, char **argv) {
    if (argc != 10) fail("wants 9 arguments, see the top of", __FILE__);
    gateway = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    read_messages(&of_flood, argv[2]);
    read_messages(&of_emergency, argv[3]);
    read_workload(argv[4]);
    first_call = atol(argv[5]);
    double rate = atof(argv[6]), emergency_rate = atof(argv[7]), most_s = atof(argv[8]);
    if (rate < 0 || emergency_rate < 0 || most_s <= 0) fail("not a rate or a time", argv[6]);
    open_sources(argv[9]);
    most_emergencies = (long)(emergency_rate * most_s) + 1;
    if (!(emergencies = calloc((size_t)most_emergencies, sizeof *emergencies))) fail("no memory for", "emergency calls");
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
    prctl(PR_SET_TIMERSLACK, 1000);
    flood_until = now() + most_s;
    print_results(flood(rate, emergency_rate));
    return 0;
}
