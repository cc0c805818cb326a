import { formatMoment, formatRupiah, isTimeZone, westernIndonesia } from '../../i18n/format.ts';
import type { Language } from '../../i18n/language.ts';
import { textOf } from '../../i18n/messages.ts';
import {
  notificationKey,
  notificationKinds,
  type MessageKind,
  type NotificationKind,
  type NotificationValues,
  type Part,
} from './kinds.ts';
import type { Topic } from './topics.ts';

/** The stored parameters of a notification: data, not sentences. Times are in RFC 3339 format. */
export interface MessageParams {
  /** The campaign's title and brand. */
  readonly campaign: string;
  readonly brand: string;
  readonly quantity?: number | undefined;
  /** The amount in whole rupiah. */
  readonly amount?: number | undefined;
  /** The reason in the words of the person who wrote it. */
  readonly reason?: string | undefined;
  /** The time that the notification is about: a deadline, or the end of a hold or an offer. */
  readonly until?: string | undefined;
  readonly slots_taken?: number | undefined;
  readonly total_slots?: number | undefined;
  /**
   * For a digest: the numbers of joins, confirmations and cancellations, and the number of slots of
   * each.
   */
  readonly joined?: number | undefined;
  readonly joined_slots?: number | undefined;
  readonly confirmed?: number | undefined;
  readonly confirmed_slots?: number | undefined;
  readonly cancelled?: number | undefined;
  readonly cancelled_slots?: number | undefined;
}

/** A rendered notification: plain text, one paragraph per array item. */
export interface Message {
  readonly title: string;
  readonly paragraphs: readonly string[];
}

/** The language and time zone of the person who reads a notification. */
export interface Reader {
  readonly language: Language;
  /** The IANA name of the time zone; an unknown name counts as Asia/Jakarta. */
  readonly timeZone: string;
}

/** Returns true when this version of the service knows the stored kind. */
export function isMessageKind(word: string): word is MessageKind {
  return Object.hasOwn(notificationKinds, word);
}

/**
 * Renders a stored notification for one person. If the kind is unknown because a newer version of
 * the service stored it, renders only a title.
 */
export function messageFor(kind: string, params: MessageParams, reader: Reader): Message {
  if (!isMessageKind(kind)) return { title: params.campaign, paragraphs: [] };
  const { parts }: NotificationKind = notificationKinds[kind];
  const values = valuesFor(params, reader);
  const text = (part: 'title' | Part) =>
    textOf(reader.language, { key: notificationKey(kind, part), values });
  return {
    title: text('title'),
    paragraphs: parts
      .filter((part) => isShown(part, params))
      .flatMap((part) => text(part).split('\n\n')),
  };
}

/**
 * Returns the topic of a kind. Undefined if the kind is unknown because a newer version of the
 * service stored it.
 */
export function topicOf(kind: string): Topic | undefined {
  return isMessageKind(kind) ? notificationKinds[kind].topic : undefined;
}

function valuesFor(params: MessageParams, { language, timeZone }: Reader) {
  const zone = isTimeZone(timeZone) ? timeZone : westernIndonesia;
  const { amount, until } = params;
  return {
    campaign: params.campaign,
    brand: params.brand,
    quantity: params.quantity ?? 0,
    amount: amount === undefined ? '' : formatRupiah(amount, language),
    reason: params.reason ?? '',
    until: until === undefined ? '' : formatMoment(new Date(until), language, zone),
    slotsTaken: params.slots_taken ?? 0,
    totalSlots: params.total_slots ?? 0,
    joined: params.joined ?? 0,
    joinedSlots: params.joined_slots ?? 0,
    confirmed: params.confirmed ?? 0,
    confirmedSlots: params.confirmed_slots ?? 0,
    cancelled: params.cancelled ?? 0,
    cancelledSlots: params.cancelled_slots ?? 0,
  } satisfies NotificationValues;
}

function isShown(part: Part, params: MessageParams): boolean {
  if (part === 'body' || part === 'ending') return true;
  return part === 'noAmount' ? !params.amount : Boolean(params[part]);
}
