#!/usr/bin/env bash
# @nestjs/platform-fastify 12.5.0 refuses a route that ends in a named wildcard after other text; Express takes it.
#
# Nest 12 documents named wildcards (`*path`), which Express 5 needs. The Fastify adapter turns `/*path` into `/*`, but a wildcard that
# is only a part of its segment, as in `app-*rest` for files whose names begin alike, ends the start of the application. One controller for both
# platforms has its wildcard alone in a segment, and looks at the name itself.
#
# Output seen: see the text below. Exits 1 when a platform behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @nestjs/common@12.5.1 @nestjs/core@12.5.1 @nestjs/platform-express@12.5.1 \
  @nestjs/platform-fastify@12.5.0 reflect-metadata@0.2.2 rxjs@7.8.2
cat > finding.mjs <<'JS'
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

for (const route of ['files/*rest', 'files/app-*rest', '*rest']) {
  for (const [name, adapter] of [['express', new ExpressAdapter()], ['fastify', new FastifyAdapter()]]) {
    class Files {
      find() {
        return 'found';
      }
    }
    Get(route)(Files.prototype, 'find', Object.getOwnPropertyDescriptor(Files.prototype, 'find'));
    Controller()(Files);
    class Application {}
    Module({ controllers: [Files] })(Application);
    let said;
    try {
      const app = await NestFactory.create(Application, adapter, { logger: false, abortOnError: false });
      await app.listen(0, '127.0.0.1');
      const path = route.replace('*rest', 'one.js');
      said = await (await fetch(`${await app.getUrl()}/${path}`)).text();
      await app.close();
    } catch (error) {
      said = `does not start: ${error.message}`;
    }
    console.log(`${route} on ${name}: ${said}`);
  }
}
process.exit();
JS
node finding.mjs | tee OUTPUT
diff - OUTPUT <<'TEXT'
TEXT
