import { hashBytes } from './merkle.ts';
import { formatNote, fromBase64, NoteError, openNote, type VerifierKey } from './note.ts';

// Checkpoints of a campaign's log (c2sp.org/tlog-checkpoint).

/** The state of a log: its name, the number of its records, and the root of its tree. */
export interface Checkpoint {
  /** `<log name>/<campaign id>`. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** The extension lines; usually empty. */
  readonly lines: readonly string[];
}

/** A checkpoint with its signature. */
export interface SignedCheckpoint extends Checkpoint {
  /** The name of the key, which is the log name. */
  readonly name: string;
  readonly keyId: Buffer;
  /** 64 bytes. */
  readonly signature: Buffer;
}

/** Returns the first line of the checkpoints of a campaign. */
export const originOf = (logName: string, campaignId: string): string => `${logName}/${campaignId}`;

/** Returns the text that is signed. */
export function checkpointText({ origin, size, root, lines }: Checkpoint): string {
  const all = [origin, String(size), root.toString('base64'), ...lines];
  return `${all.join('\n')}\n`;
}

/** Returns the signed note of a checkpoint. */
export function formatCheckpoint(checkpoint: SignedCheckpoint): string {
  return formatNote(checkpointText(checkpoint), [checkpoint]);
}

/** Parses the text of a checkpoint. Throws NoteError. */
export function parseCheckpointText(text: string): Checkpoint {
  const [origin = '', size = '', encoded = '', ...rest] = text.split('\n');
  const root = fromBase64(encoded);
  const lines = rest.slice(0, -1);
  const isComplete = rest.at(-1) === '' && origin !== '' && !lines.includes('');
  if (!isComplete || !/^(0|[1-9]\d{0,15})$/.test(size) || root?.length !== hashBytes) {
    throw new NoteError('not a checkpoint');
  }
  return { origin, size: Number(size), root, lines };
}

/** Verifies the note of a checkpoint with the keys of its log, and parses it. Throws NoteError. */
export function openCheckpoint(note: string, keys: readonly VerifierKey[]): Checkpoint {
  return parseCheckpointText(openNote(note, keys).text);
}
