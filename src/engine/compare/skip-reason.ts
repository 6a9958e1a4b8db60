import { DiffSyncFlags, DiffSyncModelFlags } from '../../flags.js';
import type { Pair } from './pairing.js';
import type { Scope } from './scope.js';

/** Why a pair is left out of a diff, with all below it; undefined where it is not. */
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
