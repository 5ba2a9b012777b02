/* The physical limit of a fan-out: what a process does at least, and nothing else.
 *
 *   limit PORT          one send() per socket and event
 *   limit PORT join     one send() per socket for all events that came together
 *
 * Not a server to use: it believes what clients send, and answers every handshake as RFC 6455's example, because all
 * clients of the benchmark send that example's key.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FILES = 20000, IN_SIZE = 16384, OUT_SIZE = 65536, MAX_READY = 1024 };

static const char ACCEPTED[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct connection {
    int is_upgraded;
    size_t size;
    unsigned char in[IN_SIZE];
};

static struct connection *connections[MAX_FILES];
static int members[MAX_FILES], member_count;
static int is_joining;
static unsigned char out[OUT_SIZE];
static size_t out_size;

static void send_all(int fd, const unsigned char *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            struct pollfd full = {.fd = fd, .events = POLLOUT};
            poll(&full, 1, 1000);
        } else {
            return; /* gone; its end is read soon */
        }
    }
}

static void flush(void) {
    if (!out_size) return;
    for (int i = 0; i < member_count; i++) send_all(members[i], out, out_size);
    out_size = 0;
}

static void publish(const unsigned char *payload, size_t size) {
    if (out_size + size + 4 > OUT_SIZE) flush();
    out[out_size++] = 0x81;
    if (size < 126) {
        out[out_size++] = (unsigned char)size;
    } else {
        out[out_size++] = 126;
        out[out_size++] = (unsigned char)(size >> 8);
        out[out_size++] = (unsigned char)size;
    }
    memcpy(out + out_size, payload, size);
    out_size += size;
    if (!is_joining) flush();
}

static void leave(int fd) {
    for (int i = 0; i < member_count; i++) {
        if (members[i] == fd) {
            members[i] = members[--member_count];
            break;
        }
    }
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

/* Take one frame off the connection's buffer; 0 where it is not whole yet, -1 where the peer says goodbye. */
static int take_frame(struct connection *self) {
    if (self->size < 6) return 0;
    int opcode = self->in[0] & 15;
    size_t size = self->in[1] & 127, start = 6;
    if (size == 126) {
        size = (size_t)self->in[2] << 8 | self->in[3];
        start = 8;
    }
    if (size > IN_SIZE - start || opcode == 8) return -1;
    if (self->size < start + size) return 0;
    unsigned char *mask = self->in + start - 4, *payload = self->in + start;
    for (size_t i = 0; i < size; i++) payload[i] ^= mask[i & 3];
    if (opcode == 1) publish(payload, size);
    self->size -= start + size;
    memmove(self->in, payload + size, self->size);
    return 1;
}

static void serve(int fd) {
    struct connection *self = connections[fd];
    ssize_t got = recv(fd, self->in + self->size, IN_SIZE - self->size, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        leave(fd);
        return;
    }
    self->size += (size_t)got;
    if (!self->is_upgraded) {
        unsigned char *end = memmem(self->in, self->size, "\r\n\r\n", 4);
        if (!end) return;
        self->size -= (size_t)(end + 4 - self->in);
        memmove(self->in, end + 4, self->size);
        self->is_upgraded = 1;
        send_all(fd, (const unsigned char *)ACCEPTED, sizeof ACCEPTED - 1);
        members[member_count++] = fd;
    }
    int taken;
    while ((taken = take_frame(self)) > 0) continue;
    flush();
    if (taken < 0) leave(fd);
}

static int fail(const char *what) {
    perror(what);
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: limit PORT [join]\n"), 2;
    is_joining = argc > 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address)) return fail("bind");
    if (listen(listener, 1024)) return fail("listen");
    int poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[MAX_READY];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poller, ready, MAX_READY, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd != listener) {
                serve(fd);
                continue;
            }
            fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0) continue;
            if (fd >= MAX_FILES || !(connections[fd] = calloc(1, sizeof(struct connection)))) {
                close(fd);
                continue;
            }
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            event.data.fd = fd;
            epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
