import { createHmac } from 'node:crypto';

/** A hash of a text that nobody finds the text from without the secret. */
export function keyed(secret: Buffer, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest();
}
