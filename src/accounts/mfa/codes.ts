import {
  createCipheriv,
  createDecipheriv,
  hash,
  hkdfSync,
  randomBytes,
  randomInt,
} from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** Codes for when the app is lost: so many, each used once. */
export const recoveryCodeCount = 10;

const stepMs = 30_000;
/** Steps before and after the present one whose codes are taken: clocks differ, fingers are slow. */
const stepsAround = 1;
/** Of the secret (RFC 4226, section 4). */
const secretBytes = 20;
const sealing = { cipher: 'aes-256-gcm', nonceBytes: 12, tagBytes: 16 } as const;
/** Without letters and digits that look alike; sixteen of them are 79 random bits. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** The key that encrypts the secrets of authenticator apps, derived from the secret key. */
export function factorKey(secretKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan second factors', 32));
}

/** A new secret of an app. */
export function newFactorSecret(): Buffer {
  return randomBytes(secretBytes);
}

/** The secret as it is stored; it can be opened for the same user only. */
export function seal(key: Buffer, userId: string, secret: Buffer): Buffer {
  const nonce = randomBytes(sealing.nonceBytes);
  const cipher = createCipheriv(sealing.cipher, key, nonce);
  cipher.setAAD(Buffer.from(userId));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** The secret again; undefined when it was sealed with another key, or for somebody else. */
export function unseal(key: Buffer, userId: string, stored: Buffer): Buffer | undefined {
  const { nonceBytes, tagBytes } = sealing;
  try {
    const decipher = createDecipheriv(sealing.cipher, key, stored.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(userId));
    decipher.setAuthTag(stored.subarray(nonceBytes, nonceBytes + tagBytes));
    return Buffer.concat([
      decipher.update(stored.subarray(nonceBytes + tagBytes)),
      decipher.final(),
    ]);
  } catch {
    return undefined;
  }
}

/** A secret as apps take it: to be scanned or tapped, and to be typed. */
export interface ShownSecret {
  /** `otpauth://…` */
  readonly uri: string;
  /** Base32. */
  readonly text: string;
}

/** What an app is given; `label` is what it calls the account. */
export function shownSecret(secret: Buffer, label: string): ShownSecret {
  const totp = totpOf(secret, label);
  return { uri: totp.toString(), text: totp.secret.base32 };
}

/**
 * The step of time that a code of six digits belongs to, in steps of 30 seconds since 1970;
 * undefined for a code that is none of those around now (milliseconds since 1970).
 */
export function stepOf(secret: Buffer, code: string, now: number): bigint | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = totpOf(secret, '').validate({ token: code, timestamp: now, window: stepsAround });
  return delta === null ? undefined : BigInt(Math.floor(now / stepMs) + delta);
}

function totpOf(secret: Buffer, label: string): TOTP {
  return new TOTP({
    issuer: 'Sambatan',
    label,
    secret: new Secret({ buffer: new Uint8Array(secret).buffer }),
    algorithm: 'SHA1',
    digits: 6,
    period: stepMs / 1_000,
  });
}

/** New codes, such as `abcd-efgh-jkmn-pqrs`. */
export function newRecoveryCodes(): string[] {
  const four = (): string =>
    Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return Array.from({ length: recoveryCodeCount }, () =>
    [four(), four(), four(), four()].join('-'),
  );
}

/** A code as it is stored: so many random bits cannot be found from a plain hash. */
export function recoveryCodeHash(userId: string, code: string): Buffer {
  return hash('sha256', `${userId} ${plainCode(code)}`, 'buffer');
}

/** What somebody typed, without what they typed it with. */
export function plainCode(code: string): string {
  return code.toLowerCase().replaceAll(/[\s-]/g, '');
}
