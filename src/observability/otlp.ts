import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Attributes, Span, SpanKind, SpanOptions, Trace } from './trace.ts';

/** Where traces are sent, and which share of them. */
export interface OtlpOptions {
  /** The address of the collector without `/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /**
   * The share of traces that are kept, from 0 to 1. It applies to traces that start in this
   * process.
   */
  readonly share: number;
  readonly log: Pick<Logger, 'warn'>;
}

const sendEveryMs = 2_000;
const spansASend = 512;
/**
 * Maximum number of spans that wait to be sent. While the collector does not answer, further spans
 * are dropped.
 */
const mostWaiting = 4_096;
const sendTimeoutMs = 10_000;
const kinds = { internal: 1, server: 2, client: 3 } as const satisfies Record<SpanKind, number>;
const failed = 2;

/** A span of a trace that is not kept; then its child spans are not kept either. */
interface Unkept extends Span {
  readonly isKept?: false;
}

/**
 * Creates the part that exports traces to a collector: OTLP over HTTP with JSON
 * (opentelemetry-proto 1.x). Nothing else of OpenTelemetry is needed here. This module is loaded
 * only when an address is configured.
 */
export function openTrace(options: OtlpOptions): Trace {
  const now = new AsyncLocalStorage<Span & { readonly isKept?: boolean }>();
  const outbox = new Outbox(options);
  const begin = (name: string, given: SpanOptions = {}): Span => {
    const { kind = 'internal', attributes = {}, links = [] } = given;
    const parent = given.parent === undefined ? now.getStore() : given.parent;
    const traceId = parent?.traceId ?? randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const isKept = parent ? isKeptOf(parent) : Math.random() < options.share;
    if (!isKept) return { traceId, spanId, end: () => undefined, isKept: false } as Unkept;
    const beganAt = nanoseconds();
    let hasEnded = false;
    return {
      traceId,
      spanId,
      end: (more = {}, isFailed = false) => {
        if (hasEnded) return;
        hasEnded = true;
        outbox.add({
          traceId,
          spanId,
          ...(parent ? { parentSpanId: parent.spanId } : {}),
          name,
          kind: kinds[kind],
          startTimeUnixNano: beganAt,
          endTimeUnixNano: nanoseconds(),
          attributes: wire({ ...attributes, ...more }),
          links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
          status: isFailed ? { code: failed } : {},
        });
      },
    };
  };
  return {
    begin,
    within: (span, work) => now.run(span, work),
    current: () => now.getStore(),
    close: () => outbox.close(),
  };
}

function isKeptOf(span: object): boolean {
  return !('isKept' in span) || span.isKept !== false;
}

/**
 * Returns the time in nanoseconds since 1970. The process's clock is used, because it is finer than
 * that of the machine.
 */
function nanoseconds(): string {
  return String(BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n);
}

function wire(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : typeof value === 'boolean'
          ? { boolValue: value }
          : { doubleValue: value },
  }));
}

/** The queue of spans that will be sent to the collector. */
class Outbox {
  readonly #options: OtlpOptions;
  readonly #timer: NodeJS.Timeout;
  #waiting: object[] = [];
  #dropped = 0;
  #sending: Promise<void> | undefined;

  constructor(options: OtlpOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#send(), sendEveryMs).unref();
  }

  add(span: object): void {
    if (this.#waiting.length >= mostWaiting) this.#dropped++;
    else if (this.#waiting.push(span) >= spansASend) void this.#send();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    while (this.#waiting.length > 0) await this.#send();
  }

  async #send(): Promise<void> {
    if (this.#sending !== undefined) return await this.#sending;
    const spans = this.#waiting.splice(0, spansASend);
    if (spans.length === 0) return;
    this.#sending = this.#post(spans);
    await this.#sending;
    this.#sending = undefined;
    if (this.#waiting.length >= spansASend) await this.#send();
  }

  /**
   * Sends spans and never throws: spans that cannot be sent are dropped, and their number is
   * logged.
   */
  async #post(spans: readonly object[]): Promise<void> {
    const { url, headers, serviceName, log } = this.#options;
    const resource = { attributes: wire({ 'service.name': serviceName }) };
    const scopeSpans = [{ scope: { name: 'sambatan' }, spans }];
    try {
      const answer = await fetch(`${url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }),
        signal: AbortSignal.timeout(sendTimeoutMs),
      });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`the collector answered ${answer.status}`);
      if (this.#dropped > 0)
        log.warn({ spans: this.#dropped }, 'spans were dropped: the queue is full');
      this.#dropped = 0;
    } catch (error) {
      log.warn({ err: error, spans: spans.length }, 'spans could not be sent and are dropped');
    }
  }
}
