import type { AddressInfo } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** One received e-mail. */
export interface ReceivedEmail {
  readonly to: string;
  readonly messageId: string;
  readonly raw: Buffer;
  parsed(): Promise<ParsedMail>;
}

/** A mail server that stores what it receives. */
export interface Mailbox {
  readonly url: string;
  readonly arrived: readonly ReceivedEmail[];
  /** Refuses e-mails to the addresses for which `isRefused` is true, with this SMTP code. */
  refuse(code: number, isRefused: (address: string) => boolean): void;
  close(): Promise<void>;
}

export async function openMailbox(): Promise<Mailbox> {
  const arrived: ReceivedEmail[] = [];
  let refusal: { code: number; isRefused: (address: string) => boolean } | undefined;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    onRcptTo({ address }, _session, done) {
      if (refusal?.isRefused(address) !== true) return done();
      const error = Object.assign(new Error('no'), { responseCode: refusal.code });
      return done(error);
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks);
        const head = raw.toString('latin1').split('\r\n\r\n')[0] ?? '';
        arrived.push({
          to: session.envelope.rcptTo[0]?.address ?? '',
          messageId: /^message-id:\s*(\S+)/im.exec(head)?.[1] ?? '',
          raw,
          parsed: () => simpleParser(raw),
        });
        done();
      });
    },
  });
  // If a client ends in the middle of an e-mail, that is not an error of this server.
  server.on('error', () => undefined);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    arrived,
    refuse: (code, isRefused) => (refusal = { code, isRefused }),
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}
