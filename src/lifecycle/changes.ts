import type { Campaign } from '../campaigns/campaign.ts';
import { findCampaign } from '../campaigns/operations.ts';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { OperationDeps } from '../operation/deps.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError } from '../errors/errors.ts';
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

/** What a change of a campaign's way needs of the application. */
export interface LifecycleDeps extends OperationDeps {
  readonly config: Config;
  readonly log: Logger;
}

/** Opens a campaign now, tells who watches it, and gives it as it is then. Refuses as the verb. */
export async function publish(app: LifecycleDeps, actor: Actor, id: string): Promise<Campaign> {
  return await changed(app, id, (tx) =>
    publishCampaign(tx, actor, id, app.config.gateway.midtrans !== undefined),
  );
}

/** Moves the deadline to a later time, tells who watches, and gives the campaign. */
export async function extend(
  app: LifecycleDeps,
  actor: Actor,
  id: string,
  to: { readonly deadline: Date; readonly reason: string },
): Promise<Campaign> {
  return await changed(app, id, (tx) => extendCampaign(tx, actor, id, to));
}

/** Marks a batch as shipped, tells who watches, and gives the campaign. Refuses as the verb. */
export async function ship(app: LifecycleDeps, actor: Actor, id: string): Promise<Campaign> {
  const { receivedAfterDays } = app.config.payments;
  return await changed(app, id, (tx) => shipCampaign(tx, actor, id, receivedAfterDays));
}

/**
 * Calls a campaign off and makes the refunds. With very many participants the campaign that is
 * given may still be closing: whatever becomes of this, it is called off, and the scheduler does
 * what is left.
 */
export async function callOff(
  app: LifecycleDeps,
  actor: Actor,
  id: string,
  reason: string,
): Promise<Campaign> {
  await runInTransaction(app.db, (tx) => cancelCampaign(tx, actor, id, reason));
  return await settled(app, id);
}

/**
 * Goes on with a batch below its minimum, or calls it off and makes the refunds as callOff does.
 * Gives the campaign as it is then. Refuses as the verb.
 */
export async function decide(
  app: LifecycleDeps,
  actor: Actor,
  id: string,
  decision: Decision,
): Promise<Campaign> {
  const isOff = await runInTransaction(app.db, (tx) => decideBelowMinimum(tx, actor, id, decision));
  return isOff ? await settled(app, id) : await present(app, id);
}

async function settled(app: LifecycleDeps, id: string): Promise<Campaign> {
  await settleUntilDone({ db: app.db, log: app.log }, id);
  return await present(app, id);
}

async function changed(
  app: LifecycleDeps,
  id: string,
  verb: (tx: Tx) => Promise<void>,
): Promise<Campaign> {
  await runInTransaction(app.db, verb);
  return await present(app, id);
}

async function present(app: LifecycleDeps, id: string): Promise<Campaign> {
  const campaign = await findCampaign(app.db, id);
  if (campaign === undefined) throw new DomainError('campaign_not_found', {});
  return campaign;
}
