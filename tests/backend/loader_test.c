// SPDX-License-Identifier: GPL-3.0-or-later
// The object loader on objects that gcc makes from text, whole and damaged.
#include "tests/test.h"
#include "backend/code_memory.h"
#include "backend/loader.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

// The object file of a C text; freed by the caller.
static GByteArray *compile(const char *text)
{
    g_autofree char *dir = g_dir_make_tmp("loader-XXXXXX", NULL);
    g_autofree char *c = g_build_filename(dir, "t.c", NULL), *o = g_build_filename(dir, "t.o", NULL);
    const char *argv[] = {"gcc",
                          "-O1",
                          "-fpic",
                          "-fno-asynchronous-unwind-tables",
                          "-fcf-protection=none",
                          "-w",
                          "-fvisibility=hidden",
                          "-c",
                          "-o",
                          o,
                          c,
                          NULL};
    char *bytes;
    gsize size;
    assert_true(g_file_set_contents(c, text, -1, NULL));
    assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_true(g_file_get_contents(o, &bytes, &size, NULL));
    g_unlink(c);
    g_unlink(o);
    g_rmdir(dir);
    return g_byte_array_new_take((guint8 *)bytes, size);
}

static const char good[] = "static const long table[4] = {1, 10, 100, 1000};\n"
                           "static __attribute__((noinline)) long pick(long i) { return table[i & 3]; }\n"
                           "long other(void) { return 5; }\n"
                           "long region(long i) { return pick(i) + 1; }\n";

static void runs(void **state)
{
    g_autoptr(GByteArray) object = compile(good), text = NULL;
    g_autoptr(GError) error = NULL;
    size_t entry;
    (void)state;
    text = object_load(object->data, object->len, "region", &entry, &error);
    assert_null(error);
    CodeMemory *memory = code_memory_new(0);
    uint8_t *code = code_memory_install(memory, text->data, text->len, &error);
    assert_non_null(code);
    long (*fn)(long) = (long (*)(long))(void *)(code + entry);
    assert_int_equal(fn(0), 2);
    assert_int_equal(fn(3), 1001);
    assert_true(code_memory_used(memory) >= text->len);
    code_memory_reset(memory);
    assert_int_equal(code_memory_used(memory), 0);
    code_memory_free(memory);
}

static void refuse(const char *source, const char *symbol, const char *message)
{
    g_autoptr(GByteArray) object = compile(source);
    g_autoptr(GError) error = NULL;
    size_t entry;
    assert_null(object_load(object->data, object->len, symbol, &entry, &error));
    assert_non_null(error);
    if (!strstr(error->message, message))
        fail_msg("'%s' does not say '%s'", error->message, message);
}

static void refuses(void **state)
{
    (void)state;
    refuse(good, "absent", "the function is missing");
    refuse("int x = 3; int region(void) { return x++; }", "region", "writable data");
    refuse("static int x; int region(void) { return x++; }", "region", "writable data");
    refuse("extern __attribute__((visibility(\"hidden\"))) int f(void); int region(void) { return f() + 1; }", "region",
           "outside itself");
    refuse("extern __attribute__((visibility(\"default\"))) int x; int region(void) { return x; }", "region",
           "outside itself");
}

static void *memory_dup(const void *p, size_t n)
{
    return memcpy(malloc(n ? n : 1), p, n); // of its exact size, so that sanitizers see reads behind it
}

// Nothing but an error or a loaded object comes out of damaged files.
static void damaged(void **state)
{
    g_autoptr(GByteArray) object = compile(good);
    uint64_t rng = 88172645463325252u;
    unsigned refused = 0;
    (void)state;
    for (unsigned n = 0; n < 3000; n++) {
        size_t len = n < object->len ? n : object->len, entry = 0;
        uint8_t *bytes = memory_dup(object->data, len);
        for (unsigned k = 0; n >= object->len && k < 1 + n % 3; k++) {
            rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
            // headers and section table, which say where things are, more often than the rest
            size_t at = n % 2 ? (rng >> 20) % len : len - 1 - (rng >> 20) % 800;
            bytes[at] = (uint8_t)(rng >> 8);
        }
        g_autoptr(GError) error = NULL;
        GByteArray *text = object_load(bytes, len, "region", &entry, &error);
        assert_true((text != NULL) != (error != NULL));
        if (text) {
            assert_true(entry <= text->len);
            g_byte_array_free(text, TRUE);
        } else {
            refused++;
        }
        free(bytes);
    }
    assert_true(refused > 100);
    g_autoptr(GError) error = NULL;
    size_t entry;
    assert_null(object_load("not an object", 13, "region", &entry, &error));
    assert_non_null(strstr(error->message, "not an ELF object"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs),
        cmocka_unit_test(refuses),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
