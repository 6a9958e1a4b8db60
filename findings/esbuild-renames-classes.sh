#!/usr/bin/env bash
# esbuild 0.28.2: a bundled class whose body names the class itself is called `_Name` at run time.
#
# The output is not minified. A class that does not name itself keeps its name, so that one bundle has both: `Site` and
# `_Device`. What takes a name from `class.name` (a registry, a log, a key in a database, the tokens of dependency injection by
# name) changes between the run from sources and the run of the bundle, for some classes only. `--keep-names` keeps them all.
#
# Output seen: see EXPECTED below. Exits 1 when the bundler behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund esbuild@0.28.2
cat > app.ts <<'TS'
class Site {}
class Device {
  static create(): Device {
    return new Device();
  }
}
console.log(Site.name, Device.create().constructor.name);
TS
bundle() {
  npx esbuild app.ts --bundle --format=esm --platform=node --log-level=error "$@" --outfile=app.mjs
  node app.mjs
}
cat > EXPECTED <<'TEXT'
bundled: Site _Device
bundled with --keep-names: Site Device
TEXT
{
  echo "bundled: $(bundle)"
  echo "bundled with --keep-names: $(bundle --keep-names)"
} | tee OUTPUT
diff EXPECTED OUTPUT
