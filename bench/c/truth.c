// truth: a paced SSE server that knows, for each request, when it really wrote each token.
// One thread, epoll, two FIFO queues of deadlines (no heap: the inter-token gap is the same for all streams).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
typedef long long i64;
static inline i64 clk(int c) {
    struct timespec t;
    clock_gettime(c, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
#define MONO() clk(CLOCK_MONOTONIC)
static i64 TTFT = 50000000, ITL = 10000000;
static int flood = 0, fbatch = 1, ptok = 512, tsopt = 0;
static i64 spin = 0, batch = 0;
static const char *model = "llama3";

typedef struct {
    i64 read, arr, hdr;
    int n, sent, done;
    i64 *st;
} Rec; // one request's true times
static Rec *recs;
static int nrec, crec;
static i64 *arena;
static size_t acap = 16u << 20, aused;
static int aborted, accepted, maxopen, nopen, other, badreq, gen;
static struct rusage ru0;
static i64 wr_eagain;

typedef struct Conn {
    int fd, alive, close_after;
    char *in;
    int ilen, icap;
    char *pend;
    int plen, pcap, blocked;
    int busy, chat, stream, usage, n, k, rec, rgen;
    i64 read, last, due;
    struct Conn *nx, *pv;
    struct Q *q;
} Conn;
typedef struct Q {
    Conn *h, *t;
} Q;
static Q qa, qb, qf; // first tokens, later tokens, flood ring
static void qpush(Q *q, Conn *c) {
    c->q = q;
    c->nx = 0;
    c->pv = q->t;
    if (q->t)
        q->t->nx = c;
    else
        q->h = c;
    q->t = c;
}
static void qdel(Conn *c) {
    Q *q = c->q;
    if (!q)
        return;
    if (c->pv)
        c->pv->nx = c->nx;
    else
        q->h = c->nx;
    if (c->nx)
        c->nx->pv = c->pv;
    else
        q->t = c->pv;
    c->q = 0;
}
static void qpush_sorted(Q *q, Conn *c) { // keep order by due: nearly always at the tail
    Conn *p = q->t;
    while (p && p->due > c->due)
        p = p->pv;
    if (p == q->t) {
        qpush(q, c);
        return;
    }
    c->q = q;
    c->pv = p;
    c->nx = p ? p->nx : q->h;
    if (c->nx)
        c->nx->pv = c;
    else
        q->t = c;
    if (p)
        p->nx = c;
    else
        q->h = c;
}

static char ev_c[2048], ev_cl[2048], ev_h[2048], ev_hl[2048], ev_role[2048], tail_cu[2048], tail_plain[64];
static int lc, lcl, lh, lhl, lrole, lplain;
static char *ts_c, *ts_h;
static int chunk(char *o, const char *fmt, ...) {
    char b[1800];
    va_list a;
    va_start(a, fmt);
    int n = vsnprintf(b, sizeof b, fmt, a);
    va_end(a);
    int h = sprintf(o, "%x\r\n", n);
    memcpy(o + h, b, n);
    memcpy(o + h + n, "\r\n", 2);
    return h + n + 2;
}
static void build(void) {
    const char *ts = tsopt ? ",\"ts\":0000000000000000000" : "";
    lc = chunk(ev_c,
               "data: "
               "{\"id\":\"cmpl-4b6ee0f7a5a24c0e9d1c6a8f00112233\",\"object\":\"text_completion\",\"created\":"
               "1764362827,\"model\":\"%s\",\"choices\":[{\"index\":0,\"text\":\" "
               "token\",\"token_ids\":null,\"logprobs\":null,\"finish_reason\":null,\"stop_reason\":null,"
               "\"avg_decoded_tokens_per_iter\":1.0%s}],\"usage\":null}\n\n",
               model, ts);
    lcl = chunk(ev_cl,
                "data: "
                "{\"id\":\"cmpl-4b6ee0f7a5a24c0e9d1c6a8f00112233\",\"object\":\"text_completion\","
                "\"created\":1764362827,\"model\":\"%s\",\"choices\":[{\"index\":0,\"text\":\" "
                "token\",\"token_ids\":null,\"logprobs\":null,\"finish_reason\":\"length\",\"stop_reason\":"
                "null,\"avg_decoded_tokens_per_iter\":1.0}],\"usage\":null}\n\n",
                model);
    lrole = chunk(ev_role,
                  "data: "
                  "{\"id\":\"chatcmpl-60616263646566676869707172737475\",\"object\":\"chat.completion."
                  "chunk\",\"created\":1764362830,\"model\":\"%s\",\"choices\":[{\"index\":0,\"delta\":{"
                  "\"role\":\"assistant\"}}]} \n\n",
                  model);
    lh = chunk(ev_h,
               "data: "
               "{\"id\":\"chatcmpl-60616263646566676869707172737475\",\"object\":\"chat.completion.chunk\","
               "\"created\":1764362830,\"model\":\"%s\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "
               "token\"},\"avg_decoded_tokens_per_iter\":1.0%s}]}\n\n",
               model, ts);
    lhl = chunk(ev_hl,
                "data: "
                "{\"id\":\"chatcmpl-60616263646566676869707172737475\",\"object\":\"chat.completion.chunk\","
                "\"created\":1764362830,\"model\":\"%s\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "
                "token\"},\"finish_reason\":\"length\",\"avg_decoded_tokens_per_iter\":1.0}]}\n\n",
                model);
    lplain = sprintf(tail_plain, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    char *p = memmem(ev_c, lc, "\"ts\":0", 6);
    ts_c = p ? p + 5 : 0;
    p = memmem(ev_h, lh, "\"ts\":0", 6);
    ts_h = p ? p + 5 : 0;
}
static inline void patch(char *p) {
    i64 t = clk(CLOCK_REALTIME);
    for (int i = 18; i >= 0; i--) {
        p[i] = '0' + t % 10;
        t /= 10;
    }
}

static void out(Conn *c, const char *b, int n) {
    if (!c->blocked) {
        int k = send(c->fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k == n)
            return;
        if (k < 0) {
            if (errno != EAGAIN) {
                c->alive = 0;
                return;
            }
            k = 0;
        }
        b += k;
        n -= k;
        c->blocked = 1;
        wr_eagain++;
    }
    if (c->plen + n > c->pcap) {
        c->pcap = (c->plen + n) * 2 + 4096;
        c->pend = realloc(c->pend, c->pcap);
    }
    memcpy(c->pend + c->plen, b, n);
    c->plen += n;
}
static void flush_pend(Conn *c) {
    if (!c->blocked)
        return;
    if (c->plen) {
        int k = send(c->fd, c->pend, c->plen, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k < 0) {
            if (errno != EAGAIN)
                c->alive = 0;
            return;
        }
        memmove(c->pend, c->pend + k, c->plen - k);
        c->plen -= k;
        if (c->plen)
            return;
    }
    c->blocked = 0;
}

static int ep;
static void process(Conn *c);
static void drop(Conn *c) {
    if (c->fd < 0)
        return;
    qdel(c);
    if (c->busy) {
        if (c->rgen == gen)
            aborted++;
        c->busy = 0;
    }
    close(c->fd);
    c->fd = -1;
    nopen--;
    free(c->in);
    free(c->pend);
    c->in = c->pend = 0;
    c->alive = 0; /* struct leaks on purpose until reuse */
    free(c);
}
static void reply(Conn *c, int code, const char *ct, const char *body, int n) {
    char h[256];
    int l = snprintf(h, sizeof h, "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n%s\r\n", code,
                     code == 200   ? "OK"
                     : code == 404 ? "Not Found"
                                   : "Bad Request",
                     ct, n, c->close_after ? "connection: close\r\n" : "");
    out(c, h, l);
    if (n)
        out(c, body, n);
}

static int cmpd(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return x < y ? -1 : x > y;
}
static double pct(double *v, size_t n, double q) {
    if (!n)
        return 0;
    double p = q * (n - 1);
    size_t i = (size_t)p;
    if (i + 1 >= n)
        return v[n - 1];
    return v[i] + (v[i + 1] - v[i]) * (p - i);
}
typedef struct {
    double mean, sd, p50, p99, p999, max, min;
} St;
static St stat(double *v, size_t n) {
    St s = {0};
    if (!n)
        return s;
    double a = 0;
    for (size_t i = 0; i < n; i++)
        a += v[i];
    s.mean = a / n;
    a = 0;
    for (size_t i = 0; i < n; i++)
        a += (v[i] - s.mean) * (v[i] - s.mean);
    s.sd = sqrt(a / n);
    qsort(v, n, 8, cmpd);
    s.p50 = pct(v, n, .5);
    s.p99 = pct(v, n, .99);
    s.p999 = pct(v, n, .999);
    s.max = v[n - 1];
    s.min = v[0];
    return s;
}
static int sj(char *o, const char *k, St s) {
    return sprintf(o,
                   ",\"%s\":{\"mean\":%.4f,\"sd\":%.4f,\"min\":%.4f,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,"
                   "\"max\":%.4f}",
                   k, s.mean, s.sd, s.min, s.p50, s.p99, s.p999, s.max);
}
static int cmpr(const void *a, const void *b) {
    i64 x = (*(Rec *const *)a)->read, y = (*(Rec *const *)b)->read;
    return x < y ? -1 : x > y;
}
static int truth_json(char *o, int last, int skip, int count) {
    Rec **v = malloc(sizeof(Rec *) * (nrec + 1));
    int m = 0;
    for (int i = 0; i < nrec; i++)
        v[m++] = &recs[i];
    qsort(v, m, sizeof *v, cmpr);
    int lo = 0;
    if (skip > 0)
        lo = skip < m ? skip : m;
    if (last > 0 && m - last > lo)
        lo = m - last;
    if (count > 0 && lo + count < m)
        m = lo + count;
    size_t ne = 0;
    for (int i = lo; i < m; i++)
        ne += v[i]->sent;
    double *tt = malloc(8 * (m + 1)), *rl = malloc(8 * (m + 1)), *e2 = malloc(8 * (m + 1)),
           *ta = malloc(8 * (m + 1)), *ea = malloc(8 * (m + 1)), *it = malloc(8 * (ne + 1)), *la = malloc(8 * (ne + 1)),
           *tp = malloc(8 * (m + 1));
    size_t nt = 0, ni = 0, nl = 0, nr = 0, n2 = 0, np = 0;
    int done = 0;
    i64 r0 = 0, r1 = 0, w1 = 0;
    for (int i = lo; i < m; i++) {
        Rec *r = v[i];
        done += r->done;
        if (!r0 || r->read < r0)
            r0 = r->read;
        if (r->read > r1)
            r1 = r->read;
        if (r->arr)
            rl[nr++] = (r->read - r->arr) / 1e3;
        if (r->sent) {
            tt[nt] = (r->st[0] - r->read) / 1e6;
            ta[nt] = (r->st[0] - (r->arr ? r->arr : r->read)) / 1e6;
            nt++;
            ea[n2] = (r->st[r->sent - 1] - (r->arr ? r->arr : r->read)) / 1e6;
            e2[n2++] = (r->st[r->sent - 1] - r->read) / 1e6;
            if (r->sent > 1)
                tp[np++] = (r->st[r->sent - 1] - r->st[0]) / 1e6 / (r->sent - 1);
            if (r->st[r->sent - 1] > w1)
                w1 = r->st[r->sent - 1];
        }
        for (int k = 0; k < r->sent; k++) {
            if (k)
                it[ni++] = (r->st[k] - r->st[k - 1]) / 1e6;
            la[nl++] = flood ? 0 : (r->st[k] - (r->read + TTFT + k * ITL)) / 1e3;
        }
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
#define CP(f) ((u.f.tv_sec - ru0.f.tv_sec) + (u.f.tv_usec - ru0.f.tv_usec) / 1e6)
    double cu = CP(ru_utime), cs = CP(ru_stime);
    char *p = o;
    p +=
        sprintf(p,
                "{\"requests\":%d,\"completed\":%d,\"aborted\":%d,\"requests_all\":%d,\"events\":%zu,\"other_"
                "requests\":%d,\"bad_requests\":%d,\"accepted\":%d,\"max_open\":%d,\"write_eagain\":%lld",
                m - lo, done, aborted, nrec, ne, other, badreq, accepted, maxopen, wr_eagain);
    p += sprintf(p, ",\"first_read_ns\":%lld,\"first_measured_read_ns\":%lld,\"last_write_ns\":%lld",
                 nrec ? v[0]->read : 0, r0, w1);
    p += sprintf(
        p, ",\"ttft_cfg_ms\":%.3f,\"itl_cfg_ms\":%.3f,\"flood\":%s,\"read_spread_ms\":%.3f,\"span_ms\":%.3f",
        TTFT / 1e6, ITL / 1e6, flood ? "true" : "false", (r1 - r0) / 1e6, (w1 - r0) / 1e6);
    p += sj(p, "ttft_ms", stat(tt, nt));
    p += sj(p, "ttft_from_arrival_ms", stat(ta, nt));
    p += sj(p, "itl_ms", stat(it, ni));
    p += sj(p, "tpot_ms", stat(tp, np));
    p += sj(p, "e2e_ms", stat(e2, n2));
    p += sj(p, "e2e_from_arrival_ms", stat(ea, n2));
    p += sj(p, "late_us", stat(la, nl));
    p += sj(p, "arrival_to_read_us", stat(rl, nr));
    p += sprintf(p,
                 ",\"cpu_s\":%.4f,\"cpu_user_s\":%.4f,\"cpu_sys_s\":%.4f,\"cpu_us_per_event\":%.3f,\"maxrss_"
                 "kb\":%ld,\"nvcsw\":%ld,\"nivcsw\":%ld}\n",
                 cu + cs, cu, cs, ne ? (cu + cs) * 1e6 / ne : 0, u.ru_maxrss, u.ru_nvcsw - ru0.ru_nvcsw,
                 u.ru_nivcsw - ru0.ru_nivcsw);
    free(v);
    free(tt);
    free(rl);
    free(e2);
    free(ta);
    free(ea);
    free(it);
    free(la);
    free(tp);
    return p - o;
}
static void reset(void) {
    nrec = 0;
    aused = 0;
    aborted = other = badreq = accepted = 0;
    maxopen = nopen;
    wr_eagain = 0;
    gen++;
    getrusage(RUSAGE_SELF, &ru0);
}

static i64 num_after(char *b, int n, const char *key) {
    char *p = memmem(b, n, key, strlen(key));
    if (!p)
        return -1;
    p += strlen(key);
    while (p < b + n && (*p == ' ' || *p == ':'))
        p++;
    if (*p < '0' || *p > '9')
        return -1;
    return atoll(p);
}
static int true_after(char *b, int n, const char *key) {
    char *p = memmem(b, n, key, strlen(key));
    if (!p)
        return 0;
    p += strlen(key);
    while (p < b + n && (*p == ' ' || *p == ':'))
        p++;
    return *p == 't';
}

static void finish(Conn *c) {
    if (c->stream) {
        char *o = tail_cu;
        int l = 0;
        if (c->usage)
            l = chunk(o,
                      c->chat ? "data: "
                                "{\"id\":\"chatcmpl-60616263646566676869707172737475\",\"object\":\"chat."
                                "completion.chunk\",\"created\":1764362830,\"model\":\"%s\",\"choices\":[],"
                                "\"usage\":{\"prompt_tokens\":%d,\"total_tokens\":%d,\"completion_tokens\":%"
                                "d,\"prompt_tokens_details\":{\"cached_tokens\":0}}}\n\n"
                              : "data: "
                                "{\"id\":\"cmpl-4b6ee0f7a5a24c0e9d1c6a8f00112233\",\"object\":\"text_"
                                "completion\",\"created\":1764362827,\"model\":\"%s\",\"choices\":[],"
                                "\"usage\":{\"prompt_tokens\":%d,\"total_tokens\":%d,\"completion_tokens\":%"
                                "d,\"prompt_tokens_details\":{\"cached_tokens\":0}}}\n\n",
                      model, ptok, ptok + c->n, c->n);
        memcpy(o + l, tail_plain, lplain);
        out(c, o, l + lplain);
    } else {
        int n = c->n * 6, cap = n + 1024;
        char *b = malloc(cap);
        int l;
        l = sprintf(
            b,
            c->chat
                ? "{\"id\":\"chatcmpl-60\",\"object\":\"chat.completion\",\"created\":1764362830,\"model\":"
                  "\"%s\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""
                : "{\"id\":\"cmpl-4b\",\"object\":\"text_completion\",\"created\":1764362827,\"model\":\"%"
                  "s\",\"choices\":[{\"index\":0,\"text\":\"",
            model);
        for (int i = 0; i < c->n; i++) {
            memcpy(b + l, " token", 6);
            l += 6;
        }
        l += sprintf(
            b + l,
            c->chat ? "\"},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":%d,\"total_tokens\":%"
                      "d,\"completion_tokens\":%d}}"
                    : "\",\"token_ids\":null,\"logprobs\":null,\"finish_reason\":\"length\",\"stop_reason\":"
                      "null}],\"usage\":{\"prompt_tokens\":%d,\"total_tokens\":%d,\"completion_tokens\":%d}}",
            ptok, ptok + c->n, c->n);
        reply(c, 200, "application/json", b, l);
        free(b);
    }
    if (c->rgen == gen && c->rec >= 0)
        recs[c->rec].done = 1;
    c->busy = 0;
    if (c->close_after && !c->blocked)
        shutdown(c->fd, SHUT_WR);
    process(c);
}

// write the next token of c; returns with c requeued or finished
static inline void token(Conn *c) {
    i64 t = MONO();
    int last = c->k == c->n - 1;
    if (c->rgen == gen && c->rec >= 0) {
        Rec *r = &recs[c->rec];
        r->st[c->k] = t;
        r->sent = c->k + 1;
    }
    if (c->stream) {
        if (c->chat) {
            if (c->k == 0) {
                char b[4096];
                memcpy(b, ev_role, lrole);
                int l = last ? lhl : lh;
                if (ts_h)
                    patch(ts_h);
                memcpy(b + lrole, last ? ev_hl : ev_h, l);
                out(c, b, lrole + l);
            } else if (last)
                out(c, ev_hl, lhl);
            else {
                if (ts_h)
                    patch(ts_h);
                out(c, ev_h, lh);
            }
        } else if (last)
            out(c, ev_cl, lcl);
        else {
            if (ts_c)
                patch(ts_c);
            out(c, ev_c, lc);
        }
    }
    c->k++;
}

static inline i64 grid(i64 d) {
    return batch ? (d + batch - 1) / batch * batch : d;
}
static void begin(Conn *c, char *body, int n, int chat, i64 tread, i64 arr) {
    i64 mt = num_after(body, n, "\"max_tokens\"");
    if (mt < 0)
        mt = num_after(body, n, "\"max_completion_tokens\"");
    if (mt <= 0)
        mt = 16;
    if (mt > 1000000)
        mt = 1000000;
    c->n = mt;
    c->k = 0;
    c->chat = chat;
    c->stream = true_after(body, n, "\"stream\"");
    c->usage = true_after(body, n, "\"include_usage\"");
    c->busy = 1;
    c->read = tread;
    c->rgen = gen;
    c->rec = -1;
    if (aused + mt <= acap) {
        if (nrec == crec) {
            crec = crec ? crec * 2 : 4096;
            recs = realloc(recs, sizeof(Rec) * crec);
        }
        c->rec = nrec++;
        recs[c->rec] = (Rec){.read = tread, .arr = arr, .n = mt, .st = arena + aused};
        aused += mt;
    }
    if (c->stream) {
        const char *h = c->close_after
                            ? "HTTP/1.1 200 OK\r\nserver: truth\r\ncontent-type: text/event-stream; "
                              "charset=utf-8\r\nconnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                            : "HTTP/1.1 200 OK\r\nserver: truth\r\ncontent-type: text/event-stream; "
                              "charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
        out(c, h, strlen(h));
    }
    if (flood) {
        qpush(&qf, c);
        return;
    }
    c->due = grid(tread + TTFT);
    qpush_sorted(&qa, c);
}

static i64 lastarr;
static void process(Conn *c) { // parse as many complete requests as are buffered while idle
    while (!c->busy && c->ilen > 0 && c->alive) {
        char *e = memmem(c->in, c->ilen, "\r\n\r\n", 4);
        if (!e)
            return;
        int hl = e + 4 - c->in;
        char sv = c->in[hl - 1];
        c->in[hl - 1] = 0;
        i64 cl = 0;
        char *p = strcasestr(c->in, "\r\ncontent-length:");
        if (p)
            cl = atoll(p + 17);
        int chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked") != 0;
        c->close_after = strcasestr(c->in, "\r\nconnection: close") != 0;
        c->in[hl - 1] = sv;
        char *body = c->in + hl;
        i64 used;
        if (chunked) { // request body in chunks: decode in place
            char *q = body, *end = c->in + c->ilen, *w = body;
            int ok = 0;
            char *tmp = malloc(c->ilen + 1);
            int tn = 0;
            for (;;) {
                char *nl = memmem(q, end - q, "\r\n", 2);
                if (!nl)
                    break;
                long sz = strtol(q, 0, 16);
                q = nl + 2;
                if (end - q < sz + 2)
                    break;
                if (sz == 0) {
                    q += 2;
                    ok = 1;
                    break;
                }
                memcpy(tmp + tn, q, sz);
                tn += sz;
                q += sz + 2;
            }
            if (!ok) {
                free(tmp);
                return;
            }
            used = q - c->in;
            (void)w;
            memcpy(body, tmp, tn);
            cl = tn;
            free(tmp);
        } else {
            if (c->ilen < hl + cl)
                return;
            used = hl + cl;
        }
        i64 t = MONO();
        char *m = c->in;
        int post = !strncmp(m, "POST ", 5), get = !strncmp(m, "GET ", 4);
        char *path = m + (post ? 5 : 4);
        if (post && !strncmp(path, "/v1/completions", 15))
            begin(c, body, cl, 0, t, lastarr);
        else if (post && !strncmp(path, "/v1/chat/completions", 20))
            begin(c, body, cl, 1, t, lastarr);
        else {
            char buf[16384];
            int n;
            if (!strncmp(path, "/truth/reset", 12)) {
                reset();
                reply(c, 200, "application/json", "{}\n", 3);
            } else if (get && !strncmp(path, "/truth", 6)) {
                int last = 0, skip = 0, count = 0;
                char *s = memmem(path, 60, "last=", 5);
                if (s)
                    last = atoi(s + 5);
                s = memmem(path, 60, "skip=", 5);
                if (s)
                    skip = atoi(s + 5);
                s = memmem(path, 60, "count=", 6);
                if (s)
                    count = atoi(s + 6);
                n = truth_json(buf, last, skip, count);
                reply(c, 200, "application/json", buf, n);
            } else {
                other++;
                if (get && !strncmp(path, "/v1/models", 10)) {
                    n = snprintf(buf, sizeof buf,
                                 "{\"object\":\"list\",\"data\":[{\"id\":\"%s\",\"object\":\"model\","
                                 "\"created\":1764362827,\"owned_by\":\"tensorrt_llm\"}]}",
                                 model);
                    reply(c, 200, "application/json", buf, n);
                } else if (get && !strncmp(path, "/health", 7))
                    reply(c, 200, "text/plain", "", 0);
                else if (get && !strncmp(path, "/version", 8))
                    reply(c, 200, "application/json", "{\"version\":\"1.2.0\"}", 19);
                else
                    reply(c, 404, "application/json", "{\"detail\":\"Not Found\"}", 22);
            }
            if (c->close_after && !c->blocked)
                shutdown(c->fd, SHUT_WR);
        }
        memmove(c->in, c->in + used, c->ilen - used);
        c->ilen -= used;
    }
}

static int on_read(Conn *c) { // 0 = connection gone
    for (;;) {
        if (c->icap - c->ilen < 8192) {
            c->icap = c->icap ? c->icap * 2 : 16384;
            c->in = realloc(c->in, c->icap + 1);
        }
        char cb[256];
        struct iovec io = {c->in + c->ilen, c->icap - c->ilen};
        struct msghdr mh = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = cb, .msg_controllen = sizeof cb};
        int k = recvmsg(c->fd, &mh, MSG_DONTWAIT);
        if (k < 0)
            return errno == EAGAIN || errno == EINTR;
        if (k == 0)
            return 0;
        c->ilen += k;
        lastarr = 0;
        for (struct cmsghdr *m = CMSG_FIRSTHDR(&mh); m; m = CMSG_NXTHDR(&mh, m))
            if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_TIMESTAMPNS) {
                struct timespec *t = (void *)CMSG_DATA(m);
                i64 a = t->tv_sec * 1000000000LL + t->tv_nsec;
                lastarr = a - (clk(CLOCK_REALTIME) - MONO());
            }
        process(c);
        if (!c->alive)
            return 0;
        if (k < (int)io.iov_len)
            return 1;
    }
}

static volatile sig_atomic_t stop;
static void onsig(int s) {
    (void)s;
    stop = 1;
}
static i64 dur(const char *s) {
    char *e;
    double v = strtod(s, &e);
    if (!strcmp(e, "us"))
        return v * 1e3;
    if (!strcmp(e, "ns"))
        return v;
    if (!strcmp(e, "s"))
        return v * 1e9;
    return v * 1e6;
}
int main(int ac, char **av) {
    char host[64] = "127.0.0.1";
    int port = 9100, cpu = -1, fifo = 0, nice_ = 0;
    for (int i = 1; i < ac; i++) {
        char *a = av[i];
        while (*a == '-')
            a++;
#define NEXT (i + 1 < ac ? av[++i] : "")
        if (!strcmp(a, "addr")) {
            char *s = NEXT;
            char *k = strrchr(s, ':');
            if (k) {
                port = atoi(k + 1);
                if (k > s) {
                    snprintf(host, sizeof host, "%.*s", (int)(k - s), s);
                }
            }
        } else if (!strcmp(a, "ttft"))
            TTFT = dur(NEXT);
        else if (!strcmp(a, "itl"))
            ITL = dur(NEXT);
        else if (!strcmp(a, "flood"))
            flood = 1;
        else if (!strcmp(a, "flood-batch"))
            fbatch = atoi(NEXT);
        else if (!strcmp(a, "model"))
            model = NEXT;
        else if (!strcmp(a, "prompt-tokens"))
            ptok = atoi(NEXT);
        else if (!strcmp(a, "cpu"))
            cpu = atoi(NEXT);
        else if (!strcmp(a, "fifo"))
            fifo = atoi(NEXT);
        else if (!strcmp(a, "nice"))
            nice_ = atoi(NEXT);
        else if (!strcmp(a, "spin"))
            spin = dur(NEXT);
        else if (!strcmp(a, "batch"))
            batch = dur(NEXT);
        else if (!strcmp(a, "ts"))
            tsopt = 1;
        else {
            fprintf(stderr, "usage: truth [-addr 127.0.0.1:9100] [-ttft 50ms] [-itl 10ms] [-flood] "
                            "[-flood-batch N] [-model NAME] [-prompt-tokens N] [-cpu N] [-fifo PRIO] [-nice "
                            "N] [-spin 0us] [-batch 0us] [-ts]\n");
            return 2;
        }
    }
    if (cpu >= 0) {
        cpu_set_t s;
        CPU_ZERO(&s);
        CPU_SET(cpu, &s);
        if (sched_setaffinity(0, sizeof s, &s))
            perror("affinity");
    }
    if (nice_ && setpriority(PRIO_PROCESS, 0, nice_))
        perror("nice");
    if (fifo) {
        struct sched_param p = {.sched_priority = fifo};
        if (sched_setscheduler(0, SCHED_FIFO, &p))
            perror("fifo");
    }
    prctl(PR_SET_TIMERSLACK, 1);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction sa = {.sa_handler = onsig};
    sigaction(SIGTERM, &sa, 0);
    sigaction(SIGINT, &sa, 0);
    struct rlimit rl = {65536, 65536};
    if (setrlimit(RLIMIT_NOFILE, &rl)) {
        getrlimit(RLIMIT_NOFILE, &rl);
        rl.rlim_cur = rl.rlim_max;
        setrlimit(RLIMIT_NOFILE, &rl);
    }
    arena = mmap(0, acap * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    crec = 16384;
    recs = calloc(crec, sizeof(Rec));
    build();
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, 4);
    setsockopt(ls, SOL_SOCKET, SO_TIMESTAMPNS, &one, 4);
    setsockopt(ls, IPPROTO_TCP, TCP_NODELAY, &one, 4);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) {
        perror("listen");
        return 1;
    }
    ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = 0};
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    getrusage(RUSAGE_SELF, &ru0);
    fprintf(stderr, "truth on %s:%d ttft %.3f ms itl %.3f ms%s\n", host, port, TTFT / 1e6, ITL / 1e6,
            flood ? " FLOOD" : "");
    static struct epoll_event ev[256];
    while (!stop) {
        i64 now = MONO(), nd = -1;
        Conn *h = qa.h;
        if (qb.h && (!h || qb.h->due < h->due))
            h = qb.h;
        if (h)
            nd = h->due;
        struct timespec ts = {0, 0}, *tp = &ts;
        if (flood) {
            if (!qf.h)
                tp = 0;
        } else if (nd < 0)
            tp = 0;
        else if (nd > now) {
            i64 w = nd - now - spin;
            if (w > 0) {
                ts.tv_sec = w / 1000000000;
                ts.tv_nsec = w % 1000000000;
            }
        }
        int n = epoll_pwait2(ep, ev, 256, tp, 0);
        for (int i = 0; i < n; i++) {
            Conn *c = ev[i].data.ptr;
            if (!c) {
                for (int b = 0; b < 64; b++) {
                    int s = accept4(ls, 0, 0, SOCK_NONBLOCK);
                    if (s < 0)
                        break;
                    accepted++;
                    if (++nopen > maxopen)
                        maxopen = nopen;
                    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, 4);
                    Conn *k = calloc(1, sizeof *k);
                    k->fd = s;
                    k->alive = 1;
                    k->rec = -1;
                    struct epoll_event x = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                            .data.ptr = k};
                    epoll_ctl(ep, EPOLL_CTL_ADD, s, &x);
                }
                continue;
            }
            if (ev[i].events & EPOLLOUT && c->blocked) {
                flush_pend(c);
                if (!c->blocked && flood && c->busy && !c->q)
                    qpush(&qf, c);
                if (!c->blocked && !c->busy && c->close_after)
                    shutdown(c->fd, SHUT_WR);
            }
            int ok = 1;
            if (ev[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                ok = on_read(c);
            if (!ok || !c->alive)
                drop(c);
        }
        if (flood) {
            Conn *l = qf.t;
            Conn *c = qf.h;
            while (c) {
                Conn *nx = c->nx;
                int was = c == l;
                for (int b = 0; b < fbatch && c->k < c->n && !c->blocked && c->alive; b++)
                    token(c);
                if (!c->alive)
                    drop(c);
                else if (c->k >= c->n) {
                    qdel(c);
                    finish(c);
                    if (!c->alive)
                        drop(c);
                } else if (c->blocked)
                    qdel(c);
                if (was)
                    break;
                c = nx;
            }
            continue;
        }
        for (int b = 0; b < 64; b++) { // at most 64 writes, then look at the sockets again
            Conn *c = qa.h;
            if (qb.h && (!c || qb.h->due < c->due))
                c = qb.h;
            if (!c)
                break;
            if (c->due > MONO()) {
                if (spin && c->due - MONO() <= spin) {
                    b--;
                    continue;
                }
                break;
            }
            qdel(c);
            if (!c->stream) {
                while (c->k < c->n) {
                    if (c->rgen == gen && c->rec >= 0) {
                        Rec *r = &recs[c->rec];
                        r->st[c->k] = c->read + TTFT + c->k * ITL;
                        r->sent = c->k + 1;
                    }
                    c->k++;
                }
                if (c->due < c->read + TTFT + (c->n - 1) * ITL) {
                    c->due = grid(c->read + TTFT + (c->n - 1) * ITL);
                    qpush_sorted(&qb, c);
                    continue;
                }
                finish(c);
                if (!c->alive)
                    drop(c);
                continue;
            }
            token(c);
            if (!c->alive) {
                drop(c);
                continue;
            }
            if (c->k >= c->n) {
                finish(c);
                if (!c->alive)
                    drop(c);
                continue;
            }
            c->due = grid(c->read + TTFT + (i64)c->k * ITL);
            qpush_sorted(&qb, c);
        }
    }
    static char buf[16384];
    int n = truth_json(buf, 0, 0, 0);
    fwrite(buf, 1, n, stdout);
    fflush(stdout);
    return 0;
}
