import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Adapter, Diff, DiffElement, DiffSyncModel } from '../../src/index.js';
import { doAtOnce, doInSteps, itemsInSteps, itemsOf, type Steps } from '../../src/async/steps.js';
import { MAX_TEXT } from '../../src/values/bounded-text.js';

class Node extends DiffSyncModel.define({
  name: 'node',
  schema: z.object({ name: z.string(), size: z.number().default(0), nodes: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['size'],
  children: { node: 'nodes' },
}) {}

class Graph extends Adapter {
  static override readonly models = [Node];
  static override readonly topLevel = ['node'];
}

async function graphOf(size: number, ...names: string[]): Promise<Graph> {
  const graph = new Graph();
  const nodes = names.map((name, at) => new Node({ name, size: at % 3 === 0 ? size : 0 }));
  for (const [at, node] of nodes.entries()) if (at > 0) nodes[Math.floor((at - 1) / 3)]?.addChild(node);
  await graph.addMany(nodes);
  return graph;
}

/** Waits, without giving way, until the clock has gone on by more than long work may take. */
function work(): void {
  const end = performance.now() + 11;
  while (performance.now() < end);
}

describe('The asynchronous forms of a diff', () => {
  it('return what the others return', async () => {
    const names = Array.from({ length: 100 }, (_, at) => `n${at}`);
    const diff = await (await graphOf(1, ...names.slice(0, 80))).diffFrom(await graphOf(2, ...names.slice(20), 'n0'));
    expect(diff.hasDiffs()).toBe(true);
    expect(await diff.summaryAsync()).toEqual(diff.summary());
    expect(await diff.toStringAsync(2)).toBe(diff.toString(2));
    expect([...diff.lines(2)].join('\n')).toBe(diff.toString(2));
    expect(await diff.toDictAsync()).toEqual(diff.toDict());
    expect(await diff.toJSONAsync()).toEqual(diff.toJSON());
    const selection = { actions: ['create' as const] };
    expect((await diff.filterAsync(selection)).toJSON()).toEqual(diff.filter(selection).toJSON());
    expect((await diff.excludeAsync(selection)).toJSON()).toEqual(diff.exclude(selection).toJSON());
    const lines: string[] = [];
    for await (const line of diff.toJSONLinesAsync()) lines.push(line);
    expect(lines).toEqual([...diff.toJSONLines()]);
    const loaded = await Diff.fromJSONAsync(diff.toJSON(), { target: new Graph() });
    expect(loaded.toJSON()).toEqual(diff.toJSON());
    await expect(Diff.fromJSONAsync({}, { target: new Graph() })).rejects.toMatchObject({ code: 'DIFF_INVALID' });
  });
});

describe('The text of a deep diff', () => {
  const diff = new Diff();
  let above: Diff | DiffElement = diff;
  for (let level = 0; level < 6000; level++) {
    const element = new DiffElement('node', `n${level}`, { name: `n${level}` });
    element.addAttrs({ source: { size: 1 }, dest: { size: level === 5999 ? 2 : 1 } });
    if (above instanceof Diff) above.add(element);
    else above.addChild(element);
    above = element;
  }

  it('is cut, and says so; lines() has all of it', async () => {
    const text = diff.toString();
    expect(text.length).toBeLessThan(MAX_TEXT + 200);
    expect(text.endsWith("\n(cut here, at 33554432 characters; the diff's lines() has all lines)")).toBe(true);
    expect(await diff.toStringAsync()).toBe(text);
    let last = '';
    for (const line of diff.lines()) last = line;
    expect(last.trim()).toBe('size    source(1)    dest(2)');
  });
});

describe('doInSteps()', () => {
  function* counting(most: number): Steps<number> {
    for (let at = 0; at < most; at++) {
      if (at % 40 === 0) work();
      yield;
    }
    return most;
  }

  it('lets the event loop go on', async () => {
    let [turns, over] = [0, false];
    const turn = (): void => {
      turns++;
      if (!over) setImmediate(turn);
    };
    turn();
    expect(await doInSteps(counting(400))).toBe(400);
    over = true;
    expect(turns).toBeGreaterThan(4);
    expect(doAtOnce(counting(50))).toBe(50);
  });

  it.each(['filterAsync', 'excludeAsync'] as const)('is how %s() lets the event loop go on', async (select) => {
    class SlowElement extends DiffElement {
      override copy(withChange: boolean): DiffElement {
        work();
        return super.copy(withChange);
      }
    }
    const diff = new Diff();
    for (let at = 0; at < 64; at++) {
      const element = new SlowElement('node', `n${at}`, { name: `n${at}` });
      element.addAttrs(at % 2 === 0 ? { source: {} } : { dest: {} });
      diff.add(element);
    }
    let [turns, over] = [0, false];
    const turn = (): void => {
      turns++;
      if (!over) setImmediate(turn);
    };
    turn();
    const selected = await diff[select]({ actions: ['create'] });
    over = true;
    expect(selected.length).toBe(32);
    expect(turns).toBeGreaterThan(3);
  });

  it('ends with what its check throws', async () => {
    const ended = new Error('ended');
    const steps = counting(400);
    const check = (): void => {
      throw ended;
    };
    await expect(doInSteps(steps, check)).rejects.toBe(ended);
  });
});

describe('itemsInSteps()', () => {
  function* items(): Generator<number | undefined, void, undefined> {
    for (let at = 0; at < 200; at++) {
      if (at % 40 === 0) work();
      yield at % 2 === 0 ? at : undefined;
    }
  }

  it('yields what itemsOf() yields', async () => {
    const found: number[] = [];
    for await (const item of itemsInSteps(items())) found.push(item);
    expect(found).toEqual([...itemsOf(items())]);
    expect(found).toHaveLength(100);
  });
});
