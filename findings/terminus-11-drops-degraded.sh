#!/usr/bin/env bash
# @nestjs/terminus 11.1.1 leaves an indicator that answers `degraded` out of its report, without a word; 12.1.0 knows the status.
#
# Nest 11 may be used with either. An indicator is free to answer any status: of one that is neither "up" nor "down" version 11 keeps
# nothing, so that the report of an application whose only store is degraded is `ok` and names no store. Version 12 reports it, and
# makes the whole report `degraded`.
#
# Output seen: see EXPECTED below. Exits 1 when a version behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/finding.mjs" <<'JS'
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';

class Application {}
Module({ imports: [TerminusModule] })(Application);

const app = await NestFactory.createApplicationContext(Application, { logger: false });
const health = app.get(HealthCheckService, { strict: false });
const { status, details } = await health.check([
  async () => ({ cache: { status: 'up' } }),
  async () => ({ store: { status: 'degraded', reason: 'no replica' } }),
]);
console.log(`${process.argv[2]}: ${status}, ${Object.entries(details).map(([name, { status }]) => `${name} ${status}`).join(', ')}`);
await app.close();
JS
for version in 11.1.1 12.1.0; do
  mkdir "$work/$version"
  cp "$work/finding.mjs" "$work/$version"
  cd "$work/$version"
  npm init --yes >/dev/null
  npm install --silent --no-audit --no-fund "@nestjs/terminus@$version" @nestjs/common@11.1.9 @nestjs/core@11.1.9 \
    reflect-metadata@0.2.2 rxjs@7.8.2
  node finding.mjs "$version"
done > "$work/OUTPUT"
cat "$work/OUTPUT"
diff - "$work/OUTPUT" <<'TEXT'
11.1.1: ok, cache up
12.1.0: degraded, cache up, store degraded
TEXT
