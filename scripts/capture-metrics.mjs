// `npm run docs:metrics`: makes runs into a real Redis, one of which a guard refuses, scrapes the metrics as Prometheus does, and
// writes what it gets into docs/operations.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { Adapter, DiffSyncModel, SyncRefused, SyncRunner } from 'nestjs-diffsync';
import { DiffSyncTelemetry } from 'nestjs-diffsync/otel';
import { RedisStore } from 'nestjs-diffsync/redis';
import { z } from 'zod';
import { withServer } from '../bench/redis/server.mjs';

const PAGE = join(import.meta.dirname, '../docs/operations.md');
const BLOCK = /(<!-- scrape: written by npm run docs:metrics -->\n\n```text\n).*?(```\n\n<!-- end of scrape -->)/s;

/** So many samples of a metric are shown. */
const SHOWN = 6;

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().default('leaf') }),
  identifiers: ['name'],
  attributes: ['role'],
}) {
  static async create(context) {
    await setTimeout(1); // where a service is called
    return super.create(context);
  }
}

class Inventory extends Adapter {
  static models = [Device];
  static topLevel = ['device'];
}

class Network extends Inventory {
  count = 200;

  async load() {
    await this.addMany(Array.from({ length: this.count }, (_, at) => new Device({ name: `r${at}` })));
  }
}

const exporter = new PrometheusExporter({ preventServerStart: true });
const telemetry = new DiffSyncTelemetry({ meterProvider: new MeterProvider({ readers: [exporter] }) });
telemetry.enable();
await withServer(makeRuns);
const text = await scrape();
telemetry.disable();

const page = readFileSync(PAGE, 'utf8');
if (!BLOCK.test(page)) throw new Error(`${PAGE} has no place for the scrape`);
// Each test server has a port of its own; that of the page is the one that everybody knows.
const shown = text.replaceAll(/server_port="\d+"/g, 'server_port="6379"');
writeFileSync(
  PAGE,
  page.replace(BLOCK, (_, begin, end) => `${begin}${shortened(shown)}${end}`),
);

async function makeRuns(url) {
  const store = await RedisStore.connect({ url, storeId: 'cmdb' });
  const network = new Network({ name: 'network' });
  const cmdb = new Inventory({ name: 'cmdb', store });
  const runner = new SyncRunner();
  await runner.run({ source: network, target: cmdb, load: 'source', label: 'nightly' });
  network.count = 20;
  await runner.run({ source: network, target: cmdb, load: 'source', label: 'nightly' }).catch((error) => {
    if (!(error instanceof SyncRefused)) throw error;
  });
  await store.close();
}

async function scrape() {
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await (await fetch(`http://127.0.0.1:${server.address().port}/metrics`)).text();
  } finally {
    server.close();
  }
}

/** Shows all buckets of one series, and of other histograms the numbers and sums. */
function shortened(metrics) {
  const blocks = metrics.trimEnd().split(/(?=^# HELP )/m);
  return blocks.map((block) => `${shortenedBlock(block.trimEnd().split('\n')).join('\n')}\n`).join('');
}

function shortenedBlock(lines) {
  const head = lines.filter((line) => line.startsWith('#'));
  const samples = lines.filter((line) => !line.startsWith('#'));
  const isFlush = (line) => line.includes('db_operation_name="flush"');
  const [series] = /\{.*?otel_scope_name="[^"]*"/.exec(samples.find(isFlush) ?? '') ?? [];
  const shown =
    series === undefined
      ? samples.filter((line) => !/^\w+_bucket\b/.test(line)).slice(0, SHOWN)
      : samples.filter((line) => line.includes(series));
  return [...head, ...shown, ...(shown.length < samples.length ? ['# …'] : [])];
}
