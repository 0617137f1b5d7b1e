// SPDX-License-Identifier: GPL-3.0-or-later
// Region kinds beside plain RAM, ROM and MMIO: memory of the caller's, files, resizeable RAM, ROM devices, RAM devices
// (spec 1.1), as a device and, by the TLB, as a CPU sees them.
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/tlb.h"
#include "util/log.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static Recorder rec;
static Tlb *tlb;
static uint64_t fast_mask;
static TlbEntry *fast_table;
static char *dir;

static bool identity(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                     MemFault *fault)
{
    (void)opaque, (void)size, (void)access, (void)mmu, (void)fault;
    *out = (TlbTranslation){.page = va & PAGE_MASK, .allow = {true, true, true}, .whole_page = true};
    return true;
}

static void flush(void *opaque)
{
    tlb_flush(opaque);
}

static int setup_all(void **state)
{
    setup(state);
    recorder_init(&rec);
    tlb = tlb_new(&as, NULL, &(TlbHooks){identity, NULL}, 8, &fast_mask, &fast_table);
    memory_set_commit_hook(flush, tlb);
    dir = g_dir_make_tmp("addend-kinds-XXXXXX", NULL);
    return 0;
}

static int teardown_all(void **state)
{
    teardown(state);
    tlb_free(tlb);
    recorder_deinit(&rec);
    rmdir(dir);
    g_free(dir);
    return 0;
}

static uint64_t load(gva_t va, unsigned size)
{
    uint64_t value;
    MemFault fault;
    assert_true(tlb_load(tlb, va, size, &value, &fault));
    return value & UINT64_MAX >> (64 - 8 * size);
}

static void store(gva_t va, unsigned size, uint64_t value)
{
    MemFault fault;
    assert_true(tlb_store(tlb, va, size, value, &fault));
}

// The CPU would access it without any slow path.
static bool fast(gva_t va, MemAccess access)
{
    return ((TlbEntry *)(void *)((char *)fast_table + ((va >> 7) & fast_mask)))->cmp[access] == (va & PAGE_MASK);
}

static MemTxResult write_8(gpa_t addr, uint64_t value)
{
    return address_space_write(&as, addr, MEMTXATTRS_NONE, &value, 8);
}

// --- memory of the caller's --------------------------------------------------------------------------------
static void ram_ptr(void **state)
{
    (void)state;
    static uint8_t mine[0x2000] __attribute__((aligned(4096)));
    MemoryRegion mr;
    memory_region_init_ram_ptr(&mr, "mine", sizeof mine, mine);
    add(sys, 0x10000, &mr);
    assert_ptr_equal(memory_region_ram_ptr(&mr), mine);
    assert_int_equal(write_8(0x10ffc, UINT64_C(0x1122334455667788)), MEMTX_OK);
    assert_int_equal(mine[0x1003], 0x11);
    store(0x10010, 4, 0xabcd);
    assert_int_equal(load(0x10010, 2), 0xabcd);
    assert_true(fast(0x10010, ACCESS_READ) && fast(0x10010, ACCESS_WRITE));
    memory_region_del_subregion(sys, &mr);
    memory_region_deinit(&mr);
    assert_int_equal(mine[0x10], 0xcd); // still there
}

// --- files -------------------------------------------------------------------------------------------------
static char *file_with(const char *name, const char *text, size_t len)
{
    char *path = g_build_filename(dir, name, NULL);
    assert_true(g_file_set_contents(path, text, (gssize)len, NULL));
    return path;
}

static char *whole_file(const char *path, gsize *len)
{
    char *text;
    assert_true(g_file_get_contents(path, &text, len, NULL));
    return text;
}

#define FILE_BYTES 0x1800

static void ram_from_file(void **state)
{
    (void)state;
    char text[FILE_BYTES];
    memset(text, 'a', sizeof text);
    for (unsigned mode = 0; mode < 4; mode++) {
        RamFileFlags flags = {.shared = mode & 1, .readonly = mode & 2};
        g_autofree char *path = file_with("image", text, sizeof text);
        MemoryRegion mr;
        assert_true(memory_region_init_ram_from_file(&mr, "file", FILE_BYTES, flags, path, NULL));
        assert_int_equal(memory_region_size(&mr), FILE_BYTES);
        add(sys, 0x10000, &mr);
        assert_view(&as, flags.readonly ? "10000-117ff file ro" : "10000-117ff file");
        assert_int_equal(load(0x10ffe, 4), 0x61616161);
        store(0x10000, 1, 'b'); // dropped if it is read-only
        assert_int_equal(load(0x10000, 1), flags.readonly ? 'a' : 'b');
        assert_int_equal(write_8(0x11000, 0), flags.readonly ? MEMTX_DECODE_ERROR : MEMTX_OK);
        // A loader gets through, unless nobody may write.
        assert_int_equal(address_space_write_rom(&as, 0x10001, "L", 1), MEMTX_OK);
        assert_int_equal(load(0x10001, 1), flags.shared && flags.readonly ? 'a' : 'L');
        memory_region_del_subregion(sys, &mr);
        memory_region_deinit(&mr);
        gsize len;
        g_autofree char *now = whole_file(path, &len);
        assert_int_equal(len, FILE_BYTES);
        assert_memory_equal(now, mode == 1 ? "bLaa" : "aaaa", 4);
        unlink(path);
    }
}

static void ram_from_new_file(void **state)
{
    (void)state;
    g_autofree char *path = g_build_filename(dir, "new", NULL);
    MemoryRegion mr;
    assert_true(memory_region_init_ram_from_file(&mr, "new", 0x2000, (RamFileFlags){.shared = true}, path, NULL));
    mr.ram->host[0x1fff] = 'z';
    memory_region_deinit(&mr);
    gsize len;
    g_autofree char *now = whole_file(path, &len);
    assert_true(len == 0x2000 && now[0x1fff] == 'z' && now[0] == 0);
    unlink(path);
}

static void ram_from_fd(void **state)
{
    (void)state;
    char text[0x2000];
    for (unsigned i = 0; i < sizeof text; i++) {
        text[i] = i < 0x1000 ? '0' : '1';
    }
    g_autofree char *path = file_with("fd", text, sizeof text);
    int fd = open(path, O_RDWR);
    MemoryRegion mr;
    assert_true(memory_region_init_ram_from_fd(&mr, "fd", 0x1000, (RamFileFlags){.shared = true}, fd, 0x1000, NULL));
    close(fd);
    assert_int_equal(mr.ram->host[0], '1');
    memory_region_deinit(&mr);
    unlink(path);

    fd = memfd_create("anonymous", 0);
    assert_true(memory_region_init_ram_from_fd(&mr, "fd", 0x3000, (RamFileFlags){.shared = true}, fd, 0, NULL));
    assert_int_equal(lseek(fd, 0, SEEK_END), 0x3000);
    memory_region_deinit(&mr);
    close(fd);
}

static void file_error(const char *path, uint64_t size, RamFileFlags flags, const char *want)
{
    MemoryRegion mr;
    g_autoptr(GError) error = NULL;
    assert_false(memory_region_init_ram_from_file(&mr, "it", size, flags, path, &error));
    g_autofree char *text = g_strdup_printf(want, path);
    assert_string_equal(error->message, text);
}

static void file_errors(void **state)
{
    (void)state;
    g_autofree char *path = file_with("short", "short", 5), *none = g_build_filename(dir, "none", NULL);
    RamFileFlags ro = {.readonly = true}, rw = {.shared = true};
    file_error(path, 0x1000, rw, "%s has 5 bytes, too few for the 4096 of 'it'");
    file_error(none, 0x1000, ro, "cannot open %s for 'it': No such file or directory");
    file_error(dir, 0x1000, rw, "cannot open %s for 'it': Is a directory");
    file_error("/dev/null", 0x1000, ro, "cannot use %s for 'it': not a regular file");
    file_error(path, UINT64_MAX - 1, rw, "%s has 5 bytes, too few for the 18446744073709551614 of 'it'");
    file_error(none, UINT64_MAX - 1, rw, "cannot make %s of 18446744073709551614 bytes for 'it': File too large");
    assert_false(g_file_test(none, G_FILE_TEST_EXISTS)); // nothing is left behind
    int fd = open(path, O_RDONLY);
    MemoryRegion mr;
    g_autoptr(GError) error = NULL, error2 = NULL, error3 = NULL;
    g_autofree char *name = g_strdup_printf("file descriptor %d", fd);
    assert_false(memory_region_init_ram_from_fd(&mr, "it", 1, ro, fd, 3, &error));
    g_autofree char *want = g_strdup_printf("cannot use %s for 'it': offset 0x3 is no multiple of 0x1000", name);
    assert_string_equal(error->message, want);
    assert_false(memory_region_init_ram_from_fd(&mr, "it", 5, rw, fd, 0, &error2)); // not open for writing
    g_autofree char *want2 = g_strdup_printf("cannot map %s for 'it': Permission denied", name);
    assert_string_equal(error2->message, want2);
    close(fd);
    assert_false(memory_region_init_ram_from_fd(&mr, "it", 5, rw, fd, 0, &error3));
    g_autofree char *want3 = g_strdup_printf("cannot use %s for 'it': Bad file descriptor", name);
    assert_string_equal(error3->message, want3);
    unlink(path);
}

// --- resizeable RAM (R1.5) ---------------------------------------------------------------------------------
static uint64_t last_resize;
static unsigned resizes;

static void resized(void *opaque, uint64_t size)
{
    assert_ptr_equal(opaque, &resizes);
    last_resize = size;
    resizes++;
}

static void resizeable(void **state)
{
    (void)state;
    MemoryRegion *mr = region_alloc(), *fixed = ram("fixed", 0x1000);
    g_autoptr(GError) error = NULL, error2 = NULL;
    assert_true(memory_region_init_resizeable_ram(mr, "acpi", 0x800, 0x4000, resized, &resizes, NULL));
    add(sys, 0x10000, mr);
    assert_view(&as, "10000-107ff acpi");
    assert_int_equal(mr->ram->size, 0x4000);
    assert_true(memory_region_ram_resize(mr, 0x3000, NULL));
    assert_view(&as, "10000-12fff acpi");
    assert_true(last_resize == 0x3000 && resizes == 1);
    assert_true(memory_region_ram_resize(mr, 0x2ff0, NULL)); // as many pages
    assert_view(&as, "10000-12fef acpi");
    assert_true(last_resize == 0x2ff0 && resizes == 2);
    assert_true(memory_region_ram_resize(mr, 0x2ff0, NULL)); // nothing new
    assert_int_equal(resizes, 2);
    assert_false(memory_region_ram_resize(mr, 0x4001, &error));
    assert_int_equal(error->code, G_FILE_ERROR_INVAL);
    assert_string_equal(error->message,
                        "size mismatch: 'acpi' cannot change from 0x2ff0 to 0x4001 bytes: it has no room for more");
    assert_false(memory_region_ram_resize(fixed, 0x800, &error2));
    assert_string_equal(error2->message,
                        "size mismatch: 'fixed' cannot change from 0x1000 to 0x800 bytes: its size is fixed");
    assert_int_equal(resizes, 2);
}

// --- ROM devices -------------------------------------------------------------------------------------------
static ram_t written_at;
static uint64_t written_len;

static void note_written(void *opaque, ram_t start, uint64_t len)
{
    (void)opaque;
    written_at = start;
    written_len = len;
}

static void t070_rom_device(void **state) // T070
{
    (void)state;
    uint8_t buf[16] = {0};
    MemoryRegion *mr = region_alloc();
    assert_true(memory_region_init_rom_device(mr, &recorder_ops, &rec, "flash", 0x2000, NULL));
    add(sys, 0x10000, mr);
    memset(memory_region_ram_ptr(mr), 0x5a, 0x2000);
    // Reads are direct, writes call.
    assert_int_equal(load(0x10010, 4), 0x5a5a5a5a);
    assert_true(fast(0x10010, ACCESS_READ) && fast(0x10010, ACCESS_FETCH) && !fast(0x10010, ACCESS_WRITE));
    assert_int_equal(address_space_read(&as, 0x10ffc, MEMTXATTRS_NONE, buf, 8), MEMTX_OK);
    assert_calls(&rec, "");
    store(0x10008, 4, 0x90);
    assert_int_equal(write_8(0x11000, 1), MEMTX_OK);
    assert_calls(&rec, "W(0x8,4,0x90) W(0x1000,8,0x1)");
    assert_int_equal(load(0x10008, 1), 0x5a);
    // The other mode.
    memory_region_rom_device_set_romd(mr, false);
    assert_int_equal(load(0x10010, 4), 0x13121110);
    assert_false(fast(0x10010, ACCESS_READ));
    assert_int_equal(address_space_read(&as, 0x10004, MEMTXATTRS_NONE, buf, 4), MEMTX_OK);
    assert_memory_equal(buf, "\4\5\6\7", 4);
    store(0x10008, 1, 0xff);
    assert_calls(&rec, "R(0x10,4) R(0x4,4) W(0x8,1,0xff)");
    memory_region_rom_device_set_romd(mr, true);
    assert_int_equal(load(0x10010, 4), 0x5a5a5a5a);
    // What may write ROM, a loader or debugger, writes it in that mode only.
    assert_int_equal(address_space_write_rom(&as, 0x10000, "ab", 2), MEMTX_OK);
    assert_int_equal(address_space_write(&as, 0x10002, (MemTxAttrs){.debug = 1}, "cd", 2), MEMTX_OK);
    assert_int_equal(load(0x10000, 4), 0x64636261);
    assert_calls(&rec, "");
    // It is no memory for who wants memory only.
    assert_int_equal(address_space_read(&as, 0x10000, (MemTxAttrs){.memory = 1}, buf, 4), MEMTX_ACCESS_ERROR);
    memory_set_ram_written_hook(note_written, NULL);
    memory_region_flush_rom_device(mr, 0x20, 0x30);
    assert_true(written_at == mr->ram->offset + 0x20 && written_len == 0x30);
}

// R2.23: a transfer never runs on below an overlay.
static void overlay_on_rom_device(void **state)
{
    (void)state;
    uint8_t buf[12];
    MemoryRegion *mr = region_alloc();
    assert_true(memory_region_init_rom_device(mr, &recorder_ops, &rec, "flash", 0x2000, NULL));
    memset(memory_region_ram_ptr(mr), 0x5a, 0x2000);
    add(sys, 0x10000, mr);
    add_prio(sys, 0x10104, device(&recorder_ops, &rec, "dev", 4), 1);
    assert_int_equal(address_space_read(&as, 0x10100, MEMTXATTRS_NONE, buf, 12), MEMTX_OK);
    assert_memory_equal(buf, "ZZZZ\0\1\2\3ZZZZ", 12);
    assert_calls(&rec, "R(0x0,4)");
    assert_int_equal(load(0x10100, 8), UINT64_C(0x030201005a5a5a5a)); // the CPU likewise
}

// A ROM device keeps its mode in every view; toggling in a transaction shows at its end.
static void romd_is_topology(void **state)
{
    (void)state;
    MemoryRegion *mr = region_alloc();
    assert_true(memory_region_init_rom_device(mr, &recorder_ops, &rec, "flash", 0x1000, NULL));
    add(sys, 0, mr);
    assert_true(as.view->ranges[0].romd && as.view->ranges[0].host);
    memory_transaction_begin();
    memory_region_rom_device_set_romd(mr, false);
    assert_true(as.view->ranges[0].romd);
    memory_transaction_commit();
    assert_true(!as.view->ranges[0].romd && !as.view->ranges[0].host);
    FlatView *before = as.view;
    memory_region_rom_device_set_romd(mr, false); // no change
    assert_ptr_equal(as.view, before);
}

// --- RAM devices -------------------------------------------------------------------------------------------
// Transfers touch it in accesses of their own size, not by memcpy; the CPU as if it was RAM.
static void ram_device(void **state)
{
    (void)state;
    static uint8_t registers[0x1000] __attribute__((aligned(4096)));
    uint8_t buf[15];
    MemoryRegion *mr = region_alloc();
    memory_region_init_ram_device_ptr(mr, "bar", sizeof registers, registers);
    add(sys, 0x10000, mr);
    for (unsigned i = 0; i < sizeof registers; i++) {
        registers[i] = (uint8_t)(i * 7);
    }
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    assert_true(log_open(path, NULL));
    log_mask = LOG_MMIO;
    assert_int_equal(load(0x10011, 2), 0x7e77);
    assert_true(fast(0x10011, ACCESS_READ) && fast(0x10011, ACCESS_WRITE));
    assert_int_equal(address_space_read(&as, 0x10001, MEMTXATTRS_NONE, buf, 15), MEMTX_OK);
    assert_memory_equal(buf, registers + 1, 15);
    assert_int_equal(address_space_write(&as, 0x10003, MEMTXATTRS_NONE, "abc", 3), MEMTX_OK);
    assert_memory_equal(registers + 3, "abc", 3);
    address_space_st(&as, 0x10006, 4, 0x44434241, NULL);
    assert_memory_equal(registers + 6, "ABCD", 4);
    log_mask = 0;
    gsize len;
    g_autofree char *text = whole_file(path, &len);
    unlink(path);
    GString *sizes = g_string_new(NULL);
    for (const char *at = text; (at = strstr(at, "bar +0x")); at++) {
        g_string_append_printf(sizes, "%.3s:%c ", at + 7, strstr(at, "size ")[5]);
    }
    assert_string_equal(sizes->str, "1 s:8 9 s:4 d s:2 f s:1 3 s:2 5 s:1 6 s:4 ");
    g_string_free(sizes, TRUE);
    g_autoptr(GString) listing = g_string_new(NULL);
    memory_print_tree(listing, 0);
    assert_non_null(strstr(listing->str, "(prio 0, ramd): bar\n")); // T130
    assert_int_equal(address_space_read(&as, 0x10000, (MemTxAttrs){.memory = 1}, buf, 4), MEMTX_OK); // it is memory
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_all, teardown_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ram_ptr),          TEST(ram_from_file), TEST(ram_from_new_file), TEST(ram_from_fd),
        TEST(file_errors),      TEST(resizeable),    TEST(t070_rom_device),   TEST(overlay_on_rom_device),
        TEST(romd_is_topology), TEST(ram_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
