// SPDX-License-Identifier: GPL-3.0-or-later
// The slot backend of the kernel: a virtual machine of /dev/kvm, with slots and without processors.
#include "softmmu/slots.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

// The kernel's interface as far as it is used here, so that building needs no header of it.
typedef struct {
    uint32_t slot, padding;
    void *bitmap;
} DirtyLog;
#define CREATE_VM       0xae01ul
#define CHECK_EXTENSION 0xae03ul
#define SET_REGION      0x4020ae46ul
#define GET_DIRTY_LOG   0x4010ae42ul
#define CAP_NR_SLOTS    10
#define CAP_READONLY    81
#define MAX_SLOT_SIZE   (UINT64_C(4) << 40) // the kernel takes less than 2^31 pages

#if __has_include(<linux/kvm.h>)
#include <linux/kvm.h>
#define SAME_OFFSET(ours, theirs) \
    _Static_assert(offsetof(SlotRegion, ours) == offsetof(struct kvm_userspace_memory_region, theirs), "the kernel's")
_Static_assert(sizeof(SlotRegion) == sizeof(struct kvm_userspace_memory_region), "the kernel's");
SAME_OFFSET(slot, slot);
SAME_OFFSET(flags, flags);
SAME_OFFSET(guest_phys_addr, guest_phys_addr);
SAME_OFFSET(memory_size, memory_size);
SAME_OFFSET(userspace_addr, userspace_addr);
_Static_assert(SLOT_LOG_DIRTY == KVM_MEM_LOG_DIRTY_PAGES && SLOT_READONLY == KVM_MEM_READONLY, "the kernel's");
_Static_assert(sizeof(DirtyLog) == sizeof(struct kvm_dirty_log), "the kernel's");
_Static_assert(SET_REGION == KVM_SET_USER_MEMORY_REGION && GET_DIRTY_LOG == KVM_GET_DIRTY_LOG, "the kernel's");
_Static_assert(CREATE_VM == KVM_CREATE_VM && CHECK_EXTENSION == KVM_CHECK_EXTENSION, "the kernel's");
_Static_assert(CAP_NR_SLOTS == KVM_CAP_NR_MEMSLOTS && CAP_READONLY == KVM_CAP_READONLY_MEM, "the kernel's");
#endif

typedef struct {
    SlotBackend b;
    int system, vm;
} Kvm;

static int set_region(SlotBackend *b, const SlotRegion *r)
{
    const Kvm *k = (Kvm *)(void *)b;
    SlotRegion copy = *r;
    return ioctl(k->vm, SET_REGION, &copy) < 0 ? -errno : 0;
}

static int get_dirty(SlotBackend *b, uint32_t slot, uint64_t size G_GNUC_UNUSED, uint64_t *bitmap)
{
    const Kvm *k = (Kvm *)(void *)b;
    DirtyLog log = {.slot = slot, .bitmap = bitmap};
    return ioctl(k->vm, GET_DIRTY_LOG, &log) < 0 ? -errno : 0;
}

static SlotBackend *fail(int system, const char *what, GError **error)
{
    int saved = errno;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(saved), "%s: %s", what, g_strerror(saved));
    if (system >= 0) {
        close(system);
    }
    return NULL;
}

SlotBackend *slot_kvm_new(GError **error)
{
    int system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (system < 0) {
        return fail(system, "cannot open /dev/kvm", error);
    }
    int vm = ioctl(system, CREATE_VM, 0ul);
    if (vm < 0) {
        return fail(system, "cannot make a virtual machine of /dev/kvm", error);
    }
    int slots = ioctl(system, CHECK_EXTENSION, (unsigned long)CAP_NR_SLOTS);
    Kvm *k = g_new0(Kvm, 1);
    k->b = (SlotBackend){
        .set_region = set_region,
        .get_dirty = get_dirty,
        .nr_slots = slots > 0 ? (unsigned)slots : SLOTS_UNKNOWN,
        .readonly_ok = ioctl(system, CHECK_EXTENSION, (unsigned long)CAP_READONLY) > 0,
        .max_slot_size = MAX_SLOT_SIZE,
    };
    k->system = system;
    k->vm = vm;
    return &k->b;
}

void slot_kvm_free(SlotBackend *b)
{
    Kvm *k = (Kvm *)(void *)b;
    close(k->vm);
    close(k->system);
    g_free(k);
}

int slot_kvm_vm(const SlotBackend *b)
{
    return ((const Kvm *)(const void *)b)->vm;
}

int slot_kvm_system(const SlotBackend *b)
{
    return ((const Kvm *)(const void *)b)->system;
}
