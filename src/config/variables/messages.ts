import { siteUrl, wholeNumber } from './values.ts';
import { variable } from './variable.ts';

const minutesInADay = 1440;

/** Settings of the public address, e-mails, digests and webhooks. */
export const messagesVariables = {
  SAMBATAN_PUBLIC_URL: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an http:// or https:// URL without a path, such as https://sambatan.example',
    about: [
      'Public address of the site, for links in e-mails and previews. Behind a TLS proxy set it',
      'to the https:// address. Unset: links use the address of the request.',
    ],
    parse: siteUrl,
  }),
  SMTP_URL: variable({
    fallback: undefined,
    secret: true,
    accepts: 'a URL that starts with smtp:// or smtps://',
    about: [
      'Mail server, for example smtps://user:password@smtp.example:465',
      'Unset: e-mails are written to SAMBATAN_DATA_DIR/outbox, and the site shows them at a',
      'secret address that is printed at the start, so that a first user can sign in.',
    ],
    parse: (text) => (/^smtps?:\/\/[^\s]+$/.test(text) && URL.canParse(text) ? text : undefined),
  }),
  MAIL_FROM: variable({
    fallback: 'Sambatan <sambatan@localhost>',
    secret: false,
    accepts: 'an address such as Sambatan <halo@sambatan.example>',
    about: ['Sender of e-mails.'],
    parse: (text) => (/^([^<>@\r\n]* <)?[^\s<>@]+@[^\s<>@]+>?$/.test(text) ? text : undefined),
  }),
  SAMBATAN_MAILS_PER_MINUTE: variable({
    fallback: '600',
    secret: false,
    accepts: 'a whole number from 1 to 100000',
    about: [
      'Maximum sign-in codes and invitations sent per minute, averaged over five minutes, by all',
      'processes together. Requests from unknown senders may use 80 % of it, invitations half.',
      'Stay below the limit of the mail provider.',
    ],
    parse: (text) => wholeNumber(text, 1, 100_000),
  }),
  SAMBATAN_MAILS_PER_DAY: variable({
    fallback: '20000',
    secret: false,
    accepts: 'a whole number from 1 to 10000000',
    about: ['Maximum sign-in codes and invitations sent per day, shared in the same way.'],
    parse: (text) => wholeNumber(text, 1, 10_000_000),
  }),
  SAMBATAN_INVARIANT_HOURS: variable({
    fallback: '24',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720 (0: never)',
    about: [
      'Hours between two checks of every invariant on the whole database. The workers share the',
      'checks, one at a time. 0: never; then run "sambatan invariants" from your own timer.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_DIGEST_MINUTES: variable({
    fallback: '15',
    secret: false,
    accepts: `a whole number of minutes from 1 to ${minutesInADay}`,
    about: [
      'Minutes for which joins and cancellations of a campaign are collected for its sellers: one',
      'message per window, however many there are.',
    ],
    parse: (text) => wholeNumber(text, 1, minutesInADay),
  }),
  SAMBATAN_WEBHOOKS_TO_LOOPBACK: variable({
    fallback: 'false',
    secret: false,
    accepts: 'true or false',
    about: [
      'For development: whether webhooks may be sent to addresses of this machine (127.0.0.1,',
      '::1), also by http://. Other private addresses are always refused.',
    ],
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  }),
} as const;
