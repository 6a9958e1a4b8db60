import {
  ValueType,
  type Attributes,
  type Context,
  type Counter,
  type Gauge,
  type Histogram,
  type Meter,
} from '@opentelemetry/api';
import type { SyncRun, SyncTrace } from '../index.js';
import { ATTRIBUTES, given } from './attributes.js';

/** Seconds: the bounds that OpenTelemetry's conventions advise for operations of databases. */
const OPERATION_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
/** Seconds: a job takes from moments to an hour. */
const JOB_BOUNDS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600];

/** The metrics of this package. None has a unique id, a value, or the id or label of a run. */
export class Instruments {
  readonly operationDuration: Histogram;
  readonly loadDuration: Histogram;
  readonly diffDuration: Histogram;
  readonly syncDuration: Histogram;
  readonly hookDuration: Histogram;
  readonly runDuration: Histogram;
  readonly phaseDuration: Histogram;
  private readonly syncedObjects: Counter;
  private readonly guardRefusals: Counter;
  private readonly lastSuccess: Gauge;

  constructor(meter: Meter) {
    const duration = (name: string, description: string, explicitBucketBoundaries: number[]): Histogram =>
      meter.createHistogram(name, {
        description,
        unit: 's',
        valueType: ValueType.DOUBLE,
        advice: { explicitBucketBoundaries },
      });
    this.operationDuration = duration(
      'db.client.operation.duration',
      'Duration of database client operations.',
      OPERATION_BOUNDS,
    );
    this.loadDuration = duration('diffsync.load.duration', 'Duration of loads and reloads of an adapter.', JOB_BOUNDS);
    this.diffDuration = duration('diffsync.diff.duration', 'Duration of comparisons of two adapters.', JOB_BOUNDS);
    this.syncDuration = duration('diffsync.sync.duration', 'Duration of syncs.', JOB_BOUNDS);
    this.hookDuration = duration('diffsync.hook.duration', 'Duration of calls of hooks of models.', OPERATION_BOUNDS);
    this.runDuration = duration('diffsync.run.duration', 'Duration of runs.', JOB_BOUNDS);
    this.phaseDuration = duration('diffsync.run.phase.duration', 'Duration of the phases of runs.', JOB_BOUNDS);
    this.syncedObjects = meter.createCounter('diffsync.sync.objects', {
      description: 'Objects that syncs have created, updated and deleted, and those of which this failed.',
      unit: '{object}',
      valueType: ValueType.INT,
    });
    this.guardRefusals = meter.createCounter('diffsync.guard.refusals', {
      description: 'What guards have refused: runs, or the deletes of a run.',
      unit: '{refusal}',
      valueType: ValueType.INT,
    });
    this.lastSuccess = meter.createGauge('diffsync.run.last_success', {
      description: 'When the last run of a target succeeded that was to change it, in seconds since 1970.',
      unit: 's',
      valueType: ValueType.DOUBLE,
    });
  }

  /** Counts the objects of a sync that has ended, whether or not it has failed. */
  countObjects({ diff, target }: SyncTrace, inside: Context): void {
    if (diff === undefined) return;
    const add = (model: string, action: string, status: string, count: number): void => {
      const attributes: Attributes = {
        [ATTRIBUTES.target]: target,
        [ATTRIBUTES.model]: model,
        [ATTRIBUTES.action]: action,
        [ATTRIBUTES.status]: status,
      };
      if (count > 0) this.syncedObjects.add(count, attributes, inside);
    };
    for (const [model, operations] of diff.operations) {
      for (const action of ['create', 'update', 'delete'] as const) {
        add(model, action, 'success', operations[action].length);
      }
    }
    for (const { location } of diff.errors) add(location.model, location.action, 'failure', 1);
  }

  /** Counts what the guards of a run have refused, and notes when it succeeded. */
  recordRun({ guards, kind, outcome, source, target, endedAt }: SyncRun, inside: Context): void {
    for (const { code, model, outcome: refused } of guards) {
      const attributes = {
        [ATTRIBUTES.target]: target,
        [ATTRIBUTES.guard]: code,
        [ATTRIBUTES.guardOutcome]: refused,
        [ATTRIBUTES.model]: model,
      };
      this.guardRefusals.add(1, given(attributes), inside);
    }
    if (outcome !== 'succeeded' || kind === 'dry-run' || endedAt === undefined) return;
    const attributes = { [ATTRIBUTES.source]: source, [ATTRIBUTES.target]: target, [ATTRIBUTES.runKind]: kind };
    this.lastSuccess.record(Date.parse(endedAt) / 1000, attributes, inside);
  }
}
