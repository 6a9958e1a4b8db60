import type { TracingChannel } from 'node:diagnostics_channel';
import type { Attributes, Histogram, SpanKind } from '@opentelemetry/api';
import type { TraceContext } from '../index.js';
import { errorAttribute } from './attributes.js';
import type { EndedWork, OpenSpans } from './open-spans.js';

/** How the work of one channel is reported. */
export interface Telling<Message> {
  /** Returns the name of the span; undefined for no span. */
  name(message: Message): string | undefined;
  /** Default: INTERNAL. */
  kind?(message: Message): SpanKind;
  /** What the span says from the beginning on. */
  attributes(message: Message): Attributes;
  /** What the span says at the end. */
  outcome?(message: Message): Attributes;
  /** Returns the attributes of a failure that threw nothing. */
  failure?(message: Message): Attributes | undefined;
  readonly duration: Histogram;
  /** What the measurement of the duration says. */
  measured(message: Message): Attributes;
  /** Is called at the end, for further measurements. */
  ended?(message: Message, work: EndedWork): void;
}

/** Tells of the work of a channel. @returns what ends this; work that is under way then is still reported when it ends. */
export function followChannel<Message extends TraceContext>(
  channel: TracingChannel<unknown, Message>,
  spans: OpenSpans,
  telling: Telling<Message>,
): () => void {
  const begin = (data: unknown): void => {
    const message = data as Message;
    const kind = telling.kind?.(message);
    spans.begin(message, telling.name(message), {
      attributes: telling.attributes(message),
      ...(kind === undefined ? {} : { kind }),
    });
  };
  let isFollowing = true;
  const end = (data: unknown): void => {
    const message = data as Message;
    const failure = telling.failure?.(message);
    const work = spans.end(message, telling.outcome?.(message), failure);
    if (!isFollowing && spans.isEmpty) channel.asyncEnd.unsubscribe(end);
    if (work === undefined) return;
    const failed = failure ?? errorAttribute(message.error);
    telling.duration.record(work.seconds, { ...telling.measured(message), ...failed }, work.inside);
    telling.ended?.(message, work);
  };
  channel.start.subscribe(begin);
  channel.asyncEnd.subscribe(end);
  return () => {
    isFollowing = false;
    channel.start.unsubscribe(begin);
    if (spans.isEmpty) channel.asyncEnd.unsubscribe(end);
  };
}
