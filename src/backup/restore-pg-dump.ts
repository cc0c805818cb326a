import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { RestoreOptions } from './restore.ts';
import { majorVersion } from './backup.ts';
import { findTools, programTarget, run, runPsql, type Tools } from './tools.ts';

export interface PgDumpRestoreOptions extends RestoreOptions {
  /** SQL statements that run before and after the restore, in the same transaction. */
  readonly before: string;
  readonly after: string;
}

/**
 * Restores a backup in pg_dump's custom format, which versions up to 0.1.0 wrote. Needs pg_restore
 * and psql of the server's major version. Throws ToolsMissing when they are not installed.
 */
export async function restorePgDump(options: PgDumpRestoreOptions): Promise<void> {
  const { url, db, file, before, after } = options;
  const tools = findTools(await majorVersion(db));
  const contents = await contentsOf(tools, file);
  const place = await mkdtemp(join(tmpdir(), 'sambatan-restore-'));
  const { name, password } = programTarget(url);
  try {
    const list = join(place, 'contents');
    // Leave out default privileges, because they name the owner of the old database. Each table has
    // its own privileges in the backup.
    const wanted = contents.filter((line) => !line.includes(' DEFAULT ACL '));
    await writeFile(list, wanted.join('\n'));
    const args = ['--no-psqlrc', '--quiet', '--single-transaction', '--set=ON_ERROR_STOP=1'];
    const read = tableCounter(options.onTable, wanted);
    await runPsql(
      { tools, args: [...args, '--file=-', `--dbname=${name}`], password },
      async (input) => {
        input.write(`set statement_timeout = 0; set lock_timeout = 0;\n${before}\n`);
        await run({
          tools,
          program: 'pg_restore',
          args: ['--no-owner', '--verbose', `--use-list=${list}`, '--file=-', file],
          onLine: read,
          into: input,
        });
        if (!input.write(after)) await once(input, 'drain');
      },
    );
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/**
 * Returns the lines of a backup's table of contents. Throws for a backup that another program
 * wrote.
 */
async function contentsOf(tools: Tools, file: string): Promise<string[]> {
  const list = await textOf(tools, ['--list', file]);
  const lines = list.split('\n');
  const ours = ['campaign_details', 'audit_logs', 'backups'].every((table) =>
    lines.some((line) => line.includes(` TABLE DATA sambatan ${table} `)),
  );
  if (!ours) throw new Error(`${file} was not made by sambatan backup`);
  return lines;
}

async function textOf(tools: Tools, args: readonly string[]): Promise<string> {
  const chunks: Buffer[] = [];
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await run({ tools, program: 'pg_restore', args, into });
  return Buffer.concat(chunks).toString();
}

function tableCounter(onTable: RestoreOptions['onTable'], contents: readonly string[]) {
  const all = contents.filter((line) => line.includes(' TABLE DATA ')).length;
  let tables = 0;
  return (line: string): void => {
    if (/processing data for table/.test(line)) onTable?.(++tables, all);
  };
}
