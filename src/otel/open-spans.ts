import {
  context,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import type { TraceContext } from '../index.js';
import { errorAttribute } from './attributes.js';

interface OpenSpan {
  readonly span: Span | undefined;
  /** The context in which the work runs. */
  readonly inside: Context;
  /** When it began, by the clock of `performance`. */
  readonly at: number;
}

/** Work that has ended. */
export interface EndedWork {
  readonly seconds: number;
  readonly inside: Context;
}

/** Makes a span of each piece of work, inside which the work runs, so that what it does itself is below the span. */
export class OpenSpans {
  private readonly open = new Map<TraceContext, OpenSpan>();

  /** @param showsMessages - Whether spans have the messages of errors, which may contain unique ids and values. */
  constructor(
    private readonly tracer: Tracer,
    private readonly showsMessages: boolean,
  ) {}

  /** Whether no work is seen to run. */
  get isEmpty(): boolean {
    return this.open.size === 0;
  }

  /** Notes that work begins. @param name - of its span; undefined for no span. */
  begin(message: TraceContext, name: string | undefined, options: SpanOptions): void {
    const outside = context.active();
    const span = name === undefined ? undefined : this.tracer.startSpan(name, options, outside);
    const inside = span === undefined ? outside : trace.setSpan(outside, span);
    if (span !== undefined) {
      const { around } = message;
      message.around = (work) => context.with(inside, () => (around === undefined ? work() : around(work)));
    }
    this.open.set(message, { span, inside, at: performance.now() });
  }

  /**
   * Ends the span of work that has ended.
   * @param failure - Attributes of a failure that threw nothing.
   * @returns undefined for work that was not seen to begin.
   */
  end(message: TraceContext, attributes: Attributes = {}, failure?: Attributes): EndedWork | undefined {
    const open = this.open.get(message);
    if (open === undefined) return undefined;
    this.open.delete(message);
    const { span, inside, at } = open;
    const seconds = (performance.now() - at) / 1000;
    const { error } = message;
    if (span !== undefined) {
      span.setAttributes(attributes);
      if (error !== undefined || failure !== undefined) this.fail(span, error, failure ?? errorAttribute(error));
      span.end();
    }
    return { seconds, inside };
  }

  private fail(span: Span, error: unknown, attributes: Attributes): void {
    span.setAttributes(attributes);
    if (this.showsMessages && error instanceof Error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      span.recordException(error);
    } else span.setStatus({ code: SpanStatusCode.ERROR });
  }
}
