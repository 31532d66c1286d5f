#!/usr/bin/env bash
# The main job from nothing: set up, start a tree on this machine, publish Debian's package catalogue at
# the root, and ask a consumer-app below the POS broker for one package. The tree stays up.
#
#   ./demo.sh [DIR]      state and logs go to DIR (default: demo-tree)
set -euo pipefail
cd "$(dirname "$0")"
dir=${1:-demo-tree}
package=bash

./setup.sh
bin=build/release/bin

# What endpoints.json says of the first node with a role.
endpoint() { # ROLE FIELD
  python3 -c 'import json, sys
nodes = json.load(open(sys.argv[1]))["nodes"]
print(next(n[sys.argv[3]] for n in nodes if n["role"] == sys.argv[2]))' "$dir/endpoints.json" "$1" "$2"
}

if "$bin/xylem" console --dir "$dir" -c status >/dev/null 2>&1; then
  echo "demo: a tree is up in $dir already"
else
  echo "demo: starting a tree in $dir"
  mkdir -p "$dir"
  nohup "$bin/xylem" up --no-console --dir "$dir" --topic packages:4:compact \
    >"$dir/up.out" 2>"$dir/up.log" </dev/null &
  up=$!
  until grep -q '^ready$' "$dir/up.out"; do
    kill -0 "$up" 2>/dev/null || { cat "$dir/up.log" >&2; exit 1; }
    sleep 0.2
  done
fi
"$bin/xylem" tree --registry "http://$(endpoint REGISTRY http)"

echo "demo: publishing the package catalogue at the root"
apt-cache dumpavail >"$dir/catalogue"
"$bin/xylem" produce packages --broker "$(endpoint ROOT tcp)" --format stanza --key Package "$dir/catalogue"

leaf=$(endpoint CONSUMER http)
echo "demo: curl http://$leaf/api/query/key/$package"
value() { python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)["value"])'; }
wanted() { python3 -c 'import sys
stanzas = open(sys.argv[1], "rb").read().split(b"\n\n")
head = b"Package: " + sys.argv[2].encode() + b"\n"
sys.stdout.buffer.write([s for s in stanzas if s.strip(b"\n").startswith(head)][-1].strip(b"\n"))' "$dir/catalogue" "$package"; }
wanted >"$dir/wanted"
for _ in $(seq 300); do
  if curl -fsS "http://$leaf/api/query/key/$package" 2>/dev/null | value 2>/dev/null >"$dir/answer" &&
    cmp -s "$dir/answer" "$dir/wanted"; then
    cat "$dir/answer"
    printf '\n\ndemo: the right %s bytes, four brokers below where they were published.\n' "$(wc -c <"$dir/wanted")"
    echo "demo: dashboard http://$(endpoint REGISTRY http)/   stop: $bin/xylem console --dir $dir -c quit"
    exit 0
  fi
  sleep 0.2
done
echo "demo: the consumer-app did not answer with the right bytes" >&2
exit 1
