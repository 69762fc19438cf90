#!/bin/sh
# Runs the VGA BIOS on QEMU's VGA with QEMU's system BIOS. Needs nasm and qemu-system-i386.
#
#   test-on-qemu.sh ROM                 the checks of tests/checks.asm; succeeds if all of them hold
#   test-on-qemu.sh ROM gallery DIR     tests/screens.asm: one PNG a screen into DIR, to be looked at
#   test-on-qemu.sh ROM boot IMAGE      a floppy image in a window
set -eu
rom=$1
what=${2:-checks}
tests=$(dirname "$0")/tests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

floppy() {  # floppy PROGRAM: boot.asm and the program as a floppy image
  nasm -f bin "$tests/boot.asm" -o "$work/boot"
  nasm -f bin -DQEMU "$tests/$1.asm" -o "$work/program"
  cat "$work/boot" "$work/program" > "$work/floppy"
  truncate -s 1440K "$work/floppy"
}
machine() {  # machine FLOPPY OPTIONS...
  image=$1
  shift
  qemu-system-i386 -M pc -accel tcg -m 32 -nic none -vga none -device "VGA,romfile=$rom" \
    -drive "file=$image,format=raw,if=floppy,snapshot=on" -boot a "$@"
}

case $what in
  checks)
    floppy checks
    # isa-debug-exit: a program that writes N ends QEMU with 2N + 1.
    status=0
    machine "$work/floppy" -display none -debugcon "file:$work/log" -global isa-debugcon.iobase=0xe9 \
      -device isa-debug-exit,iobase=0xf4 || status=$?
    cat "$work/log"
    [ "$status" -eq 1 ] && grep -q '^PASS' "$work/log"
    ;;
  gallery)
    floppy screens
    mkdir -p "$3"
    {
      sleep "${BOOT_SECONDS:-8}"
      for screen in $(seq 1 "${SCREENS:-25}"); do
        echo "screendump $3/$(printf %02d "$screen").png -f png"
        sleep 1
        echo "sendkey spc"
        sleep "${DRAW_SECONDS:-2}"
      done
      echo quit
    } | machine "$work/floppy" -display none -monitor stdio > "$work/log"
    ;;
  boot) machine "$3" ;;
  *)
    echo "usage: test-on-qemu.sh ROM [checks | gallery DIR | boot IMAGE]" >&2
    exit 2
    ;;
esac
