import { leafHash } from './merkle.ts';

/** A record of the public log, as described in docs/public-log.md. */
export interface PublicRecord {
  /** The number of the event in its campaign, from 1. */
  readonly sequence: number;
  /** Minutes since 1970-01-01T00:00Z. */
  readonly minutes: number;
  readonly event: number;
  /** The number of slots that the event takes (positive) or frees (negative). */
  readonly slots: number;
  readonly slotsTaken: number;
  readonly totalSlots: number;
  /** The price of the goods per slot, in whole rupiah. */
  readonly price: bigint;
  readonly leafHash: Buffer;
}

/** The codes of events that rules of the log depend on. */
export const recordEvents = { payoutReleased: 15, joined: 32, left: 33, changed: 34 } as const;

/** The length of a record in bytes. */
export const recordBytes = 66;

/** Parses a record. Returns undefined when it has another length or version. */
export function parseRecord(record: Buffer): PublicRecord | undefined {
  if (record.length !== recordBytes || record[0] !== 1) return undefined;
  return {
    sequence: Number(record.readBigUInt64BE(1)),
    minutes: record.readUInt32BE(9),
    event: record[13]!,
    slots: record.readInt32BE(14),
    slotsTaken: record.readUInt32BE(18),
    totalSlots: record.readUInt32BE(22),
    price: record.readBigUInt64BE(26),
    leafHash: leafHash(record),
  };
}

/**
 * Returns the first rule of the log that a record breaks after the record before it, in words for
 * people; undefined when it breaks none.
 */
export function brokenRule(
  record: PublicRecord,
  before: PublicRecord | undefined,
): string | undefined {
  const { joined, left, changed } = recordEvents;
  const { sequence, minutes, event, slots, slotsTaken, totalSlots } = record;
  if (sequence !== (before?.sequence ?? 0) + 1) return 'a record is missing before it';
  if (minutes < (before?.minutes ?? 0)) return 'it is older than the record before it';
  if (slotsTaken > totalSlots) return `${slotsTaken} of ${totalSlots} slots are taken after it`;
  if (slotsTaken !== (before?.slotsTaken ?? 0) + slots) {
    return 'its taken slots do not follow from the record before it';
  }
  if (event === joined && slots < 1) return 'it is a new order that takes no slots';
  if (event === left && slots > -1) return 'it is a cancelled order that frees no slots';
  if (slots !== 0 && ![joined, left, changed].some((code) => code === event)) {
    return 'it takes slots without being about an order';
  }
  return undefined;
}
