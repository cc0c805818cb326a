/**
 * Attributes of a span: numbers, fixed words, and names of routes or statements. They never contain
 * what a user typed.
 */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** An operation of a trace, with its start and end. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Ends the span and adds attributes. An error is recorded only with its type. */
  end(attributes?: Attributes, failed?: boolean): void;
}

export type SpanKind = 'server' | 'client' | 'internal';

/** The parent of a span. `isKept: false` means that the trace is not exported. */
export interface Parent extends Pick<Span, 'traceId' | 'spanId'> {
  readonly isKept?: boolean;
}

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** The parent: undefined for the current span, null for none. */
  readonly parent?: Parent | null | undefined;
  /** Other spans that are related to this one. */
  readonly links?: readonly Pick<Span, 'traceId' | 'spanId'>[];
}

/** Creates and exports spans. It exists only if tracing is configured. */
export interface Trace {
  begin(name: string, options?: SpanOptions): Span;
  /** Runs `work`; during it, this span is the current one. */
  within<T>(span: Span, work: () => T): T;
  current(): Span | undefined;
  /** Sends the spans that are still waiting. Idempotent. */
  close(): Promise<void>;
}

/** Runs `work` in a new span; without tracing, only runs it. */
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
