import { randomUUIDv7 } from 'node:crypto';

/** A new uuid v7: grows with time, so that rows made together lie together in every index. */
export function newId(): string {
  return randomUUIDv7();
}

/** Whether a text that somebody typed is an id, in small or capital letters. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
