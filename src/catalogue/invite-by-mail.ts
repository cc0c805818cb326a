import { refusals } from '../errors/errors.ts';
import { translate } from '../i18n/messages.ts';
import { pathIn } from '../web/visit.ts';
import type { Language } from '../i18n/language.ts';
import type { Database } from '../database/pool.ts';
import type { Actor } from '../identity/actor.ts';
import { sendOrRefuse, type OutgoingEmail, type Mailer } from '../mail/mailer.ts';
import { runInTransaction } from '../operation/run.ts';
import {
  invite,
  withdrawInvitation,
  type Invitation,
  type InvitationLimits,
  type InvitedRole,
} from './invitations.ts';
import { formatMoment } from '../i18n/format.ts';

/** The path of an invitation's link. */
export const invitationPath = '/toko/undangan';

export interface InvitationInput {
  readonly brandId: string;
  readonly email: string;
  readonly role: InvitedRole;
  /** The language of the e-mail, for an invited person without an account. */
  readonly language: Language;
  /** The public address of the site. */
  readonly origin: string;
}

/**
 * Invites a person and sends the link by e-mail. If the e-mail cannot be sent, the invitation is
 * cancelled.
 */
export async function inviteByMail(
  deps: InvitationLimits & { readonly db: Database; readonly mailer: Mailer },
  actor: Actor,
  input: InvitationInput,
): Promise<Invitation> {
  const { db, mailer } = deps;
  const invitation = await runInTransaction(db, (tx) => invite(tx, deps, actor, input));
  try {
    await sendOrRefuse(mailer, mailOf(invitation, input));
  } catch (error) {
    const { invitationId } = invitation;
    await runInTransaction(db, (tx) => withdrawInvitation(tx, actor, { ...input, invitationId }));
    throw error;
  }
  return invitation;
}
inviteByMail.refusals = refusals(invite, sendOrRefuse);

function mailOf(
  invitation: Invitation,
  { language: fallback, origin }: InvitationInput,
): OutgoingEmail {
  const { email, token, invitationId, role, expiresAt } = invitation;
  const language = invitation.language ?? fallback;
  const text = translate(language, 'emails.invitation.text', {
    brand: plainWords(invitation.brandName),
    role,
    link: `${origin}${pathIn(language, `${invitationPath}/${token}`)}`,
    until: formatMoment(expiresAt, language),
  });
  return {
    to: email,
    // A fixed subject: text that a user wrote in a subject could be abused for spam.
    subject: translate(language, 'emails.invitation.subject'),
    text,
    messageId: `<invitation-${invitationId}@${new URL(origin).hostname}>`,
  };
}

/**
 * Makes a user's text safe for an e-mail: short, on one line, and without links. An invisible word
 * joiner follows each character that is part of a link.
 */
function plainWords(words: string): string {
  const line = words.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return line.slice(0, 80).replaceAll(/[.:/@\\](?=\S)/g, '$&\u2060');
}
