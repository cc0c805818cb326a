import { once } from 'node:events';
import type { CpuProfile } from '../profile-summary.ts';

/** Takes CPU profiles of a Node process that was started with `--inspect=127.0.0.1:<port>`. */
export class Inspector {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<Inspector> {
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await targets.json()) as { webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(target!.webSocketDebuggerUrl);
    await once(socket, 'open');
    return new Inspector(socket);
  }

  /** Runs `work` and returns its CPU profile. The sample interval is in microseconds. */
  async profile(work: () => Promise<unknown>, microseconds: number): Promise<CpuProfile> {
    await this.#call('Profiler.enable');
    await this.#call('Profiler.setSamplingInterval', { interval: microseconds });
    await this.#call('Profiler.start');
    await work();
    const { profile } = await this.#call<{ profile: CpuProfile }>('Profiler.stop');
    return profile;
  }

  close(): void {
    this.#socket.close();
  }

  async #call<R>(method: string, params: object = {}): Promise<R> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const onMessage = ({ data }: MessageEvent): void => {
      const answer = JSON.parse(String(data)) as {
        id?: number;
        result: R;
        error?: { message: string };
      };
      if (answer.id !== id) return;
      this.#socket.removeEventListener('message', onMessage);
      if (answer.error === undefined) resolve(answer.result);
      else reject(new Error(`${method}: ${answer.error.message}`));
    };
    this.#socket.addEventListener('message', onMessage);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return promise;
  }
}
