import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test, type TestContext } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { queryRows } from '../support/builders/market.ts';
import { joinBody, openShop, type Shop } from '../support/builders/shop.ts';
import { openRaw, statusesIn } from '../support/clients/raw.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { proxyHeader, startProxy, type Proxy } from '../support/server/haproxy.ts';

const service = await startHttpService({
  environment: { SAMBATAN_TRUSTED_PROXIES: '127.0.0.1' },
});
// All limits have the values of production.
const proxy = await startProxy({ after }, { replicas: [service.url] });
after(service.close);
let shop: Shop;
before(async () => {
  shop = await openShop(service);
});

/** A browser with one open connection from this address. */
class Visitor {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #proxy: Proxy;

  constructor(to: Proxy, address: string) {
    this.#proxy = to;
    this.#agent.createConnection = () => {
      const socket = connect(to.addressedPort, '127.0.0.1');
      socket.write(proxyHeader(address));
      return socket;
    };
  }

  async send(path: string, body?: object): Promise<number> {
    const asked = request(this.#proxy.url + path, {
      agent: this.#agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${service.service.token}`,
        'content-type': 'application/json',
      },
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    await text(response);
    return response.statusCode ?? 0;
  }

  close(): void {
    this.#agent.destroy();
  }
}

const people = 2_000;
/** The number of people who send something at the same time. */
const atOnce = 100;

test('2,000 people behind one IPv4 address open a campaign and join, and none is refused', async (t) => {
  const { id } = await shop.campaign({ total_slots: people });
  const answers = new Map<string, number>();
  const crowd = Array.from({ length: people }, () => new Visitor(proxy, '203.0.113.7'));
  t.after(() => crowd.forEach((visitor) => visitor.close()));
  let next = 0;
  const work = Array.from({ length: atOnce }, async () => {
    for (let n = next++; n < people; n = next++) {
      // The connection stays open, so in the end all 2,000 are open at the same time.
      const visitor = crowd[n]!;
      const look = await visitor.send(`/api/sambatan/campaigns/${id}`);
      const body = joinBody({ user_id: newId() });
      const join = await visitor.send(`/api/sambatan/campaigns/${id}/join`, body);
      const answer = `${look} ${join}`;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  });
  await Promise.all(work);
  assert.deepEqual([...answers], [['200 201', people]]);
  const stored = await queryRows(
    service.db,
    'select from sambatan.participants where campaign_id = $1',
    id,
  );
  assert.equal(stored.length, people);
});

async function limitedProxy(t: TestContext): Promise<Proxy> {
  return await startProxy(t, {
    replicas: [service.url],
    variables: {
      PROXY_IPV4_REQUESTS: '40',
      PROXY_IPV6_REQUESTS: '20',
      PROXY_IPV4_CONNECTIONS: '8',
      PROXY_IPV6_CONNECTIONS: '4',
    },
  });
}

/** Sends requests on new connections one after the other. Returns the statuses. */
async function sendMany(to: Proxy, many: number, address: (n: number) => string) {
  const statuses: (number | undefined)[] = [];
  for (let n = 0; n < many; n++) {
    const head =
      'GET /api/sambatan/campaigns HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';
    const heard = await openRaw(to.addressedPort, proxyHeader(address(n)) + head).closed;
    statuses.push(statusesIn(heard)[0]);
  }
  return statuses;
}

test('requests are limited per IPv4 address, and per /64 network of IPv6', async (t) => {
  const limited = await limitedProxy(t);
  const v4 = await sendMany(limited, 45, () => '203.0.113.30');
  assert.deepEqual([v4.slice(0, 40).every((status) => status === 200), v4.at(-1)], [true, 429]);
  assert.deepEqual(await sendMany(limited, 1, () => '203.0.113.31'), [200]);
  const v6 = await sendMany(limited, 25, (n) => `2001:db8:1:1::${n + 1}`);
  assert.deepEqual([v6.slice(0, 20).every((status) => status === 200), v6.at(-1)], [true, 429]);
  assert.deepEqual(await sendMany(limited, 1, () => '2001:db8:1:2::1'), [200]);
  assert.deepEqual(await sendMany(limited, 1, () => '203.0.113.32'), [200], 'not one /64 together');
});

test('open connections are limited per network; an existing one still works', async (t) => {
  const limited = await limitedProxy(t);
  for (const [most, address, other] of [
    [8, '203.0.113.40', '203.0.113.41'],
    [4, '2001:db8:2:1::1', '2001:db8:2:2::1'],
  ] as const) {
    const open = Array.from({ length: most }, () => new Visitor(limited, address));
    t.after(() => open.forEach((visitor) => visitor.close()));
    for (const visitor of open) assert.equal(await visitor.send('/api/sambatan/campaigns'), 200);
    const further = new Visitor(limited, address);
    await assert.rejects(further.send('/api/sambatan/campaigns'));
    assert.equal(await open[0]!.send('/api/sambatan/campaigns'), 200);
    const stranger = new Visitor(limited, other);
    t.after(() => stranger.close());
    assert.equal(await stranger.send('/api/sambatan/campaigns'), 200);
  }
});
