#!/usr/bin/env bash
# Cross-builds the libraries and the unit tests for AArch64 and runs the tests under qemu-user.
# Nothing is installed: compiler and libraries are Debian packages unpacked into build/aarch64-root (Debian's cross
# compiler as a package would remove gcc-multilib), fetched with an apt directory of our own.
# The last line is "N passed, N failed, N skipped". The exit code is 0 only if something ran and nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/lib.sh

root=$PWD/build/aarch64-root
triplet=aarch64-linux-gnu

packages=(
  "binutils-$triplet" "cpp-12-$triplet" "gcc-12-$triplet" "g++-12-$triplet"
  libgcc-12-dev-arm64-cross libgcc-s1-arm64-cross libc6-arm64-cross libc6-dev-arm64-cross
  linux-libc-dev-arm64-cross libstdc++-12-dev-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross
  libfmt-dev:arm64 libfmt9:arm64 libcapstone-dev:arm64 libcapstone4:arm64 libzydis-dev:arm64 libzydis4.0:arm64 libzycore-dev:arm64 libzycore1.4:arm64
  zlib1g-dev:arm64 zlib1g:arm64 doctest-dev
)
command -v qemu-aarch64 qemu-aarch64-static > /dev/null || packages+=(qemu-user-static)

fetch_root() {
  command -v apt-get > /dev/null || die "apt-get is needed to fetch the cross compiler"
  rm -rf "$root"
  mkdir -p "$root/apt/lists/partial" "$root/apt/archives/partial" "$root/apt/packages" "$root/bin"
  : > "$root/apt/status"
  # Sources and keys are the system's; architectures, lists and state are ours.
  local options=(
    -o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o APT::Architectures::=arm64
    -o Dir::State::Lists="$root/apt/lists" -o Dir::State::status="$root/apt/status"
    -o Dir::Cache::Archives="$root/apt/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none
    # Post-update hooks belong to the system's own lists.
    -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::=
  )
  say "fetching the cross compiler and the arm64 libraries"
  apt-get "${options[@]}" -q=1 update >&2 || say "note: not every package source answered; going on with those that did"
  (cd "$root/apt/packages" && apt-get "${options[@]}" -q=1 download "${packages[@]}" >&2) ||
    die "these packages could not be downloaded: ${packages[*]}"
  local package tool
  for package in "$root"/apt/packages/*.deb; do
    dpkg-deb -x "$package" "$root" || die "$package could not be unpacked"
  done
  # The tools' own libraries are not where the host's loader looks.
  for tool in g++-12 gcc-12 ar ranlib; do
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$root/usr/lib/x86_64-linux-gnu" \
      "$root/usr/bin/$triplet-$tool" > "$root/bin/$triplet-${tool%-12}"
    chmod +x "$root/bin/$triplet-${tool%-12}"
  done
  touch "$root/complete"
}

[ -e "$root/complete" ] || fetch_root

say "building build/aarch64"
cmake --preset aarch64 >&2 || die "cmake could not configure the build"
cmake --build --preset aarch64 >&2 || die "the build failed"

qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || echo "$root/usr/bin/qemu-aarch64-static")
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

emulator=("$qemu" -L "$root/usr/$triplet" -E LD_LIBRARY_PATH="$root/usr/lib/$triplet")
for program in build/aarch64/*_tests; do
  run_unit_tests "$program" "${emulator[@]}"
done

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
