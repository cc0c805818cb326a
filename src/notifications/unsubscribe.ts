import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { isTopic, topics, type Topic } from './messages/topics.ts';

/** Whose mails about what a link ends. */
export interface Unsubscription {
  readonly userId: string;
  readonly topic: Topic;
}

/** Makes and reads the links in mails that work without signing in: signed, and good for one thing. */
export class UnsubscribeTokens {
  readonly #key: Buffer;

  /** The key is derived from the service key: another service key ends the links in older mails. */
  constructor(secretKey: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan unsubscribe', 32));
  }

  tokenFor({ userId, topic }: Unsubscription): string {
    const id = Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url');
    const claim = `${id}.${topic}`;
    return `${claim}.${this.#sign(claim)}`;
  }

  /** What a token is for; undefined for one that was not made here. */
  read(token: string): Unsubscription | undefined {
    const [id = '', topic = '', signature = '', ...rest] = token.split('.');
    const expected = Buffer.from(this.#sign(`${id}.${topic}`));
    const given = Buffer.from(signature);
    const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isSigned || rest.length > 0 || !isTopic(topic) || !topics[topic].oneClick)
      return undefined;
    const hex = Buffer.from(id, 'base64url').toString('hex');
    const userId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    return { userId, topic };
  }

  #sign(claim: string): string {
    return createHmac('sha256', this.#key).update(claim).digest('base64url');
  }
}
