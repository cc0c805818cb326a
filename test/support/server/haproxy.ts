import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { haproxy } from './debian.ts';
import { freePort } from './free-port.ts';
import { waitUntil } from './until.ts';

/** The configuration that an installation uses. */
export const haproxyConfig = join(import.meta.dirname, '../../../ops/haproxy/haproxy.cfg');

/** HAProxy with the configuration in ops/, in front of services of a test. */
export interface Proxy {
  readonly url: string;
  readonly port: number;
  /**
   * The port for clients that send the header of the PROXY protocol first, with which a test
   * chooses the address of a client.
   */
  readonly addressedPort: number;
  /** What the proxy has logged so far. */
  said(): string;
}

export interface ProxyOptions {
  /** The URLs of one or two replicas. A single one gets all requests. */
  readonly replicas: readonly string[];
  /** Variables of the configuration with other values, such as shorter time-outs. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Starts the proxy. Resolves when its health checks have found the replicas. */
export async function startProxy(
  t: { after(end: () => Promise<void>): unknown },
  { replicas, variables = {} }: ProxyOptions,
): Promise<Proxy> {
  const found = haproxy();
  assert.ok('program' in found, 'missing' in found ? found.missing : '');
  const [port, addressedPort] = [await freePort(), await freePort()];
  const [first, second = first] = replicas.map((url) => new URL(url).host);
  const child = spawn(found.program, ['-db', '-f', haproxyConfig], {
    env: {
      PATH: process.env['PATH'],
      ...found.variables,
      PROXY_BIND_IPV4: `127.0.0.1:${port}`,
      PROXY_BIND_IPV6: `127.0.0.1:${addressedPort} accept-proxy`,
      PROXY_REPLICA_1: first,
      PROXY_REPLICA_2: second,
      // The number of file descriptors that a test may use is limited.
      PROXY_MAX_CONNECTIONS: '4000',
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const listens = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(said);
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  };
  await waitUntil(listens);
  return { url: `http://127.0.0.1:${port}`, port, addressedPort, said: () => said };
}

/** The header of the PROXY protocol (version 1) for a client with this address. */
export function proxyHeader(address: string): string {
  const [family, destination] = address.includes(':') ? ['TCP6', '::1'] : ['TCP4', '127.0.0.1'];
  return `PROXY ${family} ${address} ${destination} 40000 80\r\n`;
}
