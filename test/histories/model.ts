import type { Part, Terms } from '../waiting/model.ts';
import type { Calendar } from './calendar.ts';
import { GoodsModel } from './goods.ts';

/** The caller of a command. `owner` is the buyer of the participation or waiting-list entry. */
export const roles = [
  'visitor',
  'owner',
  'other',
  'seller',
  'rival',
  'operator',
  'service',
] as const;
export type Role = (typeof roles)[number];

export type Beginning = 'draft' | 'scheduled' | 'active';

interface Kept {
  readonly body: string;
  readonly outcome: string;
  /** The participation that the request with this key created, as an index in `parts`. */
  readonly part: number | undefined;
}

const sellers: readonly Role[] = ['seller', 'service'];
const running: readonly Role[] = ['seller', 'operator', 'service'];

/**
 * The model of a whole campaign, as the API shows it. This class models the time before the
 * campaign opens, authorization and idempotency keys. The classes that it extends model open
 * campaigns, money and goods.
 */
export class HistoryModel extends GoodsModel {
  stage: Beginning;
  title = '';
  readonly opensAt: number;
  readonly #keys = new Map<string, Kept>();

  constructor(
    terms: Terms,
    {
      beginning,
      opensAt,
      ...money
    }: {
      readonly beginning: Beginning;
      /** The time at which the campaign opens, in seconds of the model. */
      readonly opensAt: number;
      readonly calendar: Calendar;
      /** Seconds in which only the seller may decide about a batch below its minimum. */
      readonly decision: number;
    },
  ) {
    super({ ...terms }, money);
    this.stage = beginning;
    this.opensAt = opensAt;
  }

  override get status(): string {
    return this.end !== null || this.stage === 'active' ? super.status : this.stage;
  }

  /**
   * The refusal for a caller whose role is not in `allowed`, or who must not see the campaign;
   * undefined for all other callers.
   */
  refusal(role: Role, allowed: readonly Role[]): string | undefined {
    const isHidden = this.status === 'draft' && !running.includes(role);
    if (isHidden) return 'campaign_not_found';
    if (allowed.includes(role)) return undefined;
    return role === 'visitor' ? 'unauthenticated' : 'forbidden';
  }

  /**
   * The same as `refusal`, but for a write: a visitor must sign in before anything is looked up.
   */
  writeRefusal(role: Role, allowed: readonly Role[]): string | undefined {
    return role === 'visitor' ? 'unauthenticated' : this.refusal(role, allowed);
  }

  /** The orders that a buyer can pay for now: holds in an open campaign that have not lapsed. */
  get payable(): readonly Part[] {
    const isOpen = this.stage === 'active' && this.end === null && this.now < this.deadline;
    if (!isOpen || !this.terms.upfront) return [];
    return this.parts.filter(
      ({ status, holdEndsAt }) =>
        status === 'reserved' && (holdEndsAt === null || this.now < holdEndsAt),
    );
  }

  read(role: Role): string {
    return this.refusal(role, roles) ?? 'ok';
  }

  readParticipants(role: Role): string {
    return this.refusal(role, running) ?? 'ok';
  }

  readBooks(role: Role): string {
    return this.refusal(role, running) ?? 'ok';
  }

  /** The seller declares that fewer slots can be delivered. */
  deliverFewer(role: Role, slots: number): string {
    return this.writeRefusal(role, running) ?? this.shortfall(slots);
  }

  override join(user: number, quantity: number): string {
    return this.#unopened() ?? super.join(user, quantity);
  }

  /** A join with an idempotency key. A later join with the same key gets the first answer again. */
  joinWithKey(user: number, quantity: number, key: string): Omit<Kept, 'body'> {
    if (this.status === 'draft') return { outcome: 'campaign_not_found', part: undefined };
    const name = `${user} ${key}`;
    const kept = this.#keys.get(name);
    const body = String(quantity);
    if (kept !== undefined) {
      return kept.body === body ? kept : { outcome: 'idempotency_key_reused', part: undefined };
    }
    const outcome = this.join(user, quantity);
    const part = outcome === 'ok' ? this.parts.length - 1 : undefined;
    this.#keys.set(name, { body, outcome, part });
    return { outcome, part };
  }

  override wait(user: number, quantity: number): string {
    return this.#unopened() ?? super.wait(user, quantity);
  }

  /** The seller marks the batch as shipped. */
  ship(role: Role): string {
    return this.writeRefusal(role, running) ?? this.shipBatch();
  }

  publish(role: Role): string {
    const refused = this.writeRefusal(role, sellers);
    if (refused !== undefined) return refused;
    if (this.end !== null || this.stage === 'active') return 'transition_not_allowed';
    if (this.now >= this.deadline) return 'deadline_passed';
    this.stage = 'active';
    return 'ok';
  }

  retitle(role: Role, title: string): string {
    const refused = this.writeRefusal(role, sellers) ?? this.#notEditable();
    if (refused !== undefined) return refused;
    this.title = title;
    return 'ok';
  }

  resize(role: Role, terms: Pick<Terms, 'total' | 'minimum' | 'mostPerUser'>): string {
    const refused = this.writeRefusal(role, sellers);
    if (refused !== undefined) return refused;
    if (this.end !== null) return 'transition_not_allowed';
    const { total, minimum, mostPerUser } = this.terms;
    const isSame =
      total === terms.total && minimum === terms.minimum && mostPerUser === terms.mostPerUser;
    if (isSame) return 'ok';
    if (this.stage === 'active') return 'campaign_already_open';
    if (this.now >= this.deadline) return 'deadline_not_in_future';
    Object.assign(this.terms, terms);
    return 'ok';
  }

  prolong(role: Role, seconds: number): string {
    const refused = this.writeRefusal(role, running);
    if (refused !== undefined) return refused;
    if (this.end !== null || this.isVerifying || this.stage !== 'active') {
      return 'transition_not_allowed';
    }
    if (this.now >= this.deadline) return 'deadline_passed';
    return seconds > 0 ? super.extend(seconds) : 'deadline_not_later';
  }

  cancelCampaign(role: Role): string {
    return this.writeRefusal(role, running) ?? super.callOff();
  }

  /** Decides about a batch below its minimum: continue or stop. */
  decideAs(role: Role, goesOn: boolean): string {
    return this.writeRefusal(role, running) ?? this.decide(goesOn, role === 'operator');
  }

  override settle(completeFull: boolean): void {
    if (this.stage === 'draft') return;
    if (this.stage === 'scheduled' && this.end === null) {
      if (this.now < this.opensAt) return;
      this.stage = 'active';
    }
    super.settle(completeFull);
  }

  #unopened(): string | undefined {
    if (this.status === 'draft') return 'campaign_not_found';
    return this.status === 'scheduled' ? 'campaign_not_active' : undefined;
  }

  #notEditable(): string | undefined {
    if (this.end !== null) return 'transition_not_allowed';
    const isOpen = this.stage === 'active';
    return !isOpen && this.now >= this.deadline ? 'deadline_not_in_future' : undefined;
  }
}

/**
 * The refusal for a caller who may not see the data of a buyer; undefined if the caller may. A
 * stranger gets “not found”.
 */
export function refusalOf(
  role: Role,
  allowed: readonly Role[],
  hidden = 'participation_not_found',
): string | undefined {
  if (allowed.includes(role)) return undefined;
  if (role === 'visitor') return 'unauthenticated';
  return role === 'owner' || running.includes(role) ? 'forbidden' : hidden;
}
