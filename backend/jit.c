// SPDX-License-Identifier: GPL-3.0-or-later
// Compilations: a libgccjit context from IR texts to the bytes of an object file.
//
// A context costs as much as some twenty guest instructions in it do, so regions that wait together share one. Each is
// a function in a section of its own that needs nothing else of the object; what it is among them shows in names only.
#include "backend/jit.h"

#include "backend/assemble.h"
#include "backend/emit.h"
#include "ir/plant.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

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
    IrCode *code = ir_parse(job->text, &job->error);
    if (code && !ir_verify(code, job->rq.n_helpers, &job->error))
        g_clear_pointer(&code, ir_code_free);
    if (!code)
        return NULL;
    plant_set(job->rq.plant);
    ir_pipeline(code, &(IrPipeline){
                          .skip = job->rq.skip_passes | (job->rq.stats ? IR_PASS_WIDEN : 0), // it counts one by one
                          .aligned = !job->rq.linear,
                      });
    if (job->rq.want_ir) {
        GString *s = g_string_new(NULL);
        ir_print(s, code);
        job->out.ir = g_string_free(s, FALSE);
    }
    plant_code(PLANT_REGION, code);
    return code;
}

static void emit_job(gcc_jit_context *ctx, IrCode *code, JitJob *job, unsigned index)
{
    const JitRequest *rq = &job->rq;
    JitResult *out = &job->out;
    g_autofree char *number = index ? g_strdup_printf("%u", index) : g_strdup("");
    Emit e = {.code = code, .number = number, .ctx = ctx, .stats = rq->stats, .shared = rq->shared,
              .movable = rq->movable, .linear = rq->linear, .second_regs = rq->second_regs,
              .second_start = rq->second_start, .second_size = rq->second_size};
    e.sites = out->sites = g_array_new(FALSE, FALSE, sizeof(JitSite));
    e.entries = out->entries = g_array_new(FALSE, FALSE, sizeof(int64_t));
    emit_region(&e);
    out->n_slots = e.n_slots;
    out->index = index;
}

// The object file of what is in ctx; NULL: *error.
static GByteArray *object_of(gcc_jit_context *ctx, const char *scratch_dir, char **gimple, GError **error)
{
    g_autofree char *assembly = g_build_filename(scratch_dir, "region.s", NULL);
    g_autofree char *dump = gimple ? g_build_filename(scratch_dir, "region.gimple", NULL) : NULL;
    compile_to(ctx, assembly, dump);
    if (gimple) {
        g_file_get_contents(dump, gimple, NULL, NULL);
        unlink(dump);
    }
    GByteArray *object = NULL;
    const char *message = gcc_jit_context_get_first_error(ctx);
    if (message)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "libgccjit: %s", message);
    else
        object = assemble(assembly, scratch_dir, error);
    unlink(assembly);
    return object;
}

// Compiles those jobs of which there is code; the first one's options go for all. False: *error, those are clear.
static bool compile_together(JitJob *jobs, IrCode *const *codes, unsigned n, const char *scratch_dir, GError **error)
{
    JitJob *first = NULL;
    gcc_jit_context *ctx = NULL;
    unsigned index = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!codes[i])
            continue;
        if (!first) {
            first = &jobs[i];
            ctx = new_context(&first->rq);
        }
        emit_job(ctx, codes[i], &jobs[i], index++);
    }
    if (!first)
        return true;
    GByteArray *object = object_of(ctx, scratch_dir, first->rq.want_gimple ? &first->out.gimple : NULL, error);
    gcc_jit_context_release(ctx);
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
        if (jobs[i].rq.opt != jobs[0].rq.opt || jobs[i].rq.want_gimple)
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
