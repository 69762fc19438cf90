#!/bin/bash
# Boots media through our BIOS on another machine, QEMU's "pc", and looks for what each must show. TAP on standard output.
#
#   bios/test-on-qemu.sh BIOS.bin MEDIA-FOLDER [NAME...]     NAMEs select cases
#   VGABIOS=file: our VGA BIOS in place of QEMU's own. Beside BIOS.bin, bios-check.img is booted too.
set -u
bios=$1
media=$2
shift 2
selected=" $* "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap '' PIPE
number=0
failures=0

vga=(-vga std)
[ -n "${VGABIOS:-}" ] && vga=(-vga none -device "VGA,romfile=$VGABIOS")

# The text in 32 KiB from B8000h (guests scroll by moving the start address), rows of 80.
screen_text() {
  od -An -v -w2 -tu1 "$work/screen" | awk '{ printf "%c", ($1 < 32 || $1 > 126) ? 32 : $1; if (NR % 80 == 0) print "" }'
}

report() {
  number=$((number + 1))
  if [ "$1" = ok ]; then
    echo "ok $number - $2"
  else
    failures=$((failures + 1))
    echo "not ok $number - $2"
    sed 's/^/# /' "$work/seen"
  fi
}

# boot NAME SECONDS PATTERN ARGUMENT...: passes when a line of the text screen, of COM1 or of the debug console matches. Keys in
# $keys are typed one by one after $keys_after appears.
boot() {
  local name=$1 seconds=$2 pattern=$3
  shift 3
  case $selected in "  " | *" $name "*) ;; *) return ;; esac
  mkfifo "$work/in" 2>/dev/null
  rm -f "$work"/{screen,serial,debug}
  qemu-system-i386 -M pc -accel tcg -bios "$bios" "${vga[@]}" -net none -display none -no-reboot -serial "file:$work/serial" \
    -debugcon "file:$work/debug" -monitor stdio "$@" <"$work/in" >/dev/null 2>"$work/errors" &
  local qemu=$!
  exec 3>"$work/in"
  local result=failed typed=no end=$((SECONDS + seconds))
  while [ $SECONDS -lt $end ] && kill -0 $qemu 2>/dev/null; do
    sleep 1
    echo "pmemsave 0xb8000 32768 \"$work/screen\"" >&3 2>/dev/null
    sleep 0.3
    { [ -f "$work/screen" ] && screen_text | sed 's/ *$//' | grep -v '^$'; cat "$work/serial" "$work/debug"; } >"$work/seen" 2>/dev/null
    if [ -n "${keys:-}" ] && [ $typed = no ] && grep -qaE "$keys_after" "$work/seen"; then
      typed=yes
      for key in $keys; do
        echo "sendkey $key" >&3
        sleep 0.15
      done
    elif grep -qaE "$pattern" "$work/seen"; then
      result=ok
      break
    fi
  done
  grep -qaE "$pattern" "$work/seen" && [ "${typed}${keys:+x}" != nox ] && result=ok
  echo quit >&3 2>/dev/null
  exec 3>&-
  wait $qemu 2>/dev/null
  report $result "$name"
}

floppy() { echo "-boot a -drive if=floppy,format=raw,read-only=on,file=$media/$1"; }

keys='d i r ret' keys_after='A:\\>' boot freedos-160K 60 'bytes free' $(floppy freedos-160K.img)
keys='d i r ret' keys_after='A:\\>' boot freedos-1440K 60 'bytes free' $(floppy freedos-1440K.img)
boot freedos-jemmex 90 'JEMM_TEST_DONE' -m 32 $(floppy freedos-jemmex.img)
boot mikeos-floppy 60 'Version 4\.5' $(floppy mikeos.flp)
boot mikeos-cd 60 'Version 4\.5' -boot d -cdrom "$media/mikeos.iso"
keys='r o o t ret' keys_after='login:' boot elks 90 '^#$' -m 2 $(floppy elks-0.7.0.img)
boot openbsd 240 '\(I\)nstall, \(U\)pgrade or \(S\)hell' -m 64 $(floppy openbsd-2.8-floppyB.img)
boot floppinux 240 'FLOPPINUX_V_0' -m 64 $(floppy floppinux-5.13.img)
boot linux-direct 60 'MINI_INIT_OK Linux 3\.4\.4' -kernel "$media/bzImage-3.4.4" -initrd "$media/miniinit.cpio.gz" \
  -append console=ttyS0
boot nothing 60 'Nothing to boot from' -boot order=acd

check=$(dirname "$bios")/bios-check.img
if [ -f "$check" ]; then
  truncate -s 40M "$work/disk"
  cp "$check" "$work/check"
  boot check 90 'BIOS CHECK PASSED' -boot a -drive if=floppy,format=raw,file="$work/check" -cdrom "$media/mikeos.iso" \
    -drive if=ide,format=raw,file="$work/disk"
fi

grub=/usr/lib/grub-rescue
if [ -d $grub ]; then
  boot grub-floppy 60 'GNU GRUB' -boot a -drive if=floppy,format=raw,read-only=on,file=$grub/grub-rescue-floppy.img
  boot grub-disk 60 'GNU GRUB' -boot c -drive if=ide,format=raw,snapshot=on,file=$grub/grub-rescue-usb.img
  boot grub-cd 60 'GNU GRUB' -boot d -cdrom $grub/grub-rescue-cdrom.iso
fi
memtest=/usr/lib/memtest86+/memtest86+ia32.iso
[ -f $memtest ] && boot memtest-cd 60 'Memtest86\+' -boot d -cdrom $memtest
[ -f /usr/lib/ipxe/ipxe.iso ] && boot ipxe-cd 60 'iPXE' -boot d -cdrom /usr/lib/ipxe/ipxe.iso

echo "1..$number"
[ $failures -eq 0 ]
