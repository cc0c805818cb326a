import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Two disks of a few megabytes that a test may fill. Each value is an existing directory. */
export interface SmallDisks {
  /** The disk for the data of a database. */
  readonly data: string;
  /** The disk for the write-ahead log of the same database. */
  readonly log: string;
}

export interface Sizes {
  readonly dataMegabytes: number;
  readonly logMegabytes: number;
}

/** The environment variable that tells a command of `withSmallDisks` where the two disks are. */
const variable = 'SAMBATAN_SMALL_DISKS';

/** The small disks that this process was started with, if any. */
export function smallDisks(): SmallDisks | undefined {
  const place = process.env[variable];
  return place === undefined ? undefined : disksIn(place);
}

const disksIn = (place: string): SmallDisks => ({
  data: join(place, 'data'),
  log: join(place, 'log'),
});

/** A command that runs with small disks. */
export interface SmallDiskCommand {
  readonly command: readonly string[];
  /** Deletes the directories of the disks. Call it when the command has ended. */
  remove(): void;
}

/**
 * The command that runs `command` with two small disks, which exist only for it and its children.
 * Root mounts them in a mount namespace. Another user first creates a user namespace in which
 * mounting is allowed, and inside it a second one with the original user id, because PostgreSQL
 * does not run as root. Returns the reason if neither is allowed.
 */
export function withSmallDisks(
  { dataMegabytes, logMegabytes }: Sizes,
  command: readonly string[],
): SmallDiskCommand | { readonly missing: string } {
  const place = mkdtempSync(join(tmpdir(), 'sambatan-disks-'));
  // The database server may run as another user.
  chmodSync(place, 0o755);
  for (const directory of Object.values(disksIn(place))) mkdirSync(directory);
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const outer = uid === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const inner = uid === 0 ? '' : `unshare --user --map-user=${uid} --map-group=${gid} -- `;
  const script =
    `mount -t tmpfs -o mode=0777,size=${dataMegabytes}m sambatan-data "$1/data" && ` +
    `mount -t tmpfs -o mode=0777,size=${logMegabytes}m sambatan-log "$1/log" && ` +
    `export ${variable}="$1" && shift && exec ${inner}"$@"`;
  const under = (what: readonly string[]) =>
    ['unshare', ...outer, '--propagation', 'private', '--']
      .concat(['sh', '-c', script, 'sh', place])
      .concat(what);
  const remove = () => rmSync(place, { recursive: true, force: true });
  const [program = '', ...args] = under(['true']);
  const tried = spawnSync(program, args, { encoding: 'utf8' });
  if (tried.status === 0) return { command: under(command), remove };
  remove();
  return { missing: (tried.error?.message ?? tried.stderr).trim() };
}

/** A file that fills the free space of a disk. */
export interface Ballast {
  /** Fills the space that has become free since the file was written. */
  topUp(): void;
  /** Deletes the file, so that the disk has free space again. */
  remove(): void;
}

/** Fills the disk of `directory` to the last byte. */
export function fillDisk(directory: string): Ballast {
  const file = join(directory, 'ballast');
  const descriptor = openSync(file, 'w');
  let size = 0;
  const topUp = (): void => {
    for (let step = 1_048_576; step >= 1;) {
      const written = write(descriptor, Buffer.alloc(step, 'x'), size);
      size += written;
      if (written < step) step = Math.floor(step / 2);
    }
  };
  topUp();
  return {
    topUp,
    remove: () => {
      ftruncateSync(descriptor, 0);
      closeSync(descriptor);
      unlinkSync(file);
    },
  };
}

/** Writes bytes to a file. Returns the number of bytes that were written. */
function write(descriptor: number, bytes: Buffer, at: number): number {
  try {
    return writeSync(descriptor, bytes, 0, bytes.length, at);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return 0;
    throw error;
  }
}
