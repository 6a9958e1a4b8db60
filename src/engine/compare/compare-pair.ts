import type { Attrs, ElementKind, SourceInput } from '../../diff/compared-object.js';
import { DiffElement, type Diff } from '../../diff/diff.js';
import { DiffSyncFlags, DiffSyncModelFlags } from '../../flags.js';
import { withDeclaredFields } from '../../model/missing-fields.js';
import { secretAttributes } from '../../model/secret-attributes.js';
import type { ModelDefinition } from '../../model/model-definition.js';
import type { ModelRecord } from '../../record/model-record.js';
import { ParsedView, RecordView, type ObjectView } from '../../record/record-view.js';
import { isDeepEqual } from '../../values/deep-equal.js';
import type { Side } from '../side.js';
import type { DiffEvent, PairEvent } from './diff-events.js';
import { countChildren, type Pair } from './pairing.js';
import type { PairNode } from './pair-node.js';
import type { Scope } from './scope.js';
import type { SharedChildren, SideName } from './shared-children.js';

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
  /** Objects that both sides have and that are skipped: type -> unique ids. */
  readonly skippedPairs = new Map<string, Set<string>>();
  /** By definition for elements that are made from records, else by type. */
  private readonly kinds = new Map<ModelDefinition | string, ElementKind<Diff>>();
  private readonly linkKinds = new Map<string, ElementKind<Diff>>();

  constructor(
    private readonly src: Side,
    private readonly dst: Side,
    private readonly flags: DiffSyncFlags,
    private readonly scope: Scope,
    private readonly diffClass: new () => Diff,
    private readonly shared: SharedChildren,
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
      this.recordSkipped(type, pair, parent);
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
    const [source, dest] =
      src !== undefined && dst !== undefined
        ? this.scope.attrsOf(src, dst)
        : [src === undefined ? null : ownAttrs(src), dst?.getAttrs() ?? null];
    const given = { uid: obj.getUniqueId(), source, dest, input: inputOf(src) };
    return DiffElement.of(this.kindOf(type), obj.getShortname(), obj.getIdentifiers(), given);
  }

  /** Creates the element of a link that only one side has. */
  createLink(view: ObjectView, action: 'create' | 'delete'): DiffElement {
    const given = action === 'create' ? { source: {}, dest: null } : { source: null, dest: {} };
    const parts = { ...given, uid: view.getUniqueId(), input: inputOf(view) };
    const kind = this.linkKindOf(view.getType());
    return DiffElement.of(kind, view.getShortname(), view.getIdentifiers(), parts);
  }

  private recordSkipped(type: string, pair: Pair, parent: PairNode | undefined): void {
    const uid = ((pair.src ?? pair.dst) as ObjectView).getUniqueId();
    if (pair.src === undefined || pair.dst === undefined) {
      this.shared.addSkipped(sideOf(pair), type, uid, parent);
      return;
    }
    let uids = this.skippedPairs.get(type);
    if (uids === undefined) this.skippedPairs.set(type, (uids = new Set()));
    uids.add(uid);
  }

  private fromRecords(view: RecordView, source: ModelRecord | undefined, dest: ModelRecord | undefined): DiffElement {
    return DiffElement.fromRecords(this.kindOf(view.getType(), view.definition), view.getShortname(), source, dest);
  }

  private linkKindOf(type: string): ElementKind<Diff> {
    let kind = this.linkKinds.get(type);
    if (kind === undefined) this.linkKinds.set(type, (kind = { ...this.kindOf(type), linkOnly: true }));
    return kind;
  }

  private kindOf(type: string, definition?: ModelDefinition): ElementKind<Diff> {
    const key = definition ?? type;
    let kind = this.kinds.get(key);
    if (kind === undefined) this.kinds.set(key, (kind = this.makeKind(type, definition)));
    return kind;
  }

  /** Apart from `kindOf`, each call of which would keep its parameters for the function that is made here. */
  private makeKind(type: string, definition: ModelDefinition | undefined): ElementKind<Diff> {
    const common = {
      type,
      sourceName: this.src.name,
      destName: this.dst.name,
      diffClass: this.diffClass,
      comparison: this.dst.modelClasses.get(type)?.definition.compare,
      secret: secretAttributes(this.src.modelClasses.get(type), this.dst.modelClasses.get(type)),
    };
    if (definition === undefined) return common;
    const fields = {
      identifiers: definition.identifiers,
      attributes: definition.attributes,
      compared: this.scope.comparedAttributes(definition),
      complete: (data: Attrs) => withDeclaredFields(definition, data),
    };
    return { ...common, fields };
  }
}

/** Returns the attributes for the hook that creates the object, which parses them. */
function ownAttrs(view: ObjectView): Readonly<Record<string, unknown>> {
  return view instanceof ParsedView ? view.given.getAttrs() : view.getAttrs();
}

function sideOf({ src }: Pair): SideName {
  return src === undefined ? 'dst' : 'src';
}

/** What the element keeps of the source's own values, beside those that the target's schema has made of them. */
function inputOf(view: ObjectView | undefined): SourceInput | undefined {
  if (!(view instanceof ParsedView)) return undefined;
  const ids = view.given.getIdentifiers();
  const { refused } = view;
  const isRenamed = !isDeepEqual(ids, view.getIdentifiers());
  if (!isRenamed && refused === undefined) return undefined;
  return { ...(isRenamed ? { ids } : {}), ...(refused === undefined ? {} : { refused }) };
}

/** Returns why a pair is skipped, with everything below it; undefined if it is compared. */
export function skipReason(type: string, { src, dst }: Pair, flags: DiffSyncFlags, scope: Scope): string | undefined {
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
