import { request } from 'node:http';
import type { Agent, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { SignJWT, type JWTPayload } from 'jose';
import type { Contract } from './contract.ts';

/** A response body with a loose type, because the contract checks each body against its schema. */
export interface Body {
  readonly [field: string]: unknown;
  readonly id: string;
  readonly status: string;
  readonly code: string;
  readonly items: readonly Body[];
  readonly next_cursor: string | null;
  readonly errors: readonly { readonly field: string; readonly message: string }[];
  readonly params: Readonly<Record<string, unknown>>;
}

export interface ClientResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Body;
}

export interface RequestOptions {
  readonly method: string;
  /**
   * The path below /api/sambatan. A path with two leading slashes starts at the root instead. It is
   * sent unchanged.
   */
  readonly path: string;
  /** The body of the request. It is sent as JSON, unless it is text or bytes. */
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
  /** The time limit for the response in milliseconds; default 20,000. */
  readonly timeoutMs?: number;
}

/** What all clients of one service have in common. */
export interface Connection {
  readonly url: string;
  readonly agent: Agent;
  /** If undefined, responses are not checked. */
  readonly contract?: Contract | undefined;
  /** Values that must never be logged, such as tokens, postal addresses and notes. */
  readonly secrets: Set<string>;
}

/**
 * A client of a listening service. Every response is checked against the service's OpenAPI
 * document.
 */
export class Client {
  readonly userId: string;
  /** The access token; undefined for a visitor. */
  get token(): string | undefined {
    return this.#token;
  }

  readonly #connection: Connection;
  readonly #token: string | undefined;

  constructor(connection: Connection, bearer?: string, userId = '') {
    this.#connection = connection;
    this.#token = bearer;
    this.userId = userId;
    if (bearer !== undefined) connection.secrets.add(bearer);
  }

  get(path: string, headers: OutgoingHttpHeaders = {}): Promise<ClientResponse> {
    return this.send({ method: 'GET', path, headers });
  }

  post(path: string, body?: unknown, headers: OutgoingHttpHeaders = {}): Promise<ClientResponse> {
    return this.send({ method: 'POST', path, body, headers });
  }

  patch(path: string, body?: unknown): Promise<ClientResponse> {
    return this.send({ method: 'PATCH', path, body });
  }

  /** Sends one request. Rejects if the response does not arrive in time. */
  async send({
    method,
    path,
    body,
    headers = {},
    timeoutMs = 20_000,
  }: RequestOptions): Promise<ClientResponse> {
    const { url, agent, contract } = this.#connection;
    this.#noteSecrets(body);
    const raw = typeof body === 'string' || Buffer.isBuffer(body);
    const bytes = body === undefined ? undefined : raw ? body : JSON.stringify(body);
    const whole = path.startsWith('//') ? path.slice(1) : `/api/sambatan${path}`;
    const answer = await exchange(url, {
      agent,
      method,
      path: whole,
      bytes,
      timeoutMs,
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(bytes === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
        ...headers,
      },
    });
    contract?.check({ method, path: whole, ...answer });
    const json = /json/.test(answer.headers['content-type'] ?? '') && answer.text !== '';
    return { ...answer, body: (json ? JSON.parse(answer.text) : {}) as Body };
  }

  #noteSecrets(body: unknown): void {
    if (typeof body !== 'object' || body === null) return;
    const { shipping_address, note } = body as Record<string, unknown>;
    for (const text of [shipping_address, note]) {
      if (typeof text === 'string' && text.trim().length >= 10) {
        this.#connection.secrets.add(text.trim());
      }
    }
  }
}

interface Exchange {
  readonly agent: Agent;
  readonly method: string;
  readonly path: string;
  readonly bytes: string | Buffer | undefined;
  readonly headers: OutgoingHttpHeaders;
  readonly timeoutMs: number;
}

async function exchange(url: string, sending: Exchange) {
  const { agent, method, path, bytes, headers, timeoutMs: timeout } = sending;
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<Omit<ClientResponse, 'body'>>();
  const asked = request({ hostname, port, agent, method, path, headers, timeout });
  asked.on('error', reject);
  asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer`)));
  asked.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: Buffer.concat(chunks).toString(),
      }),
    );
  });
  asked.end(bytes);
  return await promise;
}

export const issuer = 'https://identity.example/auth/v1';
export const jwtSecret = 'a secret for tokens of at least 32 bytes';

export interface TokenOptions {
  readonly claims?: JWTPayload;
  readonly secret?: string;
  readonly issuer?: string;
  readonly audience?: string;
  /** Lifetime of the token in seconds from now. */
  readonly expiresIn?: number;
}

/** A token like those that Supabase Auth issues; by default it is valid. */
export async function token(userId: string, wish: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const proved = { amr: [{ method: 'otp', timestamp: now }] };
  const email = `${userId}@example.org`;
  return await new SignJWT({ role: 'authenticated', email, ...proved, ...wish.claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(userId)
    .setIssuer(wish.issuer ?? issuer)
    .setAudience(wish.audience ?? 'authenticated')
    .setIssuedAt(now)
    .setExpirationTime(now + (wish.expiresIn ?? 3_600))
    .sign(new TextEncoder().encode(wish.secret ?? jwtSecret));
}
