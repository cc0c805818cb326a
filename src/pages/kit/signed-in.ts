import { DomainError } from '../../errors/errors.ts';
import type { PageContext, Person } from '../../web/visit.ts';

/** The signed-in user. Throws `unauthenticated`, which leads to the sign-in page. */
export function requirePerson(visit: PageContext): Person {
  if (visit.person === undefined) throw new DomainError('unauthenticated', {});
  return visit.person;
}

/** Throws `unauthenticated` for visitors. Programs with a token may continue. */
export function requireSignedIn(visit: PageContext): void {
  if (visit.actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
}
