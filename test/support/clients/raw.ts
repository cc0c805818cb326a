import { connect, type Socket } from 'node:net';

/** A connection on which a test sends bytes of its choice. */
export interface RawConnection {
  readonly socket: Socket;
  /** What was received so far. */
  heard(): string;
  /** Resolves to everything that was received, when the other side has closed the connection. */
  readonly closed: Promise<string>;
}

/** Opens a connection to a port of this machine and sends bytes. */
export function openRaw(port: number, bytes: string | Buffer): RawConnection {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(heard));
  });
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  return { socket, heard: () => heard, closed };
}

/** The status codes of all responses in what was received. */
export function statusesIn(heard: string): number[] {
  return [...heard.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status));
}
