import { DomainError } from '../errors/errors.ts';
import type { Person, Visit } from '../web/visit.ts';

/** Whoever is signed in as a person. Throws `unauthenticated`, which leads to signing in. */
export function signedIn(visit: Visit): Person {
  if (visit.person === undefined) throw new DomainError('unauthenticated', {});
  return visit.person;
}
