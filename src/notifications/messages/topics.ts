/** The topics that a person can switch on and off, with their defaults. */
export const topics = {
  /** The buyer's own slots. */
  orders: { email: true, inApp: true, oneClick: false },
  payments: { email: true, inApp: true, oneClick: false },
  /** News of campaigns that the buyer takes part in. */
  campaigns: { email: true, inApp: true, oneClick: true },
  waiting: { email: true, inApp: true, oneClick: true },
  reminders: { email: true, inApp: true, oneClick: true },
  /** Results of the seller's campaigns. */
  seller: { email: true, inApp: true, oneClick: true },
  /** Digest of joins and cancellations in the seller's campaigns. */
  seller_digest: { email: true, inApp: true, oneClick: true },
} as const satisfies Record<string, TopicRules>;

interface TopicRules {
  readonly email: boolean;
  readonly inApp: boolean;
  /** True when its e-mails have one-click unsubscribe; receipts are mandatory. */
  readonly oneClick: boolean;
}

export type Topic = keyof typeof topics;
export const topicNames = Object.keys(topics) as [Topic, ...Topic[]];

/** Returns true when a word is the name of a topic. */
export function isTopic(word: string): word is Topic {
  return Object.hasOwn(topics, word);
}
