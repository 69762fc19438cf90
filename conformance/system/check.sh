#!/bin/bash
# Runs the test kernel on another machine, to check the tests themselves; prints what did not pass.
#
#   check.sh qemu|bochs SYSTEM-TESTS.bin [CASE]      CPU=model chooses another processor
set -u
machine=$1
image=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$(dirname "$(realpath "$0")")

case $machine in
qemu)
  timeout 120 qemu-system-i386 -M pc -accel tcg -cpu "${CPU:-qemu32}" -device isa-debug-exit,iobase=0xf4 -kernel "$image" \
    -append "${3:+case=$3} skip=debug.cs-base-is-part-of-the-linear-address,cr4.reserved-bits" -serial "file:$work/out" -display none -no-reboot
  ;;
bochs)
  gcc -m32 -c "$here/boot_floppy.S" -o "$work/boot.o" && ld -m elf_i386 -Ttext 0 --oformat binary -o "$work/boot" "$work/boot.o" || exit 1
  cat "$work/boot" "$image" >"$work/floppy"
  truncate -s 1474560 "$work/floppy"
  cat >"$work/bochsrc" <<F
plugin_ctrl: unmapped=1, biosdev=1, extfpuirq=1, serial=1
cpu: model=${CPU:-corei3_cnl}, ips=2000000, reset_on_triple_fault=0, ignore_bad_msrs=0
megs: 64
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
display_library: rfb, options="timeout=0"
floppya: 1_44=$work/floppy, status=inserted
boot: floppy
com1: enabled=1, mode=file, dev=$work/out
panic: action=fatal
error: action=ignore
info: action=ignore
log: $work/log
sound: driver=dummy
F
  echo c >"$work/commands"
  timeout 300 bochs -q -f "$work/bochsrc" -rc "$work/commands" >"$work/stdout" 2>&1 </dev/null
  ;;
esac
grep -av '^PASS' "$work/out"
grep -aq '^END .* failed 0 ' "$work/out"
