import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import {
  AddressNotAllowed,
  bareHost,
  checkedLookup,
  isAllowedAddress,
  isAllowedUrl,
  type AddressRules,
} from './public-addresses.ts';

/**
 * Time-out of one request in milliseconds. It includes connecting, sending the request, and
 * receiving the response.
 */
const timeoutMs = 10_000;
/**
 * Only the status of a response is used; the connection is closed after this many bytes of the
 * body.
 */
const maxResponseBytes = 16_384;

/** The outcome of a POST to an address that somebody has entered. */
export type PostResult =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** The address is not allowed, so no request was sent. */
  | { readonly kind: 'not_allowed'; readonly reason: string };

/** An HTTP client for addresses on the public internet, with time-outs and address checks. */
export class GuardedClient {
  readonly #rules: AddressRules;
  readonly #lookup: ReturnType<typeof checkedLookup>;
  readonly #agents: { readonly http: http.Agent; readonly https: https.Agent };

  constructor(rules: AddressRules, lookup = checkedLookup(rules)) {
    this.#rules = rules;
    this.#lookup = lookup;
    // The number of sockets per host is not limited, so that receivers on the same host do not wait
    // for each other.
    const options = { keepAlive: true, maxFreeSockets: 2 };
    this.#agents = { http: new http.Agent(options), https: new https.Agent(options) };
  }

  /** Sends a JSON body by POST and follows no redirects. Never throws. */
  async post(
    url: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<PostResult> {
    const host = URL.canParse(url) ? bareHost(new URL(url)) : url;
    // Node does not call `lookup` when the host is an IP address, so check the address here.
    const isBlocked = isIP(host) !== 0 && !isAllowedAddress(host, this.#rules);
    if (isBlocked || !isAllowedUrl(url, this.#rules)) {
      return { kind: 'not_allowed', reason: new AddressNotAllowed(host).message };
    }
    try {
      const status = await this.#send(new URL(url), body, {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        ...headers,
      });
      return { kind: 'answered', status };
    } catch (error) {
      const reason = error instanceof Error ? error.message || error.name : String(error);
      const kind = error instanceof AddressNotAllowed ? 'not_allowed' : 'unreachable';
      return { kind, reason: reason.slice(0, 200) };
    }
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #send(url: URL, body: string, headers: http.OutgoingHttpHeaders): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const secure = url.protocol === 'https:';
    const request = (secure ? https : http).request(url, {
      method: 'POST',
      headers,
      agent: secure ? this.#agents.https : this.#agents.http,
      lookup: this.#lookup as never,
    });
    // The time limit applies to the whole request and response, so that a receiver cannot extend it
    // by sending the response slowly.
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), timeoutMs);
    request.on('error', reject);
    request.on('response', (response) => {
      let read = 0;
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read > maxResponseBytes) response.destroy();
      });
      response.on('error', () => undefined);
      response.on('close', () => resolve(response.statusCode ?? 0));
    });
    request.end(body);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
