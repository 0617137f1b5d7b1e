// SPDX-License-Identifier: GPL-3.0-or-later
// The compile worker, a program of its own (addend-worker): libgccjit leaks and can crash, and that costs this
// process only. Reads JitRequests from the socket on descriptor 3, answers each with a JitAnswer (jit_abi.h), and ends
// when the socket closes. addend-worker N DIR: ends after N compilations (0: never), has its temporary files in DIR.
#include "backend/jit.h"
#include "backend/worker_dir.h"
#include "util/clock.h"

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

static bool answer(const JitRequest *rq, const JitResult *r, const GError *error, uint64_t ns)
{
    JitAnswer a = {.id = rq->id, .failed = error != NULL, .compile_ns = ns};
    if (error) {
        a.object = (uint32_t)strlen(error->message);
        return write_all(&a, sizeof a) && write_all(error->message, a.object);
    }
    a.n_sites = r->sites->len;
    a.n_slots = r->n_slots;
    a.n_entries = r->entries->len;
    a.object = r->object->len;
    a.gimple = r->gimple ? (uint32_t)strlen(r->gimple) : 0;
    a.ir = r->ir ? (uint32_t)strlen(r->ir) : 0;
    return write_all(&a, sizeof a) && write_all(r->sites->data, a.n_sites * sizeof(JitSite)) &&
           write_all(r->entries->data, a.n_entries * sizeof(int64_t)) && write_all(r->object->data, a.object) &&
           write_all(r->gimple, a.gimple) && write_all(r->ir, a.ir);
}

static bool serve_one(const char *scratch_dir)
{
    JitRequest rq;
    if (!read_all(&rq, sizeof rq) || rq.length > MAX_TEXT)
        return false;
    g_autofree char *text = g_malloc(rq.length + 1);
    if (!read_all(text, rq.length))
        return false;
    text[rq.length] = 0;
    uint64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    JitResult r;
    g_autoptr(GError) error = NULL;
    jit_compile(&rq, text, scratch_dir, &r, &error);
    bool ok = answer(&rq, &r, error, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start);
    jit_result_clear(&r);
    return ok;
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
    for (long n = 0; (limit <= 0 || n < limit) && serve_one(folder); n++)
        ;
    g_rmdir(folder);
    return 0;
}
