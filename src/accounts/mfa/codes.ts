import {
  createCipheriv,
  createDecipheriv,
  hash,
  hkdfSync,
  randomBytes,
  randomInt,
} from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** Number of recovery codes of a user; each code works once. */
export const recoveryCodeCount = 10;

const stepMs = 30_000;
/**
 * Number of time steps before and after the current one whose codes are accepted, because of clock
 * differences and slow typing.
 */
const stepsAround = 1;
/** The length of a TOTP secret in bytes (RFC 4226, section 4). */
const secretBytes = 20;
const sealing = { cipher: 'aes-256-gcm', nonceBytes: 12, tagBytes: 16 } as const;
/**
 * The characters of recovery codes, without characters that look alike. A code has sixteen random
 * characters, which are 79 random bits.
 */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Derives the key that encrypts the TOTP secrets from the secret key. */
export function factorKey(secretKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'sambatan second factors', 32));
}

/** Returns a new TOTP secret. */
export function newFactorSecret(): Buffer {
  return randomBytes(secretBytes);
}

/** Encrypts a secret for storage. It can be decrypted only with the same user's id. */
export function seal(key: Buffer, userId: string, secret: Buffer): Buffer {
  const nonce = randomBytes(sealing.nonceBytes);
  const cipher = createCipheriv(sealing.cipher, key, nonce);
  cipher.setAAD(Buffer.from(userId));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/**
 * Decrypts a stored secret. Returns undefined if the secret was encrypted with another key or for
 * another user.
 */
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

/**
 * A TOTP secret in the two forms that authenticator apps accept: a link to scan or tap, and a text
 * to type.
 */
export interface ShownSecret {
  /** The link: `otpauth://…`. */
  readonly uri: string;
  /** The text, in Base32. */
  readonly text: string;
}

/**
 * Returns the secret in the forms for an authenticator app. `label` is the account's name in the
 * app.
 */
export function shownSecret(secret: Buffer, label: string): ShownSecret {
  const totp = totpOf(secret, label);
  return { uri: totp.toString(), text: totp.secret.base32 };
}

/**
 * Returns the time step of a six-digit code, counted in steps of 30 seconds since 1970. Undefined
 * if the code is not valid at `now` (milliseconds since 1970) or one step earlier or later.
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

/** Returns new recovery codes, such as `abcd-efgh-jkmn-pqrs`. */
export function newRecoveryCodes(): string[] {
  const four = (): string =>
    Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return Array.from({ length: recoveryCodeCount }, () =>
    [four(), four(), four(), four()].join('-'),
  );
}

/**
 * Returns the hash under which a recovery code is stored. A hash without a key is safe, because a
 * code has enough random bits.
 */
export function recoveryCodeHash(userId: string, code: string): Buffer {
  return hash('sha256', `${userId} ${plainCode(code)}`, 'buffer');
}

/** Returns a typed code without spaces and separators. */
export function plainCode(code: string): string {
  return code.toLowerCase().replaceAll(/[\s-]/g, '');
}
