import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expectInvariants } from '../support/database/campaign-invariants.ts';
import { startHttpService, type HttpService } from '../support/server/http-service.ts';
import { campaignBody, expectStatus, fromNow, openShop } from '../support/builders/shop.ts';
import { Calendar } from './calendar.ts';
import { receiptSeconds } from './goods.ts';
import { users, type Start } from './kinds.ts';
import { HistoryModel } from './model.ts';
import { price } from './money.ts';
import type { Real, World } from './real.ts';
import { compareEverything } from './steps.ts';

/** The shortest possible periods, so that everything after success can happen within a history. */
const environment = {
  SAMBATAN_PAYMENT_TERM: '1',
  SAMBATAN_PAYMENT_GRACE: '1',
  SAMBATAN_VERIFICATION_HOURS: '2',
  SAMBATAN_DECISION_HOURS: '1',
  SAMBATAN_RECEIVED_AFTER_DAYS: String(receiptSeconds / 86_400),
};
const decisionSeconds = 3_600;

/**
 * Opens a database with two service processes. A lifecycle run changes the whole database, so
 * concurrent histories need different worlds. The services are closed with the test. With
 * `isBroken` the invariants are not checked at the end.
 */
export async function openWorld(services: HttpService[], isBroken = false): Promise<World> {
  const first = await startHttpService({ environment, invariants: !isBroken });
  const second = await startHttpService({ environment, sharedWith: first });
  services.push(first, second);
  const shop = await openShop(first);
  const rival = await openShop(first);
  const buyers = await Promise.all(Array.from({ length: users }, () => first.user()));
  return {
    replicas: [first, second],
    shop,
    buyers,
    callers: {
      visitor: first.visitor,
      other: await first.user(),
      seller: shop.seller,
      rival: rival.seller,
      operator: await first.operator(),
      service: first.service,
    },
  };
}

let tills = 0;
/** Adds a receiving account for this history, so that payments of other histories do not match. */
async function addReceivingAccount({ callers }: World): Promise<string> {
  const number = String(5_270_000_000 + ++tills);
  const account = { bank: 'BCA', number, holder: 'PT Sambatan Bersama', is_default: true };
  return expectStatus(await callers.service.post('/receiving-accounts', account), 201).id;
}

/**
 * Applies the commands to the model and to a new campaign, and compares the results. Returns the
 * final status of the campaign. Rejects if the results differ.
 */
export async function runHistory(
  world: World,
  { terms, beginning, opensAt }: Start,
  steps: Iterable<fc.AsyncCommand<HistoryModel, Real>>,
): Promise<string> {
  const { shop } = world;
  const began = Date.now();
  const calendar = new Calendar(began);
  const decision = decisionSeconds;
  const model = new HistoryModel(terms, { beginning, opensAt, calendar, decision });
  model.title = 'Senja batch pertama';
  const body = campaignBody(shop.productId, {
    title: model.title,
    price_per_slot: price,
    total_slots: terms.total,
    minimum_slots: terms.minimum,
    max_slots_per_user: terms.mostPerUser,
    payment_timing: terms.upfront ? 'upfront' : 'on_completion',
    hold_seconds: terms.hold,
    deadline: new Date(began + terms.deadline * 1_000).toISOString(),
    publish: beginning === 'active',
    ...(beginning === 'scheduled' ? { opens_at: fromNow(opensAt * 1_000) } : {}),
  });
  const till = await addReceivingAccount(world);
  const { id: campaignId } = expectStatus(await shop.seller.post('/campaigns', body), 201);
  const real: Real = {
    world,
    campaignId,
    receivingAccount: till,
    parts: [],
    entries: [],
    ledgerEntries: new Map(),
    disputes: new Map(),
    answers: new Map(),
    texts: 0,
    lastImport: [],
    isCompared: false,
  };
  try {
    await fc.asyncModelRun(() => ({ model, real }), steps);
    await compareEverything(model, real);
    await expectInvariants(world.replicas[0].db, campaignId);
  } finally {
    // Cancels the campaign if it is still open, because every later lifecycle run would process it
    // again.
    await callOff(real, model.end !== null);
  }
  return model.status;
}

async function callOff({ world, campaignId }: Real, hasEnded: boolean): Promise<void> {
  const path = `/campaigns/${campaignId}/cancel`;
  const { status, text } = await world.shop.seller.post(path, { reason: 'selesai uji' });
  assert.equal(status, hasEnded ? 409 : 200, text);
}
