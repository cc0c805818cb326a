import { createHmac } from 'node:crypto';

/** Returns a keyed hash of a text; without the secret nobody can find the text. */
export function keyedHash(secret: Buffer, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest();
}
