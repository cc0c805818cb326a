import { knownLanguage } from '../i18n/messages.ts';
import type { Language } from '../i18n/language.ts';
import { viewCampaign } from '../campaigns/operations.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { databaseNow } from '../database/clock.ts';
import { DomainError, refusals } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { messageFor } from './messages/messages.ts';
import * as sql from './inbox-queries.ts';
import { removeDeadlineReminders, setReminders } from './reminder-queries.ts';
import { deadlineReminders } from './reminders.ts';
import { topicNames, topics, type Topic } from './messages/topics.ts';
import type { UnsubscribeTokens } from './unsubscribe.ts';

/** If a person has more unread notifications than this number, the page shows only "many". */
const maxUnread = 1_000;
const readAtOnce = 10_000;

/** A notification in a person's inbox, in their language and time zone. */
export interface InboxMessage {
  readonly id: string;
  readonly campaign_id: string;
  readonly kind: string;
  readonly title: string;
  readonly paragraphs: readonly string[];
  readonly created_at: Date;
  readonly read_at: Date | null;
}

/** Converts a row to an inbox notification, in the reader's language unless another is given. */
export function inboxMessageOf(
  row: sql.InboxRow,
  language: Language = knownLanguage(row.locale),
): InboxMessage {
  const reader = { language, timeZone: row.time_zone ?? '' };
  return {
    id: row.notification_id,
    campaign_id: row.campaign_id,
    kind: row.kind,
    ...messageFor(row.kind, row.params, reader),
    created_at: row.created_at,
    read_at: row.read_at,
  };
}

/** Returns the number of a person's unread notifications, at most 1,000. */
export async function unreadOf(db: Queryable, userId: string): Promise<number> {
  return (await db.one(sql.countUnread, userId, maxUnread)).unread;
}

/** Marks one notification of a person as read. */
export async function readMessage(
  tx: Tx,
  userId: string,
  notificationId: string,
): Promise<{ readonly id: string; readonly read_at: Date }> {
  const found = await tx.maybe(sql.markRead, userId, notificationId);
  if (found === undefined) throw new DomainError('notification_not_found', {});
  return { id: found.notification_id, read_at: found.read_at };
}
readMessage.refusals = refusals('notification_not_found');

/**
 * Marks a person's notifications as read: all notifications, or all up to a given notification.
 * Returns the number of notifications that were marked.
 */
export async function readAllMessages(
  tx: Tx,
  userId: string,
  upTo: string | null,
): Promise<number> {
  return (await tx.rows(sql.markAllRead, userId, upTo, readAtOnce)).length;
}

/** A topic, and for each channel whether a person gets the notifications of the topic. */
export interface TopicSetting {
  readonly topic: Topic;
  readonly email: boolean;
  readonly in_app: boolean;
}

/**
 * Returns all topics with the person's settings. A topic that the person has never changed has the
 * default settings.
 */
export async function settingsOf(db: Queryable, userId: string): Promise<TopicSetting[]> {
  const set = new Map((await db.rows(sql.listSettings, userId)).map((row) => [row.topic, row]));
  return topicNames.map((topic) => ({
    topic,
    email: set.get(topic)?.email ?? topics[topic].email,
    in_app: set.get(topic)?.in_app ?? topics[topic].inApp,
  }));
}

/** Switches the channels of a topic on or off; an undefined channel does not change. */
export async function setTopic(
  tx: Tx,
  userId: string,
  topic: Topic,
  change: { readonly email?: boolean | undefined; readonly inApp?: boolean | undefined },
): Promise<TopicSetting> {
  const { email, in_app } = await tx.one(
    sql.putSetting,
    userId,
    topic,
    change.email ?? null,
    change.inApp ?? null,
    topics[topic].email,
    topics[topic].inApp,
  );
  return { topic, email, in_app };
}

/** Unsubscribes the user from the topic that the token of an e-mail's link names. */
export async function unsubscribe(
  tx: Tx,
  tokens: UnsubscribeTokens,
  token: string,
): Promise<TopicSetting> {
  const claim = tokens.read(token);
  if (claim === undefined) throw new DomainError('link_not_valid', {});
  return await setTopic(tx, claim.userId, claim.topic, { email: false });
}
unsubscribe.refusals = refusals('link_not_valid');

/**
 * Schedules a person's reminders of a campaign's deadline: one day and one hour before it. Returns
 * the times of the reminders; times in the past are left out.
 */
export async function askReminder(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  userId: () => string,
): Promise<Date[]> {
  const campaign = await viewCampaign(tx, actor, campaignId);
  const person = userId();
  const { now } = await tx.one(databaseNow);
  const wanted = deadlineReminders(campaign.deadline, now);
  await tx.rows(
    setReminders,
    campaignId,
    wanted.map(() => person),
    wanted.map(({ kind }) => kind),
    wanted.map(() => campaignId),
    wanted.map(({ dueAt }) => dueAt),
  );
  return wanted.map(({ dueAt }) => dueAt);
}
askReminder.refusals = refusals(viewCampaign);

/** Deletes a person's reminders of a campaign's deadline. */
export async function dropReminder(
  tx: Tx,
  actor: Actor,
  campaignId: string,
  userId: () => string,
): Promise<void> {
  await viewCampaign(tx, actor, campaignId);
  await tx.rows(removeDeadlineReminders, campaignId, userId());
}
dropReminder.refusals = refusals(viewCampaign);
