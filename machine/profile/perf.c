// SPDX-License-Identifier: GPL-3.0-or-later
// Listens to the engines for new code, finds its guest name, and hands it to the files.
#include "machine/profile/perf.h"

#include "backend/engine_watch.h"
#include "machine/profile/perf_private.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <unistd.h>

struct Perf {
    GMutex lock; // of the files
    Machine *m;
    FILE *map;
    char *map_path;
    JitDump *dump;
    GPtrArray *harts; // of PerfHart
};

typedef struct {
    Perf *p;
    Cpu *cpu;
} PerfHart;

// Files have predictable names, in /tmp too: nothing is written through a link that somebody has put there.
FILE *perf_new_file(const char *option, const char *path, GError **error)
{
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    FILE *f = fd >= 0 ? fdopen(fd, "w+") : NULL;
    if (!f)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s: %s", option, path, g_strerror(errno));
    return f;
}

// Names can be of guest memory, and a line of the map is one of code.
static char *one_line(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return text;
}

static char *name_of(const Name *n, const char *tier, uint64_t pc)
{
    if (!n->function)
        return g_strdup_printf("0x%" PRIx64 "%s%s [%s]", pc, n->image ? " in " : "", n->image ? n->image : "", tier);
    if (!n->offset)
        return g_strdup_printf("%s [%s]", n->function, tier);
    return g_strdup_printf("%s+0x%" PRIx64 " [%s]", n->function, n->offset, tier);
}

static void event(void *opaque, const EngineEvent *e)
{
    PerfHart *h = opaque;
    if ((e->kind != ENGINE_BASELINE && e->kind != ENGINE_REGION) || !e->unit)
        return;
    Names *names = machine_names(h->p->m);
    const char *tier = e->unit->block ? "baseline" : "region";
    Name n = names_at(names, h->cpu, e->pc, false);
    g_autofree char *name = one_line(name_of(&n, tier, e->pc));
    g_autofree char *common = one_line(g_strdup_printf("%s [%s]", n.function ? n.function : "", tier));
    PerfCode code = {e->unit, h->cpu, names, name, common, n.function};
    g_mutex_lock(&h->p->lock);
    if (h->p->map)
        perf_map_add(h->p->map, &code);
    if (h->p->dump)
        jitdump_add(h->p->dump, &code);
    g_mutex_unlock(&h->p->lock);
}

static void watch(Perf *p, Cpu *cpu)
{
    PerfHart *h = g_new0(PerfHart, 1);
    *h = (PerfHart){p, cpu};
    g_ptr_array_add(p->harts, h);
    engine_add_watcher(cpu->engine, &(EngineWatcher){h, event});
}

static void ready(void *opaque, Machine *m)
{
    for (unsigned i = 0; i < board_harts(machine_board(m)); i++)
        watch(opaque, machine_cpu(m, i));
    if (machine_mirror(m))
        watch(opaque, machine_mirror(m));
}

bool perf_attach(const Options *o, Machine *m, Perf **out, GError **error)
{
    *out = NULL;
    if (!o->perf_map && !o->jitdump)
        return true;
    Perf *p = g_new0(Perf, 1);
    g_mutex_init(&p->lock);
    p->m = m;
    p->harts = g_ptr_array_new_with_free_func(g_free);
    if ((o->perf_map && !(p->map = perf_map_open(&p->map_path, error))) ||
        (o->jitdump && !(p->dump = jitdump_open(error)))) {
        perf_finish(p, NULL);
        return false;
    }
    machine_add_ready(m, ready, p);
    *out = p;
    return true;
}

bool perf_finish(Perf *p, GError **error)
{
    if (!p)
        return true;
    bool lost = p->map && (ferror(p->map) | fclose(p->map));
    bool ok = !p->dump || jitdump_close(p->dump, error);
    if (lost && ok)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "-perfmap: %s could not be written to its end", p->map_path);
    g_ptr_array_unref(p->harts);
    g_mutex_clear(&p->lock);
    g_free(p->map_path);
    g_free(p);
    return ok && !lost;
}
