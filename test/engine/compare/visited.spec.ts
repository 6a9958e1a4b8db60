import { describe, expect, it } from '@jest/globals';
import type { Steps } from '../../../src/async/steps.js';
import { VisitedObjects, type Objects } from '../../../src/engine/compare/visited.js';
import { Device } from '../../fixtures/inventory.js';

const CHILDREN = 3200;

/** One parent with many children. */
function oneParent(): ReadonlyMap<string, Objects> {
  const interfaces = Array.from({ length: CHILDREN }, (_, at) => `e${at}`);
  const device = new Device({ name: 'd', interfaces });
  return new Map([['device', new Map([['d', device]])]]);
}

function countSteps(steps: Steps<unknown>): number {
  let count = 0;
  while (steps.next().done !== true) count++;
  return count;
}

describe('Of one parent with many children', () => {
  it('the roots are found in many steps', () => {
    expect(countSteps(new VisitedObjects('source').takingRoots(oneParent()))).toBeGreaterThan(CHILDREN / 100);
  });

  it('the children are marked in many steps', () => {
    const visited = new VisitedObjects('source');
    visited.markVisited('device', 'd');
    expect(countSteps(visited.markingDescendants(oneParent()))).toBeGreaterThan(CHILDREN / 100);
    expect(visited.count('interface')).toBe(CHILDREN);
  });
});
