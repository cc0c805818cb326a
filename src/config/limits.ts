/** One limit of the service: a row of the table in docs/security.md. */
export interface Limit {
  /** The counted action. */
  readonly bounds: string;
  /** The subject that shares one count. */
  readonly per: string;
  readonly max: number;
  /** Length of the window in seconds; 0: at the same time, or in one request. */
  readonly seconds: number;
  /** The setting that changes `max`, where there is one. */
  readonly setting?: string;
  /** The answer when the limit is exceeded. */
  readonly told: string;
  /** Why many users behind one IP address do not reach it. */
  readonly crowd: string;
}

const minute = 60;
const quarter = 15 * minute;
const hour = 60 * minute;
const day = 24 * hour;

const perAccount = 'counted per account, whatever the IP address';
const perEmail = 'counted per e-mail address, whatever the IP address';

/**
 * Every rate limit of the service. docs/security.md has the same table; a test checks that both are
 * equal. "Known" is a browser or a network with an earlier sign-in to that account.
 */
export const limits = {
  codesOfNetwork: {
    bounds: 'sign-in codes asked for and not used yet',
    per: 'network, known browsers aside',
    max: 2_500,
    seconds: hour,
    told: '`rate_limited`',
    crowd: 'each code that is used is given back: 2,000 people can ask before the first one types',
  },
  codesOfNetworkDay: {
    bounds: 'sign-in codes asked for and not used yet',
    per: 'network, known browsers aside',
    max: 5_000,
    seconds: day,
    told: '`rate_limited`',
    crowd: 'as above',
  },
  codesOfAddressFromNetwork: {
    bounds: 'codes mailed to an e-mail address',
    per: 'e-mail address and network',
    max: 5,
    seconds: quarter,
    told: 'no further mail; codes that were mailed still work, else `rate_limited`',
    crowd: perEmail,
  },
  codesOfAddressFromNetworkDay: {
    bounds: 'codes mailed to an e-mail address',
    per: 'e-mail address and network',
    max: 12,
    seconds: day,
    told: 'as above',
    crowd: perEmail,
  },
  codesOfAddressFromStrangers: {
    bounds:
      'codes mailed at once to an e-mail address, asked for from unknown networks and browsers',
    per: 'e-mail address',
    max: 6,
    seconds: day,
    told: 'as above; the next row goes on',
    crowd: perEmail,
  },
  codesOfAddressFromStrangersPaced: {
    bounds: 'codes mailed after those, so that a valid one is always in the mailbox',
    per: 'e-mail address',
    max: 1,
    seconds: 25 * minute,
    told: 'as above',
    crowd: perEmail,
  },
  codesOfAddressFromKnownNetworks: {
    bounds: 'codes mailed to an e-mail address, asked for from known networks',
    per: 'e-mail address',
    max: 24,
    seconds: day,
    told: 'as above',
    crowd: perEmail,
  },
  codesOfAddressFromKnownBrowser: {
    bounds: 'codes mailed to an e-mail address, asked for with a known browser',
    per: 'e-mail address and browser',
    max: 5,
    seconds: quarter,
    told: 'as above',
    crowd: 'counted per browser',
  },
  codesOfAddressFromKnownBrowserDay: {
    bounds: 'codes mailed to an e-mail address, asked for with a known browser',
    per: 'e-mail address and browser',
    max: 20,
    seconds: day,
    told: 'as above',
    crowd: 'counted per browser',
  },
  wrongCodesOfSignIn: {
    bounds: 'wrong codes',
    per: 'sign-in that was begun',
    max: 5,
    seconds: 30 * minute,
    told: '`sign_in_code_wrong`, then `sign_in_ended`',
    crowd: 'counted per sign-in',
  },
  wrongCodesOfAddressFromStrangers: {
    bounds: 'wrong codes from unknown networks and browsers',
    per: 'e-mail address',
    max: 50,
    seconds: 6 * hour,
    told: '`rate_limited`; the link in the mail still works',
    crowd: perEmail,
  },
  wrongCodesOfAddressFromKnownNetworks: {
    bounds: 'wrong codes from known networks',
    per: 'e-mail address',
    max: 50,
    seconds: day,
    told: '`rate_limited`; the link in the mail still works',
    crowd: perEmail,
  },
  wrongCodesOfAddressFromKnownBrowser: {
    bounds: 'wrong codes from a known browser',
    per: 'e-mail address and browser',
    max: 20,
    seconds: day,
    told: '`rate_limited`; the link in the mail still works',
    crowd: 'counted per browser',
  },
  wrongCodesOfNetwork: {
    bounds: 'wrong codes, for whichever account',
    per: 'network, known browsers aside',
    max: 1_000,
    seconds: hour,
    told: '`rate_limited`; the link in the mail still works',
    crowd: 'right codes do not count: 2,000 people may be wrong 1,000 times',
  },
  proofsOfAccount: {
    bounds: 'codes mailed to prove oneself again',
    per: 'account',
    max: 5,
    seconds: quarter,
    told: '`rate_limited`',
    crowd: perAccount,
  },
  proofsOfAccountDay: {
    bounds: 'codes mailed to prove oneself again',
    per: 'account',
    max: 20,
    seconds: day,
    told: '`rate_limited`',
    crowd: perAccount,
  },
  factorTries: {
    bounds: 'codes of an app and recovery codes that are tried',
    per: 'account',
    max: 20,
    seconds: quarter,
    told: '`rate_limited`',
    crowd: perAccount,
  },
  factorTriesDay: {
    bounds: 'codes of an app and recovery codes that are tried',
    per: 'account',
    max: 100,
    seconds: day,
    told: '`rate_limited`',
    crowd: perAccount,
  },
  mailsInFiveMinutes: {
    bounds: 'codes and invitations mailed; strangers may use 80 % of it, invitations half',
    per: 'the whole service',
    max: 3_000,
    seconds: 5 * minute,
    setting: 'SAMBATAN_MAILS_PER_MINUTE, times five',
    told: '`mail_budget_spent`; an alert fires from 80 % on',
    crowd: '2,000 newcomers in five minutes fit into the share of strangers',
  },
  mailsInADay: {
    bounds: 'codes and invitations mailed, shared as above',
    per: 'the whole service',
    max: 20_000,
    seconds: day,
    setting: 'SAMBATAN_MAILS_PER_DAY',
    told: '`mail_budget_spent`; an alert fires from 80 % on',
    crowd: 'as above, eight times a day',
  },
  brandsOfPerson: {
    bounds: 'brands made',
    per: 'account',
    max: 3,
    seconds: day,
    told: '`rate_limited`',
    crowd: perAccount,
  },
  invitationsOfBrand: {
    bounds: 'people invited to a brand',
    per: 'brand',
    max: 20,
    seconds: day,
    told: '`too_many_invitations`',
    crowd: 'counted per brand',
  },
  invitationsOfInviter: {
    bounds: 'people invited, to whichever brand',
    per: 'account',
    max: 20,
    seconds: day,
    told: '`too_many_invitations`',
    crowd: perAccount,
  },
  invitationsOfReceiver: {
    bounds: 'invitations mailed to an e-mail address, by whomever',
    per: 'e-mail address',
    max: 3,
    seconds: day,
    told: '`too_many_invitations`',
    crowd: perEmail,
  },
  joinsOfBuyer: {
    bounds: 'attempts to join',
    per: 'account',
    max: 10,
    seconds: minute,
    setting: 'SAMBATAN_JOIN_RATE_LIMIT',
    told: '`rate_limited`',
    crowd: perAccount,
  },
  namelessJoinsOfNetwork: {
    bounds: 'attempts to join by the API without a valid token',
    per: 'network and process',
    max: 6_000,
    seconds: minute,
    told: '`rate_limited` instead of `unauthenticated`',
    crowd: '2,000 people whose sessions have ended may try three times a minute',
  },
  uploadsOfUser: {
    bounds: 'forms with a file under way',
    per: 'account and process',
    max: 2,
    seconds: 0,
    told: '`rate_limited`',
    crowd: perAccount,
  },
  uploadBytes: {
    bounds: 'bytes of uploaded files in memory',
    per: 'process',
    max: 62_914_560,
    seconds: 0,
    told: '`overloaded`, to the slowest upload that has not ended',
    crowd: 'only what has arrived counts, and fast uploads are over sooner',
  },
  streamsInAll: {
    bounds: 'event streams',
    per: 'process',
    max: 10_000,
    seconds: 0,
    told: '`overloaded`',
    crowd: 'pages work without a stream',
  },
  streamsOfNetwork: {
    bounds: 'event streams of a network: as many as are free for everybody else',
    per: 'network and process',
    max: 5_000,
    seconds: 0,
    told: '`overloaded`',
    crowd: 'half of all streams while nobody else is there; pages work without a stream',
  },
  streamsOfUser: {
    bounds: 'event streams opened with a token of an account',
    per: 'account and process',
    max: 20,
    seconds: 0,
    told: '`rate_limited`',
    crowd: perAccount,
  },
} as const satisfies Readonly<Record<string, Limit>>;

export type LimitName = keyof typeof limits;
