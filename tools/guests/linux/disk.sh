#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# disk.sh DIR OUT - a Linux that lives on a disk, out of what build.sh has put into DIR: OUT/disk.ext4, a root file
# system with the tiny image's programs, and OUT/disk.cpio, an initial RAM disk that loads the drivers which Debian's
# kernel has as modules and goes on there. Needs mke2fs and xz.
set -eu
PATH=$PATH:/usr/sbin:/sbin
[ $# -eq 2 ] || { echo "usage: disk.sh DIR OUT" >&2; exit 2; }
here=$(realpath "$(dirname "$0")")
root=$(realpath "$1")/pool/root
mkdir -p "$2"
out=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
modules='crypto/crc32c_generic lib/crc16 fs/mbcache fs/jbd2/jbd2 fs/ext4/ext4 drivers/virtio/virtio_mmio
    drivers/block/virtio_blk drivers/char/hw_random/virtio-rng net/core/failover drivers/net/net_failover
    drivers/net/virtio_net'

# The initial RAM disk: busybox, the modules unpacked, and who loads them in this order.
cp "$here/guest/disk-init" "$work/init"
cat > "$work/manifest" << MANIFEST
file init init
elf  usr/bin/busybox
link bin usr/bin
dir  proc
dir  dev
dir  root
node dev/console 5 1
MANIFEST
for module in $modules; do
    name=$(basename "$module")
    xz -dc "$root"/usr/lib/modules/*/kernel/"$module.ko.xz" > "$work/$name.ko"
    echo "file modules/$name.ko $name.ko" >> "$work/manifest"
    echo "$name" >> "$work/order"
done
echo "file modules/order order" >> "$work/manifest"
python3 "$here/initramfs.py" "$root" "$work/manifest" "$out/disk.cpio"

# The disk. Everything is dated 0, as in the other images.
tree=$work/tree
mkdir -p "$tree/usr/bin" "$tree/usr/lib" "$tree/etc/udhcpc"
(cd "$tree" && mkdir proc sys tmp dev work && ln -s usr/bin bin && ln -s usr/lib lib)
cp "$root/usr/bin/busybox" "$tree/usr/bin/busybox"
cp "$here/guest/init" "$tree/init"
cp "$here/guest/tiny.list" "$tree/list"
cp "$here/guest/udhcpc" "$tree/etc/udhcpc/default.script"
chmod 755 "$tree/init" "$tree/etc/udhcpc/default.script" "$tree/usr/bin/busybox"
find "$tree" -exec touch -h -d @0 {} +
rm -f "$out/disk.ext4"
mke2fs -q -t ext4 -d "$tree" -E root_owner=0:0 "$out/disk.ext4" 64M
