import type { ElementKind } from '../../diff/compared-object.js';
import { DiffElement, type Diff } from '../../diff/diff.js';
import { DiffSyncFlags, DiffSyncModelFlags } from '../../flags.js';
import type { ModelDefinition } from '../../model/model-definition.js';
import type { ModelRecord } from '../../record/model-record.js';
import { RecordView, type ObjectView } from '../../record/record-view.js';
import type { Side } from '../side.js';
import type { DiffEvent, PairEvent } from './diff-events.js';
import { countChildren, type Pair } from './pairing.js';
import type { Scope } from './scope.js';
import type { TreePosition } from './visited.js';

/** A compared pair that has children. */
export interface PairNode extends Pair, TreePosition {
  readonly parent: PairNode | undefined;
  readonly event: PairEvent;
}

/** Collects what the comparison of sibling pairs results in. */
export interface PairResults {
  readonly elements: DiffElement[];
  readonly events: DiffEvent[];
}

/** Compares pairs of objects, one at a time: skips a pair, or makes its element. */
export class PairComparer {
  /** How many objects of the target have an element. */
  compared = 0;
  /** Skipped pairs with children. The children are skipped with them, although their type may be top-level too. */
  readonly skippedParents: Pair[] = [];
  /** By definition for elements that are made from records, else by type. */
  private readonly kinds = new Map<ModelDefinition | string, ElementKind<Diff>>();

  constructor(
    private readonly src: Side,
    private readonly dst: Side,
    private readonly flags: DiffSyncFlags,
    private readonly scope: Scope,
    private readonly diffClass: new () => Diff,
  ) {}

  /** Adds the pair's element and event to the results. @returns the node of a pair with children, to be compared below. */
  compare(pair: Pair, parent: PairNode | undefined, { elements, events }: PairResults): PairNode | undefined {
    const { src, dst } = pair;
    const obj = (src ?? dst) as ObjectView;
    const type = obj.getType();
    const reason = skipReason(type, pair, this.flags, this.scope);
    if (reason !== undefined) {
      events.push({ counted: 1, skipped: { reason, type, uid: obj.getUniqueId() }, below: [] });
      if (countChildren(pair) > 0) this.skippedParents.push(pair);
      return undefined;
    }
    if (dst !== undefined) this.compared++;
    const element = this.createElement(type, pair);
    elements.push(element);
    const counted = src === undefined || dst === undefined ? 1 : 2;
    if (countChildren(pair) === 0) {
      events.push(counted);
      return undefined;
    }
    const event: PairEvent = { counted, below: [] };
    events.push(event);
    return { src, dst, parent, element, uid: obj.getUniqueId(), event };
  }

  private createElement(type: string, { src, dst }: Pair): DiffElement {
    if (dst === undefined && src instanceof RecordView) return this.fromRecords(src, src.record, undefined);
    if (src === undefined && dst instanceof RecordView) return this.fromRecords(dst, undefined, dst.record);
    if (src instanceof RecordView && dst instanceof RecordView && src.definition === dst.definition) {
      const same = src.equals(dst, this.scope.comparedAttributes(src.definition));
      return this.fromRecords(src, src.record, same ? src.record : dst.record);
    }
    const obj = (src ?? dst) as ObjectView;
    const element = new DiffElement(this.kindOf(type), obj.getShortname(), obj.getIdentifiers());
    if (src !== undefined && dst !== undefined) {
      [element.sourceAttrs, element.destAttrs] = this.scope.attrsOf(src, dst);
    } else {
      element.sourceAttrs = src?.getAttrs() ?? null;
      element.destAttrs = dst?.getAttrs() ?? null;
    }
    return element;
  }

  private fromRecords(view: RecordView, source: ModelRecord | undefined, dest: ModelRecord | undefined): DiffElement {
    return DiffElement.fromRecords(this.kindOf(view.getType(), view.definition), view.getShortname(), source, dest);
  }

  private kindOf(type: string, definition?: ModelDefinition): ElementKind<Diff> {
    const key = definition ?? type;
    let kind = this.kinds.get(key);
    if (kind === undefined) {
      const comparison = this.dst.modelClasses.get(type)?.definition.comparison;
      const common = {
        type,
        sourceName: this.src.name,
        destName: this.dst.name,
        diffClass: this.diffClass,
        comparison,
      };
      const fields = definition && {
        identifiers: definition.identifiers,
        attributes: definition.attributes,
        compared: this.scope.comparedAttributes(definition),
      };
      this.kinds.set(key, (kind = fields === undefined ? common : { ...common, fields }));
    }
    return kind;
  }
}

/** Returns why a pair is skipped, with everything below it; undefined if it is compared. */
function skipReason(type: string, { src, dst }: Pair, flags: DiffSyncFlags, scope: Scope): string | undefined {
  if (dst === undefined && src !== undefined) {
    if (flags & DiffSyncFlags.SKIP_UNMATCHED_SRC) return 'Skipping due to SKIP_UNMATCHED_SRC flag on source adapter';
    if (src.modelFlags & DiffSyncModelFlags.SKIP_UNMATCHED_SRC)
      return 'Skipping due to SKIP_UNMATCHED_SRC flag on model';
  }
  if (src === undefined && dst !== undefined) {
    if (flags & DiffSyncFlags.SKIP_UNMATCHED_DST) return 'Skipping due to SKIP_UNMATCHED_DST flag on source adapter';
    if (dst.modelFlags & DiffSyncModelFlags.SKIP_UNMATCHED_DST)
      return 'Skipping due to SKIP_UNMATCHED_DST flag on model';
  }
  if (src !== undefined && src.modelFlags & DiffSyncModelFlags.IGNORE)
    return 'Skipping due to IGNORE flag on source object';
  if (dst !== undefined && dst.modelFlags & DiffSyncModelFlags.IGNORE)
    return 'Skipping due to IGNORE flag on dest object';
  if (!scope.compares(type) && (src === undefined || dst === undefined))
    return 'Skipping because only one side has it and its model is not in modelTypes';
  if (!scope.passes(type, src, dst)) return "Skipping due to its model's filter";
  return undefined;
}
