import { DomainError } from '../../errors/errors.ts';
import type { Person, PageContext } from '../../web/visit.ts';

/** Whoever is signed in as a person. Throws `unauthenticated`, which leads to signing in. */
export function signedIn(visit: PageContext): Person {
  if (visit.person === undefined) throw new DomainError('unauthenticated', {});
  return visit.person;
}
