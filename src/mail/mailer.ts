import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transporter } from 'nodemailer';
import type { Config } from '../config/config.ts';
import { DomainError } from '../errors/errors.ts';

export interface OutgoingEmail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The same for every attempt at the same mail, so that a mailbox shows it once. */
  readonly messageId?: string | undefined;
}

/** Sends mails: by SMTP, or into a directory where a newcomer can read them. */
export interface Mailer {
  /** Resolves when the server has taken the mail; rejects with its refusal or a time-out. */
  send(mail: OutgoingEmail): Promise<void>;
  /** Where mails are written instead of being sent; undefined with SMTP. */
  readonly outbox: string | undefined;
  close(): Promise<void>;
}

/** A server that does not answer is given up, each of the steps after this long. */
const stepTimeoutMs = 10_000;

/** Builds the mailer that the configuration asks for; nodemailer is loaded with the first mail. */
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

/** Sends a mail that its sender waits for. Refuses: mail_unavailable. */
export async function sendOrRefuse(mailer: Mailer, mail: OutgoingEmail): Promise<void> {
  try {
    await mailer.send(mail);
  } catch (cause) {
    const error = new DomainError('mail_unavailable', {});
    error.cause = cause;
    throw error;
  }
}

/** A mail as the development page shows it. */
export interface CapturedEmail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly sentAt: string;
}

/**
 * The mail as it would be sent, and beside it what a person reads of it. Written under another
 * name and renamed: whoever lists the directory sees whole mails only.
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

/** The last mails of an outbox, newest first; none when nothing was written yet. */
export async function capturedEmails(outbox: string, most = 20): Promise<CapturedEmail[]> {
  const names = await readdir(outbox).catch(() => []);
  const newest = names
    .filter((name) => /^\d.*\.json$/.test(name))
    .toSorted()
    .slice(-most);
  const read = newest.toReversed().map((name) => readFile(join(outbox, name), 'utf8'));
  return (await Promise.all(read)).map((text) => JSON.parse(text) as CapturedEmail);
}
