import { resolve } from 'node:path';
import { databaseUrl, key, secretLength, wholeNumber } from './values.ts';
import { variable } from './variable.ts';

/** Settings of the HTTP server, its database and its keys. */
export const serverVariables = {
  HOST: variable({
    fallback: '127.0.0.1',
    secret: false,
    accepts: 'an IP address or a host name, such as 127.0.0.1 or 0.0.0.0',
    about: [
      'Address the HTTP server listens on.',
      'Use 0.0.0.0 to accept connections from other machines, with a TLS proxy in front.',
    ],
    parse: (text) => (/^[a-z0-9.:-]{1,255}$/i.test(text) ? text : undefined),
  }),
  PORT: variable({
    fallback: '8000',
    secret: false,
    accepts: 'a whole number from 0 to 65535 (0: any free port)',
    about: ['Port of the HTTP server. 0 takes any free port.'],
    parse: (text) => wholeNumber(text, 0, 65_535),
  }),
  SAMBATAN_DRAIN_SECONDS: variable({
    fallback: '0',
    secret: false,
    accepts: 'a whole number of seconds from 0 to 30',
    about: [
      'Seconds between a stop signal and the end of listening, 0 to 30. In this time /readyz',
      'answers 503 and requests are still served, so that a load balancer can send them',
      'elsewhere.',
    ],
    parse: (text) => wholeNumber(text, 0, 30),
  }),
  SAMBATAN_MAX_IN_FLIGHT: variable({
    fallback: '2000',
    secret: false,
    accepts: 'a whole number from 1 to 100000',
    about: [
      'Maximum requests in flight of one process, 1 to 100000, without event streams. Further requests',
      'get 503 and Retry-After. The limit falls while requests wait too long.',
    ],
    parse: (text) => wholeNumber(text, 1, 100_000),
  }),
  DATABASE_URL: variable({
    fallback: undefined,
    secret: true,
    accepts: 'a URL that starts with postgres:// or postgresql://',
    about: [
      'PostgreSQL 15 to 18, for example postgresql://user:password@host:5432/database (Supabase:',
      'direct connection, session pooler or transaction pooler).',
      'Unset: the service starts an embedded PostgreSQL in SAMBATAN_DATA_DIR.',
    ],
    parse: databaseUrl,
  }),
  SAMBATAN_DATA_DIR: variable({
    fallback: './data',
    secret: false,
    accepts: 'the path of a directory',
    about: ["Directory of the embedded PostgreSQL's data and of the generated service key."],
    parse: (text) => (text.includes('\0') ? undefined : resolve(text)),
  }),
  SAMBATAN_LOCALES_DIR: variable({
    fallback: undefined,
    secret: false,
    accepts: 'the path of a directory',
    about: [
      'Directory with your own words for the site, e-mails and errors: LANGUAGE/AREA.json, with some',
      'of the keys of the folder locales. A folder of another language adds this language; what it',
      'does not translate is shown in Indonesian. Read once at the start.',
    ],
    parse: (text) => (text.includes('\0') ? undefined : resolve(text)),
  }),
  SAMBATAN_SERVICE_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: `at least ${secretLength} printable ASCII characters without spaces`,
    about: [
      'Bearer token of trusted backends; a caller with this token may act for any user.',
      `At least ${secretLength} characters, for example from: openssl rand -base64 48`,
      'Required with DATABASE_URL. Unset with the embedded PostgreSQL: one is generated into',
      'SAMBATAN_DATA_DIR/service-key and shown once.',
    ],
    parse: key,
  }),
  SAMBATAN_SECRET_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: `at least ${secretLength} printable ASCII characters without spaces`,
    about: [
      'Encrypts the secrets of authenticator apps and signs sign-in codes and unsubscribe links.',
      'Never change it. Unset with the embedded PostgreSQL: SAMBATAN_DATA_DIR/secret-key is used.',
      'Unset with DATABASE_URL: SAMBATAN_SERVICE_KEY is used. Before you change the service key',
      'there, set this variable to the old service key.',
    ],
    parse: key,
  }),
} as const;
