import { wholeNumber } from './values.ts';
import { variable } from './variable.ts';

const minutesInADay = 1440;

/** Settings of joins, payment terms and the scheduler. */
export const campaignsVariables = {
  SAMBATAN_SCHEDULER_INTERVAL: variable({
    fallback: '5',
    secret: false,
    accepts: `a whole number of minutes from 1 to ${minutesInADay}`,
    about: [
      'Whole minutes between two sweeps for overdue campaigns, 1 to 1440. Deadlines do not wait',
      'for a sweep: each has its own timer, and the sweep is the safety net.',
    ],
    parse: (text) => wholeNumber(text, 1, minutesInADay),
  }),
  SAMBATAN_JOIN_RATE_LIMIT: variable({
    fallback: '10',
    secret: false,
    accepts: 'a whole number from 0 to 100000 (0: no limit)',
    about: [
      'Join attempts per minute and caller: per user if signed in, else per address.',
      '0 switches the limit off.',
    ],
    parse: (text) => wholeNumber(text, 0, 100_000),
  }),
  SAMBATAN_HOLD_GRACE: variable({
    fallback: '0',
    secret: false,
    accepts: 'a whole number of minutes from 0 to 10080',
    about: [
      'Minutes after the end of a hold before it lapses, for campaigns created from now on, so',
      'that a transfer that is a little late still finds its slots. 0: none.',
    ],
    parse: (text) => wholeNumber(text, 0, 10_080),
  }),
  SAMBATAN_PAYMENT_TERM: variable({
    fallback: '72',
    secret: false,
    accepts: 'a whole number of hours from 1 to 720',
    about: ['Hours that buyers of a completed campaign have to pay.'],
    parse: (text) => wholeNumber(text, 1, 720),
  }),
  SAMBATAN_PAYMENT_GRACE: variable({
    fallback: '24',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours added to SAMBATAN_PAYMENT_TERM before a payment is too late. Buyers see the end of',
      'both. Existing campaigns keep their terms.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_VERIFICATION_HOURS: variable({
    fallback: '48',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours after a deadline in which a payment that was made in time may still appear, through',
      'a bank statement, a provider or a person. An unpaid order waits equally long.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_DECISION_HOURS: variable({
    fallback: '72',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours in which only the seller decides whether a batch continues if fewer slots than its',
      'minimum were paid. After that an operator may decide too.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_RECEIVED_AFTER_DAYS: variable({
    fallback: '14',
    secret: false,
    accepts: 'a whole number of days from 1 to 90',
    about: [
      'Days after a batch was marked as shipped until a paid order counts as received if its',
      'buyer has reported nothing. A dispute stops it.',
    ],
    parse: (text) => wholeNumber(text, 1, 90),
  }),
} as const;
