/** What a person can turn on and off; whether it is on until they say so. */
export const topics = {
  /** What becomes of my slots. */
  orders: { email: true, inApp: true, oneClick: false },
  payments: { email: true, inApp: true, oneClick: false },
  /** News of campaigns that I take part in. */
  campaigns: { email: true, inApp: true, oneClick: true },
  waiting: { email: true, inApp: true, oneClick: true },
  reminders: { email: true, inApp: true, oneClick: true },
  /** What my brand's campaigns have come to. */
  seller: { email: true, inApp: true, oneClick: true },
  /** How many joined and left my brand's campaigns, gathered. */
  seller_digest: { email: true, inApp: true, oneClick: true },
} as const satisfies Record<string, TopicRules>;

interface TopicRules {
  readonly email: boolean;
  readonly inApp: boolean;
  /** Whether its mails can be unsubscribed from with one click; a receipt is owed. */
  readonly oneClick: boolean;
}

export type Topic = keyof typeof topics;
export const topicNames = Object.keys(topics) as [Topic, ...Topic[]];

/** Whether a word is the name of a topic. */
export function isTopic(word: string): word is Topic {
  return Object.hasOwn(topics, word);
}
