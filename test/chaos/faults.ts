import { setTimeout as sleep } from 'node:timers/promises';
import type { Embedded } from '../../src/database/embedded/start.ts';
import type { Database } from '../../src/database/pool.ts';
import { queryRows, keepTransactionOpen } from '../support/builders/market.ts';
import type { NetworkProxy, NetworkFault } from '../support/fakes/network-proxy.ts';
import type { SmallDisks } from '../support/database/small-disks.ts';
import type { Load } from './load.ts';

/** The processes and networks that the faults disturb. */
export interface Scene {
  /**
   * `back` is the proxy between service and database, `front` the proxy between clients and
   * service.
   */
  readonly back: NetworkProxy;
  readonly front: NetworkProxy;
  readonly server: Embedded;
  /** A connection to the database that does not use the proxy. */
  readonly db: Database;
  readonly campaigns: readonly string[];
  /** The buyers who continue to join during the faults. */
  readonly load: Load;
  /** The disks of the database, if this process may fill them. */
  readonly disks?: SmallDisks | undefined;
  /** Everything that the database server has logged so far. */
  serverLog(): string;
  /** Kills the service process and starts another one. */
  killService(): Promise<void>;
  /** Milliseconds for which a fault keeps rows locked or a disk full. */
  readonly longMs: number;
}

export type Fault = (scene: Scene) => Promise<void>;

const under =
  (which: 'back' | 'front', weather: NetworkFault, milliseconds: number): Fault =>
  async (scene) => {
    scene[which].fault = weather;
    if (weather.kind === 'refuse') scene[which].cut();
    await sleep(milliseconds);
    scene[which].heal();
  };

const cut =
  (which: 'back' | 'front'): Fault =>
  async (scene) => {
    for (let times = 0; times < 5; times++) {
      scene[which].cut();
      await sleep(40);
    }
  };

const signal = (pid: number | undefined, name: NodeJS.Signals) => {
  if (pid !== undefined) process.kill(pid, name);
};

/**
 * The faults that need no small disks, by their names. The faults that fill a disk are in
 * full-disk.ts. Each function resolves when the fault has been removed.
 */
export const faults: Readonly<Record<string, Fault>> = {
  'database connections cut': cut('back'),
  'callers cut': cut('front'),
  'database delayed': under('back', { kind: 'delay', milliseconds: 100 }, 1_000),
  'callers delayed': under('front', { kind: 'delay', milliseconds: 100 }, 1_000),
  'database sliced': under('back', { kind: 'slice', bytes: 7 }, 500),
  'callers sliced': under('front', { kind: 'slice', bytes: 7 }, 500),
  'database in a black hole': under('back', { kind: 'silent' }, 1_000),
  'callers in a black hole': under('front', { kind: 'silent' }, 500),
  'answers of the database lost': under('back', { kind: 'mute' }, 300),
  'answers to callers lost': under('front', { kind: 'mute' }, 300),
  'database refuses': under('back', { kind: 'refuse' }, 700),
  'backends terminated': async ({ db }) => {
    await queryRows(
      db,
      `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'sambatan' and pid <> pg_backend_pid() and client_addr is not null`,
    ).catch(() => undefined);
  },
  // After one of its processes is killed, the database server ends all sessions and recovers.
  'backend killed': async ({ db }) => {
    const [backend] = await queryRows<{ pid: number }>(
      db,
      `select pid from pg_stat_activity where backend_type = 'client backend'
        and datname = current_database() and client_addr is not null limit 1`,
    );
    signal(backend?.pid, 'SIGKILL');
  },
  'postmaster killed': async ({ server }) => signal(server.postmaster(), 'SIGKILL'),
  'service killed': (scene) => scene.killService(),
  'rows locked by somebody else': async ({ db, campaigns, longMs }) => {
    const held = await keepTransactionOpen(db, async (tx) => {
      // A session of another program does not have the time limits of the service. It keeps the
      // lock for the whole time.
      await queryRows(tx, "select set_config('idle_in_transaction_session_timeout', '0', true)");
      return await queryRows(
        tx,
        'select from sambatan.campaigns where campaign_id = any ($1) for update',
        campaigns.slice(0, Math.ceil(campaigns.length / 2)),
      );
    });
    await sleep(longMs);
    await held.commit();
  },
  // All queries wait for the lock, so that the pool has no free connection left.
  'pool exhausted': async ({ db }) => {
    const held = await keepTransactionOpen(db, (tx) =>
      queryRows(tx, 'lock table sambatan.campaigns in access exclusive mode'),
    );
    await sleep(1_000);
    await held.commit();
  },
};
