/* The floor: a bare UDP forwarder in C, the least that any process between two SIP peers has to do.
 *
 * It reads no byte of what it forwards. What comes from the caller's port goes to the called port, and anything else
 * goes to the caller; up to 64 datagrams are read by one system call and sent by another. Prints the port on which it
 * listens, on loopback, and ends on SIGTERM.
 *
 * floor CALLER_PORT CALLED_PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BATCH = 64, MAX_DATAGRAM = 4096, RECEIVE_BUFFER = 4 << 20 };

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int main(int argc, char **argv) {
    static char data[BATCH][MAX_DATAGRAM];
    static struct sockaddr_in peer[BATCH];
    static struct iovec part[BATCH];
    static struct mmsghdr message[BATCH];
    if (argc != 3) { fprintf(stderr, "floor: wants CALLER_PORT CALLED_PORT\n"); return 2; }
    const struct sockaddr_in caller = loopback(atoi(argv[1])), called = loopback(atoi(argv[2]));
    struct sockaddr_in own = loopback(0);
    socklen_t length = sizeof own;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), wanted = RECEIVE_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, length) || getsockname(fd, (struct sockaddr *)&own, &length)) {
        perror("floor: cannot listen on loopback");
        return 2;
    }
    printf("%d\n", ntohs(own.sin_port));
    fflush(stdout);
    for (;;) {
        poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1);
        for (int i = 0; i < BATCH; i++) {
            part[i] = (struct iovec){data[i], MAX_DATAGRAM};
            message[i].msg_hdr = (struct msghdr){
                .msg_name = &peer[i], .msg_namelen = sizeof peer[i], .msg_iov = &part[i], .msg_iovlen = 1};
        }
        int n = recvmmsg(fd, message, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            part[i].iov_len = message[i].msg_len;
            peer[i] = peer[i].sin_port == caller.sin_port ? called : caller;
        }
        for (int sent = 0; sent < n;) {
            int more = sendmmsg(fd, message + sent, (unsigned)(n - sent), 0);
            sent += more > 0 ? more : 1; /* what the kernel does not take is lost */
        }
    }
}
