#!/usr/bin/env bash
# Makes build/media/debian-disk.img, a Debian i386 system on a raw disk as its user would have it: partition table and
# GRUB in the MBR, one ext4 partition, systemd, gcc, logins on the screen and on COM1. Name root, password penumbra.
# Runs as root, for it mounts the image; about 500 MB come from Debian's archive. An image that is there stays.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
suite=bookworm
image=$PWD/build/media/debian-disk.img
size=1536M
hostname=penumbra
password=penumbra

if [ -s "$image" ]; then
  say "ready: $image"
  exit
fi
[ "$(id -u)" -eq 0 ] || die "this mounts a disk image: run it as root"

PENUMBRA_PACKAGES=(debootstrap fdisk e2fsprogs mount util-linux)
install_missing

detach() {
  partx --delete "$loop" 2> /dev/null || true
  losetup --detach "$loop" || true
}
# Unmounts and detaches whatever is there, also after a failure.
loop=''
root=''
release() {
  cd /
  if [ -n "$root" ]; then
    umount -R "$root" 2> /dev/null || true
    rmdir "$root" 2> /dev/null || true
  fi
  if [ -n "$loop" ]; then detach; fi
  rm -f "$image.new"
}
trap release EXIT

say "partitioning"
mkdir -p "$(dirname "$image")"
rm -f "$image.new"
truncate -s "$size" "$image.new"
sfdisk --quiet "$image.new" << 'TABLE'
label: dos
start=2048, type=83, bootable
TABLE
loop=$(losetup --find --show --partscan "$image.new")
partition=${loop}p1
# Not every kernel reads such a table itself, and not every /dev makes the nodes of partitions.
[ -d "/sys/class/block/${partition##*/}" ] || partx --add "$loop"
if [ ! -b "$partition" ]; then
  IFS=: read -r major minor < "/sys/class/block/${partition##*/}/dev"
  mknod "$partition" b "$major" "$minor"
fi
mkfs.ext4 -q -L penumbra "$partition"
root=$(mktemp -d)
mount -o discard "$partition" "$root"

say "installing Debian $suite for i386"
debootstrap --arch=i386 --variant=minbase "$suite" "$root" "$mirror" >&2
for folder in proc sys; do mount --rbind "/$folder" "$root/$folder"; mount --make-rslave "$root/$folder"; done

in_guest() { LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$root" "$@" >&2; }

# An initramfs of the modules for this machine: one for every machine takes minutes to unpack in an interpreter.
mkdir -p "$root/etc/initramfs-tools/conf.d"
echo 'MODULES=list' > "$root/etc/initramfs-tools/conf.d/modules"
printf '%s\n' ata_piix sd_mod ext4 > "$root/etc/initramfs-tools/modules"
# The boot loader is installed below, and only there.
echo 'grub-pc grub-pc/install_devices_empty boolean true' | chroot "$root" debconf-set-selections
# No service starts here, on the host.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
in_guest apt-get install -y -qq --no-install-recommends \
  systemd-sysv udev kmod linux-image-686 initramfs-tools grub-pc gcc libc6-dev e2fsprogs procps
in_guest apt-get clean
rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/*

say "configuring"
# A /dev of its own: GRUB looks for the UUID there, and the nodes must be those of this image.
uuid=$(blkid -s UUID -o value "$partition")
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$loop" "$partition" "$root/dev"
mkdir -p "$root/dev/disk/by-uuid"
ln -s "../../${partition##*/}" "$root/dev/disk/by-uuid/$uuid"
echo "UUID=$uuid / ext4 errors=remount-ro 0 1" > "$root/etc/fstab"
echo "$hostname" > "$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$hostname" > "$root/etc/hosts"
echo "root:$password" | chroot "$root" chpasswd
: > "$root/etc/machine-id"  # made at the first boot
# An interpreter may take longer than a processor to start a service or to log in.
sed -i 's/^LOGIN_TIMEOUT.*/LOGIN_TIMEOUT 600/' "$root/etc/login.defs"
mkdir -p "$root/etc/systemd/system.conf.d"
cat > "$root/etc/systemd/system.conf.d/slow.conf" << 'CONF'
[Manager]
DefaultTimeoutStartSec=15min
DefaultTimeoutStopSec=15min
DefaultDeviceTimeoutSec=15min
CONF
# Work for the background of a machine that stays on.
in_guest systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer systemd-pstore.service
in_guest systemctl --quiet enable serial-getty@ttyS0.service

# Menu and kernel messages on screen and COM1.
cat > "$root/etc/default/grub" << 'CONF'
GRUB_DEFAULT=0
GRUB_TIMEOUT=1
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200"
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
CONF
in_guest update-initramfs -u -k all
in_guest grub-install --target=i386-pc "$loop"
in_guest update-grub

say "finishing"
fstrim "$root" || true  # the image stays sparse
umount -R "$root"
rmdir "$root"
root=''
e2fsck -f -p "$partition" >&2
detach
loop=''
mv "$image.new" "$image"
[ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID:${SUDO_GID:-0}" "$image"
say "ready: $image"
