// Two processes at one store, each a store object of its own: what one of them was told is saved the other does not undo.
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncError,
  DiffSyncFlags,
  DiffSyncModel,
  type BaseStore,
  type CreateContext,
  type ModelHost,
} from '../../src/index.js';
import { Warnings } from '../fixtures/inventory.js';
import { sized } from '../support/full.js';
import { stores } from '../support/stores.js';

const NUM_RUNS = sized(15, 8);
const TIMEOUT_MS = 120_000;
const SITES = ['A', 'B'];

const name = z.string();
const list = z.array(z.string()).default(() => []);
const text = z.string().default('');
const siteSchema = z.object({ name, region: text, devices: list });
const deviceSchema = z.object({ name, role: text, serial: text, note: text, ports: list });

/** The target's models. Each process fills attributes of its own, and an editor the notes. */
class Site extends DiffSyncModel.define({
  name: 'site',
  schema: siteSchema,
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {
  override async update(attrs: { region?: string }) {
    await pace(this.adapter);
    return super.update(attrs);
  }
}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: deviceSchema,
  identifiers: ['name'],
  attributes: ['role', 'serial', 'note'],
  children: { port: 'ports' },
}) {
  static override async create(context: CreateContext<{ name: string }, { role?: string; serial?: string }>) {
    await pace(context.adapter);
    return super.create(context);
  }

  override async update(attrs: { role?: string; serial?: string; note?: string }) {
    await pace(this.adapter);
    return super.update(attrs);
  }

  override async delete() {
    await pace(this.adapter);
    return super.delete();
  }
}

class Port extends DiffSyncModel.define({ name: 'port', schema: z.object({ name }), identifiers: ['name'] }) {
  static override async create(context: CreateContext<{ name: string }>) {
    await pace(context.adapter);
    return super.create(context);
  }
}

class Target extends Adapter {
  static override readonly models = [Site, Device, Port];
  static override readonly topLevel = ['site'];
  /** How many turns of the event loop each hook takes, in the order of the calls; a negative one reads a site as well. */
  paces: readonly number[] = [];
  private called = 0;

  async pace(): Promise<void> {
    const turns = this.paces[this.called++ % this.paces.length] ?? 0;
    for (let turn = 0; turn < Math.abs(turns); turn++) await nextTurn();
    if (turns < 0) await this.getOrNone(Site, 'A'); // What is pending is flushed first.
  }
}

async function pace(adapter: ModelHost | undefined): Promise<void> {
  if (adapter instanceof Target) await adapter.pace();
}

/** The first process knows regions and roles. */
class RoleSite extends DiffSyncModel.define({
  name: 'site',
  schema: siteSchema,
  identifiers: ['name'],
  attributes: ['region'],
  children: { device: 'devices' },
}) {}
class RoleDevice extends DiffSyncModel.define({
  name: 'device',
  schema: deviceSchema,
  identifiers: ['name'],
  attributes: ['role'],
  children: { port: 'ports' },
}) {}
class Roles extends Adapter {
  static override readonly models = [RoleSite, RoleDevice, Port];
  static override readonly topLevel = ['site'];
}

/** The second knows serial numbers. */
class SerialSite extends DiffSyncModel.define({
  name: 'site',
  schema: siteSchema,
  identifiers: ['name'],
  children: { device: 'devices' },
}) {}
class SerialDevice extends DiffSyncModel.define({
  name: 'device',
  schema: deviceSchema,
  identifiers: ['name'],
  attributes: ['serial'],
  children: { port: 'ports' },
}) {}
class Serials extends Adapter {
  static override readonly models = [SerialSite, SerialDevice, Port];
  static override readonly topLevel = ['site'];
}

/** Device -> its ports, each device below the site that its number says. */
type Known = Readonly<Record<string, readonly string[]>>;

/** What an editor, a third process, does meanwhile. */
type Edit = { readonly add: string } | { readonly note: string } | { readonly link: string };

interface Plan {
  /** Devices that the target has at first, and that the first process deletes where neither source has them. */
  readonly stored: readonly string[];
  readonly roles: Known;
  readonly serials: Known;
  readonly edits: readonly Edit[];
  readonly paces: readonly (readonly number[])[];
  readonly concurrency: readonly number[];
}

const DEVICES = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'];
const OLD = ['old1', 'old2'];
/** They are in the target at first and in both sources, so that no sync deletes or creates them. */
const KEPT = ['k1', 'k2'];
const ports = fc.subarray(['p1', 'p2', 'p3']);
const known = fc
  .subarray(DEVICES)
  .chain((devices) => fc.tuple(...[...KEPT, ...devices].map((device) => fc.tuple(fc.constant(device), ports))))
  .map((entries): Known =>
    Object.fromEntries(entries.map(([device, own]) => [device, own.map((each) => `${device}-${each}`)])),
  );
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.nat(9).map((number) => ({ add: `e${number}` })),
  fc.constantFrom(...KEPT).map((note) => ({ note })),
  fc.constantFrom(...KEPT).map((link) => ({ link })),
);
const plans: fc.Arbitrary<Plan> = fc.record({
  stored: fc.subarray([...DEVICES, ...OLD]),
  roles: known,
  serials: known,
  edits: fc.uniqueArray(edit, { maxLength: 8, selector: (each) => JSON.stringify(each) }),
  paces: fc.tuple(...[0, 1, 2].map(() => fc.array(fc.integer({ min: -2, max: 4 }), { minLength: 1, maxLength: 6 }))),
  concurrency: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
});

const siteOf = (device: string): string => SITES[Number(/\d+$/.exec(device)?.[0]) % SITES.length] as string;
const otherSite = (device: string): string => SITES.find((each) => each !== siteOf(device)) as string;
const below = (devices: readonly string[], site: string): string[] =>
  devices.filter((device) => siteOf(device) === site);

async function plantSource(adapter: Adapter, knowing: Known): Promise<void> {
  const devices = Object.keys(knowing);
  const [SiteClass, DeviceClass] =
    adapter instanceof Roles ? ([RoleSite, RoleDevice] as const) : ([SerialSite, SerialDevice] as const);
  await adapter.addMany([
    ...SITES.map((site) => new SiteClass({ name: site, region: 'emea', devices: below(devices, site) })),
    ...Object.entries(knowing).map(
      ([device, own]) =>
        new DeviceClass({ name: device, role: `role of ${device}`, serial: `serial of ${device}`, ports: [...own] }),
    ),
    ...Object.values(knowing).flatMap((own) => own.map((port) => new Port({ name: port }))),
  ]);
}

/** What a target must hold, and what it holds, in one form. */
interface Contents {
  /** Device -> the attributes that a process or the editor was told are saved. */
  readonly devices: Record<string, Record<string, string>>;
  /** Parent and child of each link. */
  readonly links: readonly string[];
}

async function contentsOf(adapter: Adapter): Promise<Contents & { unlisted: string[]; dangling: string[] }> {
  const [sites, devices, allPorts] = [
    await adapter.getAll(Site),
    await adapter.getAll(Device),
    await adapter.getAll(Port),
  ];
  const links = [
    ...sites.flatMap((site) => site.devices.map((device) => [`site ${site.name}`, `device ${device}`])),
    ...devices.flatMap((device) => device.ports.map((port) => [`device ${device.name}`, `port ${port}`])),
  ] as [string, string][];
  const stored = new Set([
    ...devices.map((device) => `device ${device.name}`),
    ...allPorts.map((port) => `port ${port.name}`),
  ]);
  const listed = new Set(links.map(([, child]) => child));
  return {
    devices: Object.fromEntries(
      devices.map(({ name: device, role, serial, note }) => [device, { role, serial, note }]),
    ),
    links: links.map(([parent, child]) => `${parent} > ${child}`).toSorted(),
    unlisted: [...stored].filter((key) => !listed.has(key)),
    dangling: [...listed].filter((key) => !stored.has(key)),
  };
}

function linksOf(knowing: Known): string[] {
  return Object.entries(knowing).flatMap(([device, own]) => [
    `site ${siteOf(device)} > device ${device}`,
    ...own.map((port) => `device ${device} > port ${port}`),
  ]);
}

/** What an acknowledged sync or edit says that the target has. */
function acknowledged(plan: Plan, attribute: 'role' | 'serial'): Contents {
  const knowing = attribute === 'role' ? plan.roles : plan.serials;
  return {
    devices: Object.fromEntries(
      Object.keys(knowing).map((device) => [device, { [attribute]: `${attribute} of ${device}` }]),
    ),
    links: linksOf(knowing),
  };
}

async function makeEdit(adapter: Target, each: Edit): Promise<Contents> {
  if ('add' in each) {
    const site = siteOf(each.add);
    await adapter.add(new Device({ name: each.add, note: 'added' }), { parent: await adapter.get(Site, site) });
    await adapter.store.flush();
    return { devices: { [each.add]: { note: 'added' } }, links: [`site ${site} > device ${each.add}`] };
  }
  if ('note' in each) {
    await adapter.updateOrInstantiate(Device, { name: each.note }, { note: 'noted' });
    return { devices: { [each.note]: { note: 'noted' } }, links: [] };
  }
  const site = otherSite(each.link);
  (await adapter.get(Site, site)).addChild(await adapter.get(Device, each.link));
  await adapter.store.flush();
  return { devices: {}, links: [`site ${site} > device ${each.link}`] };
}

function expectHeld(found: Contents, wanted: Contents): void {
  for (const [device, attrs] of Object.entries(wanted.devices)) {
    expect([device, found.devices[device]]).toEqual([device, expect.objectContaining(attrs)]);
  }
  expect(wanted.links.filter((link) => !found.links.includes(link))).toEqual([]);
}

describe.each(stores.filter(({ shared }) => shared))('two processes at one $name store', ({ open, close }) => {
  async function withProcesses(
    plan: Plan,
    work: (
      processes: { one: Target; two: Target; editor: Target },
      sources: { roles: Roles; serials: Serials },
    ) => Promise<void>,
  ): Promise<void> {
    const storeId = randomUUID();
    const opened: BaseStore[] = [];
    try {
      for (let process = 1; process <= 3; process++) opened.push(await open({ storeId }));
      const [one, two, editor] = opened.map(
        (store, at) => new Target({ name: `process ${at + 1}`, store, logger: new Warnings() }),
      ) as [Target, Target, Target];
      const devices = [...KEPT, ...plan.stored];
      await one.addMany([
        ...SITES.map((site) => new Site({ name: site, region: 'old', devices: below(devices, site) })),
        ...devices.map((device) => new Device({ name: device })),
      ]);
      const [roles, serials] = [new Roles({ name: 'roles' }), new Serials({ name: 'serials' })];
      await plantSource(roles, plan.roles);
      await plantSource(serials, plan.serials);
      await work({ one, two, editor }, { roles, serials });
    } finally {
      for (const store of opened.toReversed()) await close(store);
    }
  }

  it(
    'keep what either was told is saved, leave nothing without a parent, and converge when they sync again',
    async () => {
      await fc.assert(
        fc.asyncProperty(plans, async (plan) => {
          await withProcesses(plan, async ({ one, two, editor }, { roles, serials }) => {
            [one.paces, two.paces] = plan.paces as [number[], number[]];
            const flags = DiffSyncFlags.SKIP_UNMATCHED_DST;
            // The first process deletes what neither source has; it has compared before the others begin.
            const compared = await one.diffFrom(roles);
            const inSerials = new Set([...Object.keys(plan.serials), ...Object.values(plan.serials).flat()]);
            const isDeleted = (uid: unknown): boolean => typeof uid === 'string' && !inSerials.has(uid);
            const held: Contents[] = [];
            const edits = async (): Promise<void> => {
              for (const each of plan.edits) {
                const turns = plan.paces[2] as readonly number[];
                for (let turn = 0; turn < Math.abs(turns[held.length % turns.length] ?? 0); turn++) await nextTurn();
                held.push(await makeEdit(editor, each));
              }
            };
            const [first, second, third] = await Promise.allSettled([
              one.syncFrom(roles, {
                diff: compared,
                concurrency: plan.concurrency[0] as number,
                syncFilter: (action, _type, ids) => action !== 'delete' || isDeleted(ids['name']),
              }),
              two.syncFrom(serials, { flags, concurrency: plan.concurrency[1] as number }),
              edits(),
            ]);
            if (third.status === 'rejected') throw third.reason;
            for (const outcome of [first, second]) {
              if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(DiffSyncError);
            }
            if (first.status === 'fulfilled') held.push(acknowledged(plan, 'role'));
            if (second.status === 'fulfilled') held.push(acknowledged(plan, 'serial'));
            const after = await contentsOf(one);
            expect([after.dangling, after.unlisted]).toEqual([[], []]);
            for (const each of held) expectHeld(after, each);

            await two.syncFrom(serials, { flags });
            await one.syncFrom(roles, { flags });
            const end = await contentsOf(two);
            for (const each of [...held, acknowledged(plan, 'role'), acknowledged(plan, 'serial')])
              expectHeld(end, each);
            expect([end.dangling, end.unlisted]).toEqual([[], []]);
            if (first.status === 'fulfilled') {
              const gone = plan.stored.filter((device) => !(device in plan.roles) && !(device in plan.serials));
              expect(gone.filter((device) => device in end.devices)).toEqual([]);
            }
            expect((await one.diffFrom(roles, { flags })).hasDiffs()).toBe(false);
            expect((await two.diffFrom(serials, { flags })).hasDiffs()).toBe(false);
            expect((await one.store.verify()).problems).toEqual([]);
          });
        }),
        { numRuns: NUM_RUNS },
      );
    },
    TIMEOUT_MS,
  );
});
