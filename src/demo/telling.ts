import { setTimeout as sleep } from 'node:timers/promises';
import { defaultTerms, type CampaignTerms } from '../campaigns/campaign.ts';
import { createCampaign, findCampaign } from '../campaigns/operations.ts';
import { databaseNow } from '../database/clock.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import { DomainError } from '../errors/errors.ts';
import { verifyPayment, viewPayment } from '../ledger/payments/operations.ts';
import { settleUntilDone } from '../lifecycle/due.ts';
import { cancelCampaign, extendCampaign, publishCampaign } from '../lifecycle/operations.ts';
import { runInTransaction } from '../operation/run.ts';
import { joinAll } from '../participations/join.ts';
import {
  cancelParticipation,
  confirmParticipation,
  fulfilParticipation,
  joinRequestOf,
} from '../participations/operations.ts';
import {
  demoAddress,
  demoBuyer,
  demoBuyerCount,
  demoNote,
  demoOperator,
  type DemoUser,
} from './people.ts';
import type { Scenario } from './stories.ts';

interface Parts {
  readonly db: Database;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/** What a scenario needs: the product, its seller, and a number that selects the buyers. */
export interface Scene {
  readonly productId: string;
  readonly seller: DemoUser;
  readonly turn: number;
}

/** A participation of a demo campaign. */
interface Part {
  readonly id: string;
  readonly buyer: DemoUser;
}

/** A demo campaign in the state that it has before its deadline. */
export interface RunningScenario {
  readonly story: Scenario;
  readonly campaignId: string;
  readonly seller: DemoUser;
  readonly deadline: Date;
  readonly parts: readonly Part[];
}

/**
 * Time in milliseconds from the opening to the deadline of a campaign that must end. It is enough
 * for the buyers to join.
 */
const shortLifeMs = 7_000;
const otherLifeMinutes = 3 * 24 * 60;
const minuteMs = 60_000;
/** Maximum time in milliseconds from the deadline until some process has settled the campaign. */
const settledWithinMs = 30_000;

/** Creates the campaign of a scenario; then its buyers join, pay and cancel. */
export async function startScenario(
  { db }: Parts,
  story: Scenario,
  { productId, seller, turn }: Scene,
): Promise<RunningScenario> {
  const terms = termsOf(story, (await db.one(databaseNow)).now);
  const deadline = terms.deadline;
  const first = story.extended === undefined ? deadline : middle(new Date(), deadline);
  const input = { ...terms, deadline: first, productId, publish: false };
  const { id } = await runInTransaction(db, (tx) => createCampaign(tx, seller, input));
  const parts: Part[] = [];
  if (story.ends !== 'inactive' && terms.opensAt === null) {
    await runInTransaction(db, (tx) => publishCampaign(tx, seller, id));
    parts.push(...(await join(db, id, story, turn)));
  }
  for (const { id: paid } of parts.slice(0, story.payers ?? 0)) {
    const reference = `DEMO-${paid.slice(-6).toUpperCase()}`;
    await runInTransaction(db, (tx) => confirmParticipation(tx, demoOperator, paid, reference));
  }
  if (story.ends === 'verifying') {
    // Buyers who have opened the payment page may have paid before the deadline, so their payments
    // are checked after it.
    for (const { id: owing, buyer } of parts.slice(story.payers ?? 0)) {
      await runInTransaction(db, (tx) => viewPayment(tx, buyer, owing));
    }
  }
  for (const { id: left, buyer } of parts.slice(parts.length - (story.leavers ?? 0))) {
    const note = 'Maaf, salah pilih varian.';
    await runInTransaction(db, (tx) => cancelParticipation(tx, buyer, left, note));
  }
  const reason = story.extended;
  if (reason !== undefined) {
    await runInTransaction(db, (tx) => extendCampaign(tx, seller, id, { deadline, reason }));
  }
  return { story, campaignId: id, seller, deadline, parts };
}

/** Ends the campaign if the scenario wants it to end; otherwise does nothing. */
export async function finishScenario(parts: Parts, open: RunningScenario): Promise<void> {
  const { db, log } = parts;
  const { story, campaignId, seller } = open;
  if (!['completed', 'failed', 'cancelled', 'verifying'].includes(story.ends)) return;
  if (story.ends === 'cancelled') {
    const reason = story.reason ?? 'Dibatalkan penjual.';
    await runInTransaction(db, (tx) => cancelCampaign(tx, seller, campaignId, reason));
  } else {
    await waitFor(parts, open.deadline);
  }
  const giveUpAt = performance.now() + settledWithinMs;
  for (;;) {
    await settleUntilDone({ db, log, paysOnline: false }, campaignId);
    const status = (await findCampaign(db, campaignId))?.status;
    if (status === story.ends) break;
    if (performance.now() > giveUpAt || (status !== 'active' && status !== 'full')) {
      throw new Error(`the demo campaign "${story.terms.title}" is ${status}, not ${story.ends}`);
    }
    await sleep(100, undefined, { signal: parts.signal });
  }
  for (const [index, { id, buyer }] of open.parts.slice(0, story.receivers ?? 0).entries()) {
    if (index >= (story.payers ?? 0)) {
      const seen = { amount: null, reference: `DEMO-${id.slice(-6).toUpperCase()}` };
      await runInTransaction(db, (tx) => verifyPayment(tx, demoOperator, id, seen));
    }
    await runInTransaction(db, (tx) => fulfilParticipation(tx, buyer, id));
  }
}

function termsOf(story: Scenario, now: Date): CampaignTerms {
  const isBrief = ['completed', 'failed', 'verifying'].includes(story.ends);
  const life = isBrief ? shortLifeMs : (story.deadlineMinutes ?? otherLifeMinutes) * minuteMs;
  const opens = story.opensInMinutes;
  return {
    ...defaultTerms,
    minimumSlots: story.terms.totalSlots,
    opensAt: opens === undefined ? null : new Date(now.getTime() + opens * minuteMs),
    deadline: new Date(now.getTime() + life),
    ...story.terms,
  };
}

/** Makes the buyers join in one batch: first those who stay, then those who cancel. */
async function join(
  db: Database,
  campaignId: string,
  story: Scenario,
  turn: number,
): Promise<Part[]> {
  const quantities = [...shares(story), ...Array.from({ length: story.leavers ?? 0 }, () => 1)];
  const requests = quantities.map((quantity, index) => {
    const number = ((turn * 17 + index) % demoBuyerCount) + 1;
    return joinRequestOf(demoBuyer(number), campaignId, {
      userId: demoBuyer(number).userId,
      quantity,
      shippingAddress: demoAddress(number),
      note: demoNote(number),
    });
  });
  if (requests.length === 0) return [];
  const how = { attemptLimit: 0, wait: true, again: false };
  const answers = await runInTransaction(db, (tx) => joinAll(tx, requests, how));
  const refused = answers.find((answer) => answer instanceof DomainError);
  if (refused !== undefined) throw refused;
  return requests.map(({ participationId, userId }) => ({
    id: participationId,
    buyer: { ...demoBuyer(1), userId },
  }));
}

const habits = [1, 2, 1, 3, 1, 1, 2];

/** Divides a scenario's slots among its buyers, within the minimum and maximum per buyer. */
function shares({ taken, terms }: Scenario): number[] {
  const least = terms.minSlotsPerUser ?? 1;
  const most = terms.maxSlotsPerUser ?? terms.totalSlots;
  const given: number[] = [];
  for (let left = taken; left > 0; left -= given.at(-1)!) {
    const habit = Math.min(Math.max(habits[given.length % habits.length]!, least), most, left);
    given.push(left - habit > 0 && left - habit < least ? left : habit);
  }
  return given;
}

/** Waits until the database's clock shows a later time than `moment`. */
async function waitFor({ db, signal }: Parts, moment: Date): Promise<void> {
  for (;;) {
    const { now } = await db.one(databaseNow);
    if (now >= moment) return;
    await sleep(moment.getTime() - now.getTime() + 1, undefined, { signal });
  }
}

function middle(from: Date, to: Date): Date {
  return new Date((from.getTime() + to.getTime()) / 2);
}
