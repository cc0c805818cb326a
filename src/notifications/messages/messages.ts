import type { Language } from '../../errors/errors.ts';
import { buyerMessages } from './buyer.ts';
import { moneyMessages } from './money.ts';
import { orderMessages } from './orders.ts';
import { sellerMessages } from './seller.ts';
import type { MessageFormatter } from './formatter.ts';
import type { Topic } from './topics.ts';
import { waitingMessages } from './waiting.ts';

/** The stored parameters of a notification: facts, no sentences. Times are RFC 3339. */
export interface MessageParams {
  /** The campaign's title and brand. */
  readonly campaign: string;
  readonly brand: string;
  readonly quantity?: number | undefined;
  /** Whole rupiah. */
  readonly amount?: number | undefined;
  /** A person's own words. */
  readonly reason?: string | undefined;
  /** The time that the notification is about: a deadline, or the end of a hold or an offer. */
  readonly until?: string | undefined;
  readonly slots_taken?: number | undefined;
  readonly total_slots?: number | undefined;
  /** For a digest: the number of people and their slots. */
  readonly joined?: number | undefined;
  readonly joined_slots?: number | undefined;
  readonly confirmed?: number | undefined;
  readonly confirmed_slots?: number | undefined;
  readonly cancelled?: number | undefined;
  readonly cancelled_slots?: number | undefined;
}

/** A rendered notification: plain sentences, one paragraph each. */
export interface Message {
  readonly title: string;
  readonly paragraphs: readonly string[];
}

export type Write = (params: MessageParams, say: MessageFormatter) => Message;

/** One kind of notification: its topic, and its text in each language. */
export type MessageDefinition = { readonly topic: Topic } & Readonly<Record<Language, Write>>;

/** All kinds of notifications. */
export const messages = {
  ...buyerMessages,
  ...waitingMessages,
  ...moneyMessages,
  ...sellerMessages,
  ...orderMessages,
} as const;
export type MessageKind = keyof typeof messages;

/** Returns true when this version knows the stored kind. */
export function isMessageKind(word: string): word is MessageKind {
  return Object.hasOwn(messages, word);
}

/** Renders a stored notification for one person; for a kind of a newer version, only its title. */
export function messageFor(kind: string, params: MessageParams, say: MessageFormatter): Message {
  if (!isMessageKind(kind)) return { title: params.campaign, paragraphs: [] };
  const definition: MessageDefinition = messages[kind];
  const { title, paragraphs } = definition[say.language](params, say);
  return { title, paragraphs: paragraphs.filter((paragraph) => paragraph !== '') };
}

/** Returns the topic of a kind; undefined for a kind of a newer version. */
export function topicOf(kind: string): Topic | undefined {
  return isMessageKind(kind) ? messages[kind].topic : undefined;
}
