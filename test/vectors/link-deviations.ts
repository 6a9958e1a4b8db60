import { allDone, warned, without, withSync, type Deviation } from './expectations.js';
import { plainDiff } from './plain-sync.js';
import type { HookCall, LogLine, ProgressEvent, SyncCase, SyncFacts } from './recorded-cases.js';

/** Deviations by the decisions on links, on objects that no parent lists, and on parents that are deleted last. */

/** The log lines of a link-only element of a device. */
function linkLines(uniqueId: string): LogLine[] {
  const about = { action: 'create', model: 'device', uniqueId };
  return [
    { level: 'debug', event: 'Attempting model create', ...about },
    { level: 'info', event: 'Linked successfully', ...about, status: 'success' },
  ];
}

const isAbout =
  (...uids: readonly string[]) =>
  ({ uniqueId }: LogLine | HookCall): boolean =>
    uids.includes(uniqueId as string);

/** A sync's events, as many as there are elements. */
function progressOf({ progress }: SyncFacts['sync'], elements: number): ProgressEvent[] {
  const diffEvents = progress?.filter(([stage]) => stage === 'diff') ?? [];
  return [...diffEvents, ...Array.from({ length: elements }, (_, at): ProgressEvent => ['sync', at + 1, elements])];
}

/** A diff that meets a link to "ghost", which does not exist, and a sync that does the rest. */
function pastGhost(
  expected: SyncFacts,
  recorded: SyncCase,
  elements: NonNullable<SyncFacts['diff']['elements']>,
  dict: Record<string, unknown>,
  event: string,
): SyncFacts {
  const modelsProcessed = recorded.source.length + recorded.target.length;
  const diff = plainDiff(recorded, { elements, dict, modelsProcessed });
  const facts = allDone({ ...expected, diff }, recorded);
  const done = ['Diff calculation complete', 'Beginning sync'].map((each) => line('info', each));
  const logs = [...(expected.sync.logs ?? []), ...done, ...(facts.sync.logs ?? [])];
  return warned(withSync(facts, { logs: expected.sync.logs && logs }), line('warning', event));
}

const line = (level: LogLine['level'], event: string): LogLine => ({ level, event });

export const linkDeviations: readonly Deviation[] = [
  {
    kind: 'sync',
    decision: 'design §3.15 (nothing disappears silently)',
    reason: 'A link of the source to what does not exist is named in a warning, and does not end the diff.',
    covers: ['public/trees/025-dangling-child-in-source'],
    expect: (expected, recorded) =>
      pastGhost(
        expected,
        recorded,
        [
          [0, 'site', 'nyc', 'create'],
          [1, 'device', 'd', 'create'],
          [0, 'site', 'sfo', 'create'],
        ],
        {
          site: {
            nyc: { '+': { region: 'x' }, device: { d: { '+': { role: 'r', slots: 1 } } } },
            sfo: { '+': { region: '' } },
          },
        },
        'Some lists of source name objects that do not exist: device ghost in site sfo; what target has of them is left alone',
      ),
  },
  {
    kind: 'sync',
    decision: 'design §3.15 (nothing disappears silently)',
    reason: 'A link of the target to what does not exist is named in a warning, and a sync removes it.',
    covers: ['public/trees/026-dangling-child-in-target'],
    expect: (expected, recorded) => {
      const facts = pastGhost(
        expected,
        recorded,
        [[0, 'site', 'nyc', 'update']],
        { site: { nyc: { '-': { region: '' }, '+': { region: 'x' } } } },
        'Some lists of target name objects that do not exist: device ghost in site nyc; a sync takes them out of the lists',
      );
      const unlinked = {
        ...line('debug', 'Unlinked device ghost, which does not exist'),
        model: 'site',
        uniqueId: 'nyc',
      };
      const logs = facts.sync.logs?.flatMap((each) => (each.event === 'Beginning sync' ? [each, unlinked] : [each]));
      const nyc = { ...facts.sync.target['site']?.['nyc'], devices: [] };
      return withSync(facts, { logs: logs ?? null, target: { ...facts.sync.target, site: { nyc } } });
    },
  },
  {
    kind: 'sync',
    decision: '7: a child listed by two parents is one object; design §3.11 (links are compared as links)',
    reason: 'It is compared and created below the first of them; the link of the second is an element of its own.',
    covers: ['public/trees/021-child-of-two-parents'],
    expect: (expected, recorded) => {
      const { diff, sync, ...facts } = without(
        ([depth], index) => depth === 1 && index === 3,
        (dict: { site: { sfo: { device?: object } } }) => {
          delete dict.site.sfo.device;
          return dict;
        },
        1,
      )(expected, recorded);
      const { site } = diff.dict as { site: Record<string, object> };
      const { sfo } = sync.target['site'] as Record<string, Readonly<Record<string, unknown>>>;
      return {
        ...facts,
        diff: {
          ...diff,
          dict: { site: { ...site, sfo: { ...site['sfo'], device: { d: { '+': {} } } } } },
          summary: { create: 4, update: 0, delete: 0, 'no-change': 0, skip: 0 },
          len: 4,
          str: `${diff.str}\n    device\n      device: d (link) MISSING in target`,
          elements: [...(diff.elements ?? []), [1, 'device', 'd', 'create']],
        },
        sync: {
          ...sync,
          progress: progressOf(sync, 4),
          target: { ...sync.target, site: { ...sync.target['site'], sfo: { ...sfo, devices: ['d'] } } },
          logs: sync.logs?.toSpliced(-1, 0, ...linkLines('d')) ?? null,
        },
      };
    },
  },
  {
    kind: 'sync',
    decision: 'design §3.15 (nothing disappears silently)',
    reason: 'Objects that no parent lists are counted by model and side, in one warning.',
    covers: ['public/trees/028-orphans'],
    expect: (expected) =>
      warned(expected, {
        level: 'warning',
        event:
          'Some objects are listed by no parent, and so not compared: device (source 1, target 2); ' +
          "unlisted: 'delete' deletes those that only the target has",
      }),
  },
  {
    kind: 'sync',
    decision: 'design §3.15 (adopted where the source lists it)',
    reason: 'An object that is stored and that no parent lists is linked and updated, not refused as already there.',
    covers: ['public/trees/029-orphan-blocks-creation'],
    expect: (expected) => {
      const { diff, sync } = expected;
      const [old, wanted] = [
        { role: 'other', slots: 9 },
        { role: 'r', slots: 1 },
      ];
      const isE = isAbout('e');
      const about = { action: 'update', model: 'device', uniqueId: 'd' };
      const [d, e] = ['d', 'e'].map((name) => sync.target['device']?.[name]);
      return withSync(
        {
          ...expected,
          diff: {
            ...diff,
            dict: {
              site: {
                nyc: {
                  '-': {},
                  '+': {},
                  device: { e: { '+': wanted }, d: { '-': old, '+': wanted }, 'd (link)': { '+': {} } },
                },
              },
            },
            summary: { create: 2, update: 1, delete: 0, 'no-change': 1, skip: 0 },
            len: 4,
            str: [
              'site',
              '  site: nyc',
              '    device',
              '      device: e MISSING in target',
              '      device: d',
              '        role    source(r)    target(other)',
              '        slots    source(1)    target(9)',
              '      device: d (link) MISSING in target',
            ].join('\n'),
            modelsProcessed: 5,
            elements: [
              [0, 'site', 'nyc', null],
              [1, 'device', 'e', 'create'],
              [1, 'device', 'd', 'update'],
              [1, 'device', 'd', 'create'],
            ],
          },
        },
        {
          calls: [...sync.calls.filter(isE), { on: 'update', model: 'device', uniqueId: 'd', attrs: wanted }],
          progress: progressOf(sync, 4),
          target: {
            site: { nyc: { ...sync.target['site']?.['nyc'], devices: ['e', 'd'] } },
            device: { d: { ...d, ...wanted }, e: { ...e } },
          },
          logs:
            sync.logs?.flatMap((line) => {
              if (line.event !== 'Sync complete') return isAbout('d')(line) ? [] : [line];
              return [
                { level: 'debug', event: 'Attempting model update', ...about } as const,
                { level: 'info', event: 'Updated successfully', ...about, status: 'success' } as const,
                ...linkLines('d'),
                line,
              ];
            }) ?? null,
          summaryAfter: { create: 0, update: 0, delete: 0, 'no-change': 3, skip: 0 },
        },
      );
    },
  },
  {
    kind: 'sync',
    decision: 'design §3.15 (NATURAL_DELETION_ORDER)',
    reason: 'A parent that is deleted after its children is not deleted when a delete below it failed.',
    covers: ['public/flags/043-natural-order-child-refuses'],
    expect: (expected) => {
      const { sync } = expected;
      const isKept = isAbout('ams', 'ams-d7');
      const { site, device, ...others } = sync.target;
      const [sites, devices] = [sync.order['site'] ?? [], sync.order['device'] ?? []];
      return withSync(expected, {
        calls: sync.calls.filter((call) => !isKept(call)),
        progress: sync.progress?.slice(0, -2) ?? null,
        target: {
          ...others,
          site: { ...site, ams: { name: 'ams', region: 'south', devices: ['ams-d7'] } },
          device: {
            ...device,
            'ams-d7': { name: 'ams-d7', role: 'switch', slots: null, interfaces: ['ams-d7__i8'] },
          },
        },
        order: { ...sync.order, site: sites.toSpliced(2, 0, 'ams'), device: devices.toSpliced(2, 0, 'ams-d7') },
        targetFlags: {
          ...sync.targetFlags,
          site: { ...sync.targetFlags?.['site'], ams: 16 },
          device: { ...sync.targetFlags?.['device'], 'ams-d7': 16 },
        },
        targetStatus: {
          ...sync.targetStatus,
          site: { ...sync.targetStatus?.['site'], ams: null },
          device: { ...sync.targetStatus?.['device'], 'ams-d7': null },
        },
        logs:
          sync.logs?.flatMap((line): LogLine[] => {
            if (!isKept(line)) return [line];
            if (!line.event.startsWith('Attempting')) return [];
            const what = `${String(line['model'])} ${String(line['uniqueId'])}`;
            const event = `Leaving out ${what}: the delete of interface ams-d7__i8 below it failed`;
            return [{ ...line, level: 'warning', event }];
          }) ?? null,
        summaryAfter: { create: 0, update: 0, delete: 3, 'no-change': 11, skip: 0 },
      });
    },
  },
];
