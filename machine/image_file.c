// SPDX-License-Identifier: GPL-3.0-or-later
// Files that hold guest programs: opened, unpacked, and told apart by their first bytes.
#include "machine/image_file.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNPACK_STEP (1u << 20)

// Header of a Linux Image: little-endian, 64 bytes.
#define LINUX_HEADER_SIZE 0x40
#define LINUX_TEXT_OFFSET 0x08
#define LINUX_IMAGE_SIZE  0x10
#define LINUX_MAGIC2      0x38

GMappedFile *image_file_map(const char *path, GError **error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st)) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    GMappedFile *file = NULL;
    if (!S_ISREG(st.st_mode))
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "%s: not a regular file", path);
    else
        file = g_mapped_file_new_from_fd(fd, FALSE, error);
    close(fd);
    return file;
}

static uint64_t le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return GUINT64_FROM_LE(v);
}

// It starts with "MZ" when it is also an EFI program; its own magic stands at the end of the header.
bool image_is_linux(const uint8_t *data, size_t size, LinuxImage *out)
{
    if (size < LINUX_HEADER_SIZE || memcmp(data + LINUX_MAGIC2, "RSC\x05", 4))
        return false;
    *out = (LinuxImage){le64(data + LINUX_TEXT_OFFSET), MAX(le64(data + LINUX_IMAGE_SIZE), size)};
    return true;
}

// What the file is, if it is something that must not be loaded as raw code; else NULL.
static const char *refused_kind(const uint8_t *data, size_t size)
{
    static const struct {
        const char *magic;
        unsigned len;
        const char *kind;
    } kinds[] = {
        {"\x28\xb5\x2f\xfd", 4, "zstd-compressed; decompress it first"},
        {"\xfd" "7zXZ\0", 6, "xz-compressed; decompress it first"},
        {"BZh", 3, "bzip2-compressed; decompress it first"},
        {"\x04\x22\x4d\x18", 4, "lz4-compressed; decompress it first"},
        {"\x02\x21\x4c\x18", 4, "lz4-compressed; decompress it first"}, // the form Linux makes
        {"PK\x03\x04", 4, "a zip archive"},
        {"#!", 2, "a script, not a guest program"},
        {"!<arch>\n", 8, "an archive; link it first"},
    };
    LinuxImage image;
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (size >= kinds[i].len && !memcmp(data, kinds[i].magic, kinds[i].len))
            return kinds[i].kind;
    if (size >= 2 && !memcmp(data, "MZ", 2) && !image_is_linux(data, size, &image))
        return "a PE program without a RISC-V Linux header (a compressed EFI kernel?)";
    return size ? NULL : "empty";
}

GBytes *image_gunzip(const char *path, const uint8_t *data, size_t size, uint64_t limit, GError **error)
{
    g_autoptr(GZlibDecompressor) gzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autoptr(GError) why = NULL;
    GConverterResult result = G_CONVERTER_CONVERTED;
    while (result != G_CONVERTER_FINISHED) {
        gsize taken, made;
        guint used = out->len;
        if (used >= MIN(limit, G_MAXUINT - UNPACK_STEP)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: unpacks to more than fits into RAM", path);
            return NULL;
        }
        g_byte_array_set_size(out, used + UNPACK_STEP);
        result = g_converter_convert(G_CONVERTER(gzip), data, size, out->data + used, UNPACK_STEP,
                                     G_CONVERTER_INPUT_AT_END, &taken, &made, &why);
        if (result == G_CONVERTER_ERROR) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: damaged gzip file", path);
            return NULL;
        }
        g_byte_array_set_size(out, used + (guint)made);
        data += taken;
        size -= taken;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&out));
}

GBytes *image_file_open(const char *path, uint64_t limit, GError **error)
{
    GMappedFile *file = image_file_map(path, error);
    if (!file)
        return NULL;
    g_autoptr(GBytes) bytes = g_mapped_file_get_bytes(file);
    g_mapped_file_unref(file);
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    if (size >= 2 && !memcmp(data, "\x1f\x8b", 2)) {
        GBytes *unpacked = image_gunzip(path, data, size, limit, error);
        if (!unpacked)
            return NULL;
        g_bytes_unref(bytes);
        bytes = unpacked;
        data = g_bytes_get_data(bytes, &size);
    }
    const char *refused = refused_kind(data, size);
    if (refused) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path, refused);
        return NULL;
    }
    return g_steal_pointer(&bytes);
}
