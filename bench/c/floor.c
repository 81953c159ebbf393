// floor: tools/limit.c with TTFT and ITL of its own (stamp = first clock read after the recv that brought the
// event, or -kern: SO_TIMESTAMPNS).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
typedef long long i64;
static i64 now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static int cmp(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return x < y ? -1 : x > y;
}
static double pct(double *v, size_t n, double q) {
    if (!n)
        return 0;
    double p = q * (n - 1);
    size_t i = p;
    return i + 1 >= n ? v[n - 1] : v[i] + (v[i + 1] - v[i]) * (p - i);
}
typedef struct {
    int fd;
    i64 t0, last;
    int k;
    char carry[16];
    int cl;
} C;
static void stat(const char *nm, double *v, size_t n) {
    double a = 0, s = 0;
    for (size_t i = 0; i < n; i++)
        a += v[i];
    a /= n ? n : 1;
    for (size_t i = 0; i < n; i++)
        s += (v[i] - a) * (v[i] - a);
    qsort(v, n, 8, cmp);
    printf("\"%s\":{\"mean\":%.5f,\"sd\":%.5f,\"p50\":%.5f,\"p99\":%.5f,\"max\":%.5f,\"n\":%zu},", nm, a,
           sqrt(s / (n ? n : 1)), pct(v, n, .5), pct(v, n, .99), n ? v[n - 1] : 0, n);
}
int main(int c, char **v) {
    if (c < 4)
        return 2;
    int port = atoi(v[1]), N = atoi(v[2]), T = atoi(v[3]), kern = c > 4 && !strcmp(v[4], "-kern");
    char *body = malloc(8192), *req = malloc(16384);
    int bl = sprintf(body, "{\"model\":\"llama3\",\"prompt\":\"");
    for (int i = 0; i < 512; i++)
        bl += sprintf(body + bl, " token");
    bl += sprintf(body + bl,
                  "\",\"max_tokens\":%d,\"stream\":true,\"ignore_eos\":true,\"stream_options\":{\"include_"
                  "usage\":true}}",
                  T);
    int rl = sprintf(req,
                     "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                     "application/json\r\nContent-Length: %d\r\n\r\n%s",
                     bl, body);
    int ep = epoll_create1(0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    C *cs = calloc(N, sizeof *cs);
    double *tt = malloc(8 * (N + 1)), *it = malloc(8 * ((size_t)N * T + 1));
    size_t nt = 0, ni = 0, ev = 0;
    int done = 0;
    struct rusage r0, r1;
    getrusage(RUSAGE_SELF, &r0);
    i64 s0 = now();
    char buf[65537];
    struct epoll_event es[256];
    int sent = 0, one = 1;
    while (done < N) {
        for (int b = 0; b < 32 && sent < N; b++) {
            C *k = &cs[sent++];
            k->t0 = now();
            int s = socket(AF_INET, SOCK_STREAM, 0);
            if (connect(s, (void *)&a, sizeof a)) {
                perror("connect");
                return 1;
            }
            setsockopt(s, 6, TCP_NODELAY, &one, 4);
            if (kern)
                setsockopt(s, SOL_SOCKET, SO_TIMESTAMPNS, &one, 4);
            k->fd = s;
            struct epoll_event e = {.events = EPOLLIN, .data.ptr = k};
            epoll_ctl(ep, EPOLL_CTL_ADD, s, &e);
            if (write(s, req, rl) != rl)
                return 1;
        }
        int n = epoll_wait(ep, es, 256, sent < N ? 0 : 10000);
        if (n == 0 && sent == N) {
            printf("stalled\n");
            return 1;
        }
        for (int i = 0; i < n; i++) {
            C *k = es[i].data.ptr;
            char cb[128];
            memcpy(buf, k->carry, k->cl);
            struct iovec io = {buf + k->cl, 65536 - k->cl};
            struct msghdr mh = {.msg_iov = &io,
                                .msg_iovlen = 1,
                                .msg_control = kern ? cb : 0,
                                .msg_controllen = kern ? sizeof cb : 0};
            int r = recvmsg(k->fd, &mh, MSG_DONTWAIT);
            if (r <= 0) {
                if (r < 0 && errno == EAGAIN)
                    continue;
                printf("closed\n");
                return 1;
            }
            i64 t = 0;
            if (kern) {
                for (struct cmsghdr *m = CMSG_FIRSTHDR(&mh); m; m = CMSG_NXTHDR(&mh, m))
                    if (m->cmsg_type == SCM_TIMESTAMPNS) {
                        struct timespec *q = (void *)CMSG_DATA(m);
                        t = q->tv_sec * 1000000000LL + q->tv_nsec;
                    }
            }
            if (!t)
                t = now();
            int len = r + k->cl;
            char *p = buf, *e = buf + len;
            while ((p = memmem(p, e - p, "\"index\":0", 9))) {
                p += 9;
                ev++;
                if (k->k++ == 0)
                    tt[nt++] = (t - k->t0) / 1e6;
                else
                    it[ni++] = (t - k->last) / 1e6;
                k->last = t;
            }
            if (memmem(buf, len, "[DONE]", 6)) {
                done++;
                close(k->fd);
                k->cl = 0;
            } else {
                k->cl = len < 8 ? len : 8;
                memcpy(k->carry, e - k->cl, k->cl);
            }
        }
    }
    i64 s1 = now();
    getrusage(RUSAGE_SELF, &r1);
    double cpu =
        (r1.ru_utime.tv_sec - r0.ru_utime.tv_sec + r1.ru_stime.tv_sec - r0.ru_stime.tv_sec) +
        (r1.ru_utime.tv_usec - r0.ru_utime.tv_usec + r1.ru_stime.tv_usec - r0.ru_stime.tv_usec) / 1e6;
    printf("{");
    stat("ttft", tt, nt);
    stat("itl", it, ni);
    printf("\"events\":%zu,\"completed\":%d,\"dur_s\":%.4f,\"cpu_s\":%.4f,\"cpu_us_per_event\":%.3f}\n", ev,
           done, (s1 - s0) / 1e9, cpu, cpu * 1e6 / ev);
    return 0;
}
