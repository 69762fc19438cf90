#!/usr/bin/env bash
# Builds everything and runs every test: unit tests, layering, and the quick conformance set.
# The last line is "N passed, N failed, N skipped". The exit code is 0 only if something ran and nothing failed.
set -uo pipefail
cd "$(dirname "$0")" || exit
. scripts/lib.sh

install_missing
build_release

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for program in build/release/*_tests; do
  [ -x "$program" ] && run_unit_tests "$program"
done
say "the translator's tests again, with all memory through the software TLB"
PENUMBRA_TEST_REACH=soft run_unit_tests build/release/translator_tests
say "and with windows found by a register"
PENUMBRA_TEST_REACH=registers run_unit_tests build/release/translator_tests

# Runs the quick conformance set on one engine and adds its counts to the sums. It shows its own progress.
run_conformance() {
  local status
  say "conformance: $1"
  build/release/penumbra conform --quick --engine "$1" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  # Its last line has the counts.
  if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
    # 3: nothing ran, which --quick may come to on a host that can't be an oracle.
    [ "$status" -ne 0 ] && [ "$status" -ne 3 ] && [ "${BASH_REMATCH[2]}" -eq 0 ] && failed=$((failed + 1))
  else
    say "penumbra conform ended without counts (exit code $status)"
    failed=$((failed + 1))
  fi
}

for engine in interpreter translator; do
  run_conformance "$engine"
done

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
