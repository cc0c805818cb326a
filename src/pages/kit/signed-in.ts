import { DomainError } from '../../errors/errors.ts';
import type { PageContext, Person } from '../../web/visit.ts';

/**
 * Returns the signed-in user. Throws `unauthenticated` for a visitor, who is then redirected to the
 * sign-in page.
 */
export function requirePerson(visit: PageContext): Person {
  if (visit.person === undefined) throw new DomainError('unauthenticated', {});
  return visit.person;
}

/** Throws `unauthenticated` for visitors. Accepts signed-in users and callers with a token. */
export function requireSignedIn(visit: PageContext): void {
  if (visit.actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
}
