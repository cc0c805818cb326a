import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import type { AppliedMigration } from '../quarantine/queries.ts';

/**
 * The file that `sambatan backup` writes, format 1: text in UTF-8, compressed with gzip, in lines
 * that end with "\n".
 *
 *     {"format":"sambatan-backup","version":1, …}    BackupHeader
 *     {"table":"sambatan.brands","columns":["brand_id", …]}
 *     …                                              rows as COPY … TO STDOUT writes them (text)
 *     \.
 *     {"rows":12,"sha256":"…"}                       of the lines between the two above
 *     …                                              and so on for each table
 *     {"end":true,"tables":40,"rows":123456}
 *
 * It has the rows of our schemas and no definitions: those come from the migrations that the header
 * names. docs/operations.md describes it for people.
 */
export interface BackupHeader {
  readonly format: 'sambatan-backup';
  readonly version: 1;
  /** ISO 8601. */
  readonly begun_at: string;
  /** As `server_version`, such as `18.4`. */
  readonly postgresql: string;
  /** The migrations that create the schema of the rows. */
  readonly migrations: readonly AppliedMigration[];
  readonly tables: number;
  readonly sequences: readonly SequenceState[];
}

export interface SequenceState {
  /** Quoted as SQL needs it, such as `sambatan.some_seq`. */
  readonly name: string;
  readonly last_value: string;
  readonly is_called: boolean;
}

export interface TableHeader {
  /** Quoted as SQL needs it, such as `sambatan.brands`. */
  readonly table: string;
  /** Not quoted; without generated columns. */
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

/** Ends the rows of a table; no row can look like this, because COPY escapes backslashes. */
export const endOfRows = '\\.\n';

/** The file is not a complete backup; the message tells what is wrong. */
export class BackupDamaged extends Error {
  constructor(file: string, what: string) {
    super(`${file} is not a complete backup: ${what}`);
    this.name = 'BackupDamaged';
  }
}

/** Returns which program wrote the file, by its first bytes; throws when it is not a backup. */
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

/** Counts and hashes the rows of one table while they pass. */
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

/** Reads a backup once from beginning to end; throws BackupDamaged. */
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

  /** Closes the file; the unread part is not checked. */
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

  /** Returns the next table header, or the footer at the end of the backup. */
  async next(): Promise<TableHeader | BackupFooter> {
    const line = await this.#line<TableHeader | BackupFooter>();
    if ('end' in line) await this.#expectEnd();
    return line;
  }

  /**
   * Yields the rows of the table that `next` returned, in chunks of any size; verifies them at the
   * end.
   */
  async *rows(table: string): AsyncGenerator<Buffer> {
    const counter = new RowCounter();
    for (let atLineStart = true; ;) {
      const end = this.#endOfRows(atLineStart);
      // Three bytes may be the beginning of the end-of-rows marker.
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

  /** Returns the position of the end-of-rows marker; undefined while it has not been read. */
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
    // Reading to the end also verifies the checksum of gzip, which follows the data.
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
 * Reads a backup from end to end and verifies every count and checksum in it. Returns its header
 * and its number of rows. Throws BackupDamaged.
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
