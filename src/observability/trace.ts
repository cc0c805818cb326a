/** Numbers, fixed words and names of routes or statements; never user input. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A timed operation of a trace. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Ends the span with final attributes; an error is reported only by its kind. */
  end(attributes?: Attributes, failed?: boolean): void;
}

export type SpanKind = 'server' | 'client' | 'internal';

/** The parent of a span; `isKept: false` means that the trace is not sampled. */
export interface Parent extends Pick<Span, 'traceId' | 'spanId'> {
  readonly isKept?: boolean;
}

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** Undefined: the current span; null: no parent. */
  readonly parent?: Parent | null | undefined;
  /** Other related spans. */
  readonly links?: readonly Pick<Span, 'traceId' | 'spanId'>[];
}

/** Creates and exports spans; absent unless tracing is configured. */
export interface Trace {
  begin(name: string, options?: SpanOptions): Span;
  /** Runs `work` with this span as the current one. */
  within<T>(span: Span, work: () => T): T;
  current(): Span | undefined;
  /** Sends the remaining spans. Idempotent. */
  close(): Promise<void>;
}

/** Runs some work in a span, or without one where tracing is off. */
export async function traced<T>(
  trace: Trace | undefined,
  name: string,
  options: SpanOptions,
  work: () => Promise<T>,
): Promise<T> {
  if (trace === undefined) return await work();
  const span = trace.begin(name, options);
  try {
    const result = await trace.within(span, work);
    span.end();
    return result;
  } catch (error) {
    span.end({ 'error.type': error instanceof Error ? error.name : 'unknown' }, true);
    throw error;
  }
}
