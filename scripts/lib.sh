# shellcheck shell=bash
# What run.sh, test.sh and install-deps.sh share. Sourced, with bash, from the repository's root.

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    die "this needs root and there is no sudo: run as root: $*"
  fi
}

# One list for everything: building, testing, and the default guest of run.sh.
PENUMBRA_PACKAGES=(
  g++ cmake ninja-build pkg-config acpica-tools
  libfmt-dev libzydis-dev libcapstone-dev libsdl2-dev libpng-dev zlib1g-dev libtomlplusplus-dev doctest-dev
  cpio gzip
)

# Installs what is missing; asks for nothing if nothing is.
install_missing() {
  command -v dpkg-query > /dev/null || {
    say "note: no dpkg here; assuming these are installed: ${PENUMBRA_PACKAGES[*]}"
    return
  }
  local package missing=()
  for package in "${PENUMBRA_PACKAGES[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo > /dev/null; then
    die "these packages are missing and there is no sudo to install them with: ${missing[*]}"
  fi
  as_root apt-get update -qq || say "note: not every package source answered; going on with those that did"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install ${missing[*]}"
}

# Configures and builds the release preset; arguments are targets (default: all).
build_release() {
  say "building build/release"
  cmake --preset release > build-configure.log 2>&1 || {
    cat build-configure.log >&2
    rm -f build-configure.log
    die "cmake could not configure the build"
  }
  rm -f build-configure.log
  local arguments=(--build --preset release)
  [ $# -gt 0 ] && arguments+=(--target "$@")
  cmake "${arguments[@]}" >&2 || die "the build failed"
}

# Runs the doctest program $1, under the emulator that the other arguments are, and adds its test cases to the sums
# `passed`, `failed` and `skipped`. `log` names a file for its output.
run_unit_tests() {
  local program=$1 status line p f s
  shift
  "$@" "$program" --no-colors > "$log" 2>&1
  status=$?
  line=$(grep -E '^\[doctest\] test cases:' "$log" | tail -n 1)
  if [[ $line =~ ([0-9]+)\ passed\ \|\ +([0-9]+)\ failed\ \|\ +([0-9]+)\ skipped ]]; then
    p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
  else
    p=0 f=1 s=0
  fi
  # A program that died, or failed without a failed case, did not pass.
  [ $status -ne 0 ] && [ "$f" -eq 0 ] && f=1
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '%-24s %4d passed, %d failed, %d skipped\n' "$(basename "$program")" "$p" "$f" "$s"
  [ "$f" -eq 0 ] || cat "$log"
}
