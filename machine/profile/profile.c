// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a run's profile: made, and written at the end.
#include "machine/profile/profile.h"

#include "machine/profile/flame.h"
#include "machine/profile/hot.h"
#include "machine/profile/mix.h"
#include "machine/profile/timeline.h"
#include "machine/tally.h"
#include <errno.h>
#include <gio/gio.h>

struct Profile {
    const Options *o;
    Machine *m; // NULL: not attached
    Flame *flame;
    Timeline *timeline;
    Mix *mix;
    Hot *hot;
};

static bool check_output(const char *option, const char *path, GError **error)
{
    FILE *f = path ? fopen(path, "ae") : NULL;
    if (!path || (f && !fclose(f)))
        return true;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s %s: %s", option, path, g_strerror(errno));
    return false;
}

bool profile_new(const Options *o, Profile **out, GError **error)
{
    *out = NULL;
    if (!check_output("--flame", o->flame, error) || !check_output("--timeline", o->timeline, error) ||
        !check_output("--mix", o->mix_file, error) || !check_output("--hot", o->hot_file, error))
        return false;
    if (!o->flame && !o->timeline && !o->mix && !o->hot)
        return true;
    *out = g_new0(Profile, 1);
    (*out)->o = o;
    return true;
}

void profile_attach(Profile *p, Machine *m)
{
    if (!p)
        return;
    p->m = m;
    if (p->o->flame)
        p->flame = flame_attach(m, p->o->flame_period, p->o->flame_harts);
    if (p->o->timeline)
        p->timeline = timeline_attach(m, p->o->timeline_guest_time);
    if (p->o->mix)
        p->mix = mix_attach(m);
    if (p->o->hot)
        p->hot = hot_attach(m, p->o->mix || p->o->accel != ACCEL_JIT);
}

// Where an error goes: the first one is kept.
static GError **first(GError **error)
{
    return error && *error ? NULL : error;
}

// To the file, or stderr if it is NULL. Takes text; false if it is NULL.
static bool write_text(const char *option, const char *path, GString *text, GError **error)
{
    if (!text)
        return false;
    g_autofree char *data = g_string_free(text, FALSE);
    FILE *f = path ? fopen(path, "we") : stderr;
    bool good = f && fputs(data, f) >= 0;
    if (f && path)
        good &= !fclose(f);
    if (good)
        return true;
    g_set_error(first(error), G_IO_ERROR, g_io_error_from_errno(errno), "%s %s: %s", option, path ? path : "(stderr)",
                g_strerror(errno));
    return false;
}

// Each is written, also where another one cannot be.
static bool finish(Profile *p, GError **error)
{
    const Options *o = p->o;
    if (!p->m || !machine_ran(p->m))
        return true;
    bool good = !p->flame || write_text("--flame", o->flame, flame_text(p->flame, o->flame), error);
    good &= !p->timeline || write_text("--timeline", o->timeline, timeline_text(p->timeline), error);
    if (p->mix || p->hot)
        machine_end_tally(p->m);
    good &= !p->hot || write_text("--hot", o->hot_file, hot_text(p->hot, (unsigned)o->hot, o->hot_file), error);
    good &= !p->mix || write_text("--mix", o->mix_file, mix_text(p->mix, o->mix_file, first(error)), error);
    return good;
}

bool profile_finish(Profile *p, GError **error)
{
    bool good = !p || finish(p, error);
    profile_free(p);
    return good;
}

void profile_free(Profile *p)
{
    if (!p)
        return;
    flame_free(p->flame);
    timeline_free(p->timeline);
    mix_free(p->mix);
    hot_free(p->hot);
    g_free(p);
}
