import { pino, type Logger } from 'pino';

/** One answered request, as the access log shows it. */
export interface AccessEntry {
  readonly requestId: string;
  readonly method: string;
  /** The pattern of the route, never the URL. */
  readonly route: string;
  readonly status: number;
  /** Duration in milliseconds. */
  readonly elapsedMs: number;
  /** The kind of the caller; undefined if the request ended before the caller was known. */
  readonly caller: string | undefined;
  /** The path parameters of the request. */
  readonly params: unknown;
}

/** The parts of a line that are the same for all requests of one route. */
interface RouteText {
  /** The route as a JSON text. */
  readonly json: string;
  /** The name of the field for the id in the path; undefined if the path has no known id. */
  readonly idField: string | undefined;
}

const level = 'info';
const message = 'answered';

/**
 * Writes one line per answered request, with the fields and the format of the other log lines. The
 * text is put together here and not by pino, because pino serializes each field separately, which
 * takes several times as long. The lines contain no user input, so they need no redaction.
 */
export class AccessLog {
  readonly #log: Logger;
  readonly #output: { write(line: string): unknown };
  /** The fields of every line of this log, such as the name of the service. */
  readonly #bindings: string;
  /** The parts of a line that depend only on the route. */
  readonly #routes = new Map<string, RouteText>();
  #second = 0;
  #secondText = '';

  constructor(log: Logger) {
    this.#log = log;
    const inner = log as unknown as Readonly<Record<symbol, unknown>>;
    this.#output = inner[pino.symbols.streamSym] as { write(line: string): unknown };
    this.#bindings = inner[pino.symbols.chindingsSym] as string;
  }

  write(entry: AccessEntry): void {
    if (!this.#log.isLevelEnabled(level)) return;
    const { requestId, method, route, status, elapsedMs, caller } = entry;
    const ms = Math.round(elapsedMs * 10) / 10;
    const text = this.#textOf(route);
    // Request ids have only letters, digits, `_` and `-`, and the other texts are constants.
    this.#output.write(
      `{"level":"${level}","time":"${this.#time()}"${this.#bindings},"request_id":"${requestId}"` +
        `,"method":"${method}","route":${text.json},"status":${status},"ms":${ms}` +
        `${caller === undefined ? '' : `,"caller":"${caller}"`}${subject(text, entry.params)}` +
        `,"msg":"${message}"}\n`,
    );
  }

  /** Returns the time in ISO 8601. The text of a second is built once. */
  #time(): string {
    const now = Date.now();
    const second = Math.trunc(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1_000).toISOString().slice(0, 20);
    }
    return `${this.#secondText}${String(now % 1_000).padStart(3, '0')}Z`;
  }

  #textOf(route: string): RouteText {
    let text = this.#routes.get(route);
    if (text === undefined) {
      const noun = /\/(campaign|participation|product)s\/:id/.exec(route)?.[1];
      text = { json: JSON.stringify(route), idField: noun && `${noun}_id` };
      this.#routes.set(route, text);
    }
    return text;
  }
}

/** Returns the field with the id of the campaign or participation in the path, if it is valid. */
function subject({ idField }: RouteText, params: unknown): string {
  if (idField === undefined) return '';
  const { id } = (params ?? {}) as { id?: unknown };
  return typeof id === 'string' && /^[0-9a-f-]{36}$/i.test(id) ? `,"${idField}":"${id}"` : '';
}
