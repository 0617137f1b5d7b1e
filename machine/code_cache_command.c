// SPDX-License-Identifier: GPL-3.0-or-later
// Which persistent code cache a run uses, and addend cache list|verify|purge.
#include "machine/code_cache_command.h"

#include <gio/gio.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

// The folder, or NULL: none (an empty ADDEND_CACHE_DIR). *asked: somebody named it.
static char *folder(const Options *o, bool *asked)
{
    const char *named = o->cache_dir ? o->cache_dir : g_getenv("ADDEND_CACHE_DIR");
    *asked = named;
    if (!named) // below a home that there is: /nonexistent, the home of some users, is not to be made
        return g_file_test(g_get_home_dir(), G_FILE_TEST_IS_DIR) ? region_store_default_dir() : NULL;
    return *named ? g_strdup(named) : NULL;
}

RegionStore *code_cache_open(const Options *o)
{
    bool asked, compiles = o->accel == ACCEL_JIT || o->accel == ACCEL_CHECK;
    g_autofree char *dir = folder(o, &asked);
    // Under -icount runs repeat exactly, down to the TLB misses that a guest can count.
    if (o->no_cache || !compiles || o->icount_shift >= 0 || !dir)
        return NULL;
    g_autoptr(GError) error = NULL;
    RegionStore *s = region_store_open(dir, o->cache_size ? o->cache_size : REGION_STORE_DEFAULT_SIZE, true, &error);
    bool unsafe = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED) &&
                  g_file_test(dir, G_FILE_TEST_IS_DIR);
    if (!s && (asked || unsafe))
        fprintf(stderr, "addend: warning: %s\n", error->message);
    return s;
}

uint64_t code_cache_program(const Options *o)
{
    const char *const paths[] = {o->bios, o->kernel, o->initrd};
    uint64_t h = 1;
    for (unsigned i = 0; i < G_N_ELEMENTS(paths); i++) {
        struct stat st = {0};
        bool file = paths[i] && !stat(paths[i], &st);
        uint64_t words[] = {paths[i] ? g_str_hash(paths[i]) : 0, file ? (uint64_t)st.st_size : 0,
                            file ? (uint64_t)st.st_mtim.tv_sec : 0};
        for (unsigned k = 0; k < G_N_ELEMENTS(words); k++) {
            h = (h ^ words[k]) * UINT64_C(0xff51afd7ed558ccd);
            h ^= h >> 32;
        }
    }
    return h | 1;
}

typedef struct {
    FILE *out;
    unsigned good, damaged; // regions
    unsigned files;         // of blocks
    uint64_t bytes;
} Listing;

static void list_one(const RegionStoreEntry *e, void *opaque)
{
    Listing *l = opaque;
    char used[32];
    time_t t = (time_t)e->used;
    struct tm tm;
    strftime(used, sizeof used, "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
    l->bytes += e->size;
    if (e->damage) {
        l->damaged++;
        fprintf(l->out, "%s  damaged: %s\n", e->name, e->damage);
        return;
    }
    if (!e->region) {
        l->files++;
        fprintf(l->out, "baseline code of %u blocks, %" PRIu64 " bytes, last used %s  %s\n", e->n_blocks, e->size, used,
                e->name);
        return;
    }
    const RegionHeader *h = &e->region->header;
    if (!l->good++)
        fprintf(l->out, "%-18s %7s %7s %8s %8s  %-19s  file\n", "address", "blocks", "insns", "code", "GCC ms",
                "last used");
    fprintf(l->out, "0x%016" PRIx64 " %7u %7u %8u %8.1f  %-19s  %s\n", h->base, h->n_blocks, h->n_insns, h->text_size,
            (double)h->compile_ns / 1e6, used, e->name);
}

static void verify_one(const RegionStoreEntry *e, void *opaque)
{
    Listing *l = opaque;
    l->bytes += e->size;
    l->good += e->region != NULL;
    l->files += !e->damage && !e->region;
    l->damaged += e->damage != NULL;
    if (e->damage)
        fprintf(l->out, "%s: %s\n", e->name, e->damage);
}

bool code_cache_command(const Options *o, FILE *out, GError **error)
{
    bool asked;
    g_autofree char *dir = folder(o, &asked);
    if (!dir) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "cache: ADDEND_CACHE_DIR is empty: there is none");
        return false;
    }
    if (!asked && !g_file_test(dir, G_FILE_TEST_EXISTS)) {
        fprintf(out, "%s: 0 regions, 0 bytes\n", dir);
        return true;
    }
    RegionStore *s = region_store_open(dir, REGION_STORE_DEFAULT_SIZE, false, error);
    if (!s)
        return false;
    Listing l = {.out = out};
    if (o->cache_action == CACHE_PURGE) {
        unsigned kept, n = region_store_purge(s, &l.bytes, &kept);
        fprintf(out, "%s: %u files removed, %" PRIu64 " bytes\n", dir, n, l.bytes);
        if (kept)
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cache: %u files in %s cannot be removed", kept, dir);
        region_store_free(s);
        return !kept;
    }
    region_store_each(s, o->cache_action == CACHE_LIST ? list_one : verify_one, &l);
    region_store_free(s);
    fprintf(out, "%s: %u regions, ", dir, l.good);
    if (l.files)
        fprintf(out, "%u files of baseline code, ", l.files);
    fprintf(out, "%" PRIu64 " bytes", l.bytes);
    fprintf(out, l.damaged ? ", %u damaged\n" : "\n", l.damaged);
    return o->cache_action == CACHE_LIST || !l.damaged;
}
