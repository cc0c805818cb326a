import { formatVerifierKey, NoteError, openNote, parseVerifierKey } from './note.ts';
import type { VerifierKey } from './note.ts';

/** The keys of an installation, newest first, as `/.well-known/sambatan-log-key` lists them. */
export interface KeyList {
  readonly keys: readonly VerifierKey[];
  /** For each key, the note in which the key before it names it; null if there is none. */
  readonly statements: readonly (string | null)[];
}

/** Parses a key list. Does not verify its statements. Throws NoteError. */
export function parseKeyList(json: string): KeyList {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw new NoteError('the list of keys is not JSON');
  }
  const listed = (parsed as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(listed) || listed.length === 0 || !listed.every(isListedKey)) {
    throw new NoteError('the list of keys has another format');
  }
  return {
    keys: listed.map(({ vkey }) => parseVerifierKey(vkey)),
    statements: listed.map(({ statement }) => statement),
  };
}

/**
 * Returns a key of the list and the newer keys to which valid statements lead from it. Throws
 * NoteError when a statement is wrong.
 */
export function keysTrustedFrom({ keys, statements }: KeyList, first: VerifierKey): VerifierKey[] {
  const trusted = [first];
  for (let n = keys.indexOf(first) - 1; n >= 0; n--) {
    const [older, newer, statement] = [keys[n + 1]!, keys[n]!, statements[n] ?? null];
    // The key before was lost, so it could not name this one.
    if (statement === null) break;
    if (openNote(statement, [older]).text !== `${older.name}/keys\n${formatVerifierKey(newer)}\n`) {
      throw new NoteError('a statement in the list of keys is about another key');
    }
    trusted.push(newer);
  }
  return trusted;
}

function isListedKey(one: unknown): one is { vkey: string; statement: string | null } {
  if (typeof one !== 'object' || one === null) return false;
  const { vkey, statement } = one as Record<string, unknown>;
  return typeof vkey === 'string' && (statement === null || typeof statement === 'string');
}
