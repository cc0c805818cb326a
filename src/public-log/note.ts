import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

// Signed notes (c2sp.org/signed-note) with Ed25519 signatures, which have the signature type 0x01.

const ed25519Type = 0x01;
const publicKeyBytes = 32;
const seedBytes = 32;
const signatureBytes = 64;
const keyIdBytes = 4;
/** A note with more signatures is refused; the specification requires at least 16. */
const maxSignatures = 100;
/** The bytes before the seed of an Ed25519 private key in the format PKCS #8 (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

const signAsync = promisify(sign) as (
  algorithm: null,
  data: Buffer,
  key: KeyObject,
) => Promise<Buffer>;

/** A note is malformed, or no known key has signed it, or a signature of a known key is wrong. */
export class NoteError extends Error {}

/** A public key by which notes are verified. */
export interface VerifierKey {
  readonly name: string;
  /** The first four bytes of SHA-256(name ‖ newline ‖ signature type ‖ public key). */
  readonly keyId: Buffer;
  /** The public key as 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
}

/** A private key that signs notes. */
export interface Signer extends VerifierKey {
  /** Signs a text in the thread pool, so that many signatures do not block the event loop. */
  sign(text: string): Promise<Buffer>;
}

/** A signature of a note by one key. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/** Returns true for a valid name of a key: not empty, without spaces and plus signs. */
export const isKeyName = (name: string): boolean => /^[^\s+\p{C}\p{Z}]+$/u.test(name);

/** Creates a signer from its name and its seed of 32 bytes. Throws for a wrong name or length. */
export function createSigner(name: string, seed: Uint8Array): Signer {
  if (seed.length !== seedBytes) throw new NoteError('the seed of an Ed25519 key has 32 bytes');
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    ...verifierKey(name, Buffer.from(x!, 'base64url')),
    sign: (text) => signAsync(null, Buffer.from(text), privateKey),
  };
}

/** Returns the verifier key of a name and a public key of 32 bytes. Throws NoteError. */
export function verifierKey(name: string, publicKey: Buffer): VerifierKey {
  if (!isKeyName(name)) throw new NoteError(`"${name}" is no name of a key`);
  if (publicKey.length !== publicKeyBytes) throw new NoteError('a public key has 32 bytes');
  const keyId = hash(
    'sha256',
    Buffer.concat([Buffer.from(`${name}\n`), typed(publicKey)]),
    'buffer',
  );
  return { name, publicKey, keyId: keyId.subarray(0, keyIdBytes) };
}

const typed = (publicKey: Buffer): Buffer => Buffer.concat([Buffer.of(ed25519Type), publicKey]);

/** Returns a verifier key as text: `<name>+<key id in hex>+<base64 of type and public key>`. */
export function formatVerifierKey({ name, keyId, publicKey }: VerifierKey): string {
  return `${name}+${keyId.toString('hex')}+${typed(publicKey).toString('base64')}`;
}

/** Parses a verifier key. Throws NoteError when its parts do not fit together. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name = '', keyId = '', encoded = ''] =
    /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(text) ?? [];
  const bytes = fromBase64(encoded);
  if (bytes?.[0] !== ed25519Type) throw new NoteError('not a verifier key with Ed25519');
  const key = verifierKey(name, bytes.subarray(1));
  if (key.keyId.toString('hex') !== keyId) throw new NoteError('the id of the key is wrong');
  return key;
}

/** Signs a text, which must end with a newline. Returns the note with one signature. */
export async function signNote(text: string, signer: Signer): Promise<string> {
  if (!isNoteText(text)) throw new NoteError('the text of a note ends with a newline');
  return formatNote(text, [{ ...signer, signature: await signer.sign(text) }]);
}

/** Returns the note with a text and its signatures. */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`;
}

const formatSignature = ({ name, keyId, signature }: NoteSignature): string =>
  `— ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;

/** A note that was verified. */
export interface OpenedNote {
  readonly text: string;
  /** The known keys that have signed it; at least one. */
  readonly signedBy: readonly VerifierKey[];
}

/**
 * Verifies a note. Signatures of other keys are ignored. Throws NoteError when the note is
 * malformed, when none of the keys has signed it, or when a signature of one of them is wrong.
 */
export function openNote(note: string, keys: readonly VerifierKey[]): OpenedNote {
  const { text, signatures } = parseNote(note);
  const signedBy = new Set<VerifierKey>();
  for (const { name, keyId, signature } of signatures) {
    const key = keys.find((one) => one.name === name && one.keyId.equals(keyId));
    if (key === undefined) continue;
    if (!verifySignature(text, signature, key)) {
      throw new NoteError(`wrong signature of ${name}+${keyId.toString('hex')}`);
    }
    signedBy.add(key);
  }
  if (signedBy.size === 0) throw new NoteError('no known key has signed the note');
  return { text, signedBy: [...signedBy] };
}

/** Returns true when the signature (64 bytes) of a text was made with the key. */
export function verifySignature(text: string, signature: Buffer, key: VerifierKey): boolean {
  if (signature.length !== signatureBytes) return false;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.publicKey.toString('base64url') };
  return verify(null, Buffer.from(text), createPublicKey({ key: jwk, format: 'jwk' }), signature);
}

/** Splits a note into its text and its signatures, without verifying them. Throws NoteError. */
export function parseNote(note: string): { text: string; signatures: readonly NoteSignature[] } {
  const end = note.lastIndexOf('\n\n');
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).split('\n');
  if (end < 0 || !isNoteText(text) || lines.pop() !== '') throw new NoteError('not a signed note');
  if (lines.length === 0 || lines.length > maxSignatures) throw new NoteError('not a signed note');
  return { text, signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= keyIdBytes) {
    throw new NoteError('not a signed note');
  }
  return { name, keyId: bytes.subarray(0, keyIdBytes), signature: bytes.subarray(keyIdBytes) };
}

/** A text ends with a newline and has no other control characters. */
const isNoteText = (text: string): boolean =>
  text.endsWith('\n') && !/[^\P{Cc}\n]/u.test(text) && text.isWellFormed();

/** Decodes base64. Returns undefined unless the text is exactly the encoding of its bytes. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return text !== '' && bytes.toString('base64') === text ? bytes : undefined;
}
