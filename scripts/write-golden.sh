#!/usr/bin/env bash
# Writes tests/translator/golden.txt anew, from what the translator emits now, and shows what changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
build_release translator_tests
PENUMBRA_WRITE_GOLDEN=1 build/release/translator_tests --test-case="golden listings" > /dev/null || die "nothing was listed"
git --no-pager diff --stat -- tests/translator/golden.txt
