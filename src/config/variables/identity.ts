import {
  addressList,
  emailList,
  keySetUrl,
  longEnough,
  secretLength,
  wholeNumber,
} from './values.ts';
import { variable } from './variable.ts';

const minutesInADay = 1440;

/** Settings of proxies, users' tokens, operators and sign-in. */
export const identityVariables = {
  SAMBATAN_TRUSTED_PROXIES: variable({
    fallback: '',
    secret: false,
    accepts:
      'IP addresses and CIDR ranges separated by commas, such as 10.0.0.7,192.168.0.0/16 ' +
      '(a range of all addresses is not accepted)',
    about: [
      'Reverse proxies whose X-Forwarded-For is trusted: IP addresses and CIDR ranges, separated',
      'by commas. Empty: none is trusted, and the peer is the caller.',
    ],
    parse: addressList,
  }),
  SAMBATAN_JWT_SECRET: variable({
    fallback: undefined,
    secret: true,
    accepts: `at least ${secretLength} bytes`,
    about: [
      "Secret of users' tokens signed with HS256 (Supabase: the project's JWT secret).",
      'May be set together with SAMBATAN_JWKS_URL while a project moves from one to the other: a',
      'token signed with HS256 is checked only with this secret, any other only with the key set.',
    ],
    parse: (text) => (longEnough(text) ? text : undefined),
  }),
  SAMBATAN_JWKS_URL: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an https:// URL without user and password (http:// on a loopback address only)',
    about: [
      "Key set of users' tokens signed with RS256, ES256 or EdDSA, for example",
      'https://PROJECT.supabase.co/auth/v1/.well-known/jwks.json',
    ],
    parse: keySetUrl,
  }),
  SAMBATAN_JWT_ISSUER: variable({
    fallback: undefined,
    secret: false,
    accepts: 'the exact text of the "iss" claim',
    about: [
      'Required "iss" of users\' tokens, for example https://PROJECT.supabase.co/auth/v1',
      'Must be given with SAMBATAN_JWT_SECRET or SAMBATAN_JWKS_URL.',
    ],
    parse: (text) => text,
  }),
  SAMBATAN_JWT_AUDIENCE: variable({
    fallback: 'authenticated',
    secret: false,
    accepts: 'the exact text of the "aud" claim',
    about: ['Required "aud" of users\' tokens (Supabase Auth issues "authenticated").'],
    parse: (text) => text,
  }),
  SAMBATAN_ALLOW_ANONYMOUS_USERS: variable({
    fallback: 'false',
    secret: false,
    accepts: 'true or false',
    about: [
      'Whether anonymous users of Supabase Auth (tokens with "is_anonymous": true) may join and',
      'have an account here. They cost nothing to create, so limits per buyer do not bind them.',
    ],
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  }),
  SAMBATAN_OPERATORS: variable({
    fallback: '',
    secret: false,
    accepts: 'e-mail addresses separated by commas',
    about: [
      'E-mail addresses of operators, separated by commas. A user who signs in with a code sent',
      'to one of them is an operator of the site. A change takes effect at the next start.',
    ],
    parse: emailList,
  }),
  SAMBATAN_OPERATORS_NEED_SECOND_FACTOR: variable({
    fallback: 'false',
    secret: false,
    accepts: 'true or false',
    about: [
      'Whether operators must sign in with a second factor: a code of an app, or a token whose',
      'claim "aal" is "aal2". Without it they have only the rights of buyers. Switch it on if the',
      'service is reachable from other machines; compose.yaml does.',
    ],
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  }),
  SAMBATAN_REAUTH_MINUTES: variable({
    fallback: '15',
    secret: false,
    accepts: `a whole number of minutes from 1 to ${minutesInADay}`,
    about: [
      'Minutes after an authentication during which sensitive actions need no re-authentication:',
      'sending money, accounts that money goes to, rights, secrets, deleting an account. After that',
      'people enter a code of their app or of an e-mail; a token must be a newer one.',
    ],
    parse: (text) => wholeNumber(text, 1, minutesInADay),
  }),
} as const;
