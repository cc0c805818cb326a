import type { Bench, Measurement } from '../bench.ts';
import { ratioOf, spreadOf, type Figure, type Goal } from '../figures.ts';
import { checkInvariants } from '../support/checks.ts';
import { startApplication } from '../support/lifecycle.ts';
import { createMarket, seed } from '../support/seed.ts';

const template = 'bench_closing';

/** The ways in which a campaign ends, each with the minimum SQL that has the same effect. */
const endings = [
  {
    name: 'fails',
    successEvery: 0,
    raw: `
      begin;
      update sambatan.participants set status = 'refunded', refunded_at = now(), updated_at = now();
      insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
        actor_kind, slots, slots_taken, total_slots, price_per_slot, metadata, commitment,
        leaf_hash)
      select campaign_id, 1000000 + row_number() over (), now(), participation_id,
        'participant_refunded', 'system', 0, 0, 0, 200000,
        jsonb_build_object('quantity', quantity), '', decode(repeat('00', 32), 'hex')
      from sambatan.participants;
      commit`,
  },
  {
    name: 'completes, payments fall due',
    successEvery: 1,
    raw: `
      begin;
      update sambatan.participants set status = 'confirmed', confirmed_at = now(),
        updated_at = now();
      insert into sambatan.transactions (campaign_id, kind, participation_id, amount, cause, actor,
        created_at)
      select campaign_id, 'payment', participation_id, quantity * 200000,
        'payment:' || participation_id, 'system', now()
      from sambatan.participants;
      insert into sambatan.audit_logs (campaign_id, seq, occurred_at, participation_id, event,
        actor_kind, slots, slots_taken, total_slots, price_per_slot, metadata, commitment,
        leaf_hash)
      select campaign_id, 1000000 + row_number() over (), now(), participation_id,
        'participant_confirmed', 'system', 0, 0, 0, 200000,
        jsonb_build_object('quantity', quantity), '', decode(repeat('00', 32), 'hex')
      from sambatan.participants;
      commit`,
  },
] as const;

/** Measures the time to close one campaign with very many participants. */
export const closing: Measurement = {
  name: 'closing',
  title: 'Closing one campaign with 100,000 participants',
  run: async (bench) => {
    const participants = bench.quick ? 5_000 : 100_000;
    const figures: Figure[] = [];
    const goals: Goal[] = [];
    const failures: string[] = [];
    for (const ending of endings) {
      const { name, successEvery, raw } = ending;
      const market = await createMarket(bench.cluster, template);
      const crop = { campaigns: 1, participants, successEvery, deadlineInSeconds: -1 };
      await seed(bench.cluster, market, crop);
      const ours: number[] = [];
      const rawMs: number[] = [];
      for (let round = 0; round < Math.min(bench.rounds, 3); round++) {
        bench.progress(`closing: ${name}, round ${round + 1}`);
        rawMs.push(await timed(bench, (url) => bench.cluster.sql(url, raw)));
        ours.push(await timed(bench, closeOurs, failures));
      }
      await bench.cluster.dropDatabase(template);
      const measurement = `closing ${participants.toLocaleString('en')} participants: ${name}`;
      const isWrong = failures.length > 0;
      figures.push(
        {
          measurement,
          variant: 'Sambatan',
          unit: 'ms',
          value: isWrong ? undefined : spreadOf(ours),
          note: 'several short transactions, chained audit rows',
        },
        {
          measurement,
          variant: 'raw SQL',
          unit: 'ms',
          value: spreadOf(rawMs),
          note: 'one transaction, set-based UPDATE and INSERT, no chain',
        },
      );
      if (bench.quick) continue;
      const target = { max: 2 };
      goals.push({ measurement, what: 'duration ÷ raw SQL', value: ratioOf(ours, rawMs), target });
    }
    return { figures, goals, failures };
  },
};

async function closeOurs(url: string): Promise<void> {
  const app = startApplication(url);
  await app.scheduler.sweep();
  await app.close();
}

/**
 * Runs `work` on a new copy of the database and returns its duration in milliseconds. With
 * `failures`, it also checks the result and adds what is wrong.
 */
async function timed(
  { cluster }: Bench,
  work: (url: string) => Promise<unknown>,
  failures?: string[],
): Promise<number> {
  const name = `${template}_copy`;
  const url = await cluster.createDatabase(name, template);
  await cluster.checkpoint();
  const begin = performance.now();
  await work(url);
  const milliseconds = performance.now() - begin;
  if (failures !== undefined) {
    failures.push(...(await checkInvariants(url, 'ours')));
    const open = await cluster.sql(url, stillOpen);
    if (open.length > 0) failures.push('a campaign with very many participants was not closed');
  }
  await cluster.dropDatabase(name);
  return milliseconds;
}

const stillOpen = `select campaign_id from sambatan.campaigns where status = 'active'`;
