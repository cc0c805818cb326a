import { resolve } from 'node:path';
import { logName, seed, urlList } from './values.ts';
import { variable } from './variable.ts';

/** Settings of the public log. */
export const publicLogVariables = {
  SAMBATAN_LOG_NAME: variable({
    fallback: undefined,
    secret: false,
    accepts: 'up to 100 characters without spaces and plus signs, such as sambatan.example',
    about: [
      'Name of the public log: the first part of its checkpoints, and the name of its key. Unset: the',
      'host name of SAMBATAN_PUBLIC_URL, or localhost. The first start stores it; change it later',
      'with "sambatan log-key rotate --rename".',
    ],
    parse: logName,
  }),
  SAMBATAN_LOG_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: '32 bytes in base64',
    about: [
      'Ed25519 key that signs the public log, for example from: openssl rand -base64 32',
      'Unset with the embedded PostgreSQL: one is generated into SAMBATAN_DATA_DIR/log-key. Unset',
      'with DATABASE_URL: the key is derived from SAMBATAN_SECRET_KEY (or else from',
      'SAMBATAN_SERVICE_KEY). Change it only with "sambatan log-key rotate".',
    ],
    parse: seed,
  }),
  SAMBATAN_LOG_WITNESS_URLS: variable({
    fallback: '',
    secret: true,
    accepts: 'https:// URLs separated by commas (http:// on a loopback address only)',
    about: [
      'Witnesses of the public log: URLs separated by commas. Each gets every checkpoint by POST, so',
      'that the log cannot be rewritten unseen.',
    ],
    parse: urlList,
  }),
  SAMBATAN_LOG_WITNESS_FILE: variable({
    fallback: undefined,
    secret: false,
    accepts: 'the path of a file',
    about: [
      'File to which every checkpoint is appended, for example on a disk that another person owns.',
    ],
    parse: (text) => (text.includes('\0') ? undefined : resolve(text)),
  }),
} as const;
