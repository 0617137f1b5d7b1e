// SPDX-License-Identifier: GPL-3.0-or-later
// Commands about memory and ports: dumps, translations, single accesses.
#include "frontend/disas.h"
#include "machine/monitor/expression.h"
#include "machine/monitor/monitor_private.h"
#include "util/bits.h"

#include <inttypes.h>
#include <string.h>

#define COUNT_MAX  65536
#define STRING_MAX 4096 // bytes of one x/s

typedef struct { // "/4xw"
    unsigned count, size;
    char letter; // of x d u o c i s
} Format;

static uint64_t size_of_letter(char c)
{
    return c == 'b' ? 1 : c == 'h' ? 2 : c == 'w' || c == 'l' ? 4 : c == 'g' ? 8 : 0;
}

// Takes a format from the front of *text; without one, or a part of it, *out stays.
static bool take_format(Monitor *mon, const char **text, Format *out)
{
    const char *p = *text;
    if (*p != '/')
        return true;
    p++;
    if (g_ascii_isdigit(*p)) {
        char *end;
        uint64_t n = g_ascii_strtoull(p, &end, 10);
        p = end;
        if (n > COUNT_MAX) {
            monitor_printf(mon, "at most %d at a time\n", COUNT_MAX);
            return false;
        }
        out->count = (unsigned)n;
    }
    bool sized = false;
    for (; *p && *p != ' ' && *p != '\t'; p++) {
        if (size_of_letter(*p)) {
            out->size = (unsigned)size_of_letter(*p);
            sized = true;
        } else if (strchr("xduocis", *p)) {
            out->letter = *p;
        } else {
            monitor_printf(mon, "'%c' is none of the formats x d u o c i s and sizes b h w g\n", *p);
            return false;
        }
    }
    if (out->letter == 'c' && !sized)
        out->size = 1;
    *text = p + strspn(p, " \t");
    return true;
}

// The value of the one expression that is left.
static bool take_last(Monitor *mon, const char *text, uint64_t *value)
{
    g_autoptr(GError) error = NULL;
    if (!expression_value(monitor_cpu(mon), &text, value, &error))
        monitor_printf(mon, "%s\n", error->message);
    else if (*text)
        monitor_printf(mon, "what is '%s'?\n", text);
    else
        return true;
    return false;
}

static bool read_bytes(Monitor *mon, bool physical, uint64_t addr, void *buf, uint64_t len)
{
    Cpu *cpu = monitor_cpu(mon);
    return physical ? cpu_physical_memory_rw_debug(cpu, addr, buf, len, false)
                    : cpu_memory_rw_debug(cpu, addr, buf, len, false);
}

static void print_char(GString *out, uint8_t c)
{
    static const char from[] = "\n\r\t\\'", to[] = "nrt\\'";
    const char *escape = c ? strchr(from, c) : NULL;
    if (escape)
        g_string_append_printf(out, "\\%c", to[escape - from]);
    else if (c >= 32 && c < 127)
        g_string_append_c(out, (char)c);
    else
        g_string_append_printf(out, "\\x%02x", c);
}

static void print_value(GString *out, char letter, unsigned size, uint64_t v)
{
    unsigned bits = 8 * size;
    switch (letter) {
    case 'o':
        g_string_append_printf(out, "0%0*" PRIo64, (int)(bits + 2) / 3, v);
        break;
    case 'u':
        g_string_append_printf(out, "%*" PRIu64, (int)(bits * 10 + 32) / 33, v);
        break;
    case 'd':
        g_string_append_printf(out, "%*" PRId64, (int)(bits * 10 + 32) / 33, bits_sext(v, bits));
        break;
    case 'c':
        g_string_append_c(out, '\'');
        print_char(out, (uint8_t)v);
        g_string_append_c(out, '\'');
        break;
    default:
        g_string_append_printf(out, "0x%0*" PRIx64, (int)(bits / 4), v);
    }
}

static void cannot(Monitor *mon, uint64_t addr)
{
    monitor_printf(mon, "%016" PRIx64 ": Cannot access memory\n", addr);
}

static void dump_values(Monitor *mon, const Format *f, bool physical, uint64_t addr)
{
    unsigned line = f->size == 1 ? 8 : 16;
    uint64_t left = (uint64_t)f->count * f->size;
    while (left) {
        uint8_t bytes[16];
        unsigned n = (unsigned)MIN(left, line);
        if (!read_bytes(mon, physical, addr, bytes, n)) {
            cannot(mon, addr);
            return;
        }
        monitor_printf(mon, "%016" PRIx64 ":", addr);
        for (unsigned i = 0; i < n; i += f->size) {
            uint64_t v = 0;
            memcpy(&v, bytes + i, f->size);
            g_string_append_c(mon->out, ' ');
            print_value(mon->out, f->letter, f->size, v);
        }
        g_string_append_c(mon->out, '\n');
        addr += n;
        left -= n;
    }
}

static void dump_insns(Monitor *mon, unsigned count, bool physical, uint64_t addr)
{
    for (; count; count--) {
        uint16_t parcel[2] = {0};
        char line[128];
        bool ok = read_bytes(mon, physical, addr, &parcel[0], 2);
        if (ok && (parcel[0] & 3) == 3)
            ok = read_bytes(mon, physical, addr + 2, &parcel[1], 2);
        if (!ok) {
            cannot(mon, addr);
            return;
        }
        addr += disas_line(line, sizeof line, addr, parcel[0] | (uint32_t)parcel[1] << 16);
        monitor_printf(mon, "%s\n", line);
    }
}

static void dump_strings(Monitor *mon, unsigned count, bool physical, uint64_t addr)
{
    for (; count; count--) {
        g_autoptr(GString) text = g_string_new(NULL);
        uint8_t c = 1;
        uint64_t at = addr;
        while (text->len < STRING_MAX && read_bytes(mon, physical, at, &c, 1) && c) {
            print_char(text, c);
            at++;
        }
        if (c && at == addr) {
            cannot(mon, addr);
            return;
        }
        monitor_printf(mon, "%016" PRIx64 ": \"%s\"%s\n", addr, text->str, c ? "..." : "");
        addr = at + !c;
    }
}

static void dump(Monitor *mon, const char *arguments, bool physical)
{
    Format f = {1, 4, 'x'};
    uint64_t addr;
    if (!take_format(mon, &arguments, &f) || !take_last(mon, arguments, &addr))
        return;
    if (f.letter == 'i')
        dump_insns(mon, f.count, physical, addr);
    else if (f.letter == 's')
        dump_strings(mon, f.count, physical, addr);
    else
        dump_values(mon, &f, physical, addr);
}

static void x(Monitor *mon, const char *arguments)
{
    dump(mon, arguments, false);
}

static void xp(Monitor *mon, const char *arguments)
{
    dump(mon, arguments, true);
}

static void print(Monitor *mon, const char *arguments)
{
    Format f = {1, 8, 'x'};
    uint64_t v;
    if (!take_format(mon, &arguments, &f) || !take_last(mon, arguments, &v))
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    if (f.letter == 'x')
        g_string_append_printf(text, "0x%" PRIx64, v);
    else
        print_value(text, f.letter, 8, v);
    monitor_printf(mon, "%s\n", g_strstrip(text->str));
}

static void gva2gpa(Monitor *mon, const char *arguments)
{
    const Hart *hart = &monitor_cpu(mon)->hart;
    uint64_t va, pa;
    if (!take_last(mon, arguments, &va))
        return;
    if (hart_debug_translate(hart, va, hart_data_mmu(hart), &pa))
        monitor_printf(mon, "gpa: 0x%" PRIx64 "\n", pa);
    else
        monitor_printf(mon, "Unmapped\n");
}

static void gpa2hva(Monitor *mon, const char *arguments)
{
    uint64_t pa;
    if (!take_last(mon, arguments, &pa))
        return;
    memory_lock();
    MemorySection s = address_space_lookup(board_cpu_memory(machine_board(mon->m), mon->hart), pa);
    if (!s.mr)
        monitor_printf(mon, "No memory is mapped at address 0x%" PRIx64 "\n", pa);
    else if (!s.host)
        monitor_printf(mon, "Memory at address 0x%" PRIx64 " is not RAM\n", pa);
    else
        monitor_printf(mon, "Host virtual address for 0x%" PRIx64 " (%s) is %p\n", pa, s.mr->name, (void *)s.host);
    memory_unlock();
}

static char port_letter(unsigned size)
{
    return size == 1 ? 'b' : size == 2 ? 'w' : 'l';
}

static bool take_port(Monitor *mon, const char **arguments, Format *f, uint64_t *port)
{
    g_autoptr(GError) error = NULL;
    *f = (Format){1, 1, 'x'};
    if (!take_format(mon, arguments, f))
        return false;
    if (!expression_value(monitor_cpu(mon), arguments, port, &error))
        monitor_printf(mon, "%s\n", error->message);
    else if (*port > 0xffff || f->size > 4)
        monitor_printf(mon, "ports are 0 to 0xffff, of 1, 2 or 4 bytes\n");
    else
        return true;
    return false;
}

static void in(Monitor *mon, const char *arguments)
{
    Format f;
    uint64_t port;
    if (!take_port(mon, &arguments, &f, &port))
        return;
    if (*arguments) {
        monitor_printf(mon, "what is '%s'?\n", arguments);
        return;
    }
    uint64_t v = address_space_ld(board_io(machine_board(mon->m)), port, f.size, NULL);
    monitor_printf(mon, "port%c[0x%04" PRIx64 "] = 0x%0*" PRIx64 "\n", port_letter(f.size), port, (int)f.size * 2, v);
}

static void out(Monitor *mon, const char *arguments)
{
    Format f;
    uint64_t port, v;
    if (take_port(mon, &arguments, &f, &port) && take_last(mon, arguments, &v))
        address_space_st(board_io(machine_board(mon->m)), port, f.size, v, NULL);
}

const MonitorCommand commands_memory[] = {
    {"x", "/FMT ADDR", "dump virtual memory: a count, x d u o c i or s, and b h w or g bytes", true, x},
    {"xp", "/FMT ADDR", "dump physical memory", true, xp},
    {"print|p", "/FMT EXPR", "show the value of an expression", true, print},
    {"gva2gpa", "ADDR", "show the physical address of a virtual one", true, gva2gpa},
    {"gpa2hva", "ADDR", "show the host's address of a physical one", true, gpa2hva},
    {"i", "/FMT PORT", "read from the I/O space: b (default), h or w", true, in},
    {"o", "/FMT PORT VALUE", "write to the I/O space", true, out},
    {NULL},
};
