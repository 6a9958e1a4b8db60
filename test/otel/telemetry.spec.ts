// The door `nestjs-diffsync/otel`, with the SDK's own context manager and in-memory exporters.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { context, metrics, SpanKind, SpanStatusCode, trace, type Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type HistogramMetricData,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import {
  Adapter,
  storeChannel,
  SyncRefused,
  SyncRunner,
  type BaseStore,
  type BulkContext,
  type CreateItem,
  type ModelClass,
} from '../../src/index.js';
import { DiffSyncTelemetry, DiffSyncTelemetryModule, type DiffSyncTelemetryOptions } from '../../src/otel/index.js';
import { Device, fill, Hooks, Inventory, Site, watched } from '../fixtures/inventory.js';
import { engineStores } from '../support/stores.js';

const exporter = new InMemorySpanExporter();
const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = trace.getTracer('the application');
let metricExporter: InMemoryMetricExporter;
let meterProvider: MeterProvider;
let telemetry: DiffSyncTelemetry;

beforeAll(() => {
  tracerProvider.register();
});

afterAll(async () => {
  await tracerProvider.shutdown();
  trace.disable();
  context.disable();
});

beforeEach(() => {
  exporter.reset();
  metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
  meterProvider = new MeterProvider({ readers: [reader] });
  enable();
});

afterEach(async () => {
  telemetry.disable();
  await meterProvider.shutdown();
});

function enable(options: DiffSyncTelemetryOptions = {}): void {
  telemetry?.disable();
  telemetry = new DiffSyncTelemetry({ meterProvider, ...options });
  telemetry.enable();
}

const spans = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);

function only(name: string): ReadableSpan {
  const [span, ...more] = spans(name);
  expect([name, span === undefined ? 0 : 1 + more.length]).toEqual([name, 1]);
  return span as ReadableSpan;
}

/** The names of a span and of all above it. */
function line(span: ReadableSpan): string[] {
  const byId = new Map(exporter.getFinishedSpans().map((each) => [each.spanContext().spanId, each]));
  const names = [span.name];
  for (let at = span.parentSpanContext; at !== undefined;) {
    const parent = byId.get(at.spanId);
    names.push(parent?.name ?? 'a span that has not ended');
    at = parent?.parentSpanContext;
  }
  return names;
}

async function collected(): Promise<Map<string, MetricData>> {
  await meterProvider.forceFlush();
  const scopes = metricExporter.getMetrics().at(-1)?.scopeMetrics ?? [];
  return new Map(scopes.flatMap(({ metrics: all }) => all.map((each) => [each.descriptor.name, each])));
}

async function points(name: string): Promise<[Attributes, unknown][]> {
  const metric = (await collected()).get(name);
  return (metric?.dataPoints ?? []).map(({ attributes, value }) => [attributes, value]);
}

class Network extends Inventory {
  constructor(private readonly sites: Parameters<typeof fill>[1]) {
    super({ name: 'network' });
  }

  override async load(): Promise<void> {
    await tracer.startActiveSpan('GET /sites', async (span) => {
      await fill(this, this.sites);
      span.end();
    });
  }
}

/** Hooks that call a service and read the store, as hooks do. */
class Provisioned extends Device {
  static override async create(...args: Parameters<typeof Device.create>) {
    return tracer.startActiveSpan('POST /devices', async (span) => {
      await (args[0].adapter as unknown as Adapter).getOrNone(Site, 'nyc');
      span.end();
      return super.create(...args);
    });
  }
}

class Target extends Inventory {
  static override readonly models = [Site, Provisioned];
}

describe('spans', () => {
  it('of bulk hooks and of hooks that are called side by side have the sync above them too', async () => {
    class Bulk extends Device {
      static override async createBulk({ adapter, objects }: BulkContext<CreateItem<{ name: string }>>) {
        return tracer.startActiveSpan('POST /bulk', async (span) => {
          await Promise.resolve();
          span.end();
          return Promise.all(objects.map(({ ids, attrs }) => this.create({ adapter, ids, attrs })));
        });
      }
    }
    class Devices extends Adapter {
      static override readonly models: readonly ModelClass[] = [Bulk];
      static override readonly topLevel = ['device'];
    }
    const source = new Devices({ name: 'source' });
    await source.addMany(['a', 'b', 'c'].map((name) => new Bulk({ name })));
    await new Devices({ name: 'bulk' }).syncFrom(source);
    expect(line(only('POST /bulk'))).toEqual(['POST /bulk', 'createBulk device', 'sync bulk']);
    expect(only('createBulk device').attributes).toMatchObject({ 'diffsync.objects': 3, 'diffsync.action': 'create' });

    const sites = new Inventory({ name: 'sites' });
    await fill(sites, { a: { d1: [] }, b: { d2: [] }, c: { d3: [] } });
    await new Target({ name: 'cmdb' }).syncFrom(sites, { concurrency: 3 });
    const calls = spans('POST /devices');
    expect(calls.map(line)).toEqual(calls.map(() => ['POST /devices', 'create device', 'sync cmdb']));
    expect(calls).toHaveLength(3);
    expect(new Set(calls.map((span) => span.parentSpanContext?.spanId)).size).toBe(3);
  });

  it('say which run, sides, phases and hooks', async () => {
    const runner = new SyncRunner();
    const source = new Network({ nyc: {} });
    const run = await runner.run({ source, target: watched(new Hooks(), { name: 'cmdb' }), label: 'nightly' });
    const sides = { 'diffsync.source': 'network', 'diffsync.target': 'cmdb' };
    expect(only('run cmdb').attributes).toStrictEqual({
      ...sides,
      'diffsync.run.id': run.id,
      'diffsync.run.kind': 'sync',
      'diffsync.run.label': 'nightly',
      'diffsync.run.outcome': 'succeeded',
    });
    expect(only('guard cmdb').attributes).toMatchObject({ ...sides, 'diffsync.run.phase': 'guard' });
    expect(only('create site').attributes).toStrictEqual({
      'diffsync.hook': 'create',
      'diffsync.action': 'create',
      'diffsync.model': 'site',
      'diffsync.target': 'cmdb',
      'diffsync.objects': 1,
    });
    expect(only('create site').kind).toBe(SpanKind.INTERNAL);
  });

  it('of what failed have the class of the error, and no message unless they may show unique ids', async () => {
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: {} });
    const hooks = new Hooks();
    hooks.failures.set('create site nyc', new TypeError('no room in nyc'));
    await expect(watched(hooks).syncFrom(source)).rejects.toThrow();
    expect(only('create site')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'TypeError' },
      events: [],
    });
    expect(only('sync target').attributes['error.type']).toBe('SYNC_HOOK_FAILED');
    const told = (): string =>
      JSON.stringify(exporter.getFinishedSpans().map(({ status, attributes, events }) => [status, attributes, events]));
    expect(told()).not.toContain('nyc');

    exporter.reset();
    enable({ uniqueIds: true });
    await expect(watched(hooks).syncFrom(source)).rejects.toThrow();
    expect(only('create site')).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'no room in nyc' },
      attributes: { 'error.type': 'TypeError', 'diffsync.uids': ['nyc'] },
      events: [expect.objectContaining({ name: 'exception' })],
    });
  });

  it('of a hook that returns no model have failed too', async () => {
    class Refusing extends Site {
      static override async create(): Promise<null> {
        return null;
      }
    }
    class Refused extends Inventory {
      static override readonly models = [Refusing, Device];
    }
    const source = new Inventory();
    await fill(source, { nyc: {} });
    await new Refused({ name: 'cmdb' }).syncFrom(source);
    expect(await points('diffsync.sync.objects')).toEqual([
      [expect.objectContaining({ 'diffsync.action': 'create', 'diffsync.status': 'failure' }), 1],
    ]);
    expect(only('create site')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'OBJECT_NOT_CREATED', 'diffsync.failures': 1 },
    });
  });

  it('of operations and hooks can be left out: what is inside is then below the next span above', async () => {
    enable({ storeSpans: false, hookSpans: false });
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: { d1: [] } });
    await new Target({ name: 'cmdb' }).syncFrom(source);
    expect(new Set(exporter.getFinishedSpans().map(({ name }) => name))).toEqual(
      new Set(['POST /devices', 'diff cmdb', 'sync cmdb']),
    );
    expect(line(only('POST /devices'))).toEqual(['POST /devices', 'sync cmdb']);
    expect((await points('diffsync.hook.duration')).length).toBe(1);
    expect((await points('db.client.operation.duration')).length).toBeGreaterThan(0);
  });

  it('of work that is under way when telemetry is disabled end all the same', async () => {
    class Slow extends Network {
      override async load(): Promise<void> {
        telemetry.disable();
        await super.load();
      }
    }
    await new Slow({ nyc: {} }).load();
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['GET /sites', 'load network']);
    expect(storeChannel.hasSubscribers).toBe(false);
  });
});

describe.each(engineStores.slice(0, 3))('operations of a store, $name', ({ name, open, close }) => {
  let store: BaseStore;

  beforeEach(async () => {
    store = await open();
    exporter.reset();
  });

  afterEach(async () => {
    await close(store);
  });

  const place = (): Attributes => {
    if (name === 'local') return {};
    if (name === 'sqlite') return { 'db.namespace': 'stores.db' };
    return { 'db.namespace': '0', 'server.address': '127.0.0.1', 'server.port': expect.any(Number) as never };
  };

  it('in a hook are below the hook, the sync and the run', async () => {
    const target = new Target({ name: 'cmdb', store });
    await new SyncRunner().run({
      source: new Network({ nyc: { d1: [], d2: [] } }),
      target,
      label: 'nightly',
      concurrency: 2,
    });
    const above = ['sync cmdb', 'apply cmdb', 'run cmdb'];
    const calls = spans('POST /devices');
    expect(calls.map(line)).toEqual(calls.map(() => ['POST /devices', 'create device', ...above]));
    const reads = spans('get site').filter((span) => line(span).includes('POST /devices'));
    expect(new Set(reads.map((span) => span.parentSpanContext?.spanId))).toEqual(
      new Set(calls.map((span) => span.spanContext().spanId)),
    );
    expect(calls).toHaveLength(2);
    expect(line(only('GET /sites'))).toEqual(['GET /sites', 'load network', 'load-source cmdb', 'run cmdb']);
    expect(line(spans('add site')[0] as ReadableSpan).slice(1)).toContain('GET /sites');
    expect(line(only('diff cmdb'))).toEqual(['diff cmdb', 'compare cmdb', 'run cmdb']);
    expect(new Set(exporter.getFinishedSpans().map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  it('are spans by the conventions for databases', async () => {
    await store.addMany({ objs: ['a', 'b'].map((each) => new Device({ name: each })) });
    await store.get({ model: Device, identifier: 'a' });
    await expect(store.get({ model: Device, identifier: 'z' })).rejects.toThrow();
    await store.count();
    const common = { 'db.system.name': name, 'diffsync.store.id': store.storeId, ...place() };
    const ofDevices = { ...common, 'db.collection.name': 'device' };
    const [get, missing] = spans('get device');
    expect(only('addMany device').attributes).toStrictEqual({
      ...ofDevices,
      'db.operation.name': 'addMany',
      'db.operation.batch.size': 2,
    });
    expect(get?.attributes).toStrictEqual({ ...ofDevices, 'db.operation.name': 'get' });
    expect(get?.kind).toBe(name === 'local' ? SpanKind.INTERNAL : SpanKind.CLIENT);
    expect(missing?.attributes).toStrictEqual({
      ...ofDevices,
      'db.operation.name': 'get',
      'error.type': 'OBJECT_NOT_FOUND',
    });
    expect(missing?.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(only('count').attributes).toStrictEqual({ ...common, 'db.operation.name': 'count' });
  });

  it('are measured in seconds, in the buckets that the conventions advise', async () => {
    await store.add({ obj: new Device({ name: 'a' }) });
    const metric = (await collected()).get('db.client.operation.duration') as HistogramMetricData;
    expect(metric.descriptor).toMatchObject({ name: 'db.client.operation.duration', unit: 's' });
    expect(metric.dataPointType).toBe(DataPointType.HISTOGRAM);
    const [point] = metric.dataPoints;
    expect(point?.value.buckets.boundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]);
    expect(point?.value.count).toBe(1);
    const [span] = spans('add device') as [ReadableSpan];
    const seconds = span.duration[0] + span.duration[1] / 1e9;
    // The span is begun before its measurement is, and ended after it.
    expect(point?.value.sum).toBeLessThanOrEqual(seconds + 0.002);
    expect(point?.value.sum).toBeGreaterThan(0);
    expect(point?.attributes).toStrictEqual({
      'db.system.name': name,
      'db.operation.name': 'add',
      'db.collection.name': 'device',
      ...place(),
    });
  });
});

describe('metrics', () => {
  const sides = { 'diffsync.source': 'network', 'diffsync.target': 'cmdb' };

  it('count the objects of a sync by model and action, those that failed too', async () => {
    const source = new Inventory({ name: 'source' });
    await fill(source, { nyc: { d1: [], d2: [] } });
    const hooks = new Hooks();
    hooks.failures.set('create device d2', new Error('no power'));
    const target = watched(hooks);
    await target.add(new Site({ name: 'old' }));
    await target.syncFrom(source, { continueOnFailure: true });
    expect((await collected()).get('diffsync.sync.objects')?.descriptor.unit).toBe('{object}');
    const of = (model: string, action: string, status: string): Attributes => ({
      'diffsync.target': 'target',
      'diffsync.model': model,
      'diffsync.action': action,
      'diffsync.status': status,
    });
    expect(new Set(await points('diffsync.sync.objects'))).toEqual(
      new Set([
        [of('site', 'create', 'success'), 1],
        [of('site', 'delete', 'success'), 1],
        [of('device', 'create', 'success'), 1],
        [of('device', 'create', 'failure'), 1],
      ]),
    );
  });

  it('measure runs and their phases, and note when the last one succeeded', async () => {
    const target = watched(new Hooks(), { name: 'cmdb' });
    const run = await new SyncRunner().run({ source: new Network({ nyc: {} }), target });
    const measured = { ...sides, 'diffsync.run.kind': 'sync' };
    expect(await points('diffsync.run.duration')).toEqual([
      [{ ...measured, 'diffsync.run.outcome': 'succeeded' }, expect.objectContaining({ count: 1 })],
    ]);
    const phases = (await points('diffsync.run.phase.duration')).map(
      ([attributes]) => attributes['diffsync.run.phase'],
    );
    expect(new Set(phases)).toEqual(new Set(run.phases.map(({ phase }) => phase)));
    expect(await points('diffsync.run.last_success')).toEqual([[measured, Date.parse(run.endedAt ?? '') / 1000]]);
    const units = [...(await collected()).values()].map(({ descriptor }) => [descriptor.name, descriptor.unit]);
    expect(Object.fromEntries(units)).toMatchObject({
      'diffsync.run.duration': 's',
      'diffsync.run.phase.duration': 's',
      'diffsync.run.last_success': 's',
      'diffsync.load.duration': 's',
      'diffsync.diff.duration': 's',
      'diffsync.sync.duration': 's',
      'diffsync.hook.duration': 's',
    });
  });

  it('count what guards refuse; neither a refused run nor a dry run is a success', async () => {
    const target = new Inventory({ name: 'cmdb' });
    await target.addMany(Array.from({ length: 30 }, (_, at) => new Site({ name: `s${at}` })));
    const runner = new SyncRunner();
    const given = { target, load: 'source' } as const;
    await expect(runner.run({ ...given, source: new Network({}) })).rejects.toThrow(SyncRefused);
    await runner.run({ ...given, source: new Network({ a: {} }), dryRun: true, guards: false });
    expect(await points('diffsync.guard.refusals')).toStrictEqual([
      [
        {
          'diffsync.target': 'cmdb',
          'diffsync.guard': 'SYNC_SOURCE_EMPTY',
          'diffsync.guard.outcome': 'refused',
        },
        1,
      ],
    ]);
    expect((await points('diffsync.run.duration')).map(([{ 'diffsync.run.outcome': outcome }]) => outcome)).toEqual([
      'refused',
      'succeeded',
    ]);
    expect(await points('diffsync.run.last_success')).toEqual([]);
  });

  it('have no unique id, value, or id or label of a run', async () => {
    enable({ uniqueIds: true });
    const target = new Inventory({ name: 'cmdb' });
    const run = await new SyncRunner().run({ source: new Network({ nyc: { d1: ['e0'] } }), target, label: 'nightly' });
    await expect(target.get(Device, 'd9')).rejects.toThrow();
    const text = JSON.stringify([...(await collected()).values()]);
    expect(text).toContain('diffsync.run.duration');
    for (const secret of ['nyc', 'd1', 'e0', 'd9', run.id, 'nightly']) expect(text).not.toContain(secret);
  });
});

describe('DiffSyncTelemetryModule', () => {
  it('tells from the start of the application until its shutdown, by the global providers', async () => {
    telemetry.disable();
    metrics.setGlobalMeterProvider(meterProvider);
    @Module({ imports: [DiffSyncTelemetryModule.forRoot()] })
    class AppModule {}
    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    await new Network({}).load();
    expect(only('load network')).toBeDefined();
    expect((await points('diffsync.load.duration')).length).toBe(1);
    await app.close();
    expect(storeChannel.hasSubscribers).toBe(false);
    metrics.disable();
  });

  it('tells nothing where no SDK is registered, and does no harm', async () => {
    telemetry.disable();
    const silent = new DiffSyncTelemetry();
    silent.enable();
    silent.enable();
    await new Network({ nyc: {} }).load();
    silent.disable();
    silent.disable();
    expect(storeChannel.hasSubscribers).toBe(false);
  });
});
