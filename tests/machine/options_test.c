// SPDX-License-Identifier: GPL-3.0-or-later
// Command lines of options.cases against what the parser makes of them; no command line may crash it.
#include "tests/test.h"

#include "machine/cpu_model.h"
#include "machine/options.h"
#include "util/log.h"
#include <stdlib.h>
#include <string.h>

static const char *cases_path;

static void add_text(GString *s, const char *name, const char *value, const char *normal)
{
    if (g_strcmp0(value, normal))
        g_string_append_printf(s, strchr(value, ' ') ? " %s=[%s]" : " %s=%s", name, value);
}

static void add_flag(GString *s, const char *name, bool value)
{
    if (value)
        g_string_append_printf(s, " %s", name);
}

static void add_number(GString *s, const char *name, uint64_t value, uint64_t normal)
{
    if (value != normal)
        g_string_append_printf(s, " %s=%" G_GUINT64_FORMAT, name, value);
}

static void add_item(GString *s, const LoadItem *i)
{
    g_string_append_printf(s, " load(%s", i->file ? i->file : "");
    if (i->has_addr)
        g_string_append_printf(s, "@0x%" G_GINT64_MODIFIER "x", i->addr);
    if (i->data_len)
        g_string_append_printf(s, "=0x%" G_GINT64_MODIFIER "x:%u", i->data, i->data_len);
    if (i->hart >= 0)
        g_string_append_printf(s, ",hart=%d", i->hart);
    g_string_append(s, i->force_raw ? ",raw)" : ")");
}

static void add_virtio(GString *s, const Options *o)
{
    for (unsigned i = 0; i < o->drives->len; i++) {
        const DriveItem *d = &g_array_index(o->drives, DriveItem, i);
        g_string_append_printf(s, " drive(%s:%s%s%s%s", d->id, d->file, d->checked ? ",raw" : "",
                               d->readonly ? ",readonly" : "", d->unsafe ? ",unsafe" : "");
        if (d->flash)
            g_string_append_printf(s, ",flash=%u", d->unit);
        g_string_append_c(s, ')');
    }
    for (unsigned i = 0; i < o->virtio->len; i++) {
        const VirtioItem *v = &g_array_index(o->virtio, VirtioItem, i);
        g_string_append_printf(s, " virtio(%s", v->driver);
        if (v->drive)
            g_string_append_printf(s, ",drive=%s", v->drive);
        if (v->serial)
            g_string_append_printf(s, ",serial=%s", v->serial);
        if (v->netdev)
            g_string_append_printf(s, ",netdev=%s,mac=%02x%02x%02x%02x%02x%02x", v->netdev, v->mac[0], v->mac[1],
                                   v->mac[2], v->mac[3], v->mac[4], v->mac[5]);
        if (v->bus >= 0)
            g_string_append_printf(s, ",bus=%d", v->bus);
        g_string_append_c(s, ')');
    }
}

static void add_networks(GString *s, const Options *o)
{
    for (unsigned i = 0; i < o->netdevs->len; i++) {
        const NetItem *n = &g_array_index(o->netdevs, NetItem, i);
        g_string_append_printf(s, " netdev(%s%s", n->id, n->restricted ? ",restricted" : "");
        for (unsigned j = 0; j < o->forwards->len; j++) {
            const NetForward *f = &g_array_index(o->forwards, NetForward, j);
            if (f->netdev == i)
                g_string_append_printf(s, ",%s:%x:%u-%x:%u", f->udp ? "udp" : "tcp", f->host, f->host_port, f->guest,
                                       f->guest_port);
        }
        g_string_append_c(s, ')');
    }
}

static void add_chardevs(GString *s, const Options *o)
{
    static const char *const kinds[] = {[CHARDEV_STDIO] = "stdio", [CHARDEV_NULL] = "null", [CHARDEV_FILE] = "file"};
    for (unsigned i = 0; i < o->chardevs->len; i++) {
        const ChardevItem *c = &g_array_index(o->chardevs, ChardevItem, i);
        g_string_append_printf(s, " chardev(%s:%s%s%s%s%s%s)", c->id, kinds[c->kind], c->path ? "," : "",
                               c->path ? c->path : "", c->mux ? ",mux" : "", c->no_signals ? ",nosignals" : "",
                               c->append ? ",append" : "");
    }
    for (unsigned i = 0; i < o->ports->len; i++) {
        const VirtioPort *p = &g_array_index(o->ports, VirtioPort, i);
        g_string_append_printf(s, " %s(%u.%d:%s%s%s)", p->is_console ? "console" : "port", p->device, p->nr,
                               p->chardev, p->name ? "," : "", p->name ? p->name : "");
    }
}

static void add_mmio(GString *s, const Options *o)
{
    for (unsigned i = 0; i < o->mmio->len; i++) {
        const MmioItem *m = &g_array_index(o->mmio, MmioItem, i);
        g_string_append_printf(s, " mmio(%s", m->driver);
        if (m->addr != MMIO_ITEM_ANYWHERE)
            g_string_append_printf(s, "@0x%" G_GINT64_MODIFIER "x", m->addr);
        if (m->irq)
            g_string_append_printf(s, ",irq=%u", m->irq);
        if (m->dma_mask != UINT64_MAX)
            g_string_append_printf(s, ",mask=0x%" G_GINT64_MODIFIER "x", m->dma_mask);
        g_string_append_printf(s, "%s%s)", m->id ? ",id=" : "", m->id ? m->id : "");
    }
}

static void add_command(GString *s, const Options *o)
{
    static const char *const names[] = {
        [COMMAND_RUN] = "",
        [COMMAND_DEMO] = " demo",
        [COMMAND_MTREE] = " mtree",
        [COMMAND_CACHE] = " cache",
        [COMMAND_AOT] = " aot",
        [COMMAND_TLB] = " tlb",
        [COMMAND_TRACE] = " trace",
        [COMMAND_IR] = " ir",
        [COMMAND_REDUCE] = " reduce",
        [COMMAND_BLOCKS] = " blocks",
        [COMMAND_PRINT_HELP] = " print help",
        [COMMAND_PRINT_VERSION] = " print version",
        [COMMAND_PRINT_MACHINES] = " print machines",
        [COMMAND_PRINT_CPUS] = " print cpus",
        [COMMAND_PRINT_ACCELS] = " print accels",
        [COMMAND_PRINT_DEVICES] = " print devices",
        [COMMAND_PRINT_LOG_ITEMS] = " print log items",
        [COMMAND_PRINT_TLB_MODELS] = " print tlb models",
    };
    static const char *const actions[] = {"", " list", " verify", " purge"};
    g_string_append(s, names[o->command]);
    g_string_append(s, actions[o->cache_action]);
    if (o->command == COMMAND_PRINT_HELP)
        g_string_append(s, names[o->help_topic]);
}

static void add_features(GString *s, const HartFeatures *f)
{
    HartFeatures usual;
    cpu_model_init(&usual);
#define FEATURE(name, on) \
    if (f->name != usual.name) \
        g_string_append_printf(s, " " #name "=%s", f->name ? "on" : "off");
#include "frontend/features.def"
    if (!f->rdtime)
        g_string_append(s, " rdtime=off");
    add_text(s, "mmu", cpu_model_mmu_type(f), "riscv,sv57");
}

static void add_gdb(GString *s, const Options *o)
{
    if (o->gdb && o->gdb_path)
        g_string_append_printf(s, " gdb=unix:%s", o->gdb_path);
    else if (o->gdb)
        g_string_append_printf(s, " gdb=tcp:%s:%u", o->gdb_host, o->gdb_port);
}

static void add_monitor(GString *s, const Options *o)
{
    static const char *const names[] = {[MONITOR_NONE] = "none", [MONITOR_STDIO] = "stdio", [MONITOR_UNIX] = "unix"};
    if (o->monitor)
        g_string_append_printf(s, " monitor=%s", names[o->monitor]);
    if (o->monitor == MONITOR_UNIX)
        g_string_append_printf(s, ":%s%s%s", o->monitor_path, o->monitor_server ? ",server" : "",
                               o->monitor_wait ? "" : ",nowait");
}

static void add_logs(GString *s, const Options *o)
{
    const TraceItem *t = &o->trace_insns;
    add_flag(s, "one-insn", o->one_insn);
    add_flag(s, "log-commits", o->log_commits);
    add_flag(s, "log-insns", o->log_insns);
    add_text(s, "spike-log", o->spike_log, NULL);
    add_text(s, "trace-insns", t->file, NULL);
    add_text(s, "start", t->start, NULL);
    add_text(s, "stop", t->stop, NULL);
    add_number(s, "skip", t->skip, 0);
    add_number(s, "count", t->count, 0);
    add_number(s, "harts", t->harts, 0);
    add_flag(s, "regs", t->regs);
    add_flag(s, "mem", t->mem);
    add_flag(s, "text", t->text);
    add_text(s, "trace-file", o->trace_file, NULL);
}

static void add_profile(GString *s, const Options *o)
{
    add_text(s, "flame", o->flame, NULL);
    add_number(s, "period", o->flame_period, 0);
    add_flag(s, "harts", o->flame_harts);
    add_text(s, "timeline", o->timeline, NULL);
    add_flag(s, "time=guest", o->timeline_guest_time);
    add_flag(s, "mix", o->mix);
    add_text(s, "mix-file", o->mix_file, NULL);
    add_number(s, "hot", o->hot, 0);
    add_text(s, "hot-file", o->hot_file, NULL);
}

static void show_irtool(GString *s, const Options *o)
{
    static const char *const actions[] = {"", "run", "opt", "compile"};
    static const char *const accels[] = {"eval", "interp", "baseline", "jit", "all"};
    add_text(s, "action", actions[o->ir_action], "");
    add_text(s, "file", o->ir_file, NULL);
    add_text(s, "by", accels[o->ir_accel], "eval");
    for (unsigned i = 0; i < o->ir_set->len; i++)
        add_text(s, "set", g_ptr_array_index(o->ir_set, i), NULL);
    if (o->ir_at_given)
        g_string_append_printf(s, " at=0x%" G_GINT64_MODIFIER "x", o->ir_at);
    add_text(s, "passes", o->ir_passes, NULL);
    add_flag(s, "changed", o->ir_print_changed);
    add_flag(s, "after-all", o->ir_print_all);
    add_flag(s, "verify", o->ir_verify);
    add_flag(s, "baseline", o->ir_baseline);
    add_flag(s, "gimple", o->ir_gimple);
    add_flag(s, "asm", o->ir_asm);
    add_text(s, "plant", o->plant, NULL);
    add_text(s, "case", o->reduce_output, NULL);
    add_number(s, "seconds", (uint64_t)o->reduce_seconds, 0);
}

static void add_tlb(GString *s, const Options *o)
{
    static const char *const actions[] = {"", "record", "model", "sweep", "report"};
    static const char *const formats[] = {"none", "text", "json", "csv", "svg", "html"};
    add_text(s, "action", actions[o->tlb_action], "");
    add_text(s, "trace", o->tlb_trace, NULL);
    add_text(s, "model", o->tlb_model, NULL);
    add_text(s, "tlb-report", o->tlb_report, NULL);
    add_text(s, "output", o->tlb_output, NULL);
    for (unsigned i = 0; i < o->symbols->len; i++)
        add_text(s, "symbols", o->symbols->pdata[i], NULL);
    add_text(s, "format", formats[o->tlb_format], "none");
    add_number(s, "entries", o->tlb_max_entries, 0);
    add_number(s, "sets", o->tlb_max_sets, 0);
    add_number(s, "ways", o->tlb_max_ways, 0);
    add_number(s, "sample", o->tlb_sample, 0);
    if (o->tlb_sizes)
        g_string_append_printf(s, " sizes=0x%" G_GINT64_MODIFIER "x", o->tlb_sizes);
    add_flag(s, "asid=off", o->tlb_no_asid);
    add_flag(s, "bare", o->tlb_bare);
}

static void add_blocks(GString *s, const Options *o)
{
    static const char *const formats[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_DOT] = "dot",
                                          [FORMAT_HTML] = "html"};
    if (o->command != COMMAND_BLOCKS)
        return;
    add_flag(s, "demo", o->blocks_demo);
    for (unsigned i = 0; i < o->blocks_pcs->len; i++)
        add_text(s, "pc", o->blocks_pcs->pdata[i], NULL);
    for (unsigned i = 0; i < o->blocks_symbols->len; i++)
        add_text(s, "symbol", o->blocks_symbols->pdata[i], NULL);
    if (o->blocks_top_given)
        g_string_append_printf(s, " top=%u", o->blocks_top);
    add_number(s, "tiers", o->blocks_tiers, 0);
    if (o->blocks_fill_given)
        g_string_append_printf(s, " fill=%u", o->blocks_fill);
    add_number(s, "fill-time", o->blocks_fill_time, 0);
    add_text(s, "format", formats[o->blocks_format], "text");
    add_text(s, "output", o->blocks_output, NULL);
}

// What differs from the defaults, in the order of the struct.
static char *describe(const Options *o)
{
    static const char *const accels[] = {"jit", "interp", "baseline", "check"};
    static const char *const stats[] = {"none", "text", "json"};
    GString *s = g_string_new(NULL);
    add_command(s, o);
    if (o->command >= COMMAND_PRINT_HELP)
        return g_strstrip(g_string_free(s, FALSE));
    if (log_mask)
        g_string_append_printf(s, " log=%s%s", log_mask & LOG_EXEC ? "exec," : "",
                               log_mask & LOG_INT ? "int" : "");
    add_text(s, "machine", o->machine, "clabpu");
    if (o->ram_size)
        g_string_append_printf(s, " ram=0x%" G_GINT64_MODIFIER "x", o->ram_size);
    add_number(s, "harts", o->harts, 0);
    add_features(s, &o->features);
    add_text(s, "isa", o->isa, NULL);
    add_text(s, "dumpdtb", o->dumpdtb, NULL);
    add_flag(s, "htif-compat=qemu", o->htif_compat_qemu);
    add_flag(s, "stopped", o->start_stopped);
    add_flag(s, "no-reboot", o->no_reboot);
    add_text(s, "bios", o->bios, NULL);
    add_text(s, "kernel", o->kernel, NULL);
    add_flag(s, "entry", o->start_at_entry);
    add_text(s, "initrd", o->initrd, NULL);
    add_text(s, "append", o->append, NULL);
    add_text(s, "dtb", o->dtb, NULL);
    for (unsigned i = 0; i < o->load_items->len; i++)
        add_item(s, &g_array_index(o->load_items, LoadItem, i));
    add_virtio(s, o);
    add_networks(s, o);
    add_chardevs(s, o);
    add_mmio(s, o);
    add_flag(s, "nographic", o->nographic);
    for (unsigned i = 0; i < o->guest_args->len; i++)
        g_string_append_printf(s, i ? "|%s" : " args=%s", (char *)g_ptr_array_index(o->guest_args, i));
    add_monitor(s, o);
    add_gdb(s, o);
    add_text(s, "serial", o->serial, "mon:stdio");
    add_flag(s, "semihosting", o->semihosting);
    add_text(s, "chroot", o->chroot, NULL);
    add_text(s, "signature", o->signature, NULL);
    add_number(s, "granularity", o->signature_granularity, 16);
    add_text(s, "accel", accels[o->accel], "jit");
    add_number(s, "threshold", o->jit_threshold, 0);
    add_number(s, "warm", o->jit_warm, 0);
    add_flag(s, "baseline=off", o->jit_no_baseline);
    if (o->jit_opt >= 0)
        g_string_append_printf(s, " opt=%d", o->jit_opt);
    add_number(s, "workers", o->jit_workers, 0);
    add_number(s, "tb-size", o->jit_code_size, 0);
    add_flag(s, "run", o->aot_run);
    add_profile(s, o);
    add_tlb(s, o);
    show_irtool(s, o);
    add_blocks(s, o);
    add_flag(s, "sync", o->jit_sync);
    add_flag(s, "no-cache", o->no_cache);
    add_text(s, "cache-dir", o->cache_dir, NULL);
    if (o->cache_size)
        g_string_append_printf(s, " cache-size=0x%" G_GINT64_MODIFIER "x", o->cache_size);
    if (o->icount_shift >= 0)
        g_string_append_printf(s, " icount=%d", o->icount_shift);
    add_number(s, "tlb-bits", o->tlb_bits, 0);
    if (o->timeout > 0)
        g_string_append_printf(s, " timeout=%g", o->timeout);
    add_number(s, "instructions", o->instructions, 0);
    add_text(s, "log-file", o->log_file, NULL);
    add_logs(s, o);
    add_text(s, "stats", stats[o->stats], "none");
    add_flag(s, "quick", o->stats_quick);
    add_text(s, "stats-file", o->stats_file, NULL);
    add_flag(s, "flat", o->mtree_flat);
    add_flag(s, "dispatch", o->mtree_dispatch);
    add_flag(s, "owner", o->mtree_owner);
    add_flag(s, "disabled", o->mtree_disabled);
    return g_strstrip(g_string_free(s, FALSE));
}

static char *parse(int argc, char **argv)
{
    Options o;
    g_autoptr(GError) error = NULL;
    log_mask = 0;
    bool ok = options_parse(&o, argc, argv, &error);
    assert_true(ok == !error);
    char *got = ok ? describe(&o) : g_strdup_printf("error: %s", error->message);
    options_deinit(&o);
    return got;
}

static bool one_case(char *words, const char *expected, const char *text)
{
    g_auto(GStrv) argv = NULL;
    g_autofree char *line = g_strdup_printf("addend %s", words);
    int argc;
    assert_true(g_shell_parse_argv(line, &argc, &argv, NULL));
    g_autofree char *got = parse(argc, argv);
    if (!strcmp(got, expected))
        return true;
    print_error("%s\n  expected: %s\n  got:      %s\n", text, expected, got);
    return false;
}

static void cases(void **state)
{
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(cases_path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) words = g_string_new(NULL);
    unsigned n = 0, bad = 0;
    for (char **l = lines; *l; l++) {
        if (!words->len && (!**l || **l == '#'))
            continue;
        const char *arrow = strstr(*l, "=> ");
        if (!arrow) { // a quoted word goes on in the next line
            g_string_append_printf(words, "%s\n", *l);
            continue;
        }
        g_string_append_len(words, *l, arrow - *l);
        g_autofree char *expected = g_strstrip(g_strdup(arrow + 3));
        bad += !one_case(words->str, expected, *l);
        g_string_truncate(words, 0);
        n++;
    }
    assert_true(n > 150);
    assert_int_equal(bad, 0);
    (void)state;
}

static void help_names_every_choice(void **state)
{
    static char *const asks[][4] = {{"addend", "-M", "help"},      {"addend", "--help"},
                                    {"addend", "mtree", "--help"}, {"addend", "demo", "-h"},
                                    {"addend", "--version"},       {"addend", "-accel", "help"}};
    static const char *const words[] = {"clabpu-memory ", "\n  -M, -machine NAME",       "\n  -f\n",
                                        "addend demo",    "addend " ADDEND_VERSION "\n", "\ncheck "};
    for (unsigned i = 0; i < G_N_ELEMENTS(asks); i++) {
        Options o;
        assert_true(options_parse(&o, asks[i][2] ? 3 : 2, (char **)asks[i], NULL));
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        options_print(&o, out);
        fclose(out);
        assert_non_null(strstr(text, words[i]));
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **l = lines; *l; l++)
            assert_true(strlen(*l) <= 90);
        free(text);
        options_deinit(&o);
    }
    (void)state;
}

// Random words, made of pieces that mean something to the parser, never crash it, and an error is one line.
static void random_words(void **state)
{
    static const char *const pieces[] = {
        "-", "--", "+", "=", ",", ",,", "M", "machine", "accel", "m", "smp", "help", "clabpu",
        "size", "1", "99999999999999999999", "0x", "K", "G", "stats", "json", ":", "isa", "rv64",
        "imac", "_", "zba", "kernel", "a", " ", "\n", "\xff", "signature", "semihosting-config",
        "arg", "demo", "mtree", "f", "D",
        "edu", "hitb", "irq", "pflash", "unit",
        "drive", "virtio-blk-device", "virtio-rng-device", "if", "virtio", "bus", "id", "global",
        "device", "loader", "file", "addr", "data", "data-len", "cpu-num", "icount", "shift", "cores",
    };
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    for (unsigned i = 0; i < 100000; i++) {
        char *argv[7] = {"addend"};
        int argc = g_rand_int_range(rand, 1, 7);
        for (int j = 1; j < argc; j++) {
            GString *word = g_string_new(g_rand_boolean(rand) ? "-" : "");
            for (int k = g_rand_int_range(rand, 0, 6); k > 0; k--)
                g_string_append(word, pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))]);
            argv[j] = g_string_free(word, FALSE);
        }
        g_autofree char *got = parse(argc, argv);
        if (g_str_has_prefix(got, "error: "))
            assert_null(strchr(got, '\n'));
        for (int j = 1; j < argc; j++)
            g_free(argv[j]);
    }
    (void)state;
}

int main(int argc, char **argv)
{
    g_assert(argc == 2);
    cases_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases),
        cmocka_unit_test(help_names_every_choice),
        cmocka_unit_test(random_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
