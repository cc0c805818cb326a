import type { Tx } from '../database/transaction.ts';
import { newId } from '../identity/ids.ts';
import { topicOf } from './messages/messages.ts';
import type { PlannedMessage } from './plan.ts';
import { insertMessages } from './queries.ts';
import { topics } from './messages/topics.ts';

/**
 * Stores notifications and puts their e-mails into the outbox. Skips notifications that are already
 * stored.
 */
export async function enqueueMessages(
  tx: Tx,
  campaignId: string,
  messages: readonly PlannedMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  const rules = messages.map(({ kind }) => topics[topicOf(kind) ?? 'campaigns']);
  await tx.rows(
    insertMessages,
    campaignId,
    messages.map(newId),
    messages.map(({ userId }) => userId),
    messages.map(({ eventKey }) => eventKey),
    messages.map(({ kind }) => kind),
    messages.map(({ params }) => params),
    messages.map(({ kind }) => topicOf(kind) ?? 'campaigns'),
    rules.map(({ email }) => email),
    rules.map(({ inApp }) => inApp),
  );
}
