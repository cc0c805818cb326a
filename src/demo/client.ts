import type { CampaignStatus } from '../database/status-words.ts';

/** The fields of a campaign in the API that the simulation uses. */
export interface SeenCampaign {
  readonly id: string;
  readonly title: string;
  readonly status: CampaignStatus;
  readonly payment_timing: 'on_completion' | 'upfront';
  readonly total_slots: number;
  readonly slots_taken: number;
  readonly slots_remaining: number;
  readonly slots_at_close: number | null;
  readonly min_slots_per_user: number | null;
  readonly max_slots_per_user: number | null;
  readonly deadline: string;
}

export interface SeenProduct {
  readonly id: string;
  readonly name: string;
  readonly base_price: number;
  readonly sambatan_enabled: boolean;
}

const answerWithinMs = 5_000;

/** The API answered with an error. `code` is the code in its problem document. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string) {
    super(`the service answered ${status} ${code}`);
    this.name = 'Refused';
    this.status = status;
    this.code = code;
  }
}

/** An HTTP client that uses the API with the service key, like any other trusted backend. */
export class DemoClient {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal;

  /** `url` is the base URL of the service; `signal` aborts the requests in progress. */
  constructor(url: string, serviceKey: string, signal: AbortSignal) {
    this.#base = `${url}/api/sambatan`;
    this.#headers = { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' };
    this.#signal = signal;
  }

  async get<T>(path: string): Promise<T> {
    return await this.#ask<T>('GET', path);
  }

  async post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
    return await this.#ask<T>('POST', path, body, headers);
  }

  /**
   * Sends one request. Throws Refused for an error response, and the error of fetch when there is
   * no response.
   */
  async #ask<T>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: { ...this.#headers, ...headers },
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(answerWithinMs)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer as T;
    throw new Refused(response.status, (answer as { code?: string }).code ?? 'unknown');
  }
}
