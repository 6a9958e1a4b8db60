#!/usr/bin/env bash
# bullmq 6.7.0 cannot be installed beside `redis` 4, although it works with ioredis alone.
#
# BullMQ 6 has `redis >= 5` as an optional peer, for one of its backends. An application that uses ioredis for its queue, and has an
# older `redis` for a cache of its own, gets ERESOLVE from npm, as an optional peer that is there has to fit. `--legacy-peer-deps`, or an override
# of the peer, installs it.
#
# Output seen: see the text below. Exits 1 when the package behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf '{ "name": "finding", "version": "1.0.0", "private": true }' > package.json
install() {
  if npm install --ignore-scripts --no-audit --no-fund --package-lock-only "$@" >LOG 2>&1; then echo installs; else grep -oE -m 1 ERESOLVE LOG; fi
}
{
  echo "beside redis 4: $(install bullmq@6.7.0 ioredis@6.0.0 redis@4.7.1)"
  echo "beside redis 5: $(install bullmq@6.7.0 ioredis@6.0.0 redis@5.10.0)"
} | tee OUTPUT
diff - OUTPUT <<'TEXT'
beside redis 4: ERESOLVE
beside redis 5: installs
TEXT
