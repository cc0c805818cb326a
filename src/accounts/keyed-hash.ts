import { createHmac } from 'node:crypto';

/**
 * Returns a keyed hash of a text. Without the secret, nobody can find the text by hashing likely
 * texts and comparing the results.
 */
export function keyedHash(secret: Buffer, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest();
}
