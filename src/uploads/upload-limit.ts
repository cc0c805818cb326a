import type { Readable } from 'node:stream';
import { DomainError } from '../errors/errors.ts';
import { limits } from '../config/limits.ts';

/** The minimum speed that an upload must have. */
export interface UploadSpeed {
  /** Time in milliseconds before the speed is checked for the first time. */
  readonly graceMs: number;
  /** Minimum average number of bytes per second after that time. */
  readonly minBytesPerSecond: number;
}

export const uploadSpeed: UploadSpeed = { graceMs: 10_000, minBytesPerSecond: 2_048 };

/** Interval in milliseconds of the check for slow uploads. */
const checkMs = 1_000;
/** Seconds after which a refused caller should try again (Retry-After). */
const retrySeconds = 5;

/** One multipart form that is being received or answered. */
export interface OpenUpload {
  readonly owner: string | undefined;
  readonly since: number;
  bytes: number;
  isComplete: boolean;
  /** The reason why the upload was aborted; undefined if it was not aborted. */
  failure: DomainError | undefined;
  /** The stream of the file that is being read. */
  source: Readable | undefined;
}

/**
 * Limits the memory that uploads use. It counts only bytes that have arrived. So connections that
 * send almost nothing do not block other uploads, and they are aborted because they are too slow.
 * When the memory limit is reached, the slowest incomplete upload is aborted.
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

  /** Number of forms that are being received or answered. */
  get underWay(): number {
    return this.#open.size;
  }

  /**
   * Starts an upload. `owner` is the account that sends the upload. Uploads with the same owner are
   * counted together; uploads without an owner are not counted. Throws `rate_limited` when the
   * account already has the maximum number of uploads in progress.
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

  /**
   * Counts bytes of an upload that are now in memory. If the upload was aborted, throws the reason.
   */
  add(upload: OpenUpload, bytes: number): void {
    upload.bytes += bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes && this.#makeRoom());
    if (this.#bytes > this.#maxBytes) this.#fail(upload, new DomainError('overloaded', {}));
    if (upload.failure !== undefined) throw upload.failure;
  }

  /** Ends an upload whose request was answered, and no longer counts its bytes. Idempotent. */
  end(upload: OpenUpload): void {
    if (!this.#open.delete(upload)) return;
    this.#bytes -= upload.bytes;
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Aborts the slowest incomplete upload; returns false when there is none. */
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

  /**
   * Aborts an upload and frees its memory at once: the code that reads the upload gets an error.
   */
  #fail(upload: OpenUpload, failure: DomainError): void {
    if (upload.failure !== undefined) return;
    upload.failure = failure;
    this.#bytes -= upload.bytes;
    upload.bytes = 0;
    upload.source?.destroy(failure);
  }
}
