#!/usr/bin/env bash
# @nestjs/platform-fastify 12.5.0 does not start with a route of a controller that has a named wildcard, as Express 5 wants it.
#
# Express 5 takes no bare `*`, and the migration guides say `files/*rest`. On Fastify the same controller ends the start of the application: the name is
# passed on to a router that knows a wildcard as the last character alone. A bare `*` works on both: Nest names it for Express, and warns. A
# parameter, `files/:rest`, works on both without a warning.
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

for (const route of ['files/*rest', 'files/:rest', 'files/*']) {
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
      const path = route.replace(/[*:]\w*$/, 'one.js');
      said = await (await fetch(`${await app.getUrl()}/${path}`)).text();
      await app.close();
    } catch (error) {
      said = `does not start: ${error.message.split('\n')[0]}`;
    }
    console.log(`${route} on ${name}: ${said}`);
  }
}
process.exit();
JS
node finding.mjs | tee OUTPUT
diff - OUTPUT <<'TEXT'
files/*rest on express: found
files/*rest on fastify: does not start: Wildcard must be the last character in the route
files/:rest on express: found
files/:rest on fastify: found
files/* on express: found
files/* on fastify: found
TEXT
