// The load generator of `npm run overload`, in a separate process. It receives jobs over IPC and
// answers each with its results. It uses raw sockets, because it must send ten times as many
// requests as the service can answer, with less processor time than the service.
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { sessionToken, type LoadResult, type Job, type Kind, type Latency } from './job.ts';

/** Maximum time to wait for the responses to requests in flight after the end of a load. */
const maxWaitMs = 20_000;
const sliceMs = 100;
/** The number of the user who sends the next join form. */
let nextBuyer = 0;
const endOfHead = Buffer.from('\r\n\r\n');

process.on('message', (jobs: readonly Job[]) => {
  Promise.all(jobs.map((job) => new Crowd(job).run())).then(
    (heard) => process.send?.({ heard }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : error }),
  );
});
process.on('disconnect', () => process.exit(0));

interface Slice {
  good: number;
  sheds: number;
  longest: number;
}

class Crowd {
  readonly #job: Job;
  /** Each kind as often as its weight. Requests use these entries in turn, repeatedly. */
  readonly #turns: readonly Kind[];
  readonly #idle: Line[] = [];
  readonly #lines = new Set<Line>();
  readonly #answers: Record<string, number> = {};
  readonly #good: number[] = [];
  readonly #shed: number[] = [];
  readonly #firstShed: number[] = [];
  readonly #rejectedIds: string[] = [];
  readonly #course: Slice[] = [];
  #sent = 0;
  #unsent = 0;
  #withoutRetryAfter = 0;
  #stray = 0;
  #unanswered = 0;
  #underWay = 0;
  #goodInTime = 0;
  #began = 0;
  #isOver = false;
  #done: () => void = () => undefined;

  constructor(job: Job) {
    this.#job = job;
    this.#turns = job.kinds.flatMap((kind) => Array<Kind>(kind.weight).fill(kind));
  }

  async run(): Promise<LoadResult> {
    const { load, seconds, rampSeconds } = this.#job;
    this.#began = performance.now();
    const before = process.cpuUsage();
    const all = new Promise<void>((done) => (this.#done = done));
    if ('connections' in load) {
      for (let n = 0; n < load.connections; n++) this.#send(this.#open());
    } else {
      this.#pace(load.rate);
    }
    await new Promise((go) => setTimeout(go, rampSeconds * 1_000));
    this.#goodInTime = 0;
    const measuredFrom = performance.now();
    await new Promise((go) => setTimeout(go, seconds * 1_000));
    const measured = (performance.now() - measuredFrom) / 1_000;
    const { user, system } = process.cpuUsage(before);
    this.#isOver = true;
    const elapsed = (performance.now() - this.#began) / 1_000;
    const late = setTimeout(this.#done, maxWaitMs);
    if (this.#underWay > 0) await all;
    clearTimeout(late);
    this.#unanswered += this.#underWay;
    for (const { socket } of this.#lines) socket.destroy();
    return {
      sent: this.#sent,
      unsent: this.#unsent,
      answers: this.#answers,
      goodput: this.#goodInTime / measured,
      good: latency(this.#good),
      shed: latency(this.#shed),
      firstShed: latency(this.#firstShed),
      rejectedIds: this.#rejectedIds,
      withoutRetryAfter: this.#withoutRetryAfter,
      stray: this.#stray,
      unanswered: this.#unanswered,
      course: this.#course,
      ownCores: (user + system) / 1e6 / elapsed,
    };
  }

  /** Sends all due requests, whether or not earlier ones were answered. */
  #pace(rate: number): void {
    // The timer may fire once after the end. A request that is sent then would not be counted.
    if (this.#isOver) return;
    const due = Math.floor(((performance.now() - this.#began) / 1_000) * rate);
    while (this.#sent + this.#unsent < due) {
      const line = this.#takeIdle() ?? this.#mayOpen();
      if (line === undefined) this.#unsent++;
      else this.#send(line);
    }
    setTimeout(() => this.#pace(rate), 1);
  }

  /** Returns any client that may send a request. */
  #takeIdle(): Line | undefined {
    const last = this.#idle.pop();
    if (last === undefined || this.#idle.length === 0) return last;
    const at = Math.floor(Math.random() * (this.#idle.length + 1));
    if (at === this.#idle.length) return last;
    const taken = this.#idle[at]!;
    this.#idle[at] = last;
    return taken;
  }

  #mayOpen(): Line | undefined {
    const { load } = this.#job;
    const most = 'rate' in load ? load.mostConnections : 0;
    return this.#lines.size < most ? this.#open() : undefined;
  }

  /** The client may send its next request. */
  #free(line: Line): void {
    if (this.#isOver || line.socket.destroyed) return;
    if ('connections' in this.#job.load) this.#send(line);
    else this.#idle.push(line);
  }

  #open(isObedient = this.#lines.size % 10 < this.#job.obedient * 10): Line {
    const line = new Line(this.#job.port, isObedient, {
      answered: (kind, answer) => {
        this.#note(kind, answer);
        this.#underWay--;
        if (this.#isOver) {
          this.#ended();
          return;
        }
        if (answer.closes) line.socket.destroy();
        const next = answer.closes ? this.#open(line.isObedient) : line;
        if (answer.retryAfterMs > 0) next.retryAt = performance.now() + answer.retryAfterMs;
        const waitMs = next.isObedient ? answer.retryAfterMs : 0;
        if (waitMs > 0) setTimeout(() => this.#free(next), waitMs);
        else this.#free(next);
      },
      strayed: () => this.#stray++,
      gone: (hadRequest) => {
        this.#lines.delete(line);
        const at = this.#idle.indexOf(line);
        if (at >= 0) this.#idle.splice(at, 1);
        if (!hadRequest) return;
        this.#unanswered++;
        this.#underWay--;
        if (this.#isOver) this.#ended();
      },
    });
    this.#lines.add(line);
    return line;
  }

  #ended(): void {
    if (this.#underWay === 0) this.#done();
  }

  #send(line: Line): void {
    const kind = this.#turns[this.#sent++ % this.#turns.length]!;
    // Nobody sends two join forms, because the second one asks for a confirmation.
    line.send(kind, kind.body === undefined ? this.#sent : nextBuyer++);
    this.#underWay++;
  }

  #note(kind: Kind, answer: Answer): void {
    const { status, code, retryAfterMs, waitedMs: waited, isFirst, id } = answer;
    const what = `${kind.name} ${status} ${code}`.trim();
    this.#answers[what] = (this.#answers[what] ?? 0) + 1;
    const at = Math.floor((performance.now() - this.#began) / sliceMs);
    const slice = (this.#course[at] ??= { good: 0, sheds: 0, longest: 0 });
    if (status === kind.good) {
      this.#good.push(waited);
      slice.good++;
      slice.longest = Math.max(slice.longest, waited);
      if (!this.#isOver) this.#goodInTime++;
    } else if (status === 503) {
      this.#shed.push(waited);
      if (isFirst) this.#firstShed.push(waited);
      if (id !== undefined && code !== 'outcome_unknown') this.#rejectedIds.push(id);
      slice.sheds++;
      if (retryAfterMs === 0) this.#withoutRetryAfter++;
    }
  }
}

interface Answer {
  readonly status: number;
  /** The error code of a 503 response; empty for other responses. */
  readonly code: string;
  /** The value of `Retry-After`; 0 if there is none. */
  readonly retryAfterMs: number;
  /** False if the request was sent before an earlier `Retry-After` had passed. */
  readonly isFirst: boolean;
  /** The new id in the body of the request. */
  readonly id: string | undefined;
  /** The connection accepts no further request (RFC 9112, section 9.6). */
  readonly closes: boolean;
  readonly waitedMs: number;
}

interface Ears {
  answered(kind: Kind, answer: Answer): void;
  /** Bytes arrived without a request in flight. */
  strayed(): void;
  gone(hadRequest: boolean): void;
}

/** One connection with at most one request in flight. */
class Line {
  readonly socket: Socket;
  /** True for a client that waits as long as `Retry-After` demands. */
  readonly isObedient: boolean;
  /** The time before which the client should not send a request. */
  retryAt = 0;
  readonly #ears: Ears;
  #kind: Kind | undefined;
  #id: string | undefined;
  #sentAt = 0;
  #heard: Buffer | undefined;

  constructor(port: number, isObedient: boolean, ears: Ears) {
    this.isObedient = isObedient;
    this.#ears = ears;
    this.socket = connect(port, '127.0.0.1').setNoDelay(true);
    this.socket.on('data', (chunk: Buffer) => this.#hear(chunk));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => ears.gone(this.#kind !== undefined));
  }

  send(kind: Kind, number: number): void {
    this.#kind = kind;
    this.#sentAt = performance.now();
    this.#id = kind.body && randomUUID();
    const body = this.#id === undefined ? '' : kind.body!.join(this.#id);
    const length = kind.body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    const who =
      kind.people === undefined ? '' : `Cookie: sambatan=${sessionToken(number % kind.people)}\r\n`;
    this.socket.write(`${kind.head}${who}${length}\r\n${body}`, 'latin1');
  }

  #hear(chunk: Buffer): void {
    const heard = this.#heard === undefined ? chunk : Buffer.concat([this.#heard, chunk]);
    const kind = this.#kind;
    if (kind === undefined) return this.#ears.strayed();
    const length = lengthOf(heard);
    if (length === undefined) {
      this.#heard = heard;
      return;
    }
    if (heard.length > length) this.#ears.strayed();
    this.#heard = undefined;
    this.#kind = undefined;
    const status = Number(heard.toString('latin1', 9, 12));
    const text = status === 503 ? heard.toString('latin1') : '';
    this.#ears.answered(kind, {
      status,
      code: status === 503 ? codeOf(text) : '',
      retryAfterMs: Number(/\r\nretry-after: (\d+)/i.exec(text)?.[1] ?? 0) * 1_000,
      isFirst: this.#sentAt >= this.retryAt,
      id: this.#id,
      closes: status === 503 && /\r\nconnection: close/i.test(text),
      waitedMs: performance.now() - this.#sentAt,
    });
  }
}

/**
 * Returns the error code of a 503 response. The pages for browsers contain no code, but a response
 * of load shedding has no request id.
 */
function codeOf(text: string): string {
  if (/\r\nx-request-id: none\r\n/i.test(text)) return 'overloaded';
  return /"code":"(\w+)"/.exec(text)?.[1] ?? 'page';
}

/**
 * Returns the length of a response, from its header or its last chunk; undefined while the response
 * is incomplete.
 */
function lengthOf(heard: Buffer): number | undefined {
  const end = heard.indexOf(endOfHead);
  if (end < 0) return undefined;
  const head = heard.toString('latin1', 0, end);
  const told = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  const whole = heard.toString('latin1', heard.length - 5) === '0\r\n\r\n';
  const length = told === undefined ? heard.length : end + 4 + Number(told);
  return heard.length >= length && (told !== undefined || whole) ? length : undefined;
}

function latency(milliseconds: readonly number[]): Latency {
  const sorted = Float64Array.from(milliseconds).sort();
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
