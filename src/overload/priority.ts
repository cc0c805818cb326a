import { languages } from '../i18n/messages.ts';
import { defaultLanguage } from '../i18n/language.ts';

/**
 * The priority classes of requests, the most important one first. Under overload, requests are
 * rejected from the end of this list.
 * - `probe`: health and metrics. Never rejected.
 * - `join`: joins, payments in progress, and notifications of the payment provider.
 * - `signed_in`: all other requests of people and programs that are signed in.
 * - `progress`: progress, event streams, and the files of pages that were already sent.
 * - `page`: pages and API reads of visitors.
 * - `robot`: programs that neither sign in nor say that they are a browser or a known crawler, and
 *   paths that do not exist.
 */
export const priorities = ['probe', 'join', 'signed_in', 'progress', 'page', 'robot'] as const;
export type Priority = (typeof priorities)[number];

/**
 * The share of the concurrency limit up to which requests of a class are accepted. The requests of
 * all classes in flight count. So a class never takes the capacity that is reserved for the classes
 * above it.
 */
export const shares: Readonly<Record<Priority, number>> = {
  probe: Infinity,
  join: 1,
  signed_in: 0.85,
  progress: 0.7,
  page: 0.55,
  robot: 0.3,
};

/**
 * While many joins are in flight, the requests in flight that are not joins may be at most this
 * share of their number when a request of a class is accepted. All requests in flight share the
 * processor, so a class takes about its share of the processor's time from the joins. With few
 * joins, or while the processor is not busy, requests are answered so fast that this limit has no
 * effect.
 */
export const sharesBesideJoins: Readonly<Record<Priority, number>> = {
  probe: Infinity,
  join: Infinity,
  signed_in: Infinity,
  progress: 0.06,
  page: 0.04,
  robot: 0.02,
};
/** The share is never less than this number of requests. */
export const minBesideJoins = 4;

/**
 * What the method and the path of a request say about its priority:
 * - `caller`: the priority depends on who sends the request.
 * - `notification`: the payment provider sends it, and signs its body.
 * - `sign_in`: a visitor signs in.
 * - `unknown`: no route has this path.
 */
export type RouteClass =
  'probe' | 'join' | 'notification' | 'sign_in' | 'progress' | 'caller' | 'unknown';

/**
 * Routes whose class differs from that of their area. A key consists of the method and the path
 * without the prefix of the API or the language; its second segment, usually an id, is `*`.
 */
export const specialRoutes: ReadonlyMap<string, RouteClass> = new Map(
  Object.entries({
    'GET livez': 'probe',
    'GET readyz': 'probe',
    'GET metrics': 'probe',
    'GET health': 'probe',
    'POST campaigns/*/join': 'join',
    'POST campaigns/*/waiting': 'join',
    'GET participations/*/payment': 'join',
    'POST participations/*/pay-online': 'join',
    'POST participations/*/proof': 'join',
    'POST waiting/*/accept': 'join',
    'POST gateway/*/notifications': 'notification',
    'GET campaigns/*/progress': 'progress',
    'GET campaigns/*/events': 'progress',
    'POST sambatan/*/ikut': 'join',
    'POST sambatan/*/antre': 'join',
    'GET ikutan/*': 'join',
    'POST ikutan/*/bayar': 'join',
    'POST ikutan/*/bukti': 'join',
    'POST antrean/*/ambil': 'join',
    'GET antrean/*/bayar': 'join',
    'POST antrean/*/bayar': 'join',
    'POST antrean/*/bukti': 'join',
    'POST masuk': 'sign_in',
    'POST masuk/*': 'sign_in',
  } as const),
);

/** The first path segments of the API, and of everything else, with the class of their routes. */
export const areas: Readonly<Record<'api' | 'site', ReadonlyMap<string, RouteClass>>> = {
  api: new Map([
    ...by('caller', 'me operators brands products invitations campaigns dashboard participations'),
    ...by('caller', 'waiting refunds receiving-accounts refund-account payments statements'),
    ...by('caller', 'statement-lines payouts disputes claims gateway lifecycle scheduler'),
    ...by('caller', 'notifications unsubscribe webhooks deliveries'),
  ]),
  site: new Map([
    // The home page, and the documentation of the API.
    ...by('caller', ' api'),
    ...by('caller', 'sambatan ikutan keluhan antrean toko masuk keluar akun outbox operator'),
    ...by('caller', 'berhenti bukti tema robots.txt sitemap.xml .well-known'),
    ...by('progress', 'assets gambar favicon.ico apple-touch-icon.png icon-512.png'),
    ...by('progress', 'manifest.webmanifest'),
  ]),
};

function by(routeClass: RouteClass, names: string): [string, RouteClass][] {
  return names.split(' ').map((name) => [name, routeClass]);
}

const apiPrefix = '/api/sambatan/';
const languagePrefix = new RegExp(
  `^/(?:${languages()
    .filter((language) => language !== defaultLanguage)
    .join('|')})(?=/|$)`,
);

/** Returns the path of a request's URL without the query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** Returns true for the URL of an API route. */
export function isApiUrl(url: string): boolean {
  return url.startsWith(apiPrefix);
}

/** Returns the class of a request from its method and URL. */
export function routeClassOf(method: string, url: string): RouteClass {
  const path = pathOf(url);
  const isOfApi = isApiUrl(path);
  const own = isOfApi ? path.slice(apiPrefix.length) : path.replace(languagePrefix, '').slice(1);
  const [area = '', id, ...rest] = own.split('/');
  const verb = method === 'HEAD' ? 'GET' : method;
  const shape = id === undefined ? area : [area, '*', ...rest].join('/');
  const inArea = areas[isOfApi ? 'api' : 'site'].get(area);
  return specialRoutes.get(`${verb} ${shape}`) ?? inArea ?? 'unknown';
}

/**
 * What is known about the session cookie or the token of a request. `unverified` means that it was
 * not checked yet, so it may be invalid.
 */
export type Credential = 'none' | 'unverified' | 'verified';

/**
 * A limit for requests whose claim to a high priority is not verified. Requests above this limit
 * have the priority of a visitor.
 */
export type Claim = 'unverified' | 'notification';

/** The share of the concurrency limit that requests with each claim may use. */
export const claimShares: Readonly<Record<Claim, number>> = { unverified: 0.25, notification: 0.1 };

/** The priority of a request, and the claim on which it is based; undefined: it needs no claim. */
export interface Ranking {
  readonly priority: Priority;
  readonly claim: Claim | undefined;
}

/**
 * Returns the priority of a request. A claim that is not verified is returned too, so that the
 * caller can limit the number of such requests.
 */
export function rank(
  routeClass: RouteClass,
  credential: Credential,
  userAgent: string | undefined,
): Ranking {
  const claim = credential === 'unverified' ? 'unverified' : undefined;
  const isSignedIn = credential !== 'none';
  switch (routeClass) {
    case 'probe':
    case 'progress':
      return { priority: routeClass, claim: undefined };
    case 'notification':
      return { priority: 'join', claim: 'notification' };
    case 'sign_in':
      return { priority: 'signed_in', claim: 'unverified' };
    case 'join':
      if (isSignedIn) return { priority: 'join', claim };
      break;
    case 'caller':
      if (isSignedIn) return { priority: 'signed_in', claim };
      break;
    case 'unknown':
      return { priority: credential === 'verified' ? 'signed_in' : 'robot', claim: undefined };
  }
  return { priority: visitorPriority(userAgent), claim: undefined };
}

const robot = /bot\b|crawl|spider|slurp|headless|scrap/i;
/** Robots that bring visitors: the previews of messengers, and search engines. */
const knownRobot =
  /^WhatsApp\/|facebookexternalhit|TelegramBot|Twitterbot|Googlebot|bingbot|DuckDuckBot|Applebot/;

/** Returns the priority of somebody who is not signed in. */
export function visitorPriority(userAgent: string | undefined): Priority {
  if (userAgent === undefined) return 'robot';
  if (knownRobot.test(userAgent)) return 'page';
  return userAgent.startsWith('Mozilla/') && !robot.test(userAgent) ? 'page' : 'robot';
}
