#!/usr/bin/env bash
# Puts what the boot suite boots besides the media folder into build/media: GRUB, memtest86+, iPXE, memdisk, GNU Mach,
# Debian's installer, and Debian's two i386 kernels with the initramfs of fetch-linux.sh.
# Nothing is installed: packages are found and fetched with an apt directory of our own. What is there already stays.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

folder=$PWD/build/media
mkdir -p "$folder"

# File in build/media, package, file in the package (a pattern).
media=(
  'grub-rescue-floppy.img grub-rescue-pc */grub-rescue-floppy.img'
  'grub-rescue-cdrom.iso grub-rescue-pc */grub-rescue-cdrom.iso'
  'grub-rescue-usb.img grub-rescue-pc */grub-rescue-usb.img'
  'memtest86+ia32.iso memtest86+ */memtest86+ia32.iso'
  'memtest86+ia32.bin memtest86+ */boot/memtest86+ia32.bin'
  'ipxe.iso ipxe */ipxe.iso'
  'ipxe.lkrn ipxe */ipxe.lkrn'
  'memdisk syslinux-common */syslinux/memdisk'
  'gnumach.gz gnumach-image-1.8-486 */boot/gnumach-1.8-486.gz'
  'installer-linux debian-installer-12-netboot-i386 */text/debian-installer/i386/linux'
  'installer-initrd.gz debian-installer-12-netboot-i386 */text/debian-installer/i386/initrd.gz'
  'vmlinuz-686 linux-image-686 */boot/vmlinuz-*'
  'vmlinuz-686-pae linux-image-686-pae */boot/vmlinuz-*'
)

prepare_apt() {
  command -v apt-get > /dev/null || die "apt-get is needed to fetch boot media"
  rm -rf "$folder/apt"
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
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
}

# Unpacks package $1 into $folder/unpacked/$1, if it can be had; a kernel's metapackage stands for its kernel.
unpack() {
  local package=$1 real=$1
  [ -d "$folder/unpacked/$package" ] && return
  mkdir -p "$folder/unpacked/$package" "$folder/apt/$package"
  case $package in
    linux-image-*)
      real=$(apt-cache "${apt_options[@]}" depends "$package" 2> /dev/null |
        sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)$/\1/p' | head -n 1) ;;
  esac
  if [ -z "$real" ] || ! (cd "$folder/apt/$package" && apt-get "${apt_options[@]}" -q=1 download "$real" >&2); then
    say "note: package $package could not be downloaded"
    return
  fi
  dpkg-deb -x "$folder/apt/$package"/*.deb "$folder/unpacked/$package"
}

prepared=
for entry in "${media[@]}"; do
  read -r name package pattern <<< "$entry"
  [ -s "$folder/${name%.gz}" ] || [ -s "$folder/$name" ] && continue
  [ -n "$prepared" ] || prepare_apt
  prepared=yes
  unpack "$package"
  file=$(find "$folder/unpacked/$package" -path "$pattern" -type f | head -n 1)
  if [ -z "$file" ]; then
    say "note: no $name"
  elif [ "$name" = gnumach.gz ]; then
    gzip -dc "$file" > "$folder/gnumach"  # --kernel takes it unpacked
  else
    cp "$file" "$folder/$name"
    chmod u+w "$folder/$name"
  fi
done
rm -rf "$folder/apt" "$folder/unpacked"

scripts/fetch-linux.sh
cp build/linux/initrd.gz "$folder/initrd.gz"
say "ready: $folder"
