import { keySetUrl, siteUrl } from './values.ts';
import { variable } from './variable.ts';

/** Settings of the payment provider. */
export const paymentsVariables = {
  MIDTRANS_SERVER_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: 'the server key of a Midtrans account, 16 to 200 characters without blanks',
    about: [
      'Server key of Midtrans, for online payments. Unset: buyers pay by transfer only.',
      'See docs/payments-midtrans.md.',
    ],
    parse: (text) => (/^[\x21-\x7e]{16,200}$/.test(text) ? text : undefined),
  }),
  MIDTRANS_ENVIRONMENT: variable({
    fallback: 'sandbox',
    secret: false,
    accepts: 'sandbox or production',
    about: ['Midtrans environment of the server key: sandbox or production.'],
    parse: (text) => (['sandbox', 'production'] as const).find((one) => one === text),
  }),
  MIDTRANS_URL: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an https:// URL without a path (http:// for this machine)',
    about: ['Other address of Midtrans, such as your own proxy or a fake for tests.'],
    parse: (text) => (siteUrl(text) === undefined ? undefined : keySetUrl(siteUrl(text) ?? '')),
  }),
} as const;
