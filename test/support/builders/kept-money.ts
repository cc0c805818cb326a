import assert from 'node:assert/strict';
import type { Body, Client } from '../clients/client.ts';
import type { HttpService } from '../server/http-service.ts';
import { queryRows } from './market.ts';
import { expectStatus, hourMs, join, type Shop } from './shop.ts';

/** The date in Jakarta this many days from today, as YYYY-MM-DD. */
export const day = (days: number) =>
  new Date(Date.now() + 7 * hourMs + days * 24 * hourMs).toISOString().slice(0, 10);

/** The participation of a buyer, with a client of that buyer. */
export interface Slot {
  readonly buyer: Client;
  readonly id: string;
}

/** A buyer who pays, but whose payment is verified only after the hold of the slots has lapsed. */
export interface LateBuyer {
  readonly quantity?: number;
  /** The day of the transfer. If it is omitted, the operator does not know the day. */
  readonly paidOn?: string;
  /** The amount in rupiah, if it differs from the expected amount. */
  readonly amount?: number;
}

/** A campaign in which the `late` buyers paid first, but the `others` now have all the slots. */
export interface LatePayments {
  readonly id: string;
  readonly late: readonly Slot[];
  readonly others: readonly Slot[];
  /** One refund for each late buyer, as the buyer sees it. */
  readonly refunds: readonly Body[];
}

/** An operator verifies a payment; returns its outcome. */
export async function verify(operator: Client, id: string, seen: object): Promise<unknown> {
  const path = `/participations/${id}/payment/verify`;
  return expectStatus(await operator.post(path, seen), 200)['outcome'];
}

/** The refunds of a participation. */
export async function refundsOf({ buyer, id }: Slot): Promise<readonly Body[]> {
  return expectStatus(await buyer.get(`/participations/${id}/refunds`), 200).items;
}

/**
 * Creates a full campaign that is paid upfront. The late buyers join first and lose their slots
 * when their holds lapse. Other buyers then take all the slots. Only after that are the payments of
 * the late buyers verified.
 */
export async function createLatePayments(
  service: HttpService,
  shop: Shop,
  buyers: readonly LateBuyer[],
  terms: object = {},
): Promise<LatePayments> {
  const total = buyers.reduce((sum, { quantity = 1 }) => sum + quantity, 0);
  const { id } = await shop.campaign({
    payment_timing: 'upfront',
    total_slots: total,
    minimum_slots: 1,
    ...terms,
  });
  const late: Slot[] = [];
  for (const { quantity } of buyers) late.push(await joined(service, id, quantity));
  await queryRows(
    service.db,
    `with p as (update sambatan.participants set hold_expires_at = now() where campaign_id = $1),
    t as (update sambatan.transactions set pay_by = now() where campaign_id = $1)
    update sambatan.campaign_states set next_run_at = now() where campaign_id = $1`,
    id,
  );
  // Settles only this campaign. Due campaigns of other tests must stay as they are.
  await queryRows(service.db, 'select sambatan.settle_campaign($1, false, 1000)', id);
  const others: Slot[] = [];
  for (let i = 0; i < total; i++) others.push(await joined(service, id));
  const refunds: Body[] = [];
  for (const [index, place] of late.entries()) {
    const { paidOn, amount } = buyers[index]!;
    const seen = {
      ...(paidOn === undefined ? {} : { paid_on: paidOn }),
      ...(amount === undefined ? {} : { amount }),
    };
    assert.equal(await verify(service.service, place.id, seen), 'credited');
    refunds.push((await refundsOf(place))[0]!);
  }
  return { id, late, others, refunds };
}

/** A buyer who has joined the campaign and has viewed the receiving account. */
async function joined(service: HttpService, campaign: string, quantity = 1): Promise<Slot> {
  const buyer = await service.user();
  const { id } = await join(buyer, campaign, { quantity });
  expectStatus(await buyer.get(`/participations/${id}/payment`), 200);
  return { buyer, id };
}
