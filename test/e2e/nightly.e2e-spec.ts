/** The code of docs/nightly-job.md: a paged HTTP service, and PostgreSQL in this process. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Global, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SyncRunner } from 'nestjs-diffsync';
import { CmdbAdapter } from '../../examples/nightly/src/cmdb.adapter.js';
import { NETWORK_URL } from '../../examples/nightly/src/network.adapter.js';
import { NightlyJob } from '../../examples/nightly/src/nightly.job.js';
import { NightlyModule } from '../../examples/nightly/src/nightly.module.js';
import { SQL, type SqlClient } from '../../examples/nightly/src/sql-table.js';
import { sized } from '../support/full.js';

const DEVICES = sized(20_000, 2000);
const PAGE = 1000;
const INTERFACES = ['eth0', 'eth1', 'eth2', 'eth3', 'eth4'];
/** The interfaces that have an address. */
const ADDRESSED = ['eth0', 'eth1'];
const MOST_STATEMENTS = 20;

interface NetworkDevice {
  readonly name: string;
  role: string;
  readonly site: string;
  readonly interfaces: { readonly name: string; speed: number; readonly addresses: readonly string[] }[];
}

function nameOf(number: number): string {
  return `device-${String(number).padStart(6, '0')}`;
}

function device(number: number): NetworkDevice {
  return {
    name: nameOf(number),
    role: 'leaf',
    site: `site-${number % 100}`,
    interfaces: INTERFACES.map((name, at) => ({
      name,
      speed: 1000,
      addresses: at < ADDRESSED.length ? [`10.${at}.${number >> 8}.${number & 255}`] : [],
    })),
  };
}

/** The rows that `device` stands for, made by the database itself. */
const SCHEMA = `
  create table device (name text primary key, role text, site text);
  create table interface (device text, name text, speed integer, primary key (device, name));
  create table address (address text primary key, device text, interface text);
  insert into device select 'device-' || lpad(n::text, 6, '0'), 'leaf', 'site-' || n % 100
    from generate_series(0, ${DEVICES - 1}) as n;
  insert into interface select name, 'eth' || at, 1000 from device, generate_series(0, 4) as at;
  insert into address select '10.' || at || '.' || (n >> 8) || '.' || (n & 255), 'device-' || lpad(n::text, 6, '0'), 'eth' || at
    from generate_series(0, ${DEVICES - 1}) as n, generate_series(0, 1) as at;
`;

let network = Array.from({ length: DEVICES }, (_, number) => device(number));
/** The status that the service answers to the page after this device. */
let broken: { readonly after: string; readonly status: number } | undefined;
let server: Server;
let database: PGlite;
let app: INestApplicationContext;
/** What the application has written, statement by statement. */
const written: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const after = new URL(request.url ?? '', 'http://localhost').searchParams.get('after') ?? '';
    if (broken?.after === after) return response.writeHead(broken.status).end();
    const start = after === '' ? 0 : network.findIndex(({ name }) => name === after) + 1;
    const devices = network.slice(start, start + PAGE);
    const next = start + PAGE < network.length ? devices.at(-1)?.name : null;
    return response.end(JSON.stringify({ total: network.length, next, devices }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  database = await PGlite.create();
  await database.exec(SCHEMA);
  const client: SqlClient = {
    query: async (text, values) => {
      if (!text.startsWith('select')) written.push(text);
      return database.query(text, values);
    },
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  @Global()
  @Module({
    providers: [
      { provide: SQL, useValue: client },
      { provide: NETWORK_URL, useValue: url },
    ],
    exports: [SQL, NETWORK_URL],
  })
  class Environment {}

  @Module({ imports: [Environment, NightlyModule] })
  class Application {}

  app = await NestFactory.createApplicationContext(Application, { logger: false, abortOnError: false });
});

afterAll(async () => {
  await app?.close();
  await database?.close();
  server?.close();
});

async function countOf(table: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>(`select count(*)::integer as count from ${table}`);
  return (rows[0] as { count: number }).count;
}

describe('the nightly job', () => {
  it('writes 300 updates, 800 deletes and 800 creates by at most 20 statements', async () => {
    network = network.slice(100);
    for (let number = 0; number < 100; number++) network.push(device(DEVICES + number));
    for (const changed of network.slice(500, 650)) changed.role = 'spine';
    for (const { interfaces } of network.slice(1000, 1150)) (interfaces[3] as { speed: number }).speed = 10_000;

    const run = await app.get(NightlyJob).run('test');

    expect(run.counts).toMatchObject({ create: 800, update: 300, delete: 800 });
    expect(run.results).toEqual({ done: 1900, failed: 0, stale: 0, leftOut: 0 });
    expect(written.length).toBeLessThanOrEqual(MOST_STATEMENTS);
    expect(await Promise.all(['device', 'interface', 'address'].map(countOf))).toEqual([
      DEVICES,
      5 * DEVICES,
      2 * DEVICES,
    ]);
    const { rows: spines } = await database.query(`select name from device where role = 'spine' order by name`);
    expect(spines).toEqual(network.slice(500, 650).map(({ name }) => ({ name })));
    const { rows: fast } = await database.query(
      `select device, name from interface where speed = 10000 order by device`,
    );
    expect(fast).toEqual(network.slice(1000, 1150).map(({ name }) => ({ device: name, name: 'eth3' })));
  });

  it('finds nothing to do the next night', async () => {
    written.length = 0;
    const run = await app.get(NightlyJob).run('test');
    expect(run.counts).toMatchObject({ create: 0, update: 0, delete: 0, 'no-change': 8 * DEVICES });
    expect(written).toEqual([]);
  });

  it('touches nothing when a page of the service is missing, and the history says why', async () => {
    broken = { after: nameOf(DEVICES / 2 + 99), status: 503 };
    await expect(app.get(NightlyJob).run('test')).rejects.toThrow('answered 503 to a page of devices');
    broken = undefined;
    expect(written).toEqual([]);
    const { runs } = await app.get(SyncRunner).history(app.get(CmdbAdapter)).list({ limit: 3 });
    expect(runs.map(({ outcome, label, by }) => [outcome, label, by])).toEqual([
      ['failed', 'nightly', 'test'],
      ['succeeded', 'nightly', 'test'],
      ['succeeded', 'nightly', 'test'],
    ]);
    expect(runs[0]?.error?.message).toContain('503');
  });

  it('refuses a network that has lost a third of its devices, and names the limit', async () => {
    const whole = network;
    network = network.slice(0, (DEVICES * 2) / 3);
    await expect(app.get(NightlyJob).run('test')).rejects.toThrow(/maxDeletePercent/);
    network = whole;
    expect(written).toEqual([]);
  });

  it('has remembered what happened to a device', async () => {
    const history = app.get(SyncRunner).history(app.get(CmdbAdapter));
    const changes = await history.ofObject('device', (network[500] as NetworkDevice).name);
    expect(changes).toMatchObject([
      { action: 'update', old: { role: 'leaf' }, new: { role: 'spine' }, result: 'done' },
    ]);
  });
});
