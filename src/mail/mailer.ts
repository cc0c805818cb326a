import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transporter } from 'nodemailer';
import type { Config } from '../config/config.ts';
import { DomainError, refusals } from '../errors/errors.ts';

export interface OutgoingEmail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The Message-ID. It is the same at every attempt, so that a mailbox can show the e-mail only
   * once.
   */
  readonly messageId?: string | undefined;
}

/** Sends e-mails by SMTP or, without a mail server, writes them to a directory. */
export interface Mailer {
  /**
   * Resolves when the mail server has accepted the e-mail. Rejects when the server refuses it or
   * does not answer in time.
   */
  send(mail: OutgoingEmail): Promise<void>;
  /** The directory for e-mails when there is no mail server; undefined with SMTP. */
  readonly outbox: string | undefined;
  close(): Promise<void>;
}

/** Time-out of each step of SMTP, in milliseconds. */
const stepTimeoutMs = 10_000;

/**
 * Creates the mailer that is configured. The nodemailer package is loaded when the first e-mail is
 * sent.
 */
export function createMailer(config: Config): Mailer {
  const { smtpUrl, from } = config.mail;
  const outbox = smtpUrl === undefined ? join(config.database.dataDirectory, 'outbox') : undefined;
  let transport: Promise<Transporter> | undefined;
  return {
    outbox,
    send: async (mail) => {
      transport ??= open(smtpUrl);
      const sent: unknown = await (await transport).sendMail({ from, ...mail });
      if (outbox !== undefined) await keep(outbox, mail, (sent as { message: Buffer }).message);
    },
    close: async () => (await transport)?.close(),
  };
}

async function open(smtpUrl: string | undefined): Promise<Transporter> {
  const { createTransport } = await import('nodemailer');
  if (smtpUrl === undefined) {
    return createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  }
  return createTransport({
    url: smtpUrl,
    pool: true,
    connectionTimeout: stepTimeoutMs,
    greetingTimeout: stepTimeoutMs,
    socketTimeout: stepTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/**
 * Sends an e-mail and throws when that fails, for callers that need it to be sent. Refuses:
 * mail_unavailable.
 */
export async function sendOrRefuse(mailer: Mailer, mail: OutgoingEmail): Promise<void> {
  try {
    await mailer.send(mail);
  } catch (cause) {
    const error = new DomainError('mail_unavailable', {});
    error.cause = cause;
    throw error;
  }
}
sendOrRefuse.refusals = refusals('mail_unavailable');

/** An e-mail that was written to the directory, as its page shows it. */
export interface CapturedEmail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly sentAt: string;
}

/**
 * Writes an e-mail to the directory: the raw message, and a file with its readable fields. Each
 * file is written under a temporary name and then renamed, so that a listing of the directory shows
 * only complete files.
 */
async function keep(outbox: string, mail: OutgoingEmail, message: Buffer): Promise<void> {
  await mkdir(outbox, { recursive: true, mode: 0o700 });
  const sentAt = new Date().toISOString();
  const name = `${sentAt.replaceAll(':', '-')}-${randomUUID().slice(0, 8)}`;
  const kept: CapturedEmail = { to: mail.to, subject: mail.subject, text: mail.text, sentAt };
  const files = { [`${name}.eml`]: message, [`${name}.json`]: JSON.stringify(kept) };
  for (const [file, content] of Object.entries(files)) {
    await writeFile(join(outbox, `.${file}`), content, { mode: 0o600 });
    await rename(join(outbox, `.${file}`), join(outbox, file));
  }
}

/** Returns the latest e-mails in the directory, newest first; an empty list when there are none. */
export async function capturedEmails(outbox: string, most = 20): Promise<CapturedEmail[]> {
  const names = await readdir(outbox).catch(() => []);
  const newest = names
    .filter((name) => /^\d.*\.json$/.test(name))
    .toSorted()
    .slice(-most);
  const read = newest.toReversed().map((name) => readFile(join(outbox, name), 'utf8'));
  return (await Promise.all(read)).map((text) => JSON.parse(text) as CapturedEmail);
}
