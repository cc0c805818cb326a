import type { Language } from '../../errors/errors.ts';
import { buyerMessages } from './buyer.ts';
import { moneyMessages } from './money.ts';
import { orderMessages } from './orders.ts';
import { sellerMessages } from './seller.ts';
import type { MessageFormatter } from './formatter.ts';
import type { Topic } from './topics.ts';
import { waitingMessages } from './waiting.ts';

/** What a message tells, as it is stored: facts, no sentences. Times are RFC 3339. */
export interface MessageParams {
  /** The campaign's title and brand. */
  readonly campaign: string;
  readonly brand: string;
  readonly quantity?: number | undefined;
  /** Whole rupiah. */
  readonly amount?: number | undefined;
  /** A person's own words. */
  readonly reason?: string | undefined;
  /** The deadline, the end of a hold or of an offer: whatever the message is about. */
  readonly until?: string | undefined;
  readonly slots_taken?: number | undefined;
  readonly total_slots?: number | undefined;
  /** Of a digest: how many people, and their slots. */
  readonly joined?: number | undefined;
  readonly joined_slots?: number | undefined;
  readonly confirmed?: number | undefined;
  readonly confirmed_slots?: number | undefined;
  readonly cancelled?: number | undefined;
  readonly cancelled_slots?: number | undefined;
}

/** A message in words: plain sentences, one paragraph each. */
export interface Message {
  readonly title: string;
  readonly paragraphs: readonly string[];
}

export type Write = (params: MessageParams, say: MessageFormatter) => Message;

/** One kind of message: which topic it belongs to, and how it reads in each language. */
export type MessageDefinition = { readonly topic: Topic } & Readonly<Record<Language, Write>>;

/** Every kind of message there is. */
export const messages = {
  ...buyerMessages,
  ...waitingMessages,
  ...moneyMessages,
  ...sellerMessages,
  ...orderMessages,
} as const;
export type MessageKind = keyof typeof messages;

/** Whether a stored word is a kind of message that this version knows. */
export function isMessageKind(word: string): word is MessageKind {
  return Object.hasOwn(messages, word);
}

/** A stored message in the words of one person; of a kind that a newer version wrote, its title. */
export function messageFor(kind: string, params: MessageParams, say: MessageFormatter): Message {
  if (!isMessageKind(kind)) return { title: params.campaign, paragraphs: [] };
  const definition: MessageDefinition = messages[kind];
  const { title, paragraphs } = definition[say.language](params, say);
  return { title, paragraphs: paragraphs.filter((paragraph) => paragraph !== '') };
}

/** What a kind of message is about; undefined for one that a newer version wrote. */
export function topicOf(kind: string): Topic | undefined {
  return isMessageKind(kind) ? messages[kind].topic : undefined;
}
