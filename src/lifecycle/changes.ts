import type { Campaign } from '../campaigns/campaign.ts';
import { findCampaign } from '../campaigns/operations.ts';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { DatabaseDeps } from '../database/pool.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { runInTransaction } from '../operation/run.ts';
import { settleUntilDone } from './due.ts';
import {
  cancelCampaign,
  decideBelowMinimum,
  extendCampaign,
  publishCampaign,
  shipCampaign,
  type Decision,
} from './operations.ts';

/** Dependencies of the functions that change a campaign's lifecycle. */
export interface LifecycleDeps extends DatabaseDeps {
  readonly config: Config;
  readonly log: Logger;
}

/** Opens a campaign now, notifies the pages that show it, and returns the campaign. */
export async function publish(app: LifecycleDeps, actor: Actor, id: string): Promise<Campaign> {
  return await changeCampaign(app, id, (tx) =>
    publishCampaign(tx, actor, id, app.config.gateway.midtrans !== undefined),
  );
}
publish.refusals = refusals(publishCampaign);

/**
 * Moves the deadline to a later time, notifies the pages that show the campaign, and returns the
 * campaign.
 */
export async function extend(
  app: LifecycleDeps,
  actor: Actor,
  id: string,
  to: { readonly deadline: Date; readonly reason: string },
): Promise<Campaign> {
  return await changeCampaign(app, id, (tx) => extendCampaign(tx, actor, id, to));
}
extend.refusals = refusals(extendCampaign);

/** Marks a batch as shipped, notifies the pages that show it, and returns the campaign. */
export async function ship(app: LifecycleDeps, actor: Actor, id: string): Promise<Campaign> {
  const { receivedAfterDays } = app.config.payments;
  return await changeCampaign(app, id, (tx) => shipCampaign(tx, actor, id, receivedAfterDays));
}
ship.refusals = refusals(shipCampaign);

/**
 * Cancels a campaign and makes the refunds due. If the campaign has very many participants, the
 * returned campaign may still be closing. When the cancellation is committed, the scheduler makes
 * the remaining refunds due even if this call fails.
 */
export async function callOff(
  app: LifecycleDeps,
  actor: Actor,
  id: string,
  reason: string,
): Promise<Campaign> {
  await runInTransaction(app.db, (tx) => cancelCampaign(tx, actor, id, reason));
  return await settleAndFind(app, id);
}
callOff.refusals = refusals(cancelCampaign);

/**
 * Decides about a completed campaign with fewer paid slots than its minimum: continues with it, or
 * cancels it and makes the refunds due. Returns the campaign in its new state.
 */
export async function decide(
  app: LifecycleDeps,
  actor: Actor,
  id: string,
  decision: Decision,
): Promise<Campaign> {
  const isOff = await runInTransaction(app.db, (tx) => decideBelowMinimum(tx, actor, id, decision));
  return isOff ? await settleAndFind(app, id) : await requireCampaign(app, id);
}
decide.refusals = refusals(decideBelowMinimum);

async function settleAndFind(app: LifecycleDeps, id: string): Promise<Campaign> {
  const { db, log, config } = app;
  const paysOnline = config.gateway.midtrans !== undefined;
  await settleUntilDone({ db, log, paysOnline }, id);
  return await requireCampaign(app, id);
}

async function changeCampaign(
  app: LifecycleDeps,
  id: string,
  verb: (tx: Tx) => Promise<void>,
): Promise<Campaign> {
  await runInTransaction(app.db, verb);
  return await requireCampaign(app, id);
}

async function requireCampaign(app: LifecycleDeps, id: string): Promise<Campaign> {
  const campaign = await findCampaign(app.db, id);
  if (campaign === undefined) throw new DomainError('campaign_not_found', {});
  return campaign;
}
