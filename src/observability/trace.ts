/** Numbers, words of ours and names of routes or statements; never anything that a person typed. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Something that took time, as a part of a trace. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Ends it, with what is known by then; an error is told by its kind alone. */
  end(attributes?: Attributes, failed?: boolean): void;
}

export type SpanKind = 'server' | 'client' | 'internal';

/** What a span is a part of; `isKept: false` means that nothing of this trace is sent. */
export interface Parent extends Pick<Span, 'traceId' | 'spanId'> {
  readonly isKept?: boolean;
}

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** Undefined: whatever is under way where it begins; null: nothing is. */
  readonly parent?: Parent | null | undefined;
  /** What else it is part of. */
  readonly links?: readonly Pick<Span, 'traceId' | 'spanId'>[];
}

/** Where spans are made and go; there is none unless traces were asked for. */
export interface Trace {
  begin(name: string, options?: SpanOptions): Span;
  /** Runs what follows as a part of a span. */
  within<T>(span: Span, work: () => T): T;
  current(): Span | undefined;
  /** Sends what is left. Idempotent. */
  close(): Promise<void>;
}

/** Does some work as a span of its own where there are traces, and just does it where not. */
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
