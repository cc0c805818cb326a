import assert from 'node:assert/strict';
import { Secret, TOTP } from 'otpauth';
import type { HttpService } from '../server/http-service.ts';
import type { SiteClient } from './sign-in.ts';

/** The authenticator app on a user's phone. */
export interface Authenticator {
  /** The secret key in Base32, as the page shows it. */
  readonly key: string;
  readonly recoveryCodes: readonly string[];
  /** The code of the next time step. It also advances the service's clock to that step. */
  next(): string;
  /** The code of a time step that is this many steps after the current one; negative: before it. */
  around(steps: number): string;
}

const stepMs = 30_000;
const clocks = new WeakMap<HttpService, { at: number }>();

/** The service's clock for codes. It stands still until a test requests a code. */
function clockOf(service: HttpService): { at: number } {
  let clock = clocks.get(service);
  if (clock === undefined) {
    clock = { at: Date.now() };
    const standing = clock;
    clocks.set(service, clock);
    Object.assign(service.app.signIn, { now: () => standing.at });
  }
  return clock;
}

/** An authenticator app with this key. */
export function authenticatorFor(
  service: HttpService,
  key: string,
  recoveryCodes: readonly string[] = [],
) {
  const clock = clockOf(service);
  const totp = new TOTP({ secret: Secret.fromBase32(key) });
  const around = (steps: number) => totp.generate({ timestamp: clock.at + steps * stepMs });
  const next = () => {
    clock.at += stepMs;
    return around(0);
  };
  return { key, recoveryCodes, next, around } satisfies Authenticator;
}

/** Sets up a second factor for a signed-in user, on the pages of the site. */
export async function setUpSecondFactor(
  service: HttpService,
  client: SiteClient,
): Promise<Authenticator> {
  const begun = await client.post('/akun/keamanan/mulai');
  assert.equal(begun.headers.location, '/akun/keamanan/aplikasi', begun.text);
  const key = keyOfPage((await client.get('/akun/keamanan/aplikasi')).text);
  const done = await client.post('/akun/keamanan/aplikasi', {
    code: authenticatorFor(service, key).next(),
  });
  assert.equal(done.status, 200, done.text);
  return authenticatorFor(service, key, recoveryCodesOfPage(done.text));
}

/** The secret key for the authenticator app, as the set-up page shows it. */
export function keyOfPage(page: string): string {
  return /data-copy="([A-Z2-7]{32})"/.exec(page)![1]!;
}

/** The recovery codes on the page that shows them. */
export function recoveryCodesOfPage(page: string): string[] {
  return [...page.matchAll(/<code>((?:[a-z2-9]{4}-){3}[a-z2-9]{4})<\/code>/g)].map(
    ([, code]) => code!,
  );
}
