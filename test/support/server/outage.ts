import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The kind of outage. */
export type OutageKind =
  /** The server has stopped: connections are closed, and new connections are refused. */
  | 'refused'
  /** The network loses all data: connections stay open, but no answer arrives. */
  | 'silent';

/** A proxy to a database that can be made unreachable and reachable again. */
export interface Outage {
  /** The URL of the database, reached through this proxy. */
  readonly url: string;
  begin(away: OutageKind): Promise<void>;
  end(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the proxy on a free port. The database may listen on a socket or on a port. */
export async function prepareOutage(url: string): Promise<Outage> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let silent = false;
  let server: Server | undefined;
  const accept = (client: Socket): void => {
    const upstream = connect(addressOf(url));
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [socket, other] of [pair, [upstream, client] as const]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        other.destroy();
      });
      socket.on('data', (chunk: Buffer) => {
        if (!silent && other.writable) other.write(chunk);
      });
    }
  };
  const listen = async (port: number): Promise<number> => {
    const own = createServer({ noDelay: true }, accept);
    await new Promise<void>((done) => own.listen(port, '127.0.0.1', done));
    server = own;
    return (own.address() as AddressInfo).port;
  };
  const cut = async (): Promise<void> => {
    const closed = new Promise((done) => (server ? server.close(done) : done(undefined)));
    server = undefined;
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    await closed;
  };
  const port = await listen(0);
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(port);
  through.searchParams.delete('host');
  return {
    url: through.toString(),
    begin: async (away) => {
      if (away === 'silent') silent = true;
      else await cut();
    },
    end: async () => {
      // Connections that lost data are unusable, because that data never arrives.
      await cut();
      silent = false;
      await listen(port);
    },
    close: cut,
  };
}

function addressOf(url: string) {
  const { hostname, port, searchParams } = new URL(url);
  const directory = searchParams.get('host');
  const number = Number(port || 5_432);
  if (directory === null) return { host: hostname, port: number };
  return { path: `${directory}/.s.PGSQL.${number}` };
}
