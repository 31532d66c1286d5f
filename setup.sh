#!/usr/bin/env bash
# Installs what Xylem is built from (Debian 12: apt, and npm for the dashboard), then configures and
# builds release. Can be run again; as root, or as a user with sudo.
#
#   ./setup.sh              install and build release
#   ./setup.sh --packages   install only
set -euo pipefail
cd "$(dirname "$0")"

packages=(
  # toolchain
  g++ cmake ninja-build ccache pkg-config git ca-certificates curl python3
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev
  # libraries
  libuv1-dev libraft-dev libflatbuffers-dev flatbuffers-compiler libcpp-httplib-dev libsqlite3-dev
  nlohmann-json3-dev doctest-dev libboost-dev libssl-dev libcli11-dev
  libyaml-cpp-dev libavro-dev liblz4-dev libzstd-dev libsnappy-dev zlib1g-dev librdkafka-dev
  libbenchmark-dev
  # for tests: the dashboard's browser, system call traces, small disks to fill, networks to cut
  chromium strace e2fsprogs iproute2 nftables
)

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
node_major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
if [ "${node_major:-0}" -lt 18 ]; then missing+=(nodejs npm); fi
if ! command -v npm >/dev/null && [[ ! " ${missing[*]} " == *" npm "* ]]; then missing+=(npm); fi

if [ "${#missing[@]}" -gt 0 ]; then
  echo "setup: installing ${#missing[@]} packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
fi
# The package catalogue is the records that the main job and its test publish.
if [ "$(apt-cache dumpavail 2>/dev/null | grep -c '^Package: ')" -lt 50000 ]; then
  echo "setup: fetching the package catalogue"
  as_root apt-get update -qq
fi
[ "${1:-}" = --packages ] && exit 0

echo "setup: configuring and building release"
cmake --preset release >/dev/null
cmake --build --preset release --target all
echo "setup: done; the programs are in build/release/bin"
