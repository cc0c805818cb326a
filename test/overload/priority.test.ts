import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import {
  areas,
  isApiUrl,
  priorities,
  rank,
  routeClassOf,
  shares,
  specialRoutes,
  visitorPriority,
  type RouteClass,
} from '../../src/overload/priority.ts';
import { startHttpService } from '../support/server/http-service.ts';

const service = await startHttpService();
after(service.close);

interface Route {
  readonly method: string;
  readonly path: string;
}

const routes: readonly Route[] = [...service.routes, ...service.formPaths].map((route) => {
  const [method = '', pattern = ''] = route.split(' ');
  return { method, path: pattern.replaceAll(/:\w+/g, () => newId()) };
});
const classOf = ({ method, path }: Route) => routeClassOf(method, path);
const shown = ({ method, path }: Route) => `${method} ${path}`;

test('every live route has a priority class', () => {
  assert.ok(routes.length > 400);
  assert.deepEqual(routes.filter((route) => classOf(route) === 'unknown').map(shown), []);
});

test('every entry of the priority tables belongs to a live route', () => {
  const used = new Set(
    routes.map(({ method, path }) => {
      const own = path.replace(/^\/(?:api\/sambatan\/|en(?=\/|$)\/?|)/, '');
      const [area = '', id, ...rest] = own.split('/');
      return `${method} ${id === undefined ? area : [area, '*', ...rest].join('/')}`;
    }),
  );
  assert.deepEqual(
    [...specialRoutes.keys()].filter((key) => !used.has(key)),
    [],
  );
  const firstOf = (isOfApi: boolean) =>
    new Set(
      routes
        .filter(({ path }) => isApiUrl(path) === isOfApi)
        .map(
          ({ path }) => path.replace(/^\/(?:api\/sambatan\/|en(?=\/|$)\/?|)/, '').split('/')[0]!,
        ),
    );
  for (const [area, isOfApi] of [
    ['api', true],
    ['site', false],
  ] as const) {
    const first = firstOf(isOfApi);
    assert.deepEqual(
      [...areas[area].keys()].filter((name) => !first.has(name)),
      [],
      area,
    );
  }
});

const expected: Readonly<Record<string, RouteClass>> = {
  'GET /livez': 'probe',
  'GET /metrics?x=1': 'probe',
  'GET /api/sambatan/health': 'probe',
  'POST /api/sambatan/campaigns/1/join': 'join',
  'POST /en/sambatan/1/ikut': 'join',
  'GET /ikutan/1': 'join',
  'HEAD /ikutan/1': 'join',
  'GET /ikutan': 'caller',
  'POST /api/sambatan/gateway/midtrans/notifications': 'notification',
  'GET /api/sambatan/campaigns/1/events?after=2': 'progress',
  'GET /assets/site-1.css': 'progress',
  'GET /': 'caller',
  'GET /en': 'caller',
  'GET /?q=madu': 'caller',
  'GET /english': 'unknown',
  'GET /livez/x': 'unknown',
  'POST /livez': 'unknown',
  'GET /wp-login.php': 'unknown',
  'GET /api/sambatan': 'caller',
  'GET /api/sambatan/campaignsjoin': 'unknown',
  'POST /api/sambatan/campaigns/1/join/x': 'caller',
  'GET /constructor': 'unknown',
  'GET /__proto__/x': 'unknown',
};

test('the class of a request follows from its method and path', () => {
  for (const [request, routeClass] of Object.entries(expected)) {
    const [method = '', url = ''] = request.split(' ');
    assert.equal(routeClassOf(method, url), routeClass, request);
  }
});

const browser =
  'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36';

test('the priority depends on who sends the request', () => {
  const priorityOf = (...request: Parameters<typeof rank>) => rank(...request).priority;
  assert.equal(priorityOf('join', 'verified', undefined), 'join');
  assert.equal(priorityOf('join', 'none', browser), 'page', 'nobody joins without an account');
  assert.equal(priorityOf('caller', 'verified', undefined), 'signed_in');
  assert.equal(priorityOf('caller', 'none', browser), 'page');
  assert.equal(priorityOf('caller', 'none', 'curl/8.5.0'), 'robot');
  assert.equal(priorityOf('unknown', 'none', browser), 'robot');
  assert.deepEqual(rank('join', 'unverified', browser), { priority: 'join', claim: 'unverified' });
  assert.deepEqual(rank('notification', 'none', undefined), {
    priority: 'join',
    claim: 'notification',
  });
});

test('crawlers that bring visitors are treated like visitors, other programs are not', () => {
  const link = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
  for (const agent of [browser, link, 'WhatsApp/2.23.20.0', 'facebookexternalhit/1.1']) {
    assert.equal(visitorPriority(agent), 'page', agent);
  }
  const scraper = 'Mozilla/5.0 (compatible; SomeBot/1.0)';
  for (const agent of [undefined, '', scraper, 'python-requests/2.32', 'Go-http-client/1.1']) {
    assert.equal(visitorPriority(agent), 'robot', String(agent));
  }
});

test('a class may use more of the concurrency limit than the classes below it', () => {
  const inOrder = priorities.map((priority) => shares[priority]);
  assert.deepEqual(
    inOrder,
    [...inOrder].sort((a, b) => b - a),
  );
  assert.ok(shares.page < shares.join);
});
