// Values of secret attributes show in nothing that is made for people, and in no plan.
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import {
  Adapter,
  Diff,
  DiffSyncModel,
  DiffSyncStatus,
  ModelDefinitionError,
  ObjectNotCreated,
  ObjectNotUpdated,
  SyncRunner,
  type DiffSyncLogger,
  type LogParams,
  type SyncOptions,
} from '../../src/index.js';

const MARK = 'gEh31m';

/** Keeps all that is logged. */
class Everything implements DiffSyncLogger {
  readonly seen: unknown[] = [];
  isEnabled(): boolean {
    return true;
  }
  debug(message: string, params?: LogParams): void {
    this.seen.push([message, params]);
  }
  info(message: string, params?: LogParams): void {
    this.seen.push([message, params]);
  }
  warning(message: string, params?: LogParams): void {
    this.seen.push([message, params]);
  }
  error(message: string, params?: LogParams): void {
    this.seen.push([message, params]);
  }
}

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string(), key: z.unknown(), note: z.string().default('') }),
  identifiers: ['name'],
  attributes: ['key', 'note'],
  secret: ['key'],
}) {}

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({
    name: z.string(),
    role: z.string().default(''),
    password: z.unknown(),
    ports: z.array(z.string()).default([]),
  }),
  identifiers: ['name'],
  attributes: ['password', 'role'],
  children: { port: 'ports' },
  secret: ['password'],
}) {}

class Devices extends Adapter {
  static override readonly models = [Device, Port];
  static override readonly topLevel = ['device'];
}

function all(value: unknown): string {
  const texts = [
    String(value),
    inspect(value, { depth: Infinity, maxStringLength: Infinity, maxArrayLength: Infinity }),
  ];
  return texts.join('\n');
}

/** Fails where the mark shows in any form. */
function expectHidden(value: unknown): void {
  const shown = all(value);
  for (const form of [MARK, Buffer.from(MARK).toString('base64').slice(0, 7), '7391', '103, 69, 104']) {
    expect(shown).not.toContain(form);
  }
}

/** A value that has the mark somewhere. */
const secrets = fc.oneof(
  fc.string({ maxLength: 5 }).map((text) => `${text}${MARK}`),
  fc.integer({ min: 0, max: 99 }).map((number) => 739_100 + number),
  fc.string({ maxLength: 3 }).map((text) => ({ hash: [`${MARK}${text}`] })),
  fc.constant(new Uint8Array(Buffer.from(`${MARK}${MARK}`))),
);

interface Content {
  readonly devices: readonly { readonly name: string; readonly password: unknown; readonly ports: readonly string[] }[];
  readonly keys: Readonly<Record<string, unknown>>;
}

const contents: fc.Arbitrary<Content> = fc.record({
  devices: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      password: secrets,
      ports: fc.subarray(['p0', 'p1', 'p2']),
    }),
    { selector: ({ name }) => name },
  ),
  keys: fc.record({ p0: secrets, p1: secrets, p2: secrets }),
});

async function filled(name: string, { devices, keys }: Content, logger: DiffSyncLogger): Promise<Devices> {
  const adapter = new Devices({ name, logger });
  const listed = new Set(devices.flatMap(({ ports }) => ports));
  await adapter.addMany([
    ...devices.map((each) => new Device({ ...each, role: name, ports: [...each.ports] })),
    ...[...listed].map((port) => new Port({ name: port, key: keys[port], note: name })),
  ]);
  return adapter;
}

describe('the values of secret attributes', () => {
  it('are verified by a run that is asked to, like all others', async () => {
    const logger = new Everything();
    const ours = { devices: [{ name: 'a', password: MARK, ports: [] }], keys: {} };
    const [source, target] = [await filled('source', ours, logger), new Devices({ name: 'target', logger })];
    const run = await new SyncRunner().run({ source, target, load: 'none', verify: true });
    expect(run).toMatchObject({ outcome: 'succeeded', unsettled: 0, results: { done: 1 } });
    expectHidden(run);
  });

  it('show in no text, dict, change, log, status or plan, and are synchronised', async () => {
    await fc.assert(
      fc.asyncProperty(contents, contents, fc.boolean(), async (ours, theirs, byPlan) => {
        const logger = new Everything();
        const [source, target] = [await filled('source', ours, logger), await filled('target', theirs, logger)];
        const diff = await target.diffFrom(source);
        const plan = JSON.stringify(diff);
        const lines = [...diff.toJSONLines()].join('');
        expect(`${plan}${lines}`).not.toContain(MARK);
        const loaded = Diff.fromJSON(JSON.parse(plan), { target });
        for (const each of [diff, loaded, diff.filter({})]) {
          const elements = each.getChildren();
          expectHidden([each.toString(), [...each.lines()], each.toDict(), [...each.changes()], each]);
          expectHidden(elements.map((element) => [element.toString(), element.toDict(), inspect(element)]));
        }
        expect(loaded.toString()).toBe(diff.toString());
        expect(loaded.toDict()).toEqual(diff.toDict());
        expect([...loaded.changes()]).toEqual([...diff.changes()]);
        expect(loaded.summary()).toMatchObject({ create: diff.summary().create, update: diff.summary().update });
        expectHidden(loaded);
        expectHidden([await target.str(), await (await source.getAll(Device))[0]?.str()]);
        const used = byPlan ? loaded : diff;
        await target.syncFrom(source, { diff: used });
        expectHidden(logger.seen);
        expect(JSON.stringify(used)).not.toContain(MARK);
        expectHidden([used.toString(), [...used.changes()], [...used.operations], used.errors]);
        expect((await target.diffFrom(source)).hasDiffs()).toBe(false);
      }),
    );
  });

  it('are those that either side declares', async () => {
    class Plain extends Device.variant({ secret: [] }) {}
    class Plains extends Adapter {
      static override readonly models = [Plain, Port];
      static override readonly topLevel = ['device'];
    }
    const [open, hidden] = [new Plains({ name: 'open' }), new Devices({ name: 'hidden' })];
    await open.add(new Plain({ name: 'a', password: MARK }));
    await hidden.add(new Device({ name: 'a', password: `${MARK}2` }));
    for (const [from, to] of [
      [open, hidden],
      [hidden, open],
    ] as const) {
      const diff = await to.diffFrom(from);
      expect(diff.toString()).toContain(`password    ${from.name}([secret])    ${to.name}([secret])`);
      expect([...diff.changes()]).toMatchObject([{ old: { password: '[secret]' }, new: { password: '[secret]' } }]);
      const plan = JSON.stringify(diff);
      expect(plan).not.toContain(MARK);
      expectHidden(Diff.fromJSON(JSON.parse(plan), { target: to }).toString());
    }
    expect(Plain.definition.secret).toEqual(new Set());
    expect(Device.variant({ attributes: ['role'] }).definition.secret).toEqual(new Set());
    expect(Device.variant({}).definition.secret).toEqual(new Set(['password']));
  });

  it('are names of attributes', () => {
    const options = {
      name: 'x',
      schema: z.object({ name: z.string(), key: z.string() }),
      identifiers: ['name'],
    } as const;
    const wrong = { ...options, secret: ['key'] } as unknown as typeof options;
    expect(() => DiffSyncModel.define(wrong)).toThrow(ModelDefinitionError);
    expect(() => DiffSyncModel.define(wrong)).toThrow('"secret" names the field "key", which is no attribute');
  });
});

describe('errors about secret attributes', () => {
  const definition = {
    name: 'device',
    schema: z.object({
      name: z.string(),
      password: z.string().superRefine((value, context) => {
        if (value.endsWith('!')) context.addIssue({ code: 'custom', message: `"${value}" ends with "!"` });
        if (value.endsWith('?')) throw new Error(`cannot read ${value}`);
      }),
    }),
    identifiers: ['name'],
    attributes: ['password'],
    secret: ['password'],
  } as const;
  const plain = z.object({ name: z.string(), password: z.string() });

  function errorOf(work: () => unknown): unknown {
    try {
      work();
    } catch (error) {
      return error;
    }
    throw new Error('It did not throw');
  }

  it('a schema refuses them, or throws', async () => {
    const Refusing = DiffSyncModel.define(definition);
    const refused = errorOf(() => new Refusing({ name: 'a', password: `${MARK}!` }));
    expectHidden(refused);
    expect(refused).toMatchObject({ message: expect.stringContaining('password: "[secret]" ends with "!"') });
    const thrown = await Refusing.parse({ name: 'a', password: `${MARK}?` }).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'MODEL_VALIDATION' });
    expectHidden(thrown);
  });

  it('the schema of a target refuses them, a comparison throws, or a hook', async () => {
    class Ours extends DiffSyncModel.define({ ...definition, schema: plain }) {}
    class Refusing extends DiffSyncModel.define(definition) {}
    class Comparing extends DiffSyncModel.define({
      ...definition,
      schema: plain,
      compare: {
        password: (a, b) => {
          throw new Error(`${a} or ${b}`);
        },
      },
    }) {}
    class Failing extends DiffSyncModel.define({ ...definition, schema: plain }) {
      static override async create(): Promise<never> {
        throw new Error(`no ${MARK}! here`);
      }
      override async update(): Promise<never> {
        throw new Error(`no ${MARK}! here`);
      }
    }
    for (const theirs of [Refusing, Comparing, Failing]) {
      const logger = new Everything();
      class Source extends Adapter {
        static override readonly models = [Ours];
        static override readonly topLevel = ['device'];
      }
      class Target extends Adapter {
        static override readonly models = [theirs];
        static override readonly topLevel = ['device'];
      }
      const source = new Source({ name: 'source' });
      await source.addMany([
        new Ours({ name: 'a', password: `${MARK}!` }),
        new Ours({ name: 'b', password: `${MARK}!` }),
      ]);
      const target = new Target({ name: 'target', logger });
      await target.add(new theirs({ name: 'a', password: `${MARK}2` }));
      const options: SyncOptions = { continueOnFailure: true };
      const diff = await target.syncFrom(source, options);
      expect(diff.errors.length).toBeGreaterThan(0);
      expectHidden(logger.seen);
      expectHidden(diff.errors.map(({ error, location }) => [error.message, location]));
      expectHidden(diff.getChildren().map(({ message }) => message));
      if (theirs !== Failing) expectHidden(diff.errors);
    }
  });

  it('a bulk hook throws or answers one for all its objects, or a hook sets it as a status', async () => {
    const refusal = new ObjectNotCreated(`the second one is refused: ${MARK}2`);
    class Plain extends DiffSyncModel.define({ ...definition, schema: plain }) {}
    class Throwing extends Plain {
      static override async createBulk(): Promise<never> {
        throw refusal;
      }
    }
    class Answering extends Plain {
      static override async createBulk({
        objects,
      }: {
        readonly objects: readonly unknown[];
      }): Promise<ObjectNotCreated[]> {
        return objects.map(() => refusal);
      }
    }
    class Status extends Plain {
      override setStatus(): void {
        super.setStatus(DiffSyncStatus.FAILURE, `refused: ${this.password}`);
      }
    }
    for (const theirs of [Throwing, Answering, Status]) {
      const logger = new Everything();
      const [source, target] = [Plain, theirs].map((model, at) => {
        class Side extends Adapter {
          static override readonly models = [model];
          static override readonly topLevel = ['device'];
        }
        return new Side({ name: `side${at}`, logger });
      }) as [Adapter, Adapter];
      await source.addMany([1, 2, 3].map((at) => new Plain({ name: `d${at}`, password: `${MARK}${at}` })));
      const diff = await target.syncFrom(source, { continueOnFailure: true });
      const messages = diff.getChildren().map(({ message }) => message);
      expect(messages).toEqual(messages.map(() => expect.stringContaining('refused: [secret]')));
      expect(messages).toHaveLength(3);
      expectHidden(messages);
      expectHidden(logger.seen);
    }
  });
});

describe('the history of a run', () => {
  it('has no secret value of the error of a hook that has ended it', async () => {
    class Account extends DiffSyncModel.define({
      name: 'account',
      schema: z.object({ name: z.string(), password: z.string() }),
      identifiers: ['name'],
      attributes: ['password'],
      secret: ['password'],
    }) {
      override async update({ password }: { readonly password?: string }): Promise<never> {
        throw new ObjectNotUpdated(`refused: ${String(password)}`);
      }
    }
    class Accounts extends Adapter {
      static override readonly models = [Account];
      static override readonly topLevel = ['account'];
    }
    const logger = new Everything();
    const [source, target] = [new Accounts({ name: 'source' }), new Accounts({ name: 'target', logger })];
    await source.add(new Account({ name: 'a', password: `${MARK}1` }));
    await target.add(new Account({ name: 'a', password: `${MARK}2` }));
    const runner = new SyncRunner();
    await expect(runner.run({ source, target, load: 'none', guards: false })).rejects.toThrow(ObjectNotUpdated);
    const { runs } = await runner.history(target).list();
    expect(runs).toMatchObject([{ outcome: 'failed', error: { message: 'refused: [secret]' } }]);
    expectHidden(runs);
    expectHidden(logger.seen);
  });
});

describe('a plan of secret attributes', () => {
  it('takes the values from the source, also with allowStale; without them it is refused', async () => {
    const logger = new Everything();
    const make = async (): Promise<[Devices, Devices]> => [
      await filled('source', { devices: [{ name: 'a', password: MARK, ports: [] }], keys: {} }, logger),
      await filled('target', { devices: [{ name: 'a', password: 'old', ports: [] }], keys: {} }, logger),
    ];
    for (const options of [{}, { allowStale: true }]) {
      const [source, target] = await make();
      const plan = Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source))), { target });
      // Whose value is another by now, no plan can tell.
      await source.update(new Device({ name: 'a', role: 'source', password: `${MARK}2` }));
      await target.syncFrom(source, { diff: plan, ...options });
      expect(await target.get(Device, 'a')).toMatchObject({ password: `${MARK}2`, role: 'source' });
    }
    const [source, target] = await make();
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source))), { target });
    await source.remove(await source.get(Device, 'a'));
    await expect(target.syncFrom(source, { diff: plan, allowStale: true })).rejects.toMatchObject({
      code: 'DIFF_STALE',
      message:
        'A plan has no secret values, and source does not have "password" of device a any more: make the plan again',
    });
    expect(await target.get(Device, 'a')).toMatchObject({ password: 'old' });
  });

  it('is stale where the secrets are equal by now', async () => {
    const logger = new Everything();
    const content = (password: string): Content => ({ devices: [{ name: 'a', password, ports: [] }], keys: {} });
    const [source, target] = [await filled('s', content('1'), logger), await filled('t', content('2'), logger)];
    const plan = Diff.fromJSON(JSON.parse(JSON.stringify(await target.diffFrom(source))), { target });
    await target.update(new Device({ name: 'a', role: 't', password: '1' }));
    await expect(target.syncFrom(source, { diff: plan })).rejects.toThrow('s and t changed since');
  });

  it('that says of other attributes that they are secret is no plan', async () => {
    const source = await filled(
      's',
      { devices: [{ name: 'a', password: '1', ports: [] }], keys: {} },
      new Everything(),
    );
    const target = new Devices({ name: 't' });
    const text = JSON.stringify(await target.diffFrom(source)).replaceAll(
      '"secret":{"password":true}',
      '"secret":{"role":true}',
    );
    expect(() => Diff.fromJSON(JSON.parse(text), { target })).toThrow('"role" is no secret attribute of device');
  });
});
