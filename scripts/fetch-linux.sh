#!/usr/bin/env bash
# Puts a Debian i386 kernel and a small busybox initramfs into build/linux, for run.sh: vmlinuz and initrd.gz.
# Nothing is installed: packages are found and fetched with an apt directory of our own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

folder=$PWD/build/linux

fetch() {
  command -v apt-get > /dev/null || die "apt-get is needed to fetch a guest; run './run.sh OPTIONS' with one of your own"

  rm -rf "$folder/apt/archives"
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/unpacked"
  : > "$folder/apt/status"
  # Sources and keys are the system's; architecture, lists and state are ours.
  apt_options=(
    -o APT::Architecture=i386 -o APT::Architectures::=i386
    -o Dir::State::Lists="$folder/apt/lists" -o Dir::State::status="$folder/apt/status"
    -o Dir::Cache::Archives="$folder/apt/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none
    # Post-update hooks belong to the system's own lists.
    -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::=
  )

  say "fetching the list of i386 packages"
  apt-get "${apt_options[@]}" -q=1 update >&2 || say "note: not every package source answered; going on with those that did"

  # The kernel package that the metapackage stands for.
  kernel=$(apt-cache "${apt_options[@]}" depends linux-image-686 2> /dev/null |
    sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)$/\1/p' | head -n 1) || true
  [ -n "$kernel" ] || die "linux-image-686 is in none of this system's package sources (Debian's main has it)"

  say "fetching $kernel and busybox-static for i386"
  (cd "$folder/apt/archives" && apt-get "${apt_options[@]}" -q=1 download "$kernel" busybox-static >&2) ||
    die "the packages could not be downloaded"

  say "unpacking"
  dpkg-deb --fsys-tarfile "$folder"/apt/archives/linux-image-*_i386.deb |
    tar -x -C "$folder/unpacked" --wildcards './boot/vmlinuz-*'
  dpkg-deb --fsys-tarfile "$folder"/apt/archives/busybox-static_*_i386.deb |
    tar -x -C "$folder/unpacked" --wildcards '*bin/busybox'
  busybox=$(find "$folder/unpacked" -path '*bin/busybox' -type f | head -n 1)
  [ -n "$busybox" ] || die "busybox-static holds no busybox"
  cp "$busybox" "$folder/busybox"
  cp "$folder"/unpacked/boot/vmlinuz-* "$folder/vmlinuz"
  rm -rf "$folder/unpacked" "$folder/apt"
  say "ready: $kernel"
}

if [ ! -s "$folder/vmlinuz" ] || [ ! -s "$folder/busybox" ]; then fetch; fi

root=$folder/initramfs
rm -rf "$root"
mkdir -p "$root"/{bin,dev,proc,sys,tmp}
cp "$folder/busybox" "$root/bin/busybox"
cat > "$root/init" << 'INIT'
#!/bin/busybox sh
/bin/busybox mkdir -p /usr/bin /sbin /usr/sbin
/bin/busybox --install -s
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
hostname penumbra
echo
echo "This is Linux on Penumbra. 'exit' or 'poweroff' switches the machine off."
# There is no init to ask for it.
export ENV=/tmp/aliases
echo "alias poweroff='poweroff -f' reboot='reboot -f' halt='halt -f'" > "$ENV"
# A shell with job control needs a terminal of its own, not /dev/console.
tty=$(cat /sys/class/tty/console/active)
tty=${tty##* }
[ "$tty" = tty0 ] && tty=tty1
setsid sh -c "exec sh -i < /dev/$tty > /dev/$tty 2>&1"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -9n) > "$folder/initrd.gz.new"
mv "$folder/initrd.gz.new" "$folder/initrd.gz"
