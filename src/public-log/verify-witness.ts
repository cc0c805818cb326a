import { parseCheckpointText, type Checkpoint } from './checkpoint.ts';
import { NoteError, openNote, type VerifierKey } from './note.ts';
import { rootsOf, type CampaignLog } from './read-log.ts';
import type { Findings } from './verify-receipts.ts';

/**
 * Compares the log of a campaign with the checkpoints that a witness has received. `file` contains
 * the notes; an empty line follows each of them. Checkpoints of other campaigns are ignored.
 */
export function checkWitness(
  file: string,
  log: CampaignLog,
  keys: readonly VerifierKey[],
  { facts, problems }: Findings,
): void {
  const campaign = log.checkpoint.origin.slice(log.checkpoint.origin.lastIndexOf('/'));
  const origins = new Set(keys.map(({ name }) => name + campaign));
  const notes = notesOf(file).filter((note) => origins.has(note.slice(0, note.indexOf('\n'))));
  const seen: Checkpoint[] = [];
  for (const note of notes) {
    try {
      seen.push(parseCheckpointText(openNote(note, keys).text));
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      problems.push(`a checkpoint of the witness cannot be verified: ${error.message}`);
    }
  }
  const roots = rootsOf(
    log.records,
    seen.map(({ size }) => size),
  );
  const size = log.records.length;
  for (const one of seen) {
    const root = roots.get(one.size);
    if (root === undefined) {
      problems.push(`the witness has seen a log of ${one.size} records; now it has ${size}`);
    } else if (!root.equals(one.root)) {
      problems.push(`the witness has seen another log of ${one.size} records (a fork)`);
    }
  }
  if (notes.length === 0) problems.push('the witness has no checkpoint of this campaign');
  else facts.push(`${notes.length} checkpoints of the witness were compared`);
}

/** Splits a file into notes: text, an empty line, and the lines of the signatures. */
function notesOf(file: string): string[] {
  return file.match(/[^\n]+\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+/g) ?? [];
}
