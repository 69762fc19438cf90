#!/usr/bin/env bash
# Installs the packages that Penumbra is built and tested with (Debian and its relatives).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
install_missing
