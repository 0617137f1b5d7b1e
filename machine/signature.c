// SPDX-License-Identifier: GPL-3.0-or-later
// The signature file.
#include "machine/signature.h"
#include "machine/guest_mem.h"
#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

static bool write_lines(AddressSpace *as, FILE *f, gpa_t begin, gpa_t end, unsigned granularity)
{
    uint8_t *line = g_malloc(granularity);
    bool ok = true;
    for (gpa_t at = begin; ok && at < end;) {
        uint64_t n = MIN(end - at, granularity);
        memset(line, 0, granularity);
        ok = guest_read(as, at, line, n);
        for (unsigned i = granularity; ok && i-- > 0;)
            fprintf(f, "%02x", line[i]);
        fputc('\n', f);
        at += n;
    }
    g_free(line);
    return ok;
}

bool signature_write(AddressSpace *as, const char *path, gpa_t begin, gpa_t end, unsigned granularity,
                     GError **error)
{
    if (end < begin) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: end_signature lies before begin_signature", path);
        return false;
    }
    FILE *f = fopen(path, "we");
    if (!f) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
        return false;
    }
    bool in_ram = write_lines(as, f, begin, end, granularity);
    bool written = !ferror(f);
    written &= fclose(f) == 0;
    if (!in_ram)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: the signature lies outside RAM", path);
    else if (!written)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: cannot be written", path);
    return in_ram && written;
}
