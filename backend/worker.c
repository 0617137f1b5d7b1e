// SPDX-License-Identifier: GPL-3.0-or-later
// The compile worker, a program of its own (addend-worker): libgccjit leaks and can crash, and that costs this
// process only. Reads JitRequests from the socket on descriptor 3, answers each with a JitAnswer (jit_abi.h), and ends
// when the socket closes. addend-worker N DIR: ends after N regions (0: never), has its temporary files in DIR.
#include "backend/jit.h"
#include "backend/worker_dir.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#define SOCKET_FD 3
#define MAX_TEXT (64u << 20)

static bool read_all(void *buf, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t r = read(SOCKET_FD, (char *)buf + done, n - done);
        if (r <= 0 && !(r < 0 && errno == EINTR))
            return false;
        done += r > 0 ? (size_t)r : 0;
    }
    return true;
}

static bool write_all(const void *buf, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t w = write(SOCKET_FD, (const char *)buf + done, n - done);
        if (w < 0 && errno != EINTR)
            return false;
        done += w > 0 ? (size_t)w : 0;
    }
    return true;
}

// An object goes with the first region that is in it.
static bool answer(const JitJob *job, const GByteArray *sent, uint64_t ns)
{
    const JitResult *r = &job->out;
    JitAnswer a = {.id = job->rq.id, .failed = job->error != NULL, .compile_ns = ns};
    if (job->error) {
        a.object = (uint32_t)strlen(job->error->message);
        return write_all(&a, sizeof a) && write_all(job->error->message, a.object);
    }
    a.index = r->index;
    a.n_sites = r->sites->len;
    a.n_slots = r->n_slots;
    a.n_entries = r->entries->len;
    a.object = r->object == sent ? 0 : r->object->len;
    a.gimple = r->gimple ? (uint32_t)strlen(r->gimple) : 0;
    a.ir = r->ir ? (uint32_t)strlen(r->ir) : 0;
    memcpy(a.stage_ns, r->stage_ns, sizeof a.stage_ns);
    return write_all(&a, sizeof a) && write_all(r->sites->data, a.n_sites * sizeof(JitSite)) &&
           write_all(r->entries->data, a.n_entries * sizeof(int64_t)) && write_all(r->object->data, a.object) &&
           write_all(r->gimple, a.gimple) && write_all(r->ir, a.ir);
}

// One request and those that it says are to be compiled with it: how many, 0 if there is none.
static unsigned read_jobs(JitJob *jobs)
{
    unsigned n = 0;
    for (bool more = true; more && n < JIT_BATCH; n++) {
        JitJob *j = &jobs[n];
        *j = (JitJob){0};
        bool ok = read_all(&j->rq, sizeof j->rq) && j->rq.length <= MAX_TEXT;
        if (ok) {
            j->text = g_malloc(j->rq.length + 1);
            j->text[j->rq.length] = 0;
            ok = read_all(j->text, j->rq.length);
        }
        if (!ok) {
            for (unsigned i = 0; i <= n; i++)
                g_free(jobs[i].text);
            return 0;
        }
        more = j->rq.more;
    }
    return n;
}

// The number of regions compiled, 0 at the end.
static unsigned serve(const char *scratch_dir)
{
    JitJob jobs[JIT_BATCH];
    unsigned n = read_jobs(jobs);
    uint64_t start = jit_cpu_ns(), length = 0;
    jit_compile(jobs, n, scratch_dir);
    uint64_t spent = jit_cpu_ns() - start;
    const GByteArray *sent = NULL;
    bool ok = true;
    for (unsigned i = 0; i < n; i++)
        length += jobs[i].rq.length + 1;
    for (unsigned i = 0; i < n; i++) { // each gets its share of the time
        ok = ok && answer(&jobs[i], sent, spent / length * (jobs[i].rq.length + 1));
        sent = jobs[i].out.object ? jobs[i].out.object : sent;
    }
    for (unsigned i = 0; i < n; i++) {
        jit_job_clear(&jobs[i]);
        g_free(jobs[i].text);
    }
    return ok ? n : 0;
}

static char *folder; // for temporary files

// The parent is gone, perhaps in the middle of a compilation: nobody else removes the files of that.
static void on_orphaned(int number)
{
    (void)number;
    // GCC's assembler is of this process group, too, and may be about to write.
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    execl("/bin/sh", "sh", "-c", "for i in 1 2 3 4; do rm -rf -- \"$1\"; [ -e \"$1\" ] || exit; sleep 0.1; done", "sh",
          folder, (char *)NULL);
    _exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 1;
    folder = argv[2];
    g_setenv("TMPDIR", folder, TRUE); // GCC's
    signal(SIGUSR1, on_orphaned); // GCC's driver has handlers of its own for SIGTERM and the like
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    signal(SIGINT, SIG_IGN); // Ctrl-C is the parent's business
    signal(SIGPIPE, SIG_IGN);
    long limit = strtol(argv[1], NULL, 10);
    if (!worker_dir_make(folder))
        return 1;
    for (long n = 0, done = 1; done && (limit <= 0 || n < limit); n += done)
        done = serve(folder);
    g_rmdir(folder);
    return 0;
}
