import type { TracingChannel } from 'node:diagnostics_channel';
import { metrics, SpanKind, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import {
  diffChannel,
  hookChannel,
  loadChannel,
  phaseChannel,
  runChannel,
  storeChannel,
  syncChannel,
  type TraceContext,
} from '../index.js';
import {
  ATTRIBUTES,
  databaseAttributes,
  failuresOf,
  given,
  hookAttributes,
  noModelAttribute,
  operationAttributes,
  phaseAttributes,
  sidesOf,
  uidsAttribute,
} from './attributes.js';
import { followChannel, type Telling } from './follow-channel.js';
import { Instruments } from './instruments.js';
import { OpenSpans } from './open-spans.js';

const SCOPE = 'nestjs-diffsync';

/** What telemetry tells, and to whom. */
export interface DiffSyncTelemetryOptions {
  /** What makes the spans. Default: the global provider. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** What makes the metrics. Default: the global provider, which must be registered before `enable`. */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * Whether spans show unique ids, up to 100 each, and the messages of errors, which may contain unique ids and values. Metrics never
   * do. Default: false.
   */
  readonly uniqueIds?: boolean | undefined;
  /** Whether each operation of a store is a span; its duration is measured in any case. Default: true. */
  readonly storeSpans?: boolean | undefined;
  /** Whether each call of a hook is a span; its duration is measured in any case. Default: true. */
  readonly hookSpans?: boolean | undefined;
}

/**
 * Tells OpenTelemetry of stores, loads, comparisons, syncs, hooks and runs: as spans, of which each is the child of the work that it
 * is part of, and as metrics. What a hook or `load` does itself is below its span.
 *
 * @example
 * ```ts
 * const telemetry = new DiffSyncTelemetry();
 * telemetry.enable();
 * await runner.run({ source: network, target: cmdb });
 * telemetry.disable();
 * ```
 */
export class DiffSyncTelemetry {
  readonly #options: DiffSyncTelemetryOptions;
  /** Ends each subscription. */
  #subscriptions: (() => void)[] = [];

  /**
   * Prepares the telemetry. It does nothing before `enable`.
   * @param options - What is reported, and to whom.
   */
  constructor(options: DiffSyncTelemetryOptions = {}) {
    this.#options = options;
  }

  /** Begins to tell. Register the SDK before: without one nothing is reported. Does nothing where it has begun already. */
  enable(): void {
    if (this.#subscriptions.length > 0) return;
    const { tracerProvider = trace, meterProvider = metrics, uniqueIds = false } = this.#options;
    const { storeSpans = true, hookSpans = true } = this.#options;
    const instruments = new Instruments(meterProvider.getMeter(SCOPE));
    const tracer = tracerProvider.getTracer(SCOPE);
    const tell = <Message extends TraceContext>(
      channel: TracingChannel<unknown, Message>,
      telling: Telling<NoInfer<Message>>,
    ): void => {
      this.#subscriptions.push(followChannel(channel, new OpenSpans(tracer, uniqueIds), telling));
    };

    tell(storeChannel, {
      name: ({ operation, model }) => (storeSpans ? nameOf(operation, model) : undefined),
      kind: ({ engine }) => (engine === 'local' ? SpanKind.INTERNAL : SpanKind.CLIENT),
      attributes: (message) => ({
        ...databaseAttributes(message),
        ...operationAttributes(message),
        ...(uniqueIds ? uidsAttribute(message) : {}),
      }),
      measured: databaseAttributes,
      duration: instruments.operationDuration,
    });
    tell(loadChannel, {
      name: ({ adapter, reload }) => nameOf(reload ? 'reload' : 'load', adapter),
      attributes: ({ adapter, reload }) => ({ [ATTRIBUTES.adapter]: adapter, [ATTRIBUTES.reload]: reload }),
      measured: ({ adapter, reload }) => ({ [ATTRIBUTES.adapter]: adapter, [ATTRIBUTES.reload]: reload }),
      duration: instruments.loadDuration,
    });
    tell(diffChannel, {
      name: ({ target }) => nameOf('diff', target),
      attributes: sidesOf,
      measured: sidesOf,
      duration: instruments.diffDuration,
    });
    tell(syncChannel, {
      name: ({ target }) => nameOf('sync', target),
      attributes: sidesOf,
      measured: sidesOf,
      duration: instruments.syncDuration,
      ended: (message, { inside }) => instruments.countObjects(message, inside),
    });
    tell(hookChannel, {
      name: ({ hook, model }) => (hookSpans ? nameOf(hook, model) : undefined),
      attributes: (message) => ({
        ...hookAttributes(message),
        [ATTRIBUTES.action]: message.action,
        [ATTRIBUTES.objects]: message.size,
        ...(uniqueIds ? uidsAttribute(message) : {}),
      }),
      measured: hookAttributes,
      outcome: (message) => {
        const failures = failuresOf(message);
        return failures === 0 ? {} : { [ATTRIBUTES.failures]: failures };
      },
      failure: (message) =>
        message.error === undefined && failuresOf(message) > 0 ? noModelAttribute(message) : undefined,
      duration: instruments.hookDuration,
    });
    tell(runChannel, {
      name: ({ target }) => nameOf('run', target),
      attributes: (message) =>
        given({
          ...sidesOf(message),
          [ATTRIBUTES.runId]: message.id,
          [ATTRIBUTES.runKind]: message.kind,
          [ATTRIBUTES.runLabel]: message.label,
        }),
      measured: (message) => ({
        ...sidesOf(message),
        [ATTRIBUTES.runKind]: message.kind,
        [ATTRIBUTES.runOutcome]: message.run?.outcome ?? 'failed',
      }),
      outcome: ({ run }) => ({ [ATTRIBUTES.runOutcome]: run?.outcome ?? 'failed' }),
      duration: instruments.runDuration,
      ended: ({ run }, { inside }) => run && instruments.recordRun(run, inside),
    });
    tell(phaseChannel, {
      name: ({ phase, target }) => nameOf(phase, target),
      attributes: (message) => ({ ...phaseAttributes(message), [ATTRIBUTES.runId]: message.id }),
      measured: phaseAttributes,
      duration: instruments.phaseDuration,
    });
  }

  /** Tells nothing more of what begins from now on. Work that is under way is still reported when it ends. */
  disable(): void {
    for (const end of this.#subscriptions.splice(0)) end();
  }
}

/** Joins the name of the work and what it is done to, which both have few values. */
function nameOf(work: string, subject: string | undefined): string {
  return subject === undefined ? work : `${work} ${subject}`;
}
