import { checkpointText, originOf, type Checkpoint } from './checkpoint.ts';
import { keysTrustedFrom, parseKeyList } from './key-list.ts';
import type { LogSource } from './log-source.ts';
import { leafHash, rootFromInclusionProof } from './merkle.ts';
import { NoteError, verifySignature, type VerifierKey } from './note.ts';
import { LogProblem, readCheckpoint, readRecords, rootsOf, type CampaignLog } from './read-log.ts';
import { indexOf, publicRecordOf, type Receipt } from './receipt.ts';
import { brokenRule, parseRecord, recordEvents } from './record.ts';
import { checkSumProof, checkSums } from './verify-sums.ts';
import { checkWitness } from './verify-witness.ts';

/** What a verification found, in words for people. It succeeded when there are no problems. */
export interface Findings {
  readonly facts: string[];
  readonly problems: string[];
}

export interface VerificationInput {
  readonly source: LogSource;
  /** One receipt or more, all of the same campaign. */
  readonly receipts: readonly Receipt[];
  /** The file of a witness: the checkpoints that it has received. */
  readonly witness?: string | undefined;
  /** The proof that the payment of the first receipt's order is counted, as JSON. */
  readonly sumProof?: string | undefined;
}

/** The position of the name of the event in a private record. */
const privateEventAt = 41;
/** 2000-01-01T00:00Z, from which a private record counts microseconds, in minutes since 1970. */
const minutesTo2000 = 15_778_080n;

/**
 * Verifies receipts against the log of their campaign. Throws LogSourceError when the log cannot be
 * read; then nothing can be said about it.
 */
export async function verifyReceipts(input: VerificationInput): Promise<Findings> {
  const findings: Findings = { facts: [], problems: [] };
  try {
    await verify(input, findings);
  } catch (error) {
    if (!(error instanceof LogProblem) && !(error instanceof NoteError)) throw error;
    findings.problems.push(error.message);
  }
  return findings;
}

async function verify(input: VerificationInput, findings: Findings): Promise<void> {
  const { source, receipts, witness, sumProof } = input;
  const first = receipts[0]!;
  const { campaignId } = first;
  const signed = receipts.map(checkpointOf);
  findings.problems.push(...forksBetween(signed));
  const json = await source.keys();
  if (json === undefined) throw new LogProblem('the service shows no keys any more');
  const list = parseKeyList(json);
  const trusted = receipts.map((receipt, n) =>
    keysTrustedFrom(list, checkSignature(receipt, signed[n]!, list.keys)),
  );
  // The key of each receipt has to lead to the newest key.
  const keys = trusted[0]!.filter((key) => trusted.every((some) => some.includes(key)));
  const checkpoint = await readCheckpoint(source, campaignId, keys);
  signed.forEach((one) => checkRestores(one, checkpoint, findings));
  const log = await readRecords(source, campaignId, checkpoint);
  receipts.forEach((receipt, n) => checkPlace(receipt, signed[n]!, log, findings));
  checkRules(log, findings);
  if (witness !== undefined) checkWitness(witness, log, list.keys, findings);
  const sums = await checkSums({ source, campaignId, log, keys }, findings);
  if (sumProof !== undefined) checkSumProof(sumProof, first, { sums, keys }, findings);
}

/** Returns the checkpoint that a receipt proves. Throws LogProblem when its proof is wrong. */
function checkpointOf(receipt: Receipt): Checkpoint {
  const record = publicRecordOf(receipt);
  const { treeSize: size, hashes } = receipt;
  const root = rootFromInclusionProof(indexOf(receipt), size, leafHash(record), hashes);
  if (root === undefined) throw new LogProblem('the proof in the receipt does not fit its record');
  if (!isOfItsRecord(receipt)) throw new LogProblem('the receipt is not about a new order');
  const lines = receipt.extraLines.split('\n').slice(0, -1);
  return { origin: originOf(receipt.logName, receipt.campaignId), size, root, lines };
}

/** True when the private record tells of the same order as the public one. */
function isOfItsRecord({ recordHead, privateRecord }: Receipt): boolean {
  const record = parseRecord(Buffer.concat([recordHead, Buffer.alloc(32)]));
  if (record === undefined || privateRecord.length < privateEventAt) return false;
  const [event] = privateRecord.toString('utf8', privateEventAt).split('|');
  const minutes = privateRecord.readBigInt64BE(16) / 60_000_000n + minutesTo2000;
  return (
    event === 'participant_joined' &&
    record.event === recordEvents.joined &&
    minutes === BigInt(record.minutes)
  );
}

/** Checks the signature of a receipt; returns the key that made it. */
function checkSignature(
  receipt: Receipt,
  checkpoint: Checkpoint,
  keys: readonly VerifierKey[],
): VerifierKey {
  const { logName, keyId, signature } = receipt;
  const key = keys.find((one) => one.name === logName && one.keyId.equals(keyId));
  if (key === undefined) {
    throw new LogProblem('the service does not show the key any more that signed the receipt');
  }
  if (!verifySignature(checkpointText(checkpoint), signature, key)) {
    throw new LogProblem('the signature of the receipt is wrong');
  }
  return key;
}

/** Two checkpoints of one size with different roots are a fork. */
function forksBetween(checkpoints: readonly Checkpoint[]): string[] {
  return checkpoints.flatMap((one, n) =>
    checkpoints
      .slice(n + 1)
      .filter((other) => other.size === one.size && !other.root.equals(one.root))
      .map(() => `the receipts show two different logs of ${one.size} records (a fork)`),
  );
}

/** Compares the restores that the newest checkpoint names with those before the receipt. */
function checkRestores(
  receipt: Checkpoint,
  newest: Checkpoint,
  { facts, problems }: Findings,
): void {
  if (receipt.lines.some((line, n) => newest.lines[n] !== line)) {
    problems.push('the newest checkpoint does not name a restore any more that the receipt names');
  }
  for (const line of newest.lines.slice(receipt.lines.length)) {
    const [, time] = /^restored (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(line) ?? [];
    if (time === undefined) throw new LogProblem('the newest checkpoint has an unknown line');
    const restore = `the service was restored from a backup of ${time}: newer events may be missing`;
    if (!facts.includes(restore)) facts.push(restore);
  }
}

/** Checks that a receipt's record, and the tree of its checkpoint, are in the log unchanged. */
function checkPlace(
  receipt: Receipt,
  { size, root }: Checkpoint,
  log: CampaignLog,
  { facts, problems }: Findings,
): void {
  const index = indexOf(receipt);
  const { records } = log;
  if (size > records.length) {
    problems.push(
      `the log has only ${records.length} records; when the receipt was made it had ${size}`,
    );
    return;
  }
  const isThere = records[index]!.leafHash.equals(leafHash(publicRecordOf(receipt)));
  if (!isThere) problems.push(`record ${index + 1} of the log is not the record of the receipt`);
  else if (!rootsOf(records, [size]).get(size)!.equals(root)) {
    problems.push(`one of the first ${size} records was changed after the receipt was made`);
  } else {
    const orders = records.slice(0, index + 1).filter(({ event }) => event === recordEvents.joined);
    facts.push(
      `your order is number ${orders.length} of the campaign (record ${index + 1} of ${records.length})`,
      `nothing was changed or removed since the receipt was made (the log had ${size} records)`,
    );
  }
}

function checkRules({ records }: CampaignLog, { facts, problems }: Findings): void {
  const wrong = records.findIndex((record, n) => brokenRule(record, records[n - 1]) !== undefined);
  if (wrong !== -1) {
    const rule = brokenRule(records[wrong]!, records[wrong - 1]);
    problems.push(`record ${wrong + 1} of the log is not possible: ${rule}`);
    return;
  }
  const most = records.reduce((highest, { slotsTaken }) => Math.max(highest, slotsTaken), 0);
  const total = records.at(-1)?.totalSlots ?? 0;
  facts.push(`the campaign was never above its slots: at most ${most} of ${total} were taken`);
}
