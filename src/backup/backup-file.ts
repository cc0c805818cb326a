import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import type { AppliedMigration } from '../quarantine/queries.ts';

/**
 * The file that `sambatan backup` writes, in format 1. It is UTF-8 text, compressed with gzip, in
 * lines that end with "\n".
 *
 *     {"format":"sambatan-backup","version":1, …}    BackupHeader
 *     {"table":"sambatan.brands","columns":["brand_id", …]}
 *     …                                              rows as COPY … TO STDOUT writes them (text)
 *     \.
 *     {"rows":12,"sha256":"…"}                       of the rows of this table
 *     …                                              and so on for each table
 *     {"end":true,"tables":40,"rows":123456}
 *
 * The file contains the rows of the service's schemas but not the definitions of the tables: the
 * migrations that the header names create the tables. docs/operations.md describes the file for
 * operators.
 */
export interface BackupHeader {
  readonly format: 'sambatan-backup';
  readonly version: 1;
  /** When the backup was started, in ISO 8601 format. */
  readonly begun_at: string;
  /** The server's version in the form of `server_version`, such as `18.4`. */
  readonly postgresql: string;
  /** The migrations that create the schema for the rows. */
  readonly migrations: readonly AppliedMigration[];
  readonly tables: number;
  readonly sequences: readonly SequenceState[];
}

export interface SequenceState {
  /** The name of the sequence, quoted for SQL, such as `sambatan.some_seq`. */
  readonly name: string;
  readonly last_value: string;
  readonly is_called: boolean;
}

export interface TableHeader {
  /** The name of the table, quoted for SQL, such as `sambatan.brands`. */
  readonly table: string;
  /** The names of the columns, not quoted. Generated columns are left out. */
  readonly columns: readonly string[];
}

export interface TableFooter {
  readonly rows: number;
  readonly sha256: string;
}

export interface BackupFooter {
  readonly end: true;
  readonly tables: number;
  readonly rows: number;
}

/**
 * The line after the last row of a table. No row can look like this line, because COPY escapes
 * backslashes.
 */
export const endOfRows = '\\.\n';

/** The file is not a complete backup. The message describes what is wrong. */
export class BackupDamaged extends Error {
  constructor(file: string, what: string) {
    super(`${file} is not a complete backup: ${what}`);
    this.name = 'BackupDamaged';
  }
}

/**
 * Returns which program wrote the file, which its first bytes show. Throws when it is not a backup.
 */
export async function formatOf(file: string): Promise<'sambatan' | 'pg_dump'> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(5), 0, 5, 0);
    const start = buffer.subarray(0, bytesRead);
    if (start[0] === 0x1f && start[1] === 0x8b) return 'sambatan';
    if (start.toString('latin1') === 'PGDMP') return 'pg_dump';
  } finally {
    await handle.close();
  }
  throw new Error(`${file} was not made by sambatan backup`);
}

/** Counts the rows of one table and computes their hash while they are written or read. */
export class RowCounter {
  rows = 0;
  readonly #hash = createHash('sha256');

  add(chunk: Buffer): void {
    this.#hash.update(chunk);
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) this.rows++;
  }

  footer(): TableFooter {
    return { rows: this.rows, sha256: this.#hash.digest('hex') };
  }
}

const maxLineBytes = 4 * 1024 * 1024;

/** Reads a backup once, from beginning to end. Throws BackupDamaged. */
export class BackupReader {
  readonly #file: string;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #close: () => void;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
    const source = createReadStream(file);
    const unpacked = createGunzip();
    source.on('error', (error) => unpacked.destroy(error));
    source.pipe(unpacked);
    this.#chunks = unpacked[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#close = () => {
      source.destroy();
      unpacked.destroy();
    };
  }

  /** Closes the file. The part that was not read is not verified. */
  close(): void {
    this.#close();
  }

  async header(): Promise<BackupHeader> {
    const header = await this.#line<Partial<BackupHeader>>();
    if (header.format !== 'sambatan-backup') {
      throw new Error(`${this.#file} was not made by sambatan backup`);
    }
    if (header.version !== 1) {
      throw new Error(
        `${this.#file} has format ${String(header.version)}, and this version of Sambatan reads ` +
          'format 1: restore it with the version that wrote it, or a newer one',
      );
    }
    return header as BackupHeader;
  }

  /** Returns the header of the next table, or the footer when the backup has no further table. */
  async next(): Promise<TableHeader | BackupFooter> {
    const line = await this.#line<TableHeader | BackupFooter>();
    if ('end' in line) await this.#expectEnd();
    return line;
  }

  /**
   * Yields the rows of the table whose header `next` returned, in chunks of any size. Verifies the
   * rows after the last chunk.
   */
  async *rows(table: string): AsyncGenerator<Buffer> {
    const counter = new RowCounter();
    for (let atLineStart = true; ;) {
      const end = this.#endOfRows(atLineStart);
      // Keep the last three bytes, because they may be the beginning of the end-of-rows marker.
      const ready = end ?? Math.max(0, this.#buffer.length - endOfRows.length);
      if (ready > 0) {
        const piece = this.#buffer.subarray(0, ready);
        this.#buffer = this.#buffer.subarray(ready);
        atLineStart = piece.at(-1) === 10;
        counter.add(piece);
        yield piece;
      }
      if (end !== undefined) break;
      if (!(await this.#fill())) throw this.#damaged('it ends within a table');
    }
    this.#buffer = this.#buffer.subarray(endOfRows.length);
    const { rows, sha256 } = await this.#line<TableFooter>();
    const found = counter.footer();
    if (found.rows !== rows || found.sha256 !== sha256) {
      throw this.#damaged(`the rows of ${table} are not those that were written`);
    }
  }

  /**
   * Returns the position of the end-of-rows marker in the buffer; undefined when it is not in the
   * buffer yet.
   */
  #endOfRows(atLineStart: boolean): number | undefined {
    if (atLineStart && this.#buffer.subarray(0, endOfRows.length).toString() === endOfRows) {
      return 0;
    }
    const at = this.#buffer.indexOf(`\n${endOfRows}`);
    return at === -1 ? undefined : at + 1;
  }

  async #line<T>(): Promise<T> {
    for (;;) {
      const end = this.#buffer.indexOf(10);
      if (end !== -1) {
        const text = this.#buffer.subarray(0, end).toString();
        this.#buffer = this.#buffer.subarray(end + 1);
        try {
          return JSON.parse(text) as T;
        } catch {
          throw this.#damaged('it has a line that cannot be read');
        }
      }
      if (this.#buffer.length > maxLineBytes) throw this.#damaged('it has a line that is too long');
      if (!(await this.#fill())) throw this.#damaged('it was cut off');
    }
  }

  async #expectEnd(): Promise<void> {
    // Reading to the end also verifies the gzip checksum, which follows the data.
    if (this.#buffer.length > 0 || (await this.#fill())) {
      throw this.#damaged('something follows its end');
    }
  }

  /** Reads the next chunk; returns false at the end of the file. */
  async #fill(): Promise<boolean> {
    try {
      const { done, value } = await this.#chunks.next();
      if (done) return false;
      this.#buffer = this.#buffer.length === 0 ? value : Buffer.concat([this.#buffer, value]);
      return true;
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (!code.startsWith('Z_')) throw error;
      throw this.#damaged(code === 'Z_BUF_ERROR' ? 'it was cut off' : message);
    }
  }

  #damaged(what: string): BackupDamaged {
    return new BackupDamaged(this.#file, what);
  }
}

/**
 * Reads a backup from beginning to end and verifies all its counts and checksums. Returns the
 * header and the number of rows. Throws BackupDamaged.
 */
export async function verifyBackup(
  file: string,
): Promise<BackupHeader & { readonly rows: number }> {
  const reader = new BackupReader(file);
  try {
    const header = await reader.header();
    for (let tables = 0; ; tables++) {
      const next = await reader.next();
      if ('end' in next) {
        if (next.tables !== tables || tables !== header.tables) {
          throw new BackupDamaged(file, 'tables are missing');
        }
        return { ...header, rows: next.rows };
      }
      for await (const piece of reader.rows(next.table)) void piece;
    }
  } finally {
    reader.close();
  }
}
