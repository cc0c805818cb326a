import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { isTopic, topics, type Topic } from './messages/topics.ts';

/** The user and topic that an unsubscribe link names. */
export interface Unsubscription {
  readonly userId: string;
  readonly topic: Topic;
}

/**
 * Creates and reads the signed tokens of unsubscribe links in e-mails. The links work without
 * signing in. A token can be used only to unsubscribe.
 */
export class UnsubscribeTokens {
  readonly #key: Buffer;

  /**
   * The signing key is derived from the secret key. When the secret key is changed, the links in
   * older e-mails stop working.
   */
  constructor(secretKey: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan unsubscribe', 32));
  }

  tokenFor({ userId, topic }: Unsubscription): string {
    const id = Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url');
    const claim = `${id}.${topic}`;
    return `${claim}.${this.#sign(claim)}`;
  }

  /** Returns the user and topic of a token; undefined when its signature is invalid. */
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
