// SPDX-License-Identifier: GPL-3.0-or-later
// T050: every row of vectors/ops_vectors.txt, as the CPU would do it and as DMA does it.
//
// "### <ops> le|be" starts a device type; a row is an access, then result and callbacks of both ways:
//   rd +5 x2: cpu=0x605 [R(0x5,1) R(0x6,1)]  dma=0506 r=0 [R(0x5,1) R(0x6,1)]
#include "tests/softmmu/fixture.h"
// then
#include <string.h>

#define BASE 0x10000

static Recorder rec;

// Reads "valid 4..8" or "impl ..." and its "unaligned" flag out of a device line.
static void parse_sizes(const char *line, const char *word, unsigned *min, unsigned *max, bool *unaligned)
{
    const char *p = strstr(line, word);
    *min = *max = 0;
    *unaligned = false;
    if (p) {
        int end = 0;
        assert_int_equal(sscanf(p + strlen(word), " %u..%u%n", min, max, &end), 2);
        *unaligned = g_str_has_prefix(p + strlen(word) + end, " unaligned");
    }
}

static void parse_device(const char *line, MemoryRegionOps *ops)
{
    *ops = (MemoryRegionOps){.read_with_attrs = recorder_read, .write_with_attrs = recorder_write};
    parse_sizes(line, "valid", &ops->valid.min_access_size, &ops->valid.max_access_size,
                &ops->valid.unaligned);
    parse_sizes(line, "impl", &ops->impl.min_access_size, &ops->impl.max_access_size, &ops->impl.unaligned);
    rec.big = g_str_has_suffix(line, " be");
    ops->endianness = rec.big ? DEVICE_BIG_ENDIAN : DEVICE_LITTLE_ENDIAN;
}

static const uint64_t pattern = UINT64_C(0x8877665544332211);

// The CPU's way (R2.10): naturally aligned pieces, up to the first that fails.
static void cpu_access(MemoryRegion *mr, bool is_write, uint64_t offset, unsigned size, GString *out)
{
    uint64_t value = is_write ? pattern : 0;
    for (unsigned done = 0; done < size;) {
        uint64_t bits = (size - done) | (offset + done) | 8, piece = 0;
        unsigned n = (unsigned)(bits & -bits);
        MemTxResult r = is_write
            ? memory_region_dispatch_write(mr, offset + done, value >> 8 * done, n, MEMTXATTRS_NONE)
            : memory_region_dispatch_read(mr, offset + done, &piece, n, MEMTXATTRS_NONE);
        if (r != MEMTX_OK) {
            g_string_append_printf(out, "FAULT@+%" PRIu64, offset + done);
            return;
        }
        value |= is_write ? 0 : piece << 8 * done;
        done += n;
    }
    if (is_write) {
        g_string_append(out, "ok");
    } else {
        g_string_append_printf(out, "0x%" PRIx64, value);
    }
}

static void dma_access(bool is_write, uint64_t offset, unsigned size, GString *out)
{
    uint64_t le = GUINT64_TO_LE(pattern);
    uint8_t buf[8];
    memcpy(buf, &le, 8);
    MemTxResult r = address_space_rw(&as, BASE + offset, MEMTXATTRS_NONE, buf, size, is_write);
    if (!is_write) {
        g_string_append_c(out, '=');
        for (unsigned i = 0; i < size; i++) {
            g_string_append_printf(out, "%02x", buf[i]);
        }
    }
    g_string_append_printf(out, " r=%u", (unsigned)r);
}

static void t050_ops_vectors(void **state) // T050
{
    (void)state;
    g_autofree char *text = NULL;
    GError *error = NULL;
    if (!g_file_get_contents("tests/softmmu/vectors/ops_vectors.txt", &text, NULL, &error)) {
        fail_msg("%s", error->message);
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    MemoryRegionOps ops;
    MemoryRegion *mr = NULL;
    unsigned rows = 0, devices = 0;
    for (unsigned i = 0; lines[i] && *lines[i]; i++) {
        if (g_str_has_prefix(lines[i], "###")) {
            if (mr) {
                memory_region_del_subregion(sys, mr);
            }
            parse_device(lines[i], &ops);
            mr = add(sys, BASE, device(&ops, &rec, "dev", 0x1000));
            devices++;
            continue;
        }
        char kind;
        unsigned offset, size;
        assert_int_equal(sscanf(lines[i], "  %c%*c +%u x%u:", &kind, &offset, &size), 3);
        bool is_write = kind == 'w';
        g_autoptr(GString) out = g_string_new(NULL);
        g_string_append_printf(out, "  %s +%u x%u: cpu=", is_write ? "wr" : "rd", offset, size);
        cpu_access(mr, is_write, offset, size, out);
        g_string_append_printf(out, " [%s]  dma", rec.log->str);
        g_string_truncate(rec.log, 0);
        dma_access(is_write, offset, size, out);
        g_string_append_printf(out, " [%s]", rec.log->str);
        g_string_truncate(rec.log, 0);
        assert_string_equal(out->str, lines[i]);
        rows++;
    }
    assert_int_equal(devices, 16);
    assert_int_equal(rows, 176);
}

static int setup_vectors(void **state)
{
    recorder_init(&rec);
    return setup(state);
}

static int teardown_vectors(void **state)
{
    recorder_deinit(&rec);
    return teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t050_ops_vectors, setup_vectors, teardown_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
