// A signal is looked at in every loop of a diff and a sync: nothing more is begun once it is aborted.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  Adapter,
  DiffSyncModel,
  DiffSyncModelFlags,
  LocalStore,
  type CreateContext,
  type DiffOptions,
  type SyncOptions,
} from '../../src/index.js';
import { stores } from '../support/stores.js';

class Node extends DiffSyncModel.define({
  name: 'node',
  schema: z.object({ name: z.string(), role: z.string().default(''), nodes: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['role'],
  children: { node: 'nodes' },
}) {
  /** Is called when a hook begins. */
  static onHook: (hook: string) => void = () => undefined;

  static override async create(context: CreateContext<{ name: string }>) {
    Node.onHook(`create ${context.ids.name}`);
    return super.create(context);
  }
  override async update(attrs: { readonly role?: string }): Promise<this | null> {
    Node.onHook(`update ${this.name}`);
    return super.update(attrs);
  }
  override async delete(): Promise<this | null> {
    Node.onHook(`delete ${this.name}`);
    return super.delete();
  }
  override async linkChild(child: DiffSyncModel): Promise<void> {
    Node.onHook(`link ${String(child)} to ${this.name}`);
  }
  override async unlinkChild(child: DiffSyncModel): Promise<void> {
    Node.onHook(`unlink ${String(child)} from ${this.name}`);
  }
}

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string(), speed: z.number().default(1) }),
  identifiers: ['name'],
  attributes: ['speed'],
}) {}

class Graph extends Adapter {
  static override readonly models = [Node, Port];
  static override readonly topLevel = ['node', 'port'];
}

/** Tells of each primitive before it begins. */
class ToldStore extends LocalStore {
  onCall: (primitive: string) => void = () => undefined;

  protected override async countAllRecords(): Promise<ReadonlyMap<string, number>> {
    this.onCall('countAllRecords');
    return super.countAllRecords();
  }
  protected override async *scanRecords(...scan: Parameters<LocalStore['scanRecords']>) {
    this.onCall('scanRecords');
    yield* super.scanRecords(...scan);
  }
  protected override async *readPages(...read: Parameters<LocalStore['readPages']>) {
    this.onCall('readPages');
    yield* super.readPages(...read);
  }
}

const REASON = new Error('enough');
const ENDED = { code: 'SYNC_ABORTED', cause: REASON };

/** A tree on either side: with changes at the top and below it, a move, a shared child, and one that no parent lists. */
async function sides(make: () => LocalStore): Promise<{ source: Graph; target: Graph }> {
  const [source, target] = [new Graph({ name: 'source', store: make() }), new Graph({ name: 'target', store: make() })];
  const plant = async (graph: Graph, nodes: Record<string, [role: string, nodes: string[]]>): Promise<void> => {
    await graph.addMany(Object.entries(nodes).map(([name, [role, below]]) => new Node({ name, role, nodes: below })));
  };
  await plant(source, {
    a: ['x', ['a1', 'shared']],
    a1: ['x', ['a11', 'a12']],
    a11: ['x', []],
    a12: ['x', []],
    b: ['', ['shared', 'moved']],
    moved: ['', []],
    shared: ['x', []],
    new: ['', ['new1', 'new2']],
    new1: ['', []],
    new2: ['', []],
  });
  await plant(target, {
    a: ['', ['a1', 'shared', 'moved', 'gone1']],
    a1: ['', ['a11']],
    a11: ['', []],
    moved: ['', []],
    b: ['', []],
    shared: ['', []],
    old: ['', ['old1', 'old2']],
    old1: ['', []],
    old2: ['', []],
    gone1: ['', []],
  });
  await source.addMany([new Port({ name: 'p', speed: 10 }), new Port({ name: 'q' })]);
  await target.addMany([new Port({ name: 'p' }), new Port({ name: 'r' })]);
  return { source, target };
}

async function ending(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'done',
    (error: { code: string; cause: unknown }) => ({ code: error.code, cause: error.cause }),
  );
}

/** Aborts at the `at`-th call of `step`, and counts the calls. */
function abortAt(at: number): { controller: AbortController; step: () => void; readonly calls: number } {
  const controller = new AbortController();
  let calls = 0;
  const step = (): void => {
    if (++calls === at) controller.abort(REASON);
  };
  return {
    controller,
    step,
    get calls() {
      return calls;
    },
  };
}

/** Runs the work with a signal that is aborted at each of its steps in turn. */
async function atEachStep(
  run: (signal: AbortSignal, step: () => void, at: number) => Promise<{ ended: unknown; late: number }>,
): Promise<number> {
  for (let at = 1; ; at++) {
    const abort = abortAt(at);
    const { ended, late } = await run(abort.controller.signal, abort.step, at);
    if (abort.calls < at) {
      expect(ended).toBe('done');
      return at - 1;
    }
    // What was the last step was followed by nothing.
    if (ended !== 'done') expect(ended).toEqual(ENDED);
    expect(abort.calls).toBeLessThanOrEqual(at + late);
  }
}

describe('a diff', () => {
  it.each(stores.filter(({ name }) => !/cluster|sentinel/.test(name)))(
    'with a signal that is aborted already is refused: $name',
    async ({ open, close }) => {
      const [source, target] = [new Graph({ store: await open() }), new Graph({ store: await open() })];
      await source.add(new Port({ name: 'p' }));
      const signal = AbortSignal.abort(REASON);
      expect(await ending(target.diffFrom(source, { signal }))).toEqual(ENDED);
      expect(await ending(target.syncFrom(source, { signal }))).toEqual(ENDED);
      expect(await target.count()).toBe(0);
      for (const { store } of [source, target]) await close(store);
    },
  );

  it.each<Partial<DiffOptions>>([{}, { unlisted: 'delete' }])(
    'begins no read once it is aborted: %p',
    async (options) => {
      const { source, target } = await sides(() => new ToldStore());
      const steps = await atEachStep(async (signal, step) => {
        for (const { store } of [source, target]) (store as ToldStore).onCall = step;
        // Both sides' reads begin together.
        return { ended: await ending(target.diffFrom(source, { ...options, signal })), late: 1 };
      });
      expect(steps).toBeGreaterThan(8);
    },
  );

  it('reports no progress once it is aborted', async () => {
    const { source, target } = await sides(() => new LocalStore());
    const steps = await atEachStep(async (signal, step) => ({
      ended: await ending(target.diffFrom(source, { signal, onProgress: step })),
      late: 1, // The last one says that all is done.
    }));
    expect(steps).toBeGreaterThan(5);
  });

  it('compares nothing once it is aborted, at the top and below it', async () => {
    const { source, target } = await sides(() => new LocalStore());
    for (const model of ['node', 'port']) {
      const steps = await atEachStep(async (signal, step) => {
        const filters = { [model]: () => (step(), true) };
        // Both sides' objects of one pair are asked for.
        return { ended: await ending(target.diffFrom(source, { filters, signal })), late: 1 };
      });
      expect(steps).toBeGreaterThan(1);
    }
  });
});

it('a sync reads nothing more for its limit of deletes once it is aborted', async () => {
  const steps = await atEachStep(async (signal, step) => {
    const { source, target } = await sides(() => new ToldStore());
    const old = await target.get(Node, 'old');
    old.modelFlags = DiffSyncModelFlags.SKIP_CHILDREN_ON_DELETE;
    await target.update(old);
    const diff = await target.diffFrom(source);
    // The diff does not have it, and another object lists it as well: the store is asked for its parents.
    await target.add(new Node({ name: 'old3' }), { parent: old });
    (await target.get(Node, 'b')).addChild(await target.get(Node, 'old3'));
    await target.store.flush();
    (target.store as ToldStore).onCall = step;
    const syncing = target.syncFrom(source, { diff, signal, maxDeletes: 1 }).catch((error: unknown) => {
      if ((error as { code: string }).code !== 'SYNC_TOO_MANY_DELETES') throw error;
    });
    return { ended: await ending(syncing), late: 0 };
  });
  expect(steps).toBeGreaterThan(3);
});

describe.each([1, 3])('a sync with concurrency %i', (concurrency) => {
  it('begins no hook once it is aborted, saves what was done, and goes on when it is run again', async () => {
    const steps = await atEachStep(async (signal, step) => {
      const { source, target } = await sides(() => new LocalStore());
      const done: string[] = [];
      Node.onHook = (hook) => {
        step();
        done.push(hook);
      };
      const ended = await ending(target.syncFrom(source, { signal, concurrency }));
      Node.onHook = () => undefined;
      const first = done.filter((hook) => hook.startsWith('create')).map((hook) => hook.slice('create '.length));
      for (const name of first) expect(await target.getOrNone(Node, name)).not.toBeNull();
      if (ended === 'done') expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
      await target.syncFrom(source);
      const again = await target.diffFrom(source);
      expect(again.hasDiffs()).toBe(false);
      // A link that waits for the object that is created is made with it.
      return { ended, late: concurrency };
    });
    expect(steps).toBeGreaterThan(10);
  });

  it.each([
    ['creates', {}],
    ['links', { n1: [], n2: [], n3: [], n4: [], n5: [], n6: [], parent: [] }],
  ])('does not pass for done where only its last %s are left', async (_, nodes) => {
    const children = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];
    const steps = await atEachStep(async (signal, step) => {
      const [source, target] = [new Graph({ name: 'source' }), new Graph({ name: 'target' })];
      await source.addMany(children.map((name) => new Node({ name })));
      await source.add(new Node({ name: 'other', nodes: children }));
      await source.add(new Node({ name: 'parent', nodes: children }));
      await target.addMany(Object.keys(nodes).map((name) => new Node({ name })));
      if (Object.keys(nodes).length > 0) await target.add(new Node({ name: 'other', nodes: children }));
      Node.onHook = step;
      const ended = await ending(target.syncFrom(source, { signal, concurrency }));
      Node.onHook = () => undefined;
      if (ended === 'done') expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
      return { ended, late: concurrency };
    });
    expect(steps).toBeGreaterThanOrEqual(children.length);
  });

  it('asks no filter once it is aborted', async () => {
    const { source, target } = await sides(() => new LocalStore());
    const options: SyncOptions = { concurrency };
    const steps = await atEachStep(async (signal, step) => {
      const syncFilter = (): boolean => (step(), false);
      return { ended: await ending(target.syncFrom(source, { ...options, signal, syncFilter })), late: 0 };
    });
    expect(steps).toBeGreaterThan(5);
  });
});
