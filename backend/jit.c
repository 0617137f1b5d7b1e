// SPDX-License-Identifier: GPL-3.0-or-later
// One compilation: a libgccjit context from IR text to the bytes of an object file.
#include "backend/jit.h"

#include "backend/emit.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

void jit_result_clear(JitResult *r)
{
    if (r->object)
        g_byte_array_free(r->object, TRUE);
    if (r->sites)
        g_array_free(r->sites, TRUE);
    if (r->entries)
        g_array_free(r->entries, TRUE);
    g_free(r->gimple);
    g_free(r->ir);
    *r = (JitResult){0};
}

static gcc_jit_context *new_context(const JitRequest *rq)
{
    static const char *const options[] = {
        "-fno-asynchronous-unwind-tables", "-fno-jump-tables", "-fno-strict-aliasing",
        "-fwrapv", "-fno-stack-protector", "-fcf-protection=none", "--param=builtin-expect-probability=100",
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
static void compile_to(gcc_jit_context *ctx, const char *object, const char *gimple)
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
    gcc_jit_context_compile_to_file(ctx, GCC_JIT_OUTPUT_KIND_OBJECT_FILE, object);
    if (saved >= 0) {
        fflush(stderr);
        dup2(saved, STDERR_FILENO);
        close(saved);
    }
}

static bool read_object(const char *path, JitResult *out, GError **error)
{
    char *bytes;
    gsize size;
    if (!g_file_get_contents(path, &bytes, &size, error))
        return false;
    out->object = g_byte_array_new_take((guint8 *)bytes, size);
    return true;
}

bool jit_compile(const JitRequest *rq, const char *text, const char *scratch_dir, JitResult *out, GError **error)
{
    *out = (JitResult){0};
    g_autoptr(IrCode) code = ir_parse(text, error);
    if (!code || !ir_verify(code, rq->n_helpers, error))
        return false;
    ir_unpeel(code);
    ir_optimize(code, false, rq->n_helpers);
    if (!rq->stats) // which counts accesses one by one
        ir_widen(code, !rq->linear);
    if (rq->want_ir) {
        GString *s = g_string_new(NULL);
        ir_print(s, code);
        out->ir = g_string_free(s, FALSE);
    }
    gcc_jit_context *ctx = new_context(rq);
    Emit e = {.code = code, .ctx = ctx, .stats = rq->stats, .shared = rq->shared, .movable = rq->movable,
              .linear = rq->linear, .second_regs = rq->second_regs, .second_start = rq->second_start,
              .second_size = rq->second_size};
    e.sites = out->sites = g_array_new(FALSE, FALSE, sizeof(JitSite));
    e.entries = out->entries = g_array_new(FALSE, FALSE, sizeof(int64_t));
    emit_region(&e);
    out->n_slots = e.n_slots;
    g_autofree char *object = g_build_filename(scratch_dir, "region.o", NULL);
    g_autofree char *gimple = rq->want_gimple ? g_build_filename(scratch_dir, "region.gimple", NULL) : NULL;
    compile_to(ctx, object, gimple);
    const char *message = gcc_jit_context_get_first_error(ctx);
    bool ok = !message;
    if (!ok)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "libgccjit: %s", message);
    else
        ok = read_object(object, out, error);
    if (gimple) {
        g_file_get_contents(gimple, &out->gimple, NULL, NULL);
        unlink(gimple);
    }
    unlink(object);
    gcc_jit_context_release(ctx);
    if (!ok)
        jit_result_clear(out);
    return ok;
}
