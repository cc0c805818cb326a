import assert from 'node:assert/strict';
import {
  cpSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbedded } from '../../src/database/embedded/start.ts';
import { asAdmin, inDatabase } from '../support/database/cluster.ts';
import { recordingLog } from '../support/server/log.ts';
import { queryRows } from '../support/builders/market.ts';
import { fillDisk, type Ballast, type SmallDisks } from '../support/database/small-disks.ts';
import { waitUntil } from '../support/server/until.ts';
import type { Fault, Scene } from './faults.ts';
import { refusal } from './load.ts';

/** Settings that limit the write-ahead log to a size that fits on a small disk. */
export const settingsForSmallDisks = { settings: { max_wal_size: '128MB', min_wal_size: '64MB' } };

/** Creates a database cluster on two disks: the data on one, the write-ahead log on the other. */
export async function createOnSmallDisks(dataDir: string, disks: SmallDisks): Promise<void> {
  const server = await startEmbedded({ dataDir, log: recordingLog(), ...settingsForSmallDisks });
  const cluster = join(dataDir, 'postgres');
  const { uid, gid } = lstatSync(cluster);
  try {
    const tables = join(disks.data, 'tables');
    mkdirSync(tables);
    lchownSync(tables, uid, gid);
    const admin = inDatabase(server.url, 'postgres');
    await asAdmin(admin, `create tablespace small location '${tables}'`);
    await asAdmin(admin, 'alter database sambatan set tablespace small');
  } finally {
    await server.stop();
  }
  const from = join(cluster, 'pg_wal');
  const to = join(disks.log, 'pg_wal');
  cpSync(from, to, { recursive: true });
  for (const name of ['', ...readdirSync(to, { recursive: true, encoding: 'utf8' })]) {
    lchownSync(join(to, name), uid, gid);
  }
  rmSync(from, { recursive: true });
  symlinkSync(to, from);
}

/** Everything that the server with this data directory has logged so far. */
export function serverLogOf(dataDir: string): string {
  const place = join(dataDir, 'postgres', 'log');
  return readdirSync(place)
    .map((name) => readFileSync(join(place, name), 'utf8'))
    .join('');
}

/** The faults that fill a disk, by their names. */
export const diskFaults: Readonly<Record<string, Fault>> = {
  // The database cannot extend a file (error 53100). It continues to run, and stored data can be
  // read.
  'disk of the data full': async (scene) => {
    const { load, disks } = scene;
    const refused = () => load.answers.get('503 database_unavailable') ?? 0;
    const before = refused();
    const said = noted(scene);
    const ballast = fillDisk(disks!.data);
    try {
      await waitUntil(
        () => {
          ballast.topUp();
          return refused() - before >= 64;
        },
        { everyMs: 50 },
      );
      let reads = 0;
      await keepFull(scene, ballast, (answer) => {
        if (answer === '200') reads++;
        // Joins that wait for the disk may fill the whole queue, so a read may be refused as
        // overloaded.
        else assert.equal(answer, '503 overloaded', 'what is stored can be read');
      });
      assert.ok(reads > 0, 'what is stored can be read');
    } finally {
      ballast.remove();
    }
    assert.ok(said('No space left on device') > 0, 'the server met the full disk');
  },
  // The server cannot write another segment of its log. It ends with a PANIC and cannot start again
  // before there is free space.
  'disk of the log full': async (scene) => {
    const { disks, db } = scene;
    const said = noted(scene);
    const ballast = fillDisk(disks!.log);
    try {
      const over = performance.now() + 60_000;
      // Large writes use up the segments that exist already.
      while (said('PANIC') === 0 && performance.now() < over) {
        await queryRows(
          db,
          `select pg_logical_emit_message(false, 'ballast', repeat('x', 4000000))::text`,
        ).catch(() => sleep(50));
        ballast.topUp();
      }
      await keepFull(scene, ballast, (answer) =>
        assert.ok(['200', '503 database_unavailable', '503 overloaded'].includes(answer), answer),
      );
    } finally {
      ballast.remove();
    }
    assert.ok(said('PANIC') > 0, 'the server met the full disk');
    assert.ok(said('No space left on device') > 0, 'which was full');
  },
};

/** Keeps the disk full for the given time. Meanwhile reads a campaign and checks each answer. */
async function keepFull(
  scene: Scene,
  ballast: Ballast,
  judge: (answer: string) => void,
): Promise<void> {
  const over = performance.now() + scene.longMs;
  while (performance.now() < over) {
    ballast.topUp();
    judge(await read(scene));
    await sleep(50);
  }
}

/** Returns a function that counts how often the server has logged a message from now on. */
function noted({ serverLog }: Scene): (what: string) => number {
  const before = serverLog().length;
  return (what) => serverLog().slice(before).split(what).length - 1;
}

/** Requests a campaign. Returns the status and, if the request is refused, the code. */
async function read({ load, campaigns }: Scene): Promise<string> {
  const answer = await load.client.get(`/campaigns/${campaigns[0]}`);
  return answer.status === 200 ? '200' : refusal(answer);
}
