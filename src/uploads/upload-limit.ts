import type { Readable } from 'node:stream';
import { DomainError } from '../errors/errors.ts';
import { limits } from '../config/limits.ts';

/** How slow an upload may be. */
export interface UploadSpeed {
  /** An upload gets going within this long. */
  readonly graceMs: number;
  /** After that it has brought at least so many bytes a second, on average. */
  readonly minBytesPerSecond: number;
}

export const uploadSpeed: UploadSpeed = { graceMs: 10_000, minBytesPerSecond: 2_048 };

/** How often slow uploads are looked for. */
const checkMs = 1_000;
/** When a refused caller may come again. */
const retrySeconds = 5;

/** One form with a file that is being received or answered. */
export interface OpenUpload {
  readonly owner: string | undefined;
  readonly since: number;
  bytes: number;
  isComplete: boolean;
  /** Why it was ended before it was complete. */
  failure: DomainError | undefined;
  /** The file that is being read. */
  source: Readable | undefined;
}

/**
 * Bounds uploads by what they really hold: bytes that have arrived. Connections that send next to
 * nothing take no room from others, and are ended. When memory runs short, the slowest upload that
 * is not complete makes room.
 */
export class UploadRoom {
  readonly #open = new Set<OpenUpload>();
  readonly #speed: UploadSpeed;
  readonly #maxBytes: number;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(speed: UploadSpeed = uploadSpeed, maxBytes: number = limits.uploadBytes.max) {
    this.#speed = speed;
    this.#maxBytes = maxBytes;
  }

  /** How many forms with a file are under way. */
  get underWay(): number {
    return this.#open.size;
  }

  /**
   * Begins an upload; `owner` is the account whose uploads are counted together, undefined where
   * they are not. Throws `rate_limited` when the account has as many under way as it may.
   */
  begin(owner: string | undefined): OpenUpload {
    const own = [...this.#open].filter((one) => owner !== undefined && one.owner === owner);
    if (own.length >= limits.uploadsOfUser.max) {
      throw new DomainError('rate_limited', { retry_after_seconds: retrySeconds });
    }
    const upload: OpenUpload = {
      owner,
      since: performance.now(),
      bytes: 0,
      isComplete: false,
      failure: undefined,
      source: undefined,
    };
    this.#open.add(upload);
    this.#timer ??= setInterval(() => this.#endSlow(), checkMs).unref();
    return upload;
  }

  /** Counts bytes that are kept in memory for an upload. Throws why it was ended. */
  add(upload: OpenUpload, bytes: number): void {
    upload.bytes += bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes && this.#makeRoom());
    if (this.#bytes > this.#maxBytes) this.#fail(upload, new DomainError('overloaded', {}));
    if (upload.failure !== undefined) throw upload.failure;
  }

  /** The upload is answered, and nothing of it is kept any more. Idempotent. */
  end(upload: OpenUpload): void {
    if (!this.#open.delete(upload)) return;
    this.#bytes -= upload.bytes;
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Ends the slowest upload that is not complete; false when there is none. */
  #makeRoom(): boolean {
    const now = performance.now();
    const speedOf = (one: OpenUpload) => one.bytes / Math.max(1, now - one.since);
    const [slowest] = [...this.#open]
      .filter((one) => !one.isComplete && one.failure === undefined)
      .toSorted((a, b) => speedOf(a) - speedOf(b));
    if (slowest === undefined) return false;
    this.#fail(slowest, new DomainError('overloaded', {}));
    return true;
  }

  #endSlow(): void {
    const { graceMs, minBytesPerSecond } = this.#speed;
    const now = performance.now();
    for (const upload of this.#open) {
      const secondsLate = (now - upload.since - graceMs) / 1_000;
      const isSlow = secondsLate > 0 && upload.bytes < secondsLate * minBytesPerSecond;
      if (!upload.isComplete && isSlow) this.#fail(upload, new DomainError('request_timeout', {}));
    }
  }

  /** What it holds is free at once: its reader gets an error instead of the rest. */
  #fail(upload: OpenUpload, failure: DomainError): void {
    if (upload.failure !== undefined) return;
    upload.failure = failure;
    this.#bytes -= upload.bytes;
    upload.bytes = 0;
    upload.source?.destroy(failure);
  }
}
