// SPDX-License-Identifier: GPL-3.0-or-later
// General queries and settings (q, Q) and packets with long names (v).
#include "machine/gdb/gdb_private.h"

#include <string.h>

enum { ERROR_INVALID = 22 };

typedef struct {
    const char *name; // with the character in front of the arguments, if it has to be there
    GdbCommand *run;
} Named;

// Runs the row that the packet begins with; if there is none the answer is empty: unknown. Names that end in a letter
// must be all of the packet, or stand in front of one of :;,?
static void run_named(Gdb *g, const Named *rows, const char *text)
{
    for (; rows->name; rows++) {
        size_t n = strlen(rows->name);
        if (strncmp(text, rows->name, n))
            continue;
        if (g_ascii_isalnum(rows->name[n - 1]) && text[n] && !strchr(":;,?", text[n]))
            continue;
        rows->run(g, text + n);
        return;
    }
}

static void supported(Gdb *g, const char *args)
{
    g->swbreak = strstr(args, "swbreak+");
    g->hwbreak = strstr(args, "hwbreak+");
    gdb_reply(g, "PacketSize=%x;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+;qXfer:features:read+;"
                 "ConditionalBreakpoints+", PACKET_MAX);
}

// "ANNEX:OFFSET,LENGTH".
static void features(Gdb *g, const char *args)
{
    uint64_t offset, len;
    if (!g_str_has_prefix(args, "target.xml:")) {
        gdb_reply(g, "E00");
        return;
    }
    args += strlen("target.xml:");
    if (!packet_number_then(&args, ',', &offset) || !packet_number_then(&args, 0, &len)) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    g_autofree char *xml = gdb_registers_xml(g);
    uint64_t size = strlen(xml), at = MIN(offset, size);
    uint64_t part = MIN(MIN(len, size - at), PACKET_MAX / 2); // escaped it may be longer
    g_string_append_c(g->reply, at + part < size ? 'm' : 'l');
    g_string_append_len(g->reply, xml + at, (gssize)part);
}

static void monitor_command(Gdb *g, const char *args)
{
    char line[MONITOR_LINE_MAX] = {0};
    size_t n = strlen(args) / 2;
    if (n >= sizeof line || !packet_get_bytes(args, line, n)) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    Monitor *mon = g->monitor;
    mon->hart = g->hart;
    commands_run_line(mon, line);
    g_string_append_len(g->console, mon->out->str, (gssize)mon->out->len);
    g_string_truncate(mon->out, 0);
    gdb_console_flush(g);
    gdb_reply_ok(g);
}

static void current(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply(g, "QC%x", g->hart + 1);
}

static void attached(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply(g, "1");
}

static void symbols(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply_ok(g);
}

static void sstep_bits(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply(g, "ENABLE=%x,NOIRQ=%x", SSTEP_ENABLE, SSTEP_NOIRQ);
}

static void sstep(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply(g, "0x%x", g->sstep);
}

static void physical(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply(g, "%d", g->physical);
}

static void qemu_supported(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply(g, "sstepbits;sstep;PhyMemMode");
}

void gdb_query(Gdb *g, const char *args)
{
    static const Named rows[] = {
        {"Supported", supported},
        {"Xfer:features:read:", features},
        {"fThreadInfo", gdb_threads_first},
        {"sThreadInfo", gdb_threads_next},
        {"ThreadExtraInfo,", gdb_thread_info},
        {"C", current},
        {"Attached", attached},
        {"Symbol", symbols},
        {"Rcmd,", monitor_command},
        {"Search:memory:", gdb_memory_search},
        {"CRC:", gdb_memory_crc},
        {"qemu.sstepbits", sstep_bits},
        {"qemu.sstep", sstep},
        {"qemu.PhyMemMode", physical},
        {"qemu.Supported", qemu_supported},
        {NULL, NULL},
    };
    run_named(g, rows, args);
}

static void no_ack(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply_ok(g);
    g->no_ack = true;
}

static void set_sstep(Gdb *g, const char *args)
{
    uint64_t v;
    if (g_str_has_prefix(args, "0x"))
        args += 2;
    if (!packet_number_then(&args, 0, &v) || v & ~(uint64_t)(SSTEP_ENABLE | SSTEP_NOIRQ)) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    g->sstep = (unsigned)v;
    gdb_reply_ok(g);
}

static void set_physical(Gdb *g, const char *args)
{
    uint64_t v;
    if (!packet_number_then(&args, 0, &v) || v > 1) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    g->physical = v;
    gdb_reply_ok(g);
}

void gdb_set(Gdb *g, const char *args)
{
    static const Named rows[] = {
        {"StartNoAckMode", no_ack},
        {"qemu.sstep=", set_sstep},
        {"qemu.PhyMemMode:", set_physical},
        {NULL, NULL},
    };
    run_named(g, rows, args);
}

static void kill_process(Gdb *g, const char *args)
{
    gdb_kill(g, args);
    g->silent = false;
    gdb_reply_ok(g);
}

void gdb_verbose(Gdb *g, const char *args)
{
    static const Named rows[] = {
        {"Cont", gdb_vcont},
        {"Kill", kill_process},
        {NULL, NULL},
    };
    run_named(g, rows, args);
}
