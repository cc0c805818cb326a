import {
  createCipheriv,
  createDecipheriv,
  hash,
  hkdfSync,
  randomBytes,
  randomInt,
} from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** Number of recovery codes; each works once. */
export const recoveryCodeCount = 10;

const stepMs = 30_000;
/** Accepted time steps before and after the current one, for clock differences and slow typing. */
const stepsAround = 1;
/** The length of the secret (RFC 4226, section 4). */
const secretBytes = 20;
const sealing = { cipher: 'aes-256-gcm', nonceBytes: 12, tagBytes: 16 } as const;
/** Without characters that look alike; sixteen of them are 79 random bits. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Derives the key that encrypts the TOTP secrets from the secret key. */
export function factorKey(secretKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan second factors', 32));
}

/** Returns a new TOTP secret. */
export function newFactorSecret(): Buffer {
  return randomBytes(secretBytes);
}

/** Encrypts a secret for storage; only the same user's row can decrypt it. */
export function seal(key: Buffer, userId: string, secret: Buffer): Buffer {
  const nonce = randomBytes(sealing.nonceBytes);
  const cipher = createCipheriv(sealing.cipher, key, nonce);
  cipher.setAAD(Buffer.from(userId));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** Decrypts a secret; undefined when the key or the user differs. */
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

/** A secret in the forms that apps accept: to scan or tap, and to type. */
export interface ShownSecret {
  /** `otpauth://…` */
  readonly uri: string;
  /** Base32. */
  readonly text: string;
}

/** Returns the secret for an app; `label` is the account's name there. */
export function shownSecret(secret: Buffer, label: string): ShownSecret {
  const totp = totpOf(secret, label);
  return { uri: totp.toString(), text: totp.secret.base32 };
}

/**
 * Returns the time step of a six-digit code, in steps of 30 seconds since 1970; undefined for a
 * code that is not valid around `now` (milliseconds since 1970).
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

/** Returns new codes, such as `abcd-efgh-jkmn-pqrs`. */
export function newRecoveryCodes(): string[] {
  const four = (): string =>
    Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return Array.from({ length: recoveryCodeCount }, () =>
    [four(), four(), four(), four()].join('-'),
  );
}

/** Returns the stored form of a code: it has enough random bits for a plain hash. */
export function recoveryCodeHash(userId: string, code: string): Buffer {
  return hash('sha256', `${userId} ${plainCode(code)}`, 'buffer');
}

/** Removes spaces and separators from a typed code. */
export function plainCode(code: string): string {
  return code.toLowerCase().replaceAll(/[\s-]/g, '');
}
