#!/usr/bin/env bash
# Builds Penumbra and boots Linux in it, to a shell prompt: in a window where there is a display, else on this terminal.
#   ./run.sh                     the default guest: Debian's i386 kernel with a busybox shell
#   ./run.sh --nographic         the same, on this terminal
#   ./run.sh OPTIONS             a machine of your own: ./run.sh --cdrom install.iso --hda disk.img
set -euo pipefail
cd "$(dirname "$0")"
. scripts/lib.sh

install_missing
build_release penumbra

penumbra=build/release/penumbra
case "${1:-}" in
  "" | --nographic) ;;
  *) exec "$penumbra" run "$@" ;;
esac

scripts/fetch-linux.sh
guest=(--memory 256M --kernel build/linux/vmlinuz --initrd build/linux/initrd.gz)
if [ -z "${1:-}" ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  say "booting in a window; 'exit' in the guest or Ctrl+Alt+Q ends it"
  exec "$penumbra" run "${guest[@]}" --append "console=tty0"
fi
say "booting on this terminal; 'exit' in the guest or Ctrl-A x ends it"
exec "$penumbra" run "${guest[@]}" --append "console=ttyS0" --nographic
