import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';

export interface StreamEvent {
  readonly event: string;
  /** The sequence number of the event in the audit log. */
  readonly id: number;
  readonly data: Readonly<Record<string, unknown>>;
  /** The time at which the event arrived, by performance.now() in milliseconds. */
  readonly at: number;
}

/** A client of an event stream that records what it receives. */
export interface StreamClient {
  readonly status: number;
  readonly response: IncomingMessage;
  readonly events: readonly StreamEvent[];
  /** Everything that was received so far, as text. */
  text(): string;
  /**
   * Resolves to the first matching event, already received or not. Rejects after 10 seconds without
   * one, and when the stream ends.
   */
  heard(fits: (event: StreamEvent) => boolean): Promise<StreamEvent>;
  /** Resolves when the service ends the stream; rejects when the connection breaks. */
  readonly ended: Promise<void>;
  end(): void;
}

const maxWaitMs = 10_000;

/** Opens the event stream of a campaign on a separate connection. */
export async function openStream(
  url: string,
  campaignId: string,
  headers: Record<string, string> = {},
): Promise<StreamClient> {
  const asked = get(`${url}/api/sambatan/campaigns/${campaignId}/events`, {
    agent: false,
    headers,
  });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  let read = 0;
  const events: StreamEvent[] = [];
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  ended.catch(() => undefined);
  response.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (let end = text.indexOf('\n\n', read); end >= 0; end = text.indexOf('\n\n', read)) {
      const event = eventIn(text.slice(read, end));
      if (event !== undefined) events.push(event);
      read = end + 2;
    }
  });
  response.on('end', resolve);
  response.on('error', reject);
  return {
    status: response.statusCode ?? 0,
    response,
    events,
    text: () => text,
    heard: async (fits) => {
      const signal = AbortSignal.timeout(maxWaitMs);
      for (;;) {
        const found = events.find(fits);
        if (found !== undefined) return found;
        if (response.readableEnded) throw new Error(`the stream ended: ${text}`);
        await Promise.race([once(response, 'data', { signal }), ended]);
      }
    },
    ended,
    end: () => response.destroy(),
  };
}

function eventIn(block: string): StreamEvent | undefined {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
  );
  const [event, id, data] = [fields.get('event'), fields.get('id'), fields.get('data')];
  if (event === undefined) return undefined;
  return {
    event,
    id: Number(id),
    data: JSON.parse(data ?? '') as Record<string, unknown>,
    at: performance.now(),
  };
}
