#!/usr/bin/env bash
# Measures both engines, QEMU, and where it can this host itself with the workload kit of $PENUMBRA_SHARED/bench (default
# ../shared/bench), and prints the table of docs/performance.md. What it measured stays in build/bench/results.
#   scripts/benchmark.sh                      all workloads, three rounds: an hour or more
#   scripts/benchmark.sh --rounds 1 --work int,sys
#   scripts/benchmark.sh --counters           also --stats of the translator for each workload
#   scripts/benchmark.sh --table FOLDER        only the table of an earlier run
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

usage() {
  cat >&2 << 'END'
usage: scripts/benchmark.sh [options]
  --rounds N      each round runs every contestant once (3)
  --work LIST     workloads or families, with commas (int,br,x87,sse,mem,sys,r)
  --scale F       multiplies all iteration counts (1)
  --batch N       workloads a boot; fewer make the rounds finer and longer (16)
  --only LIST     of interpreter, translator, qemu, native, with commas
  --counters      also what the translator counts in each workload, in a boot of its own
  --penumbra FILE the program to measure (build/release/penumbra, which is built first)
  --table FOLDER  run nothing: print the table of an earlier run, a folder of build/bench/results
END
  exit 2
}

rounds=3 work=int,br,x87,sse,mem,sys,r scale=1 batch=16 only=interpreter,translator,qemu,native counters='' penumbra=''
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=${2:?} && shift 2 ;;
    --work) work=${2:?} && shift 2 ;;
    --scale) scale=${2:?} && shift 2 ;;
    --batch) batch=${2:?} && shift 2 ;;
    --only) only=${2:?} && shift 2 ;;
    --penumbra) penumbra=$(realpath "${2:?}") && shift 2 ;;
    --counters) counters=1 && shift ;;
    --table) shift && exec python3 scripts/benchmark_table.py "$@" ;;
    *) usage ;;
  esac
done

kit=$(realpath "${PENUMBRA_SHARED:-../shared}/bench") || die "the workload kit is not there; PENUMBRA_SHARED says where"
folder=$PWD/build/bench
out=$folder/out
PENUMBRA_PACKAGES+=(make gcc libc6-dev-i386 lib32gcc-12-dev python3 qemu-system-x86)

# Kernels, busybox and Lua for i386, by an apt directory of our own: this system's architectures stay as they are.
build_kit() {
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/dl" "$out"
  cat > "$folder/apt/apt.conf" << END
APT::Architecture "amd64";
APT::Architectures { "amd64"; "i386"; };
APT::Sandbox::User "$(id -un)";
APT::Update::Post-Invoke "";
APT::Update::Post-Invoke-Success "";
Acquire::Languages "none";
Dir::State::Lists "$folder/apt/lists";
Dir::Cache::Archives "$folder/apt/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
  if [ ! -f "$out/vmlinuz-686-pae" ]; then
    export APT_CONFIG=$folder/apt/apt.conf
    apt-get -q=1 update >&2 || say "note: not every package source answered; going on with those that did"
    make -C "$kit" OUT="$out" DL="$folder/dl" fetch >&2 || die "the kit's packages could not be fetched"
    unset APT_CONFIG
  fi
  make -C "$kit" OUT="$out" DL="$folder/dl" >&2 || die "the kit could not be built"
}

if [ ! -f "$out/initrd.gz" ]; then
  install_missing
  say "building the workload kit in build/bench"
  build_kit
fi
version="a program of unknown commit"
if [ -z "$penumbra" ]; then
  version=$(git rev-parse --short HEAD)
  git diff --quiet HEAD || version="$version with changes"
  build_release penumbra
  penumbra=$PWD/build/release/penumbra
fi

# run.py asks the kit's program for the names of its workloads. Where the host cannot execute 32-bit programs, a folder
# with another name for the initrd has a program in that place that asks through user-mode emulation.
initrd=$out/initrd.gz
native=()
if "$out/bench" list > /dev/null 2>&1; then
  if [[ ,$only, == *,native,* ]]; then
    if [ "$(id -u)" -eq 0 ]; then
      native=(--native --native-factor 5)
    else
      say "note: no native figures: they need root, for a chroot; ratios are to QEMU"
    fi
  fi
else
  say "note: no native figures: this host executes no 32-bit programs; ratios are to QEMU"
  command -v qemu-i386 > /dev/null || PENUMBRA_PACKAGES+=(qemu-user) install_missing
  mkdir -p "$folder/listed"
  ln -f "$out/initrd.gz" "$folder/listed/initrd.gz"
  printf '#!/bin/sh\nexec qemu-i386 "%s" "$@"\n' "$out/bench" > "$folder/listed/bench"
  chmod +x "$folder/listed/bench"
  initrd=$folder/listed/initrd.gz
fi

machine="run --memory {mem} --kernel {kernel} --initrd {initrd} --append {append} --display none --serial stdio"
contestants=()
[[ ,$only, == *,qemu,* ]] && contestants+=(--emulator "qemu=qemu-system-i386 -accel tcg -m {mem} -nic none -nographic -no-reboot -kernel {kernel} -initrd {initrd} -append {append}")
[[ ,$only, == *,translator,* ]] && contestants+=(--emulator "translator=$penumbra $machine --engine translator")
[[ ,$only, == *,interpreter,* ]] && contestants+=(--emulator "interpreter*0.1=$penumbra $machine --engine interpreter")
[ ${#contestants[@]} -gt 0 ] || usage

results=$folder/results/$(date +%Y-%m-%d-%H%M%S)
mkdir -p "$results"
measure() {  # NAME ARGUMENTS...
  local name=$1
  shift
  BENCH_OUT=$out "$kit/harness/run.py" --initrd "$initrd" --timeout 7200 --json "$results/$name.json" \
    --log "$results/$name.log" "$@" > /dev/null || failed=1
}

failed=0
load_before=$(cut -d' ' -f1-3 /proc/loadavg)
measure work "${native[@]}" "${contestants[@]}" --kernel "$out/vmlinuz-686" --work "$work" --scale "$scale" \
  --batch "$batch" --runs "$rounds"
measure boot-pae "${contestants[@]}" --kernel "$out/vmlinuz-686-pae" --work "" --runs "$rounds"
if [ -n "$counters" ]; then
  # The first boot has no workload: what is to be subtracted from the others.
  counting="counters=sh -c 'exec \"\$@\" 2>> \"$results/counters.txt\"' sh $penumbra $machine --engine translator --stats"
  measure counters-boot --emulator "$counting" --kernel "$out/vmlinuz-686" --work "" --runs 1
  measure counters --emulator "$counting" --kernel "$out/vmlinuz-686" --work "$work" --scale "$scale" --batch 1 --runs 1
fi

# What the figures hold for.
{
  printf '%s, %s, ' "$(date +%Y-%m-%d)" "$version"
  printf '%s x %s, Linux %s, %s, ' "$(nproc)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
    "$(uname -r)" "$(qemu-system-i386 --version | sed -n 's/.*version \([0-9.]*\).*/QEMU \1/p')"
  printf 'load average %s before and %s after\n' "$load_before" "$(cut -d' ' -f1-3 /proc/loadavg)"
} > "$results/host.txt"
python3 scripts/benchmark_table.py "$results" || failed=1
say "what was measured: ${results#"$PWD"/}"
exit $failed
