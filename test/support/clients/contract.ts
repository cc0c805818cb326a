import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { Compile } from 'typebox/compile';

interface Media {
  readonly schema: object;
}
interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, Media>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: object;
}
export interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, Response>>;
}

/** The parts of `GET /api/docs/json` that the tests read. */
export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** An HTTP response before its body is parsed. */
export interface RawResponse {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface DescribedOperation {
  /** Method and path template, such as `POST /api/sambatan/campaigns/{id}/join`. */
  readonly route: string;
  readonly method: string;
  readonly template: string;
  readonly shape: RegExp;
  readonly operation: Operation;
}

const problemType = 'application/problem+json';
/** The code for each status of refusals that are sent before a route is found, or without one. */
const withoutRoute: Readonly<Record<number, string>> = {
  400: 'malformed_request',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};

/** Checks every response against the service's OpenAPI document. */
export class Contract {
  readonly document: OpenApi;
  readonly operations: readonly DescribedOperation[];
  /**
   * `route code` for every problem document so far, and `route status` for every success so far.
   */
  readonly seen = new Set<string>();
  readonly #validators = new Map<object, ReturnType<typeof Compile>>();

  constructor(document: OpenApi) {
    this.document = document;
    this.operations = Object.entries(document.paths).flatMap(([template, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        route: `${method.toUpperCase()} ${template}`,
        method: method.toUpperCase(),
        template,
        shape: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]{0,500}')}$`),
        operation,
      })),
    );
  }

  /** The documented operation of a request; undefined if the document has none. */
  operationFor(method: string, path: string): DescribedOperation | undefined {
    const [bare = ''] = path.split('?');
    const typed = decoded(bare);
    return this.operations.find((one) => one.method === method && one.shape.test(typed));
  }

  /** Throws unless the OpenAPI document allows the response. */
  check(answer: RawResponse): void {
    const { method, path, status, text } = answer;
    if (method === 'HEAD' || method === 'OPTIONS') return;
    const found = this.operationFor(method, path);
    const what = `${method} ${path.slice(0, 200)} → ${status} ${text.slice(0, 500)}`;
    // The bytes of a picture or of a hash may contain any word by chance.
    if (!isPicture(answer)) {
      assert.doesNotMatch(text.replaceAll(hashes, ''), leaks, `${what} shows its inside`);
    }
    if (found === undefined) {
      if (!path.startsWith('/api/sambatan/')) return;
      assert.equal((JSON.parse(text) as { code: string }).code, withoutRoute[status], what);
      this.#checkProblem(answer, what);
      return;
    }
    const promised = found.operation.responses[status];
    assert.ok(promised, `${what}: the status is not declared`);
    if (status === 204 || status === 304) {
      assert.equal(text, '', what);
      this.seen.add(`${found.route} ${status}`);
      return;
    }
    const type = mediaType(answer.headers);
    const media = promised.content?.[type];
    assert.ok(media, `${what}: ${type} is not declared`);
    if (!type.includes('json')) {
      this.seen.add(`${found.route} ${status}`);
      return;
    }
    const body: unknown = JSON.parse(text);
    const validator = this.#validator(media.schema);
    assert.ok(validator.Check(body), `${what}: ${JSON.stringify(validator.Errors(body))}`);
    if (type !== problemType) {
      this.seen.add(`${found.route} ${status}`);
      return;
    }
    const { code } = this.#checkProblem(answer, what);
    assert.ok(codesOf(promised.description).includes(code), `${what}: ${code} is not declared`);
    this.seen.add(`${found.route} ${code}`);
  }

  #checkProblem({ headers, status, text }: RawResponse, what: string): { code: string } {
    assert.equal(mediaType(headers), problemType, what);
    const problem = JSON.parse(text) as Record<string, unknown>;
    assert.equal(problem['status'], status, what);
    assert.equal(problem['instance'], headers['x-request-id'], what);
    assert.equal(problem['type'], `urn:sambatan:problem:${String(problem['code'])}`, what);
    assert.equal(status === 401, headers['www-authenticate'] !== undefined, what);
    if (status === 429 || status === 503) assert.match(headers['retry-after'] ?? '', /^[1-9]\d*$/);
    for (const { field, message } of (problem['errors'] ?? []) as Record<string, string>[]) {
      assert.ok(typeof field === 'string' && message !== undefined && message.length > 3, what);
    }
    return problem as { code: string };
  }

  #validator(schema: object) {
    const known = this.#validators.get(schema) ?? Compile(schema);
    this.#validators.set(schema, known);
    return known;
  }
}

/**
 * The path without percent-encoding, because the length limit of a parameter is that of its text.
 */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path.replaceAll(/%2f/gi, '_'));
  } catch {
    return path;
  }
}

/** The codes in the description of a response. */
export function codesOf(description: string): string[] {
  return [...description.matchAll(/`(\w+)`/g)].map(([, code = '']) => code);
}

/** 32 bytes in base64, as the public log has them, and receipts. */
const hashes = /"[A-Za-z0-9+/]{43}="|SBT1\.[\w-]+/g;

/** Text that no response may contain: stack traces, SQL, names of the schema and the driver. */
const leaks =
  /node_modules|\bat \S+ \(|\.ts:\d|\bselect\b.+\bfrom\b|insert into|sambatan\.\w|pg_|SQLSTATE|SB00|\bECONN|postgres/i;

/** The first bytes of each picture format. The declared media type is not trusted. */
const beginnings: Readonly<Record<string, RegExp>> = {
  'image/webp': /^RIFF/,
  'image/png': /^.PNG/,
  'image/jpeg': /^[\u00ff\ufffd]{2}/,
};

function isPicture({ headers, text }: RawResponse): boolean {
  return beginnings[mediaType(headers)]?.test(text) ?? false;
}

function mediaType(headers: IncomingHttpHeaders): string {
  return headers['content-type']?.split(';')[0] ?? 'nothing';
}
