import { isDeepStrictEqual } from 'node:util';
import {
  allDone,
  devicesOf,
  invalid,
  namedByTheirCalls,
  redisResult,
  valueError,
  warned,
  without,
  withinTotal,
  withSync,
  type Deviation,
} from './expectations.js';
import { linkDeviations } from './link-deviations.js';
import { plainDiff, plainText } from './plain-sync.js';
import type {
  AdapterCase,
  AdapterFacts,
  LogLine,
  OperationFacts,
  RecordedError,
  StoreCase,
  SyncCase,
  SyncFacts,
} from './recorded-cases.js';
import { readSync } from './readings.js';

// ---- The list

const COPIES = '1: stores, design §3.1 (copies)';
const BY_VALUE = '1: stores, design §3.2 (add compares by value)';
const NAMES = '1: stores, design §3 (model names)';

export const deviations: readonly Deviation[] = [
  {
    kind: 'operation',
    decision: COPIES,
    reason:
      "A store hands out copies, as the reference's Redis store does: no instance is another, or changes by itself.",
    covers: [
      'public/store/005-add-same-instance-after-change[4]',
      'public/store/005-add-same-instance-after-change[5]',
      'public/store/021-identity[4]',
      'public/store/021-identity[5]',
      'public/store/022-change-after-add[3]',
      'public/store/023-change-after-get[4]',
      'public/store/023-change-after-get[5]',
      'public/store/023-change-after-get[8]',
      'public/store/024-change-identifier-after-add[3]',
      'public/store/038-get-or-instantiate[5]',
      'public/store/043-get-or-add-model-instance[5]',
      'public/store/044-update-or-add-model-instance[5]',
      'public/store/044-update-or-add-model-instance[7]',
      'public/store-random/003[33]',
      'public/store-random/012[44]',
    ],
    expect: redisResult,
  },
  {
    kind: 'operation',
    decision: COPIES,
    reason:
      'The device rdu did not change with an instance, as in the Redis store; all else is saved, as in the local one.',
    covers: ['public/store-random/002[39]', 'public/store-random/002[44]'],
    expect: ({ results }, index) => {
      const ok = results.local[index]?.ok;
      const unchanged = devicesOf(results.redis[index]?.ok).filter(({ uniqueId }) => uniqueId === 'rdu');
      const devices = devicesOf(ok).map((each) => unchanged.find(({ uniqueId }) => uniqueId === each.uniqueId) ?? each);
      return { ok: Array.isArray(ok) ? devices : { ...(ok as object), device: devices } };
    },
  },
  {
    kind: 'operation',
    decision: BY_VALUE,
    reason:
      "An equal object is accepted and a different one refused, as in the reference's Redis store; not by identity.",
    covers: [
      'public/store/003-add-equal-instance[3]',
      'public/store/005-add-same-instance-after-change[3]',
      'public/store-random/002[23]',
      'public/store-random/002[24]',
      'public/store-random/002[33]',
      'public/store-random/003[38]',
      'public/store-random/007[10]',
      'public/store-random/011[16]',
      'public/store-random/012[21]',
    ],
    expect: redisResult,
  },
  {
    kind: 'sync',
    decision: BY_VALUE,
    reason: 'Of objects loaded twice only one that differs from the first is refused.',
    covers: ['public/flat/026-duplicate-add'],
    expect: ({ loadErrors = [], ...expected }, recorded) => ({
      ...expected,
      loadErrors: loadErrors.filter(({ side, index }) => {
        const objects = recorded[side as 'source' | 'target'];
        return !objects.slice(0, index).some((each) => isDeepStrictEqual(each, objects[index]));
      }),
    }),
  },
  {
    kind: 'operation',
    decision: COPIES,
    reason:
      'An object belongs to the adapter until `remove`, also the last one, for which the local store takes an empty adapter for none.',
    covers: [
      'public/store/019-binding[7]',
      'public/store/019-binding[12]',
      'public/store/020-unbinding-and-the-last-object[7]',
    ],
    expect: redisResult,
  },
  {
    kind: 'operation',
    decision: COPIES,
    reason: 'An object that `update` stores belongs to the adapter too, or children linked on it would not be saved.',
    covers: ['public/store/019-binding[10]'],
    expect: () => ({ ok: true }),
  },
  {
    kind: 'operation',
    decision: COPIES,
    reason:
      'Children that go with their parent are removed from the store; an instance in the hands of a caller is a copy.',
    covers: ['public/store/033-remove-with-children[15]'],
    expect: () => ({ ok: true }),
  },
  {
    kind: 'operation',
    decision: '1: stores, design §2 (getAllModelNames)',
    reason: 'Only models with objects are named: a look-up leaves nothing behind.',
    covers: [
      'public/store/030-model-names-after-misses[2]',
      'public/store/030-model-names-after-misses[4]',
      'public/store/030-model-names-after-misses[6]',
      'public/store/031-model-names-after-last-removal[4]',
    ],
    expect: redisResult,
  },
  {
    kind: 'operation',
    decision: '1: stores, design §2 (wrong arguments)',
    reason: 'An attribute that the model does not have is refused before anything is stored, not after.',
    covers: [
      'public/store/042-update-or-instantiate-unknown-attr[1]',
      'public/store/042-update-or-instantiate-unknown-attr[2]',
      'public/store/042-update-or-instantiate-unknown-attr[4]',
    ],
    expect: ({ ops }, index) =>
      ({
        count: { ok: 0 },
        contents: { ok: {} },
        get: {
          error: {
            name: 'ObjectNotFound',
            message: 'site nyc not present in LocalStore',
            origin: 'diffsync' as const,
            messagePortable: true,
          },
        },
      })[ops[index]?.op as 'count' | 'contents' | 'get'],
  },
  {
    kind: 'operation',
    decision: NAMES,
    reason: 'The empty name is no model; the two stores of the reference do not agree on what it counts.',
    covers: ['public/store/029-count-empty-model-name[2]'],
    expect: () => ({ error: valueError('"" is not a model name') }),
  },
  {
    kind: 'definition',
    decision: NAMES,
    reason: 'A model name becomes part of keys and patterns, so it is a plain word; others are refused when defined.',
    covers: ['public/store/053-glob-model-name', 'public/store/054-colon-collision'],
    expect: ({ models }) => ({
      name: 'ModelDefinitionError',
      message: `model name "${models.find(({ name }) => !/^\w+$/.test(name))?.name}" is not allowed`,
      origin: 'diffsync',
      messagePortable: true,
    }),
  },
  {
    kind: 'sync',
    decision: COPIES,
    reason: 'What `update` set on its copy is not saved when it returns null, which means that it failed.',
    covers: ['public/hooks/025-parent-update-applied-but-none'],
    expect: (expected) =>
      withSync(expected, {
        target: {
          ...expected.sync.target,
          site: {
            ...expected.sync.target['site'],
            nyc: { ...expected.sync.target['site']?.['nyc'], region: 'old' },
          },
        },
        summaryAfter: { create: 0, update: 2, delete: 0, 'no-change': 1, skip: 0 },
      }),
  },
  {
    kind: 'sync',
    decision: '2: equality is by value and strict',
    reason: 'true is not 1, and false is not 0, in nested values too.',
    covers: ['public/flat/014-json-true-equals-one'],
    expect: (expected, recorded) => {
      const dict = {
        site: {
          nyc: { '-': { j: 1 }, '+': { j: true } },
          sfo: { '-': { j: false }, '+': { j: 0 } },
          rdu: { '-': { j: [true, { k: 0 }] }, '+': { j: [1, { k: false }] } },
          ams: { '-': { j: 1 }, '+': { j: '1' } },
        },
      };
      const elements = ['nyc', 'sfo', 'rdu', 'ams'].map((name) => [0, 'site', name, 'update'] as const);
      const str = [
        'site',
        '  site: nyc',
        '    j    source(true)    target(1)',
        '  site: sfo',
        '    j    source(0)    target(false)',
        '  site: rdu',
        '    j    source([ 1, { k: false } ])    target([ true, { k: 0 } ])',
        '  site: ams',
        "    j    source('1')    target(1)",
      ].join('\n');
      const diff = { ...plainDiff(recorded, { elements, dict, modelsProcessed: 8 }), str };
      return allDone({ ...expected, diff }, recorded);
    },
  },
  {
    kind: 'sync',
    decision: '21: text for people escapes control characters',
    reason: 'A name with a line break is one line of the text.',
    covers: ['public/flat/028-awkward-identifiers'],
    expect: (expected, { source, target }) => {
      let str = expected.diff.str ?? '';
      const escaped = (control: string): string => {
        const json = JSON.stringify(control).slice(1, -1);
        const code = control.charCodeAt(0).toString(16);
        if (/^\\[nrt]$/.test(json)) return json;
        return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
      };
      for (const value of [...source, ...target].flatMap(({ data }) => Object.values(data))) {
        if (typeof value !== 'string') continue;
        str = str.replaceAll(value, value.replace(/[\p{Cc}\u2028\u2029]|\p{Bidi_Control}/gu, escaped));
      }
      return { ...expected, diff: { ...expected.diff, str } };
    },
  },
  {
    kind: 'sync',
    decision: '12: identifiers spell as String(value), null is none',
    reason:
      'An object without a value for an identifier is refused when it is made; booleans are spelled true and false.',
    covers: ['public/flat/022-bool-and-null-identifiers'],
    expect: (expected, recorded) => {
      const refused = (side: 'source' | 'target') =>
        [...recorded[side].entries()]
          .filter(([, { data }]) => data['maybe'] === null || data['maybe'] === undefined)
          .map(([index]) => ({ side, index, error: invalid('site: identifier "maybe" is null') }));
      const dict = { site: { x__false__m: { '+': { region: '1' } }, y__true__m: { '-': { region: '1' } } } };
      const elements = [
        [0, 'site', 'x__false__m', 'create'],
        [0, 'site', 'y__true__m', 'delete'],
      ] as const;
      const events = [
        ['diff', 1, 2],
        ['diff', 2, 2],
      ] as const;
      const involved = {
        level: 'debug',
        event: 'Diff calculation between these two datasets will involve 2 models',
      } as const;
      return allDone(
        {
          ...withSync(expected, { progress: events, logs: expected.sync.logs?.with(0, involved) ?? null }),
          loadErrors: [...refused('source'), ...refused('target')],
          diff: plainDiff(recorded, { elements, dict, modelsProcessed: 2 }),
          progressDiff: events,
          progressDiffTail: [2, ['diff', 2, 2]],
        },
        recorded,
      );
    },
  },
  {
    kind: 'adapter',
    decision: '2: identifiers spell as String(value)',
    reason: 'A null in a shortname is spelled null, as in JavaScript.',
    covers: ['public/adapter/019-shortnames-and-identifiers'],
    expect: (expected) => ({
      ...expected,
      models: expected.models?.map((each) => ({ ...each, shortname: each.shortname.replace(/None$/, 'null') })) ?? [],
    }),
  },
  {
    kind: 'adapter',
    decision: '5: a child type that is also top-level is handled once',
    reason: 'What is below a parent is shown there alone.',
    covers: ['public/adapter/009-tree-self-reference', 'public/adapter/018-text-without-attributes'],
    expect: (expected) => {
      const { str, strPython } = expected;
      const shownOnce = (text: string): string =>
        text
          .replace("\n  node: b: {'value': ''}\n    nodes: []", '')
          .replace('\ndevice\n  device: d: {}', '\ndevice: all are below others');
      return {
        ...expected,
        ...(typeof str === 'string' ? { str: shownOnce(str) } : {}),
        ...(strPython === undefined ? {} : { strPython: shownOnce(strPython) }),
      };
    },
  },
  {
    kind: 'sync',
    decision: '3: syncComplete only after a change',
    reason: 'Every hook failed, so nothing changed.',
    covers: [
      'public/hooks/026-every-hook-refuses',
      'public/hooks/027-only-failure-still-counts-as-change',
      'public/hooks/028-only-none-still-counts-as-change',
    ],
    expect: (expected) => withSync(expected, { changedCallback: false }),
  },
  {
    kind: 'sync',
    decision: '3: a passed diff is used even when empty',
    reason: 'There is nothing to do in it, and what else differs stays as it is.',
    covers: ['public/modes/007-precomputed-empty-diff', 'public/modes/008-precomputed-empty-diff-by-flags'],
    expect: (expected, recorded) => {
      const added = recorded.between?.filter((step) => step.op === 'add') ?? [];
      const created = recorded.source.length;
      const target = [...recorded.target, ...added];
      const used = withSync(expected, { logs: [{ level: 'info', event: 'Beginning sync' }], progress: [] });
      const done = allDone(used, { ...recorded, target });
      return withSync(done, {
        summaryAfter: { create: created, update: 0, delete: target.length, 'no-change': 0, skip: 0 },
      });
    },
  },
  {
    kind: 'sync',
    decision: "3: a passed diff's class is always checked",
    reason: 'Also that of an empty one.',
    covers: ['public/modes/010-class-mismatch-empty-diff'],
    expect: (expected) =>
      withSync(expected, {
        error: {
          name: 'DiffClassMismatch',
          message: "The provided diff's class (Diff) does not match the diff_class: OtherDiff",
          origin: 'diffsync',
          messagePortable: true,
        },
        logs: [],
      }),
  },
  {
    kind: 'sync',
    decision: '3: the text form follows custom orders',
    reason: 'As elements, dict and sync do.',
    covers: [
      'public/orderings/001-reverse-roots',
      'public/orderings/002-reverse-children',
      'public/orderings/003-reverse-all',
      'public/orderings/004-by-name-roots',
      'public/orderings/005-by-name-all',
      'public/orderings/006-reverse-with-natural-order',
      'public/orderings/007-ordering-makes-a-move-succeed',
      'public/orderings/008-ordering-passed-diff',
    ],
    expect: (expected, recorded) => {
      const { elements = [], dict } = expected.diff;
      return { ...expected, diff: { ...expected.diff, str: plainText(recorded, elements, dict as never) } };
    },
  },
  {
    kind: 'sync',
    decision: '3: progress is monotone and ends at its total',
    reason: 'What is counted twice does not carry it beyond.',
    covers: ['public/toplevel/006-top-level-repeated', 'public/trees/024-duplicate-uid-in-child-list'],
    expect: withinTotal,
  },
  {
    kind: 'sync',
    decision: '4: log lines name their own object',
    reason: "A parent that is deleted after its children is named in its lines; the reference's name its last child.",
    covers: [
      'public/flags/020-model-natural-deletion-order-every-target',
      'public/flags/032-natural-order-on-deleted-root',
      'public/flags/033-natural-order-on-root-and-child',
      'public/flags/034-natural-root-skip-children-child',
      'public/flags/039-continue-with-natural-order',
      'public/flags/043-natural-order-child-refuses',
      'public/flags/044-natural-order-parent-returns-none',
      'public/orderings/006-reverse-with-natural-order',
    ],
    expect: namedByTheirCalls,
  },
  {
    kind: 'sync',
    decision: '5: an object that moves arrives',
    reason: 'Its delete is done before its create, which then does not meet it.',
    covers: [
      'public/trees/018-moved-child-created-before-deleted',
      'public/trees/019-moved-child-created-before-deleted-continue',
      'public/sync_random_small/007-two-26',
      'public/sync_random_small/019-twokinds-32',
      'public/sync_random_medium/004-twokinds-273',
    ],
    expect: allDone,
  },
  {
    kind: 'sync',
    decision: '5: a child type that is also top-level is handled once',
    reason: 'Under its parent, and not at the top again.',
    covers: ['public/trees/022-child-type-also-top-level'],
    expect: without(
      ([depth, type]) => depth === 0 && type === 'device',
      ({ site }: { site: object }) => ({ site }),
      1,
    ),
  },
  {
    kind: 'sync',
    decision: '5: a child type that is also top-level is handled once',
    reason: 'Its update is done once.',
    covers: ['public/trees/023-child-type-also-top-level-update'],
    expect: without(
      ([depth, type]) => depth === 0 && type === 'device',
      ({ site }: { site: object }) => ({ site }),
      2,
    ),
  },
  {
    kind: 'sync',
    decision: '5: a child type that is also top-level is handled once',
    reason: 'The same where a model is its own child type.',
    covers: ['public/trees/033-self-referential-top-level'],
    expect: without(
      ([depth, , name]) => depth === 0 && name === 'b',
      ({ node: { a } }: { node: { a: object } }) => ({ node: { a } }),
      1,
    ),
  },
  {
    kind: 'sync',
    decision: '6: what the target cannot hold is left out of the diff',
    reason: 'The target has no such model: counted as skipped, and warned about once.',
    covers: ['public/sides/008-created-parent-with-child-kind-unknown-to-target'],
    expect: (expected, recorded) =>
      without(
        ([, type]) => type === 'vlan',
        (dict: { site: { nyc: { vlan?: object } } }) => {
          delete dict.site.nyc.vlan;
          return dict;
        },
        0,
      )(
        warned(expected, {
          level: 'warning',
          event: 'Leaving out vlan objects below site: target cannot hold them, it has no model "vlan"',
          model: 'vlan',
        }),
        recorded,
      ),
  },
  {
    kind: 'sync',
    decision: '6: what the target cannot hold is left out of the diff',
    reason: 'The target has the model, but no field for such children: no hook is called for what could not be linked.',
    covers: ['public/sides/009-created-parent-whose-target-model-has-no-such-children'],
    expect: (expected, recorded) =>
      without(
        ([, type]) => type === 'device',
        (dict: { site: { nyc: { device?: object } } }) => {
          delete dict.site.nyc.device;
          return dict;
        },
        0,
      )(
        warned(expected, {
          level: 'warning',
          event:
            'Leaving out device objects below site: target cannot hold them, its model "site" has no field for children of ' +
            'type "device"',
          model: 'device',
        }),
        recorded,
      ),
  },
  {
    kind: 'sync',
    decision: "6: children are read by each side's own field name",
    reason: 'The two sides are equal.',
    covers: ['public/sides/010-child-field-named-differently'],
    expect: (expected, recorded) => {
      const elements = [
        [0, 'site', 'nyc', null],
        [1, 'device', 'd1', null],
      ] as const;
      const events = [
        ['diff', 2, 4],
        ['diff', 4, 4],
      ] as const;
      const logs: LogLine[] = [
        ...(expected.sync.logs ?? []),
        { level: 'info', event: 'Diff calculation complete' },
        { level: 'info', event: 'Beginning sync' },
      ];
      return allDone(
        {
          ...withSync(expected, { logs, progress: events }),
          diff: plainDiff(recorded, { elements, dict: {}, modelsProcessed: 4 }),
          progressDiff: events,
          progressDiffTail: [2, ['diff', 4, 4]],
        },
        recorded,
      );
    },
  },
  ...(
    [
      [
        'public/hooks/022-create-child-crash-continue',
        'target: create of device "nyc-d3" below site nyc failed: hook create device nyc-d3',
      ],
      ['public/hooks/023-delete-root-crash', 'target: delete of site "ams" failed: hook delete site ams'],
      ['public/sides/005-target-requires-unknown-field', 'target: create of site "nyc" failed: site: serial: '],
    ] as const
  ).map(([id, message]): Deviation => ({
    kind: 'sync',
    decision: "8: a hook's own error says where it happened",
    reason: 'Adapter, model, unique id and parents come first; the error itself is its cause.',
    covers: [id],
    expect: (expected) =>
      withSync(expected, { error: { name: 'SyncHookError', message, origin: 'hook', messagePortable: true } }),
  })),
  ...linkDeviations,
];

// ---- What is expected of each case

export function expectedOfSync(recorded: SyncCase, list: readonly Deviation[] = deviations): SyncFacts {
  let { expected } = recorded;
  for (const entry of list) {
    if (entry.kind === 'sync' && entry.covers.includes(recorded.id)) expected = entry.expect(expected, recorded);
  }
  return readSync(expected);
}

export function expectedOfAdapter(recorded: AdapterCase, list: readonly Deviation[] = deviations): AdapterFacts {
  let { expected } = recorded;
  for (const entry of list) {
    if (entry.kind === 'adapter' && entry.covers.includes(recorded.id)) expected = entry.expect(expected, recorded);
  }
  return expected;
}

/** Where the reference's two stores differ, its local store's result, unless an entry says otherwise. */
export function expectedOfStore(
  recorded: StoreCase,
  list: readonly Deviation[] = deviations,
): { readonly definitionError: RecordedError } | { readonly results: readonly OperationFacts[] } {
  const entries = list.filter(({ covers }) => covers.some((id) => id.replace(/\[\d+\]$/, '') === recorded.id));
  const refused = entries.find((entry) => entry.kind === 'definition');
  if (refused !== undefined) return { definitionError: refused.expect(recorded) };
  return {
    results: recorded.results.local.map((local, index) => {
      const entry = entries.find(
        (each) => each.kind === 'operation' && each.covers.includes(`${recorded.id}[${index}]`),
      );
      return entry?.kind === 'operation' ? entry.expect(recorded, index) : local;
    }),
  };
}
