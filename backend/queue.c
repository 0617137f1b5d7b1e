// SPDX-License-Identifier: GPL-3.0-or-later
// Compile workers: one thread each, which owns one worker process and talks to it over a socket. A worker process is
// replaced after some hundred compilations, because libgccjit leaks, and whenever it dies or does not answer. What goes
// wrong costs at most the region that is to blame, for a batch that fails is done again one by one, and is told once.
#include "backend/queue.h"

#include "backend/worker_dir.h"
#include "util/log.h"
#include "util/warn.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPILES_PER_PROCESS "200"
#define WORKER_FD 3
#define LIMIT_SECONDS 60.0 // for one compilation, which usually takes a fraction of one
#define GIVE_UP 8          // compilations in a row that come to nothing
#define MAX_PART (256u << 20) // bytes of one part of an answer; more is no answer

typedef struct { // compiled together
    unsigned n;  // 0: the thread is to end
    QueueJob jobs[];
} Batch;

struct Queue {
    GThread **threads;
    unsigned n;
    GAsyncQueue *batches, *results;
    int busy, lost, stopping; // atomic; busy: submitted and not yet taken
    int idle;                 // atomic: workers without a job
    int fruitless;            // atomic: jobs lost in a row
    double limit;             // seconds
    pid_t *pids;
    GMutex lock; // pids
    void (*on_result)(void *opaque);
    void *opaque;
    void (*drop)(void *job); // set before stopping
};

typedef struct {
    Queue *q;
    unsigned index;
    int fd;
    pid_t pid;
    char *dir; // of its temporary files, or NULL
    unsigned left; // jobs of the batch in hand
} Worker;

void queue_result_free(QueueResult *r)
{
    if (r->object)
        g_byte_array_unref(r->object);
    if (r->exits)
        g_byte_array_free(r->exits, TRUE);
    if (r->moves)
        g_array_free(r->moves, TRUE);
    if (r->lines)
        g_array_free(r->lines, TRUE);
    g_free(r->message);
    g_free(r->sites);
    g_free(r->entries);
    g_free(r->gimple);
    g_free(r->ir);
    g_free(r);
}

// Beside this program in the build tree (tests lie two folders deeper), else in libexec.
char *queue_worker_path(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *dir = g_path_get_dirname(self ? self : ".");
    const char *forced = g_getenv("ADDEND_WORKER");
    if (forced)
        return g_strdup(forced);
    const char *const places[] = {"addend-worker", "../libexec/addend/addend-worker", "../../addend-worker"};
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        char *path = g_build_filename(dir, places[i], NULL);
        if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
            return path;
        g_free(path);
    }
    return g_strdup(ADDEND_LIBEXECDIR "/addend-worker");
}

static void set_pid(Worker *w, pid_t pid)
{
    g_mutex_lock(&w->q->lock);
    w->pid = w->q->pids[w->index] = pid;
    if (pid && g_atomic_int_get(&w->q->stopping)) // queue_free came before
        kill(-pid, SIGKILL);
    g_mutex_unlock(&w->q->lock);
}

// Hot code just stays in a slower tier, which is otherwise hard to explain.
static gint said;

static bool cannot_start(const char *path, int err)
{
    warn_once(&said, "the compile worker %s cannot be started (%s): hot code stays in a slower tier", path,
              g_strerror(err));
    return false;
}

// The process did not do its job. After its quota it ends by itself, with status 0: true.
static bool tell_end(Worker *w, const siginfo_t *how, bool late)
{
    g_autofree char *what = late           ? g_strdup_printf("did not answer for %g seconds", w->q->limit)
                            : !how->si_pid ? g_strdup("answered nonsense")
                            : how->si_code == CLD_EXITED ? g_strdup_printf("ended with status %d", how->si_status)
                                                         : g_strdup_printf("was killed by signal %d", how->si_status);
    bool usual = !late && how->si_code == CLD_EXITED && !how->si_status;
    if (!usual && !g_atomic_int_get(&w->q->stopping))
        warn_once(&said, "a compile worker %s; what it fails to compile stays in a slower tier", what);
    return usual;
}

static bool start_process(Worker *w)
{
    int pair[2];
    g_autofree char *path = queue_worker_path();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return cannot_start(path, errno);
    w->dir = worker_dir_name();
    char *argv[] = {path, COMPILES_PER_PROCESS, w->dir, NULL};
    struct timeval limit = {(time_t)w->q->limit, (suseconds_t)(w->q->limit * 1e6) % 1000000};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    posix_spawnattr_t attr; // a group of its own, to which GCC's assembler belongs
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", 0, 0);
    if (!log_on(LOG_JIT)) // what GCC has to say about its own bugs
        posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&fa, pair[1], WORKER_FD);
    pid_t pid;
    int err = posix_spawn(&pid, path, &fa, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&fa);
    posix_spawnattr_destroy(&attr);
    close(pair[1]);
    if (err) {
        g_clear_pointer(&w->dir, g_free);
        close(pair[0]);
        return cannot_start(path, err);
    }
    w->fd = pair[0];
    set_pid(w, pid);
    return true;
}

static void stop_process(Worker *w)
{
    if (w->fd >= 0) {
        close(w->fd);
        w->fd = -1;
        kill(-w->pid, SIGKILL);
        pid_t pid = w->pid;
        set_pid(w, 0); // from now on the number may become another process's
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        worker_dir_remove(w->dir);
        g_clear_pointer(&w->dir, g_free);
    }
}

// The same when it has failed us, as the socket's error says; tells why. True: its quota was up.
static bool lose_process(Worker *w, int error)
{
    siginfo_t how = {0};
    bool late = error == EAGAIN || error == EWOULDBLOCK;
    if (!late) // it has closed the socket, or sent nonsense
        for (int i = 0; i < 100 && !how.si_pid; i++) {
            if (i)
                g_usleep(1000);
            waitid(P_PID, (id_t)w->pid, &how, WEXITED | WNOHANG | WNOWAIT);
        }
    bool usual = tell_end(w, &how, late);
    stop_process(w);
    return usual;
}

static bool send_all(int fd, const void *buf, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t r = send(fd, (const char *)buf + done, n - done, MSG_NOSIGNAL);
        if (r < 0 && errno != EINTR)
            return false;
        done += r > 0 ? (size_t)r : 0;
    }
    return true;
}

static bool receive_all(int fd, void *buf, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t r = recv(fd, (char *)buf + done, n - done, 0);
        if (r == 0) // its end
            errno = 0;
        if (r <= 0 && !(r < 0 && errno == EINTR))
            return false;
        done += r > 0 ? (size_t)r : 0;
    }
    return true;
}

static char *receive_text(int fd, uint32_t n, bool *ok)
{
    if (!n || !*ok)
        return NULL;
    char *s = g_malloc((gsize)n + 1);
    s[n] = 0;
    *ok = receive_all(fd, s, n);
    return s;
}

// object: the last one, updated.
static bool receive_answer(int fd, QueueResult *r, GByteArray **object)
{
    JitAnswer a;
    if (!receive_all(fd, &a, sizeof a))
        return false;
    if (a.object > MAX_PART || a.gimple > MAX_PART || a.ir > MAX_PART || a.n_sites > MAX_PART / sizeof(JitSite) ||
        a.n_entries > MAX_PART / sizeof(int64_t) || a.n_slots > a.n_sites)
        return false;
    bool ok = true;
    r->compile_ns = a.compile_ns;
    memcpy(r->stage_ns, a.stage_ns, sizeof r->stage_ns);
    r->failed = a.failed;
    if (a.failed) {
        r->message = receive_text(fd, a.object, &ok);
        return ok;
    }
    r->index = a.index;
    r->n_sites = a.n_sites;
    r->n_slots = a.n_slots;
    r->n_entries = a.n_entries;
    r->sites = g_new(JitSite, a.n_sites + 1);
    r->entries = g_new(int64_t, a.n_entries + 1);
    ok = receive_all(fd, r->sites, a.n_sites * sizeof(JitSite)) &&
         receive_all(fd, r->entries, a.n_entries * sizeof(int64_t));
    char *bytes = receive_text(fd, a.object, &ok);
    if (bytes) {
        g_clear_pointer(object, g_byte_array_unref);
        *object = g_byte_array_new_take((guint8 *)bytes, a.object);
    }
    ok = ok && *object;
    r->object = *object ? g_byte_array_ref(*object) : NULL;
    r->gimple = receive_text(fd, a.gimple, &ok);
    r->ir = receive_text(fd, a.ir, &ok);
    return ok;
}

static void deliver(Worker *w, QueueResult *r)
{
    if (!--w->left)
        g_atomic_int_inc(&w->q->idle);
    g_async_queue_push(w->q->results, r);
    w->q->on_result(w->q->opaque);
}

// Has n jobs compiled together and delivers the answers; how many came. errno says what the socket said.
static unsigned exchange(Worker *w, const QueueJob *jobs, unsigned n)
{
    GByteArray *object = NULL;
    unsigned done = 0;
    errno = 0;
    for (unsigned i = 0; i < n; i++) {
        JitRequest rq = jobs[i].rq;
        rq.more = i + 1 < n;
        if (!send_all(w->fd, &rq, sizeof rq) || !send_all(w->fd, jobs[i].text, rq.length))
            return 0;
    }
    for (; done < n; done++) {
        QueueResult *r = g_new0(QueueResult, 1);
        r->job = jobs[done].job;
        r->want_lines = jobs[done].rq.want_lines;
        if (!receive_answer(w->fd, r, &object)) {
            queue_result_free(r);
            break;
        }
        if (r->failed)
            warn_once(&said, "GCC refuses a region (%s): such code stays in a slower tier", r->message);
        g_atomic_int_set(&w->q->fruitless, 0);
        deliver(w, r);
    }
    if (object)
        g_byte_array_unref(object);
    return done;
}

// The same with whatever process is needed. It ends by itself after its quota, so a failed exchange is tried again with
// a new one, unless it took too long; several jobs only if none of them is to blame.
static unsigned do_jobs(Worker *w, const QueueJob *jobs, unsigned n)
{
    unsigned done = 0;
    bool again = true;
    for (int attempt = 0; attempt < 2 && again && g_atomic_int_get(&w->q->fruitless) < GIVE_UP; attempt++) {
        if (g_atomic_int_get(&w->q->stopping) || (w->fd < 0 && !start_process(w)))
            break;
        done += exchange(w, jobs + done, n - done);
        if (done == n)
            break;
        int error = errno;
        bool late = error == EAGAIN || error == EWOULDBLOCK, usual = lose_process(w, error);
        again = !late && (n == 1 || usual);
    }
    return done;
}

static void give_up(Worker *w, const QueueJob *job)
{
    QueueResult *r = g_new0(QueueResult, 1);
    r->job = job->job;
    r->failed = true;
    r->message = g_strdup("the compile worker died or cannot be started");
    g_atomic_int_inc(&w->q->lost);
    g_atomic_int_inc(&w->q->fruitless);
    if (!g_atomic_int_get(&w->q->stopping))
        warn_once(&said, "the compile worker does not do its job: hot code stays in a slower tier");
    deliver(w, r);
}

static void do_batch(Worker *w, const Batch *b)
{
    w->left = b->n;
    unsigned done = do_jobs(w, b->jobs, b->n);
    for (; b->n > 1 && done < b->n; done++)
        if (!do_jobs(w, &b->jobs[done], 1))
            give_up(w, &b->jobs[done]);
    if (done < b->n)
        give_up(w, b->jobs);
}

static gpointer worker_thread(gpointer p)
{
    Worker *w = p;
    for (bool last = false; !last;) {
        Batch *b = g_async_queue_pop(w->q->batches);
        last = !b->n;
        if (!last && !g_atomic_int_get(&w->q->stopping))
            do_batch(w, b);
        else
            for (unsigned i = 0; w->q->drop && i < b->n; i++)
                w->q->drop(b->jobs[i].job);
        for (unsigned i = 0; i < b->n; i++)
            g_free(b->jobs[i].text);
        g_free(b);
    }
    stop_process(w);
    g_free(w);
    return NULL;
}

Queue *queue_new(unsigned n, void (*on_result)(void *opaque), void *opaque)
{
    Queue *q = g_new0(Queue, 1);
    q->n = n;
    q->idle = (int)n;
    q->on_result = on_result;
    q->opaque = opaque;
    q->batches = g_async_queue_new();
    q->results = g_async_queue_new();
    q->threads = g_new0(GThread *, n);
    q->pids = g_new0(pid_t, n);
    g_mutex_init(&q->lock);
    const char *limit = g_getenv("ADDEND_WORKER_SECONDS");
    q->limit = limit ? CLAMP(g_ascii_strtod(limit, NULL), 0.01, 1e6) : LIMIT_SECONDS;
    return q;
}

void queue_free(Queue *q, void (*drop)(void *job))
{
    q->drop = drop;
    g_atomic_int_set(&q->stopping, 1);
    g_mutex_lock(&q->lock);
    for (unsigned i = 0; i < q->n; i++)
        if (q->pids[i])
            kill(-q->pids[i], SIGKILL);
    g_mutex_unlock(&q->lock);
    for (unsigned i = 0; i < q->n; i++)
        if (q->threads[i])
            g_async_queue_push(q->batches, g_new0(Batch, 1));
    for (unsigned i = 0; i < q->n; i++)
        if (q->threads[i])
            g_thread_join(q->threads[i]);
    QueueResult *r;
    while ((r = g_async_queue_try_pop(q->results))) {
        if (drop)
            drop(r->job);
        queue_result_free(r);
    }
    g_async_queue_unref(q->batches);
    g_async_queue_unref(q->results);
    g_mutex_clear(&q->lock);
    g_free(q->threads);
    g_free(q->pids);
    g_free(q);
}

unsigned queue_idle(Queue *q)
{
    int n = g_atomic_int_get(&q->idle);
    return n > 0 ? (unsigned)n : 0;
}

static void start_thread(Queue *q)
{
    for (unsigned i = 0; i < q->n; i++) {
        if (q->threads[i])
            continue;
        Worker *w = g_new0(Worker, 1);
        *w = (Worker){.q = q, .index = i, .fd = -1};
        q->threads[i] = g_thread_new("compile", worker_thread, w);
        break;
    }
}

void queue_submit_batch(Queue *q, const QueueJob *jobs, unsigned n)
{
    static gint last_id; // of all queues
    g_assert(n && n <= JIT_BATCH);
    Batch *b = g_malloc(sizeof *b + n * sizeof *b->jobs);
    b->n = n;
    for (unsigned i = 0; i < n; i++) {
        QueueJob *job = &b->jobs[i];
        *job = (QueueJob){jobs[i].rq, g_strdup(jobs[i].text), jobs[i].job};
        job->rq.length = (uint32_t)strlen(job->text);
        job->rq.id = (uint32_t)g_atomic_int_add(&last_id, 1) + 1;
    }
    g_atomic_int_add(&q->idle, -1);
    g_atomic_int_add(&q->busy, (gint)n);
    start_thread(q); // they start when first needed
    g_async_queue_push(q->batches, b);
}

void queue_submit(Queue *q, const JitRequest *rq, const char *text, void *job)
{
    queue_submit_batch(q, &(QueueJob){*rq, (char *)(uintptr_t)text, job}, 1);
}

QueueResult *queue_take(Queue *q, bool wait)
{
    if (!g_atomic_int_get(&q->busy))
        return NULL;
    QueueResult *r = wait ? g_async_queue_pop(q->results) : g_async_queue_try_pop(q->results);
    if (r)
        g_atomic_int_add(&q->busy, -1);
    return r;
}

unsigned queue_lost(const Queue *q)
{
    return (unsigned)g_atomic_int_get(&q->lost);
}
