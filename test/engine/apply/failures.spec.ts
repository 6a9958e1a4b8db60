// What throws between a hook's answer and the write: one object's failure, or a callback's.
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  Diff,
  DiffCompareFailed,
  DiffSyncModel,
  DiffSyncStatus,
  LocalStore,
  ModelValidationError,
  ObjectAlreadyExists,
  ObjectNotCreated,
  SyncHookError,
  TooManyDeletes,
  ValueError,
  type CreateContext,
  type DiffSyncLogger,
  type ModelClass,
  type SyncOptions,
} from '../../../src/index.js';
import type { RecordChange } from '../../../src/store/store-backend.js';

const define = () =>
  DiffSyncModel.define({
    name: 'port',
    schema: z.object({ name: z.string(), note: z.string().nullable().default('') }),
    identifiers: ['name'],
    attributes: ['note'],
  });
class Port extends define() {}
class Site extends DiffSyncModel.define({
  name: 'site',
  schema: z.object({ name: z.string(), ports: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  children: { port: 'ports' },
}) {}

const nothing = (): undefined => undefined;
const quiet: DiffSyncLogger = {
  isEnabled: () => true,
  debug: nothing,
  info: nothing,
  warning: nothing,
  error: nothing,
};

function adapterOf(name: string, port: ModelClass, logger = quiet): Adapter {
  class Side extends Adapter {
    static override readonly models = [Site, port];
    static override readonly topLevel = ['site'];
  }
  return new Side({ name, logger });
}

/** A source with ten ports below a site, and a target with the site alone. */
async function sides(port: ModelClass, logger = quiet): Promise<[source: Adapter, target: Adapter]> {
  const [source, target] = [adapterOf('source', Port), adapterOf('target', port, logger)];
  const ports = Array.from({ length: 10 }, (_, at) => new Port({ name: `p${at}` }));
  await source.addMany([new Site({ name: 's', ports: ports.map(({ name }) => name) }), ...ports]);
  await target.add(new Site({ name: 's' }));
  return [source, target];
}

const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (reason: unknown) => reason,
  );

const WAYS: [string, boolean, SyncOptions][] = [
  ['alone', false, {}],
  ['alone, at concurrency 4', false, { concurrency: 4 }],
  ['in bulk', true, {}],
  ['in bulk, in batches of 3', true, { batchSize: 3 }],
];

/** A class whose create hook answers what `answer` makes of a port. */
function answering(answer: (port: Port) => unknown, bulk: boolean): ModelClass {
  class Alone extends Port {
    static override async create({ ids }: { ids: { name: string } }): Promise<never> {
      return answer(new Port({ ...ids })) as never;
    }
  }
  class Bulk extends Port {
    static override async createBulk({ objects }: { objects: readonly { ids: object }[] }): Promise<never> {
      return objects.map(({ ids }) => answer(new Port({ ...(ids as { name: string }) }))) as never;
    }
  }
  return (bulk ? Bulk : Alone) as never;
}

describe.each(WAYS)('what a hook answers, %s', (_way, bulk, options) => {
  const throwing = (field: string) => (port: Port) => {
    if (port.name !== 'p2') return port;
    const get = (): never => {
      throw new Error('not loaded');
    };
    return Object.defineProperty(port, field, { get, enumerable: true, configurable: true });
  };
  const only = (change: (port: Port) => unknown) => (port: Port) => (port.name === 'p2' ? change(port) : port);

  it.each<[string, (port: Port) => unknown, RegExp]>([
    ['a value that no store keeps', only((port) => Object.assign(port, { note: () => 1 })), /note/],
    ['an attribute that throws', throwing('note'), /note cannot be read/],
    ['an identifier that throws', throwing('name'), /not loaded|unique id/],
    ['a response of an API', only(() => ({ id: 7 })), /createB?.*object of Object, which is no model/],
    ['a text', only(() => 'p2'), /a string, which is no model/],
    ['an object without a class', only(() => Object.create(null) as object), /no class, which is no model/],
    ['an object of another model', only(() => new Site({ name: 'p2' })), /another model/],
    ['an object that is there', only(() => new Port({ name: 'p1', note: 'x' })), /"p1", which exists/],
    [
      'an object whose status throws',
      only((port) =>
        Object.assign(port, {
          getStatus: () => {
            throw new Error('none');
          },
        }),
      ),
      /none|getStatus/,
    ],
  ])('is that object’s failure alone: %s', async (_what, answer, message) => {
    const port = answering(answer, bulk);
    const [source, target] = await sides(port);
    const diff = await target.syncFrom(source, { ...options, continueOnFailure: true });
    expect(diff.errors).toHaveLength(1);
    expect(diff.errors[0]?.location).toEqual({
      adapter: 'target',
      action: 'create',
      model: 'port',
      uniqueId: 'p2',
      path: ['site s'],
    });
    expect(diff.errors[0]?.error.message).toMatch(message);
    expect(diff.errors[0]?.error.message).toContain('p2');
    expect(await target.count(port)).toBe(9);
    expect((await target.get(Site, 's')).ports).not.toContain('p2');
    expect((await target.get(Site, 's')).ports).toHaveLength(9);
    expect((await target.diffFrom(source)).summary()).toMatchObject({ create: 1, update: 0, delete: 0 });
  });

  it('ends the sync else, with all that was done saved, and the diff on the error', async () => {
    const port = answering(
      only(() => ({ id: 7 })),
      bulk,
    );
    const [source, target] = await sides(port);
    const error = await rejection(target.syncFrom(source, options));
    expect(error).toBeInstanceOf(SyncHookError);
    expect(String(error)).toContain('target: create of port "p2" below site s failed');
    const { diff } = error as SyncHookError;
    expect(Object.keys(error as object)).not.toContain('diff');
    expect(inspect(error)).not.toContain('Diff<');
    const created = diff?.operations.get('port')?.create ?? [];
    expect(await target.count(port)).toBe(created.length);
    expect(diff?.errors.map(({ location }) => location.uniqueId)).toEqual(['p2']);
    const statuses = new Map(
      diff
        ?.getChildren()[0]
        ?.getChildren()
        .map(({ name, status }) => [name, status]),
    );
    for (const uid of created) expect(statuses.get(uid)).toBe(DiffSyncStatus.SUCCESS);
  });
});

describe('a hook that answers the model, without the default hook', () => {
  class Alone extends define() {
    static override async create({ ids, attrs }: CreateContext<object, object>): Promise<never> {
      return new Alone({ ...ids, ...attrs } as never) as never;
    }
    override async update(attrs: object): Promise<this> {
      return Object.assign(this, attrs);
    }
    override async delete(): Promise<this> {
      return this;
    }
  }
  class Bulk extends define() {
    static override async createBulk({
      objects,
    }: {
      objects: readonly { ids: object; attrs: object }[];
    }): Promise<never> {
      return objects.map(({ ids, attrs }) => new Bulk({ ...ids, ...attrs } as never)) as never;
    }
    static override async updateBulk({
      objects,
    }: {
      objects: readonly { model: object; attrs: object }[];
    }): Promise<never> {
      return objects.map(({ model, attrs }) => Object.assign(model, attrs)) as never;
    }
    static override async deleteBulk({ objects }: { objects: readonly { model: object }[] }): Promise<never> {
      return objects.map(({ model }) => model) as never;
    }
  }

  it.each([
    ['alone', Alone],
    ['in bulk', Bulk],
  ])('has succeeded: %s', async (_way, port) => {
    const errors: string[] = [];
    const logger = {
      ...quiet,
      error: (message: string) => void errors.push(message),
      warning: (message: string) => void errors.push(message),
    };
    const [source, target] = [adapterOf('source', port), adapterOf('target', port, logger)];
    await source.addMany([
      new Site({ name: 's', ports: ['a', 'b'] }),
      new port({ name: 'a' }),
      new port({ name: 'b', note: 'new' }),
    ]);
    await target.addMany([
      new Site({ name: 's', ports: ['b', 'c'] }),
      new port({ name: 'b' }),
      new port({ name: 'c' }),
    ]);
    const diff = await target.syncFrom(source);
    const statuses = diff
      .getChildren()[0]
      ?.getChildren()
      .map(({ name, status, message }) => [name, status, message]);
    expect(statuses).toEqual([
      ['a', 'success', 'Created successfully'],
      ['b', 'success', 'Updated successfully'],
      ['c', 'success', 'Deleted successfully'],
    ]);
    expect(errors).toEqual([]);
  });
});

describe('a compare function that throws', () => {
  class Compared extends DiffSyncModel.define({
    name: 'port',
    schema: z.object({ name: z.string(), note: z.string().nullable().default('') }),
    identifiers: ['name'],
    attributes: ['note'],
    compare: { note: (a, b) => (a as string).toLowerCase() === (b as string).toLowerCase() },
  }) {}

  async function compared(): Promise<[Adapter, Adapter]> {
    const [source, target] = [adapterOf('source', Compared), adapterOf('target', Compared)];
    const notes = ['a', 'b', 'c'].map((name) => new Compared({ name, note: 'NEW' }));
    await source.addMany([new Site({ name: 's', ports: ['a', 'b', 'c'] }), ...notes]);
    const olds = ['a', 'b', 'c'].map((name) => new Compared({ name, note: name === 'b' ? null : 'old' }));
    await target.addMany([new Site({ name: 's', ports: ['a', 'b', 'c'] }), ...olds]);
    return [source, target];
  }

  it('is an error that names the object and the attribute, to whoever reads the diff', async () => {
    const [source, target] = await compared();
    const diff = await target.diffFrom(source);
    for (const read of [() => diff.summary(), () => diff.toString()]) {
      expect(read).toThrow(DiffCompareFailed);
      expect(read).toThrow(/port "b": the compare function of "note" threw for the values of source and target/);
    }
  });

  it.each(WAYS)('is that object’s failure in a sync, %s', async (_way, _bulk, options) => {
    const [source, target] = await compared();
    const filtered: string[] = [];
    const syncFilter: SyncOptions['syncFilter'] = (_action, _type, ids) => filtered.push(String(ids['name'])) > 0;
    const diff = await target.syncFrom(source, { ...options, continueOnFailure: true, verify: true, syncFilter });
    expect(diff.errors.map(({ location }) => [location.uniqueId, location.path])).toEqual([['b', ['site s']]]);
    expect(diff.errors[0]?.error.cause).toBeInstanceOf(DiffCompareFailed);
    expect((await target.getAll(Compared)).map(({ note }) => note)).toEqual(['NEW', null, 'NEW']);
    expect(filtered).toEqual(['a', 'c']);
    expect(diff.unsettled).toBeInstanceOf(Diff);
  });

  it('ends a sync else, and names sides and parents', async () => {
    const [source, target] = await compared();
    const error = await rejection(target.syncFrom(source));
    expect(String(error)).toMatch(/target: update of port "b" below site s failed: .*compare function of "note"/);
  });
});

describe('a class that makes no object of one record', () => {
  it.each(WAYS)('is that object’s failure, %s', async (_way, _bulk, options) => {
    let isBroken = false;
    class Fragile extends Port {
      constructor(input: { name: string; note?: string | null }) {
        super(input);
        if (isBroken && input.name === 'b') throw new Error('no such port');
      }
    }
    const [source, target] = [adapterOf('source', Port), adapterOf('target', Fragile)];
    await source.addMany([
      new Site({ name: 's', ports: ['a', 'b', 'c'] }),
      ...['a', 'b', 'c'].map((name) => new Port({ name, note: 'x' })),
    ]);
    await target.addMany([
      new Site({ name: 's', ports: ['a', 'b', 'c'] }),
      ...['a', 'b', 'c'].map((name) => new Fragile({ name })),
    ]);
    const diff = await target.diffFrom(source);
    isBroken = true;
    await target.syncFrom(source, { ...options, diff, continueOnFailure: true });
    isBroken = false;
    expect(diff.errors.map(({ location }) => location.uniqueId)).toEqual(['b']);
    expect(diff.errors[0]?.error.message).toContain('no such port');
    expect((await target.getAll(Fragile)).map(({ note }) => note)).toEqual(['x', '', 'x']);
  });
});

describe.each(WAYS)('a callback that throws, %s', (_way, bulk, options) => {
  const broken = new Error('EPIPE');
  const port = (): ModelClass => answering((made) => made, bulk);

  it('of the progress: all is done, and the sync is rejected with it', async () => {
    const model = port();
    const [source, target] = await sides(model);
    let calls = 0;
    const onProgress: SyncOptions['onProgress'] = (stage) => {
      if (stage === 'sync' && ++calls >= 2) throw broken;
    };
    const error = await rejection(target.syncFrom(source, { ...options, onProgress }));
    expect(error).toBe(broken);
    expect((error as { diff?: Diff }).diff?.operations.get('port')?.create).toHaveLength(10);
    expect(calls).toBe(2);
    expect(await target.count(model)).toBe(10);
    expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
  });

  it('of the progress, asynchronously', async () => {
    const [source, target] = await sides(port());
    const onProgress = (async () => Promise.reject(broken)) as unknown as NonNullable<SyncOptions['onProgress']>;
    const diff = await target.diffFrom(source);
    expect(await rejection(target.syncFrom(source, { ...options, diff, onProgress }))).toBe(broken);
  });

  it('of the logger, whose failure is no object’s', async () => {
    const model = port();
    let isBroken = false;
    const log = (): void => {
      if (isBroken) throw broken;
    };
    const [source, target] = await sides(model, { ...quiet, debug: log, info: log, warning: log, error: log });
    const diff = await target.diffFrom(source);
    isBroken = true;
    const error = await rejection(target.syncFrom(source, { ...options, diff }));
    isBroken = false;
    expect(error).toBe(broken);
    expect(diff.errors).toEqual([]);
    expect(await target.count(model)).toBe(10);
  });

  it.each<[string, (target: Adapter) => SyncOptions]>([
    [
      'syncFilter',
      () => ({
        syncFilter: (_action, _type, ids) => {
          if (ids['name'] === 'p5') throw broken;
          return true;
        },
      }),
    ],
    [
      'syncComplete',
      (target) => {
        target.syncComplete = () => Promise.reject(broken);
        return {};
      },
    ],
  ])('%s: what the hooks did is saved', async (_which, given) => {
    const model = port();
    const [source, target] = await sides(model);
    const error = await rejection(target.syncFrom(source, { ...options, ...given(target) }));
    expect(error).toBe(broken);
    const created = (error as { diff?: Diff }).diff?.operations.get('port')?.create ?? [];
    expect((await target.getAll(model)).map((each) => each.getUniqueId())).toEqual(created);
    expect((await target.get(Site, 's')).ports).toEqual(created);
  });
});

describe('a diff that orders or completes itself', () => {
  it.each([
    ['orderChildren', 'orderChildren'],
    ['complete', 'complete'],
  ])('and throws in %s, ends the sync before anything is changed', async (_which, method) => {
    class Broken extends Diff {}
    Object.assign(Broken.prototype, {
      [method]: () => {
        throw new Error('EPIPE');
      },
    });
    const [source, target] = await sides(Port);
    expect(String(await rejection(target.syncFrom(source, { diffClass: Broken })))).toContain('EPIPE');
    expect(await target.count(Port)).toBe(0);
  });
});

describe('an error of a diff names the objects and where they are', () => {
  class Label extends DiffSyncModel.define({
    name: 'port',
    schema: z.object({ id: z.union([z.string(), z.number()]), label: z.string() }),
    identifiers: ['id'],
    shortname: ['label'],
  }) {}
  const labelled = async (source: readonly DiffSyncModel[], target: readonly DiffSyncModel[]): Promise<unknown> => {
    const both = [adapterOf('source', Label), adapterOf('target', Label)] as const;
    await both[0].addMany(source);
    await both[1].addMany(target);
    return rejection(both[1].diffFrom(both[0]));
  };
  const site = (...ports: string[]): Site => new Site({ name: 's', ports });

  it('where two siblings have one shortname', async () => {
    const [a, b] = [new Label({ id: 'e0', label: 'uplink' }), new Label({ id: 'e1', label: 'uplink' })];
    const error = await labelled([site('e0', 'e1'), a, b], []);
    expect(error).toBeInstanceOf(ObjectAlreadyExists);
    expect(String(error)).toMatch(/port named uplink below site s: "e0" \(source\) and "e1" \(source\)/);
  });

  it('where shortnames or identifiers of one object differ', async () => {
    const names = await labelled(
      [site('e0'), new Label({ id: 'e0', label: 'a' })],
      [site('e0'), new Label({ id: 'e0', label: 'b' })],
    );
    expect(names).toBeInstanceOf(ValueError);
    expect(String(names)).toMatch(/Shortname mismatch: a vs b: port "e0" below site s of source and target/);
    const ids = await labelled(
      [site('10'), new Label({ id: 10, label: 'a' })],
      [site('10'), new Label({ id: '10', label: 'a' })],
    );
    expect(String(ids)).toMatch(/Keys mismatch: .*: port "10" below site s of source and target/);
  });

  it('where a getter or a filter throws', async () => {
    const [source, target] = await sides(Port);
    const filters = {
      port: () => {
        throw new Error('no role');
      },
    };
    const error = await rejection(target.diffFrom(source, { filters }));
    expect(String(error)).toMatch(/port "p0" below site s of source and target cannot be compared: no role/);
  });
});

describe('an error that ends a sync', () => {
  it('has the diff, without what an earlier sync with it has done', async () => {
    const [source, target] = await sides(Port);
    const diff = await source.diffFrom(target);
    const options = { diff, maxDeletes: 3 };
    const error = await rejection(source.syncFrom(target, options));
    expect(error).toBeInstanceOf(TooManyDeletes);
    expect((error as TooManyDeletes).diff).toBe(diff);
    await source.syncFrom(target, { diff });
    expect(diff.operations.get('port')?.delete).toHaveLength(10);
    await rejection(source.syncFrom(target, options));
    expect(diff.operations.size).toBe(0);
    expect(diff.getChildren()[0]?.getChildren()[0]?.status).toBe(DiffSyncStatus.UNKNOWN);
  });
});

describe('an object that the schema refuses', () => {
  const input = { name: 'r7', note: 7 };

  it('is named by its identifiers', async () => {
    expect(() => new Port(input as never)).toThrow(/^port: note: .* \(port "r7"\)$/);
    await expect(Port.parse(input as never)).rejects.toThrow(/^port: note: .* \(port "r7"\)$/);
    const target = adapterOf('target', Port);
    await expect(target.loadFromDict({ port: { r6: { name: 'r6' }, r7: input } })).rejects.toThrow(/port "r7"/);
    await expect(target.loadFromDict({ port: { r7: { note: 'x' } } })).rejects.toThrow(/port "r7"/);
    expect(await target.count(Port)).toBe(1);
  });

  it('by throwing, is a ModelValidationError too', async () => {
    class Strict extends DiffSyncModel.define({
      name: 'port',
      schema: z.object({ name: z.string(), note: z.string().transform((note) => note.toUpperCase().repeat(-1)) }),
      identifiers: ['name'],
    }) {}
    const make = (): unknown => new Strict({ name: 'r7', note: 'x' });
    expect(make).toThrow(/throws \(port "r7"\)/);
    const error = await rejection(Strict.parse({ name: 'r7', note: 'x' }));
    expect(error).toBeInstanceOf(ModelValidationError);
    expect(error).toMatchObject({ message: expect.stringMatching(/^port: the schema threw: .* \(port "r7"\)$/) });
  });
});

describe('a logger of a store that throws', () => {
  it('ends no operation and no scheduled flush, and is a warning of the process once', async () => {
    const emitted = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const log = (): never => {
      throw new Error('EPIPE');
    };
    const left = { failures: 2 };
    class Failing extends LocalStore {
      protected override async modifyRecords(model: string, uids: readonly string[], change: RecordChange) {
        if (left.failures-- > 0) throw new Error('busy');
        return super.modifyRecords(model, uids, change);
      }
    }
    const store = new Failing({ logger: { ...quiet, debug: log, warning: log } });
    class Side extends Adapter {
      static override readonly models = [Site, Port];
      static override readonly topLevel = ['site'];
    }
    const target = new Side({ name: 'target', store });
    const site = new Site({ name: 's' });
    await target.add(site);
    site.addChild(new Port({ name: 'p' }));
    while (left.failures >= 0) await sleep(5);
    expect((await target.get(Site, 's')).ports).toEqual(['p']);
    const warnings = emitted.mock.calls.map(([warning]) => String(warning));
    emitted.mockRestore();
    expect(warnings).toEqual([expect.stringContaining('EPIPE')]);
  });
});

it('a create that is refused as before is an ObjectNotCreated', async () => {
  const [source, target] = await sides(answering(() => Promise.reject(new ObjectNotCreated('no')), false));
  expect(await rejection(target.syncFrom(source))).toBeInstanceOf(ObjectNotCreated);
});
