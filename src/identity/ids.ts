import { randomUUIDv7 } from 'node:crypto';

/**
 * Returns a new uuid v7. Later ids are greater, so rows created at about the same time are close
 * together in every index.
 */
export function newId(): string {
  return randomUUIDv7();
}

/** Returns true when a text is a uuid, in lower or upper case. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
