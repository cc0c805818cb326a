import { refusals } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { authorize } from '../identity/policy.ts';

/** Returns the caller's user id, because a caller may manage only their own account. */
export function ownerOf(actor: Actor): string {
  const caller = authorize(actor, 'account.manage');
  if (caller.kind === 'service') throw new Error('the policy lets no service have an account');
  return caller.userId;
}
ownerOf.refusals = refusals(authorize);
