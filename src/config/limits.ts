/** One limit of the service; each limit is also a row of a table in docs/security.md. */
export interface Limit {
  /** The action that is counted. */
  readonly bounds: string;
  /** What shares one count, such as an account or a network. */
  readonly per: string;
  readonly max: number;
  /**
   * The period of the count in seconds; 0 means that actions at the same time, or in one request,
   * are counted.
   */
  readonly seconds: number;
  /** The setting that changes `max`, if there is one. */
  readonly setting?: string;
  /** What the caller gets when the limit is exceeded. */
  readonly answer: string;
  /** Why many users behind one IP address do not reach this limit. */
  readonly sharedAddress: string;
}

const minute = 60;
const quarter = 15 * minute;
const hour = 60 * minute;
const day = 24 * hour;

const perAccount = 'counted per account, whatever the IP address';
const perEmail = 'counted per e-mail address, whatever the IP address';

/**
 * All rate limits of the service. docs/security.md has the same table; a test checks that they are
 * equal. A browser or network is "known" after an earlier sign-in to the same account.
 */
export const limits = {
  codesOfNetwork: {
    bounds: 'requested sign-in codes that are not used yet',
    per: 'network, without known browsers',
    max: 2_500,
    seconds: hour,
    answer: '`rate_limited`',
    sharedAddress:
      'a used code no longer counts: 2,000 people can request one before the first enters it',
  },
  codesOfNetworkDay: {
    bounds: 'requested sign-in codes that are not used yet',
    per: 'network, without known browsers',
    max: 5_000,
    seconds: day,
    answer: '`rate_limited`',
    sharedAddress: 'as above',
  },
  codesOfAddressFromNetwork: {
    bounds: 'codes e-mailed to one address',
    per: 'e-mail address and network',
    max: 5,
    seconds: quarter,
    answer: 'no further e-mail; earlier codes still work, otherwise `rate_limited`',
    sharedAddress: perEmail,
  },
  codesOfAddressFromNetworkDay: {
    bounds: 'codes e-mailed to one address',
    per: 'e-mail address and network',
    max: 12,
    seconds: day,
    answer: 'as above',
    sharedAddress: perEmail,
  },
  codesOfAddressFromStrangers: {
    bounds:
      'codes e-mailed to one address without a pause, requested by unknown networks and browsers',
    per: 'e-mail address',
    max: 6,
    seconds: day,
    answer: 'as above; then the next row applies',
    sharedAddress: perEmail,
  },
  codesOfAddressFromStrangersPaced: {
    bounds: 'further codes to that address, so that the mailbox always has a valid one',
    per: 'e-mail address',
    max: 1,
    seconds: 25 * minute,
    answer: 'as above',
    sharedAddress: perEmail,
  },
  codesOfAddressFromKnownNetworks: {
    bounds: 'codes e-mailed to one address, requested from known networks',
    per: 'e-mail address',
    max: 24,
    seconds: day,
    answer: 'as above',
    sharedAddress: perEmail,
  },
  codesOfAddressFromKnownBrowser: {
    bounds: 'codes e-mailed to one address, requested with a known browser',
    per: 'e-mail address and browser',
    max: 5,
    seconds: quarter,
    answer: 'as above',
    sharedAddress: 'counted per browser',
  },
  codesOfAddressFromKnownBrowserDay: {
    bounds: 'codes e-mailed to one address, requested with a known browser',
    per: 'e-mail address and browser',
    max: 20,
    seconds: day,
    answer: 'as above',
    sharedAddress: 'counted per browser',
  },
  wrongCodesOfSignIn: {
    bounds: 'wrong codes',
    per: 'started sign-in',
    max: 5,
    seconds: 30 * minute,
    answer: '`sign_in_code_wrong`, then `sign_in_ended`',
    sharedAddress: 'counted per sign-in',
  },
  wrongCodesOfAddressFromStrangers: {
    bounds: 'wrong codes from unknown networks and browsers',
    per: 'e-mail address',
    max: 50,
    seconds: 6 * hour,
    answer: '`rate_limited`; the link in the e-mail still works',
    sharedAddress: perEmail,
  },
  wrongCodesOfAddressFromKnownNetworks: {
    bounds: 'wrong codes from known networks',
    per: 'e-mail address',
    max: 50,
    seconds: day,
    answer: '`rate_limited`; the link in the e-mail still works',
    sharedAddress: perEmail,
  },
  wrongCodesOfAddressFromKnownBrowser: {
    bounds: 'wrong codes from a known browser',
    per: 'e-mail address and browser',
    max: 20,
    seconds: day,
    answer: '`rate_limited`; the link in the e-mail still works',
    sharedAddress: 'counted per browser',
  },
  wrongCodesOfNetwork: {
    bounds: 'wrong codes, for all accounts together',
    per: 'network, without known browsers',
    max: 1_000,
    seconds: hour,
    answer: '`rate_limited`; the link in the e-mail still works',
    sharedAddress: 'right codes do not count: 2,000 people together may enter 1,000 wrong ones',
  },
  reauthenticationsOfAccount: {
    bounds: 'codes e-mailed for re-authentication',
    per: 'account',
    max: 5,
    seconds: quarter,
    answer: '`rate_limited`',
    sharedAddress: perAccount,
  },
  reauthenticationsOfAccountDay: {
    bounds: 'codes e-mailed for re-authentication',
    per: 'account',
    max: 20,
    seconds: day,
    answer: '`rate_limited`',
    sharedAddress: perAccount,
  },
  secondFactorAttempts: {
    bounds: 'attempts with app codes and recovery codes',
    per: 'account',
    max: 20,
    seconds: quarter,
    answer: '`rate_limited`',
    sharedAddress: perAccount,
  },
  secondFactorAttemptsDay: {
    bounds: 'attempts with app codes and recovery codes',
    per: 'account',
    max: 100,
    seconds: day,
    answer: '`rate_limited`',
    sharedAddress: perAccount,
  },
  emailsInFiveMinutes: {
    bounds: 'e-mails with codes and invitations; strangers may use 80 %, invitations half',
    per: 'the whole service',
    max: 3_000,
    seconds: 5 * minute,
    setting: 'SAMBATAN_MAILS_PER_MINUTE, times five',
    answer: '`mail_budget_spent`; an alert fires from 80 % on',
    sharedAddress: 'the share of strangers is enough for 2,000 new users in five minutes',
  },
  emailsInADay: {
    bounds: 'e-mails with codes and invitations, shared as above',
    per: 'the whole service',
    max: 20_000,
    seconds: day,
    setting: 'SAMBATAN_MAILS_PER_DAY',
    answer: '`mail_budget_spent`; an alert fires from 80 % on',
    sharedAddress: 'as above, for eight such peaks a day',
  },
  brandsOfAccount: {
    bounds: 'new brands',
    per: 'account',
    max: 3,
    seconds: day,
    answer: '`rate_limited`',
    sharedAddress: perAccount,
  },
  invitationsOfBrand: {
    bounds: 'people invited to one brand',
    per: 'brand',
    max: 20,
    seconds: day,
    answer: '`too_many_invitations`',
    sharedAddress: 'counted per brand',
  },
  invitationsOfInviter: {
    bounds: 'people invited to all brands together',
    per: 'account',
    max: 20,
    seconds: day,
    answer: '`too_many_invitations`',
    sharedAddress: perAccount,
  },
  invitationsOfReceiver: {
    bounds: 'invitations to one e-mail address, from all inviters',
    per: 'e-mail address',
    max: 3,
    seconds: day,
    answer: '`too_many_invitations`',
    sharedAddress: perEmail,
  },
  joinsOfBuyer: {
    bounds: 'join attempts',
    per: 'account',
    max: 10,
    seconds: minute,
    setting: 'SAMBATAN_JOIN_RATE_LIMIT',
    answer: '`rate_limited`',
    sharedAddress: perAccount,
  },
  anonymousJoinsOfNetwork: {
    bounds: 'join attempts through the API without a valid token',
    per: 'network and process',
    max: 6_000,
    seconds: minute,
    answer: '`rate_limited` instead of `unauthenticated`',
    sharedAddress: '2,000 people with an expired session may each try three times a minute',
  },
  uploadsOfUser: {
    bounds: 'uploads in progress',
    per: 'account and process',
    max: 2,
    seconds: 0,
    answer: '`rate_limited`',
    sharedAddress: perAccount,
  },
  uploadBytes: {
    bounds: 'bytes of uploaded files in memory',
    per: 'process',
    max: 62_914_560,
    seconds: 0,
    answer: '`overloaded`, for the slowest unfinished upload',
    sharedAddress: 'only received bytes count, and fast uploads finish sooner',
  },
  streamsOfProcess: {
    bounds: 'event streams',
    per: 'process',
    max: 10_000,
    seconds: 0,
    answer: '`overloaded`',
    sharedAddress: 'pages work without a stream',
  },
  streamsOfNetwork: {
    bounds: 'event streams of one network, at most as many as are free for all others',
    per: 'network and process',
    max: 5_000,
    seconds: 0,
    answer: '`overloaded`',
    sharedAddress: 'one network may use half of all streams; pages work without a stream',
  },
  streamsOfUser: {
    bounds: 'event streams opened with a token of an account',
    per: 'account and process',
    max: 20,
    seconds: 0,
    answer: '`rate_limited`',
    sharedAddress: perAccount,
  },
} as const satisfies Readonly<Record<string, Limit>>;

export type LimitName = keyof typeof limits;
