import { wording } from '../i18n/messages.ts';
import { toApiStatus, type StoredCampaignStatus } from '../database/status-words.ts';
import * as audit from '../audit/queries.ts';
import type { Config } from '../config/config.ts';
import { brandRoleOf } from '../catalogue/operations.ts';
import { findProduct } from '../catalogue/queries.ts';
import { databaseNow } from '../database/clock.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import { actorLabel, type Actor, type SignedIn } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { may, authorize, type Action } from '../identity/policy.ts';
import {
  campaignOf,
  validateTerms,
  type Campaign,
  type CampaignTerms,
  type PaymentTiming,
} from './campaign.ts';
import * as sql from './queries.ts';
import { campaignAfter } from './status.ts';

/** Returns one campaign if the caller may see it. */
export async function viewCampaign(
  db: Queryable,
  actor: Actor,
  campaignId: string,
): Promise<Campaign> {
  const campaign = await findCampaign(db, campaignId);
  if (campaign === undefined) throw new DomainError('campaign_not_found', {});
  if (campaign.status === 'inactive') {
    const brandRole = await brandRoleOf(db, actor, campaign.brand_id);
    // The error does not show that a draft with this id exists.
    if (!may(actor, 'campaign.read_draft', { brandRole })) {
      throw new DomainError('campaign_not_found', {});
    }
  }
  return campaign;
}
viewCampaign.refusals = refusals('campaign_not_found');

export async function findCampaign(
  db: Queryable,
  campaignId: string,
): Promise<Campaign | undefined> {
  const row = await db.find(sql.campaignById, campaignId);
  return row && campaignOf(row);
}

/**
 * Checks that the caller may do this to the campaign; throws otherwise. The error is
 * `campaign_not_found` for a draft that the caller may not see.
 */
export async function authorizeOnCampaign(
  db: Queryable,
  actor: Actor,
  action: Action,
  campaignId: string,
): Promise<{ campaign: Campaign; caller: SignedIn }> {
  const campaign = await viewCampaign(db, actor, campaignId);
  const brandRole = await brandRoleOf(db, actor, campaign.brand_id);
  return { campaign, caller: authorize(actor, action, { brandRole }) };
}
authorizeOnCampaign.refusals = refusals(viewCampaign, authorize);

export interface NewCampaign extends CampaignTerms {
  readonly productId: string;
  /** True: open the campaign at once, or at `opensAt` if that time is in the future. */
  readonly publish: boolean;
  readonly payments?: PaymentRules;
}

/**
 * Time limits for payments, in seconds. A campaign keeps the limits that were configured when it
 * was created.
 */
export interface PaymentRules {
  /** Time after the end of a hold during which a payment still counts. */
  readonly holdGraceSeconds: number;
  /** Time to pay after the campaign completes, and the grace period after it. */
  readonly termSeconds: number;
  readonly graceSeconds: number;
  /** Maximum time between a payment and its entry in the system. */
  readonly verificationSeconds: number;
  /** Time during which only the seller may decide about a batch below its minimum. */
  readonly decisionSeconds: number;
  /**
   * True when buyers can pay through a payment provider. Then a campaign needs no receiving
   * account.
   */
  readonly paysOnline: boolean;
}

const hour = 3_600;
export const defaultPaymentRules: PaymentRules = {
  holdGraceSeconds: 0,
  termSeconds: 72 * hour,
  graceSeconds: 24 * hour,
  verificationSeconds: 48 * hour,
  decisionSeconds: 72 * hour,
  paysOnline: false,
};

/** Returns the payment rules that the configuration sets. */
export function paymentRulesOf({ payments, gateway }: PaymentConfig): PaymentRules {
  return {
    holdGraceSeconds: payments.holdGraceMinutes * 60,
    termSeconds: payments.termHours * hour,
    graceSeconds: payments.graceHours * hour,
    verificationSeconds: payments.verificationHours * hour,
    decisionSeconds: payments.decisionHours * hour,
    paysOnline: gateway.midtrans !== undefined,
  };
}
type PaymentConfig = Pick<Config, 'payments' | 'gateway'>;

/**
 * Creates a campaign of an enabled product. It is active when it is published at once, scheduled
 * when it has an opening time, and otherwise inactive.
 */
export async function createCampaign(tx: Tx, actor: Actor, input: NewCampaign): Promise<Campaign> {
  const product = await tx.maybe(findProduct, input.productId);
  if (product === undefined) throw new DomainError('product_not_found', {});
  const brandRole = await brandRoleOf(tx, actor, product.brand_id);
  const caller = authorize(actor, 'campaign.create', { brandRole });
  // The creator of a campaign that opens now or at a set time also publishes it, and so needs the
  // right to publish.
  if (input.publish || input.opensAt !== null) authorize(actor, 'campaign.publish', { brandRole });
  if (!product.sambatan_enabled) throw new DomainError('product_not_enabled', {});
  const { now } = await tx.one(databaseNow);
  checkTerms(input, now);

  const opensAt = input.opensAt !== null && input.opensAt > now ? input.opensAt : null;
  const status = opensAt !== null ? 'scheduled' : input.publish ? 'active' : 'draft';
  const rules = input.payments ?? defaultPaymentRules;
  if (status !== 'draft') await checkCollects(tx, input.paymentTiming, rules.paysOnline);
  const campaignId = newId();
  await tx.rows(
    sql.insertCampaign,
    campaignId,
    product.brand_id,
    product.product_id,
    input.title,
    input.description,
    status,
    input.paymentTiming,
    input.totalSlots,
    input.minimumSlots,
    input.minSlotsPerUser,
    input.maxSlotsPerUser,
    input.pricePerSlot,
    input.holdSeconds,
    input.deadline,
    opensAt,
    now,
    rules.holdGraceSeconds,
    rules.termSeconds,
    rules.graceSeconds,
    rules.verificationSeconds,
    rules.decisionSeconds,
  );
  await tx.one(audit.recordEvent, campaignId, 'campaign_created', actorLabel(caller), now, null, {
    published: status === 'active',
    opens_at: opensAt,
    deadline: input.deadline,
    price_per_slot: Number(input.pricePerSlot),
    minimum_slots: input.minimumSlots,
  });
  return campaignOf(await tx.one(sql.campaignById.one, campaignId));
}
createCampaign.refusals = refusals(
  authorize,
  checkTerms,
  checkCollects,
  'product_not_found',
  'product_not_enabled',
);

/** Throws when a campaign with upfront payment has no receiving account to open with. */
async function checkCollects(tx: Tx, timing: PaymentTiming, paysOnline: boolean): Promise<void> {
  if (timing !== 'upfront' || paysOnline) return;
  const { is_there } = await tx.one(sql.hasReceivingAccount);
  if (!is_there) throw new DomainError('receiving_account_missing', {});
}
checkCollects.refusals = refusals('receiving_account_missing');

/**
 * Checks terms and throws the first error. Without `now`, the deadline may be in the past: it was
 * in the future when it was set.
 */
function checkTerms(terms: CampaignTerms, now?: Date): void {
  if (now !== undefined && terms.deadline <= now)
    throw new DomainError('deadline_not_in_future', {});
  const fault = validateTerms(terms);
  if (fault !== undefined) throw fault;
}
checkTerms.refusals = refusals('deadline_not_in_future');

export type CampaignChange = Partial<CampaignTerms>;

/**
 * Fields that may still change when buyers have joined, because they are not part of the agreement.
 */
const editableWhenOpen: readonly TermsField[] = ['title', 'description'];

/**
 * Changes a campaign's terms: all of them before it opens, afterwards only title and description.
 * The opening time of a scheduled campaign can be moved but not removed, and a draft cannot get
 * one.
 */
export async function editCampaign(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  change: CampaignChange,
): Promise<Campaign> {
  const { caller } = await authorizeOnCampaign(tx, actor, 'campaign.edit', campaignId);
  const row = await tx.one(sql.lockCampaign, campaignId);
  // Buyers can already see this campaign, so the caller needs the right to publish. Check under the
  // lock, because another member may be publishing the campaign now.
  if (row.status !== 'draft') await authorizeOnCampaign(tx, actor, 'campaign.publish', campaignId);
  const before = termsOf(row);
  const fields = changedFields(before, change);
  checkEditable(row.status, fields);
  if (fields.length === 0) return campaignOf(row);

  const { now } = await tx.one(databaseNow);
  const after = { ...before, ...change };
  if (row.status === 'scheduled' && after.opensAt === null) {
    throw invalidField('opens_at', wording('errors.field.opensAtRequired'));
  }
  checkTerms(after, isOpen(row.status) ? undefined : now);
  await tx.rows(
    sql.updateCampaign,
    campaignId,
    after.title,
    after.description,
    after.paymentTiming,
    after.totalSlots,
    after.minimumSlots,
    after.minSlotsPerUser,
    after.maxSlotsPerUser,
    after.pricePerSlot,
    after.holdSeconds,
    after.deadline,
    after.opensAt,
  );
  await tx.one(audit.recordEvent, campaignId, 'campaign_edited', actorLabel(caller), now, null, {
    fields: fields.map((field) => wireNames[field]),
  });
  return campaignOf(await tx.one(sql.campaignById.one, campaignId));
}
editCampaign.refusals = refusals(authorizeOnCampaign, checkEditable, checkTerms, 'campaign_busy');

function checkEditable(status: StoredCampaignStatus, fields: readonly TermsField[]): void {
  const from = toApiStatus(status);
  if (campaignAfter(from, 'campaign_edited') === undefined) {
    throw new DomainError('transition_not_allowed', { from, event: 'campaign_edited' });
  }
  if (isOpen(status) && fields.some((field) => !editableWhenOpen.includes(field))) {
    throw new DomainError('campaign_already_open', {});
  }
  if (status === 'draft' && fields.includes('opensAt')) {
    throw invalidField('opens_at', wording('errors.field.opensAtOfDraft'));
  }
}
checkEditable.refusals = refusals('transition_not_allowed', 'campaign_already_open');

function isOpen(status: StoredCampaignStatus): boolean {
  return status === 'active' || status === 'locked';
}

type TermsField = keyof CampaignTerms;

/** The names of the terms as the API and the audit log have them. */
const wireNames = {
  title: 'title',
  description: 'description',
  paymentTiming: 'payment_timing',
  totalSlots: 'total_slots',
  minimumSlots: 'minimum_slots',
  minSlotsPerUser: 'min_slots_per_user',
  maxSlotsPerUser: 'max_slots_per_user',
  pricePerSlot: 'price_per_slot',
  holdSeconds: 'hold_seconds',
  deadline: 'deadline',
  opensAt: 'opens_at',
} as const satisfies Record<TermsField, string>;

function termsOf(row: sql.CampaignRow): CampaignTerms {
  return {
    title: row.title,
    description: row.description,
    paymentTiming: row.payment_timing,
    totalSlots: row.total_slots,
    minimumSlots: row.minimum_slots,
    minSlotsPerUser: row.min_slots_per_user,
    maxSlotsPerUser: row.max_slots_per_user,
    pricePerSlot: row.price_per_slot,
    holdSeconds: row.hold_seconds,
    deadline: row.deadline,
    opensAt: row.opens_at,
  };
}

function changedFields(before: CampaignTerms, change: CampaignChange): TermsField[] {
  return (Object.keys(change) as TermsField[]).filter(
    (field) => comparable(before[field]) !== comparable(change[field]),
  );
}

function comparable(value: CampaignTerms[TermsField] | undefined): unknown {
  return value instanceof Date ? value.getTime() : value;
}
