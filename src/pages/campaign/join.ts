import Type from 'typebox';
import type { Static } from 'typebox';
import { ownAddress } from '../../accounts/operations.ts';
import type { PageDeps } from '../deps.ts';
import { userOf } from '../../http/authentication.ts';
import { formParser, toResult, rawFields } from '../../http/forms.ts';
import { closed, Id } from '../../http/schemas.ts';
import { redirect, type PagePlugin } from '../../http/page-response.ts';
import type { Actor } from '../../identity/actor.ts';
import { authorize } from '../../identity/policy.ts';
import { joinCounted } from '../../participations/count-joins.ts';
import { joinRequestOf } from '../../participations/operations.ts';
import { hasOtherOrder } from '../../participations/queries.ts';
import { JoinFields } from '../../participations/schemas.ts';
import type { PageContext } from '../../web/visit.ts';
import { showCampaign } from './campaign.ts';
import { otherAddress } from './join-form.ts';

const Key = Type.String({ minLength: 8, maxLength: 64, pattern: '^[\\w-]+$' });
const JoinForm = closed({
  quantity: JoinFields.quantity,
  note: JoinFields.note,
  shipping_address: Type.Optional(JoinFields.shipping_address),
  address_id: Type.Optional(Type.Union([Id, Type.Literal(otherAddress)])),
  key: Key,
  /** Sent when the buyer has confirmed a further order in the same campaign. */
  more: Type.Optional(Type.Literal('1')),
});
/** Parses a join form or the form of the waiting list. */
export const readJoin = formParser(JoinForm);
type JoinForm = Static<typeof JoinForm>;

/**
 * Registers the join form. It contains an idempotency key, so that a form that is sent twice
 * creates only one order.
 */
export function joinPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.post(
      '/sambatan/:id/ikut',
      { schema: { params: closed({ id: Id }) } },
      async (request, reply) => {
        const { id } = request.params;
        const caller = authorize(request.visit.actor, 'participation.join');
        const form = readJoin(request.body);
        if ('errors' in form) {
          const { typed, errors } = form;
          return showCampaign(app, request, reply, id, {
            typed,
            errors,
            status: 422,
            key: rawFields(request.body)['key'],
          });
        }
        const { quantity, note, key } = form.value;
        if (form.value.more === undefined && (await hasOther(app, request.visit, id, key))) {
          const { typed } = form;
          const asked = { typed, errors: [], asksMore: true, status: 409, key };
          return showCampaign(app, request, reply, id, asked);
        }
        const answer = await toResult(async () => {
          const joinRequest = {
            userId: userOf(caller, undefined),
            quantity,
            shippingAddress: await addressOf(app, request.visit.actor, form.value),
            note: note ?? undefined,
            key,
          };
          return await joinCounted(app, joinRequestOf(caller, id.toLowerCase(), joinRequest));
        });
        if ('done' in answer) {
          return redirect(request, reply, `/ikutan/${answer.done.participationId}?baru`);
        }
        const { refused } = answer;
        if (refused.retryAfterSeconds !== undefined) {
          reply.header('retry-after', String(refused.retryAfterSeconds));
        }
        return showCampaign(app, request, reply, id, {
          typed: form.typed,
          errors: refused.fields,
          refused,
          status: refused.status,
          // The refusal of the database is stored under this key and would be repeated. So the form
          // gets a new key, except after a validation error, which is not stored.
          key: refused.code === 'validation_failed' ? key : undefined,
        });
      },
    );
  };
}

/**
 * Returns true if the buyer already has slots in this campaign that another form ordered. A form
 * that was loaded before that order then asks for a confirmation.
 */
async function hasOther(
  app: PageDeps,
  visit: PageContext,
  campaignId: string,
  key: string,
): Promise<boolean> {
  if (visit.person === undefined) return false;
  const { userId } = visit.person;
  const row = await app.db.one(hasOtherOrder, campaignId.toLowerCase(), userId, key);
  return row.has_other;
}

/** Returns the shipping address of a form: a saved address of the caller, or else the typed one. */
export async function addressOf(app: PageDeps, actor: Actor, form: JoinForm): Promise<string> {
  const { address_id: id = otherAddress, shipping_address: typed = '' } = form;
  return id === otherAddress ? typed : (await ownAddress(app.db, actor, id)).line;
}
