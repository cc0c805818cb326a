import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';

export interface StreamEvent {
  readonly event: string;
  /** Its place in the audit log. */
  readonly id: number;
  readonly data: Readonly<Record<string, unknown>>;
  /** Milliseconds of performance.now() when it was heard. */
  readonly at: number;
}

/** A client of an event stream that notes what it hears. */
export interface Watcher {
  readonly status: number;
  readonly response: IncomingMessage;
  readonly events: readonly StreamEvent[];
  /** Everything that came, as text. */
  text(): string;
  /** The first event, heard or to come, that fits; rejects after 10 s and when the stream ends. */
  heard(fits: (event: StreamEvent) => boolean): Promise<StreamEvent>;
  /** Resolves when the service has ended the stream; rejects when it was cut off. */
  readonly ended: Promise<void>;
  end(): void;
}

const maxWaitMs = 10_000;

/** Opens the event stream of a campaign, on a connection of its own. */
export async function watch(
  url: string,
  campaignId: string,
  headers: Record<string, string> = {},
): Promise<Watcher> {
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
