/** The topics that a person can switch on and off, with their defaults. */
export const topics = {
  /** News of the buyer's own orders. */
  orders: { email: true, inApp: true, oneClick: false },
  payments: { email: true, inApp: true, oneClick: false },
  /** News of campaigns in which the buyer participates. */
  campaigns: { email: true, inApp: true, oneClick: true },
  waiting: { email: true, inApp: true, oneClick: true },
  reminders: { email: true, inApp: true, oneClick: true },
  /** Results of the seller's campaigns. */
  seller: { email: true, inApp: true, oneClick: true },
  /** A digest of the joins and cancellations in the seller's campaigns. */
  seller_digest: { email: true, inApp: true, oneClick: true },
} as const satisfies Record<string, TopicRules>;

interface TopicRules {
  readonly email: boolean;
  readonly inApp: boolean;
  /**
   * True when e-mails of this topic have one-click unsubscribe. Receipts of orders and payments
   * have none.
   */
  readonly oneClick: boolean;
}

export type Topic = keyof typeof topics;
export const topicNames = Object.keys(topics) as [Topic, ...Topic[]];

/** Returns true when a word is the name of a topic. */
export function isTopic(word: string): word is Topic {
  return Object.hasOwn(topics, word);
}
