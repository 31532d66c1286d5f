#!/usr/bin/env bash
# Sets up and runs every test: unit, fuzz corpora, tidy, integration, browser.
set -euo pipefail
cd "$(dirname "$0")"
./setup.sh
cmake --build --preset release
ctest --preset release --timeout 600 "$@"
