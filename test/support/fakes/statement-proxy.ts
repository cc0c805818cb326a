import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** What the proxy does with a statement on its way to the database. */
export type StatementFault =
  /** Forwards the statement and its answer. */
  | 'pass'
  /** Closes the connection before the server receives the statement. */
  | 'lose request'
  /**
   * The server executes the whole statement, but the connection is closed before the client
   * receives the answer.
   */
  | 'lose answer'
  /**
   * Closes the connection on both sides as soon as the server has the statement, which may or may
   * not be executed.
   */
  | 'cut'
  /** Like 'lose request', but the server receives the statement when `deliverLate` is called. */
  | 'delay';

export interface StatementProxy {
  /** The URL of the database, reached through the proxy. */
  readonly url: string;
  /** The number of statements that were disturbed. */
  readonly faults: number;
  /** Sends the delayed statements to the server. Resolves when it has executed all of them. */
  deliverLate(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a proxy between a connection pool and its database. It calls `fateOf` for each client
 * message that contains `marker`, for example the name of a prepared statement.
 */
export async function startStatementProxy(
  url: string,
  marker: string,
  fateOf: () => StatementFault,
): Promise<StatementProxy> {
  const sockets = new Set<Socket>();
  const late: (() => Promise<void>)[] = [];
  let faults = 0;
  const server = createServer((client) => {
    const upstream = connect(addressOf(url));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket.on('error', () => undefined));
      socket.setNoDelay(true).on('close', () => {
        sockets.delete(socket);
        if (socket === client && isDelayed) return;
        other.destroy();
      });
    }
    let isMuted = false;
    let isDelayed = false;
    client.on('data', (chunk) => {
      const fate = chunk.includes(marker) ? fateOf() : 'pass';
      if (fate !== 'pass') faults++;
      if (fate === 'delay') {
        isDelayed = true;
        late.push(() => waitUntilReady(upstream, () => upstream.write(chunk)));
      } else if (fate !== 'lose request') {
        upstream.write(chunk);
      }
      if (fate === 'lose answer') {
        isMuted = true;
        void waitUntilReady(upstream, () => undefined).then(() => client.destroy());
      } else if (fate !== 'pass') {
        client.destroy();
      }
    });
    upstream.on('data', (chunk) => {
      if (!isMuted && client.writable) client.write(chunk);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  through.searchParams.delete('host');
  return {
    url: through.toString(),
    get faults() {
      return faults;
    },
    deliverLate: async () => {
      await Promise.all(late.splice(0).map((deliver) => deliver()));
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** The server sends ReadyForQuery once the statement's transaction has ended. */
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5]);

function waitUntilReady(upstream: Socket, begin: () => unknown): Promise<void> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0);
    upstream.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]).subarray(-4_096);
      if (heard.includes(readyForQuery)) resolve();
    });
    upstream.on('close', () => resolve());
    begin();
  });
}

function addressOf(url: string) {
  const { hostname, port, searchParams } = new URL(url);
  const directory = searchParams.get('host');
  const number = Number(port || 5432);
  return directory === null
    ? { host: hostname, port: number }
    : { path: `${directory}/.s.PGSQL.${number}` };
}
