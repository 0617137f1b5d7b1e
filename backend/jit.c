// SPDX-License-Identifier: GPL-3.0-or-later
// Compilations: a libgccjit context from IR texts to the bytes of an object file.
//
// A context costs as much as some twenty guest instructions in it do, so regions that wait together share one. Each is
// a function in a section of its own that needs nothing else of the object; what it is among them shows in names only.
#include "backend/jit.h"

#include "backend/assemble.h"
#include "backend/emit.h"
#include "backend/line_marks.h"
#include "ir/plant.h"
#include "util/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/resource.h>
#include <unistd.h>

uint64_t jit_cpu_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID) + (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}

// The stage that began at *since is over.
static void stage_ends(JitJob *job, JitStage stage, uint64_t *since)
{
    uint64_t now = jit_cpu_ns();
    job->out.stage_ns[stage] += now - *since;
    *since = now;
}

void jit_job_clear(JitJob *job)
{
    JitResult *r = &job->out;
    if (r->object)
        g_byte_array_unref(r->object);
    if (r->sites)
        g_array_free(r->sites, TRUE);
    if (r->entries)
        g_array_free(r->entries, TRUE);
    g_free(r->gimple);
    g_free(r->ir);
    *r = (JitResult){0};
    g_clear_error(&job->error);
}

static gcc_jit_context *new_context(const JitRequest *rq)
{
    static const char *const options[] = {
        "-fno-asynchronous-unwind-tables", "-fno-jump-tables", "-fno-strict-aliasing",
        "-fwrapv", "-fno-stack-protector", "-fcf-protection=none", "--param=builtin-expect-probability=100",
        "-ffunction-sections",
        "-fno-tree-dominator-opts", "-fno-thread-jumps", "-fno-tree-pta", // a sixth of GCC's time, no gain
        "-fexpensive-optimizations", // widening multiplications
        "-mno-red-zone",             // asm statements call
        "-ffixed-rbp", "-fomit-frame-pointer", // env is there
        "-fcall-used-rbx", "-fcall-used-r12", "-fcall-used-r13", "-fcall-used-r14", "-fcall-used-r15", // see jit_enter
        "-mtune-ctrl=^inter_unit_moves_to_vec", // or GCC parks doubles in integer registers, on the critical path
    };
    gcc_jit_context *ctx = gcc_jit_context_acquire();
    gcc_jit_context_set_int_option(ctx, GCC_JIT_INT_OPTION_OPTIMIZATION_LEVEL, rq->opt);
    for (unsigned i = 0; i < G_N_ELEMENTS(options); i++)
        gcc_jit_context_add_command_line_option(ctx, options[i]);
    if (rq->want_lines)
        gcc_jit_context_add_command_line_option(ctx, "-g1");
    if (rq->want_gimple)
        gcc_jit_context_set_bool_option(ctx, GCC_JIT_BOOL_OPTION_DUMP_INITIAL_GIMPLE, 1);
    return ctx;
}

// GCC prints GIMPLE to stderr; for the time of the compilation that is a file.
static void compile_to(gcc_jit_context *ctx, const char *assembly, const char *gimple)
{
    int saved = -1;
    if (gimple) {
        int fd = open(gimple, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        fflush(stderr);
        saved = dup(STDERR_FILENO);
        if (fd >= 0) {
            dup2(fd, STDERR_FILENO);
            close(fd);
        }
    }
    gcc_jit_context_compile_to_file(ctx, GCC_JIT_OUTPUT_KIND_ASSEMBLER, assembly);
    if (saved >= 0) {
        fflush(stderr);
        dup2(saved, STDERR_FILENO);
        close(saved);
    }
}

// The job's IR as GCC shall see it; NULL: job->error.
static IrCode *prepare(JitJob *job)
{
    uint64_t since = jit_cpu_ns();
    IrCode *code = ir_parse(job->text, &job->error);
    stage_ends(job, JIT_PARSE, &since);
    if (code && !ir_verify(code, job->rq.n_helpers, &job->error))
        g_clear_pointer(&code, ir_code_free);
    stage_ends(job, JIT_VERIFY, &since);
    if (!code)
        return NULL;
    plant_set(job->rq.plant);
    ir_pipeline(code, &(IrPipeline){
                          .skip = job->rq.skip_passes | (job->rq.stats ? IR_PASS_WIDEN : 0), // it counts one by one
                          .aligned = !job->rq.linear,
                      });
    stage_ends(job, JIT_PASSES, &since);
    if (job->rq.want_ir) {
        GString *s = g_string_new(NULL);
        ir_print(s, code);
        job->out.ir = g_string_free(s, FALSE);
    }
    plant_code(PLANT_REGION, code);
    return code;
}

// lines: filled in with the guest instructions that lines stand for; or NULL.
static void emit_job(gcc_jit_context *ctx, IrCode *code, JitJob *job, unsigned index, GArray *lines)
{
    uint64_t since = jit_cpu_ns();
    const JitRequest *rq = &job->rq;
    JitResult *out = &job->out;
    g_autofree char *number = index ? g_strdup_printf("%u", index) : g_strdup("");
    Emit e = {.code = code, .number = number, .ctx = ctx, .stats = rq->stats, .shared = rq->shared,
              .movable = rq->movable, .linear = rq->linear, .second_regs = rq->second_regs,
              .second_start = rq->second_start, .second_size = rq->second_size, .lines = lines,
              .comments = rq->want_gimple};
    e.sites = out->sites = g_array_new(FALSE, FALSE, sizeof(JitSite));
    e.entries = out->entries = g_array_new(FALSE, FALSE, sizeof(int64_t));
    emit_region(&e);
    out->n_slots = e.n_slots;
    out->index = index;
    stage_ends(job, JIT_EMIT, &since);
}

// The object file of what is in ctx, with lines if there are some; NULL: *error. ns: CPU time, by stage.
static GByteArray *object_of(gcc_jit_context *ctx, const char *scratch_dir, char **gimple, const GArray *lines,
                             uint64_t *ns, GError **error)
{
    g_autofree char *assembly = g_build_filename(scratch_dir, "region.s", NULL);
    g_autofree char *dump = gimple ? g_build_filename(scratch_dir, "region.gimple", NULL) : NULL;
    uint64_t start = jit_cpu_ns(), compiled;
    compile_to(ctx, assembly, dump);
    if (gimple) {
        g_file_get_contents(dump, gimple, NULL, NULL);
        unlink(dump);
    }
    compiled = jit_cpu_ns();
    GByteArray *object = NULL;
    const char *message = gcc_jit_context_get_first_error(ctx);
    if (message)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "libgccjit: %s", message);
    else if (!lines || line_marks(assembly, lines, error))
        object = assemble(assembly, scratch_dir, error);
    unlink(assembly);
    ns[JIT_GCC] = compiled - start;
    ns[JIT_ASSEMBLE] = jit_cpu_ns() - compiled;
    return object;
}

// Each job of which there is code gets its share of the time.
static void share_stages(JitJob *jobs, IrCode *const *codes, unsigned n, const uint64_t *ns)
{
    uint64_t length = 0;
    for (unsigned i = 0; i < n; i++)
        length += codes[i] ? jobs[i].rq.length + 1 : 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = JIT_GCC; codes[i] && k <= JIT_ASSEMBLE; k++)
            jobs[i].out.stage_ns[k] = ns[k] / length * (jobs[i].rq.length + 1);
}

// Compiles those jobs of which there is code; the first one's options go for all. False: *error, those are clear.
static bool compile_together(JitJob *jobs, IrCode *const *codes, unsigned n, const char *scratch_dir, GError **error)
{
    JitJob *first = NULL;
    gcc_jit_context *ctx = NULL;
    g_autoptr(GArray) lines = NULL;
    uint64_t ns[JIT_STAGES];
    unsigned index = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!codes[i])
            continue;
        if (!first) {
            first = &jobs[i];
            ctx = new_context(&first->rq);
            lines = first->rq.want_lines ? g_array_new(FALSE, FALSE, sizeof(int64_t)) : NULL;
        }
        emit_job(ctx, codes[i], &jobs[i], index++, lines);
    }
    if (!first)
        return true;
    char **gimple = first->rq.want_gimple ? &first->out.gimple : NULL;
    GByteArray *object = object_of(ctx, scratch_dir, gimple, lines, ns, error);
    gcc_jit_context_release(ctx);
    share_stages(jobs, codes, n, ns);
    for (unsigned i = 0; i < n; i++) {
        if (!codes[i])
            continue;
        if (object)
            jobs[i].out.object = g_byte_array_ref(object);
        else
            jit_job_clear(&jobs[i]);
    }
    if (object)
        g_byte_array_unref(object);
    return object;
}

static void compile_each(JitJob *jobs, unsigned n, const char *scratch_dir)
{
    for (unsigned i = 0; i < n; i++) {
        IrCode *code = prepare(&jobs[i]);
        GError *error = NULL;
        if (code && !compile_together(&jobs[i], &code, 1, scratch_dir, &error))
            jobs[i].error = error;
        ir_code_free(code);
    }
}

static bool can_share(const JitJob *jobs, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (jobs[i].rq.opt != jobs[0].rq.opt || jobs[i].rq.want_gimple || jobs[i].rq.want_lines)
            return false;
    return n > 1;
}

void jit_compile(JitJob *jobs, unsigned n, const char *scratch_dir)
{
    if (!can_share(jobs, n)) {
        compile_each(jobs, n, scratch_dir);
        return;
    }
    g_autofree IrCode **codes = g_new0(IrCode *, n);
    for (unsigned i = 0; i < n; i++)
        codes[i] = prepare(&jobs[i]);
    bool ok = compile_together(jobs, codes, n, scratch_dir, NULL);
    for (unsigned i = 0; i < n; i++) {
        bool again = codes[i] && !ok;
        ir_code_free(codes[i]);
        if (again)
            compile_each(&jobs[i], 1, scratch_dir);
    }
}
