import { originOf } from './checkpoint.ts';
import type { LogSource } from './log-source.ts';
import { fromBase64, openNote, type VerifierKey } from './note.ts';
import { LogProblem, type CampaignLog } from './read-log.ts';
import type { Receipt } from './receipt.ts';
import { recordEvents } from './record.ts';
import { maxSum, rootOfSumProof, sumLeafHash, type SumNode } from './sum-tree.ts';
import type { Findings } from './verify-receipts.ts';

/** A sum checkpoint: its amounts are in whole rupiah. */
export interface SumCheckpoint {
  readonly origin: string;
  readonly version: number;
  readonly root: SumNode;
  readonly receivable: bigint;
  readonly payout: bigint;
  readonly fee: bigint;
  readonly refunds: bigint;
  readonly kept: bigint;
}

/** The proof that the payment of an order is counted, as the route `sum-proof` returns it. */
export interface SumProofDocument {
  readonly participation_id: string;
  readonly salt: string;
  readonly paid: number;
  readonly index: number;
  readonly siblings: readonly { readonly hash: string; readonly sum: number }[];
  readonly checkpoint: string;
}

const sumLines = ['paid', 'receivable', 'payout', 'fee', 'refunds', 'kept'] as const;

/** Parses the text of a sum checkpoint. Throws LogProblem when it is malformed. */
export function parseSumCheckpoint(text: string): SumCheckpoint {
  const [origin = '', version = '', encoded = '', ...lines] = text.split('\n');
  const hash = fromBase64(encoded);
  const amounts = sumLines.map((name, n) => amountOf(lines[n] ?? '', name));
  const [paid, receivable, payout, fee, refunds, kept] = amounts as [bigint, ...bigint[]];
  const isWhole = lines.length === sumLines.length + 1 && lines.at(-1) === '';
  if (!isWhole || !/^[1-9]\d{0,9}$/.test(version) || hash?.length !== 32) {
    throw new LogProblem('the sum checkpoint has another format');
  }
  const money = { receivable, payout, fee, refunds, kept } as Omit<
    SumCheckpoint,
    'origin' | 'version' | 'root'
  >;
  return { origin, version: Number(version), root: { hash, sum: paid }, ...money };
}

function amountOf(line: string, name: string): bigint {
  const [, digits] = new RegExp(`^${name} (0|[1-9]\\d{0,18})$`).exec(line) ?? [];
  const amount = BigInt(digits ?? -1);
  if (amount < 0n || amount > maxSum) {
    throw new LogProblem('the sum checkpoint has another format');
  }
  return amount;
}

/** Reads the newest sum checkpoint of a campaign and checks that its amounts add up. */
export async function checkSums(
  input: {
    readonly source: LogSource;
    readonly campaignId: string;
    readonly log: CampaignLog;
    readonly keys: readonly VerifierKey[];
  },
  { facts, problems }: Findings,
): Promise<SumCheckpoint | undefined> {
  const { source, campaignId, log, keys } = input;
  const note = await source.read(campaignId, 'sums');
  if (note === undefined) {
    const isReleased = log.records.some(({ event }) => event === recordEvents.payoutReleased);
    if (isReleased) problems.push('a payout was released, but no sums are published');
    else facts.push('no payout was released yet, so there are no sums to check');
    return undefined;
  }
  const sums = parseSumCheckpoint(openNote(note.toString('utf8'), keys).text);
  if (!keys.some(({ name }) => sums.origin === `${originOf(name, campaignId)}/sums`)) {
    throw new LogProblem('the sum checkpoint is of another campaign');
  }
  const { root, receivable, payout, fee, refunds, kept } = sums;
  if (root.sum + receivable !== payout + fee + refunds + kept) {
    problems.push('the amounts of the sum checkpoint do not add up');
  } else {
    facts.push(
      `the money adds up: buyers paid Rp${root.sum} and still owe Rp${receivable}; the seller gets ` +
        `Rp${payout}, the fee is Rp${fee}, refunds are Rp${refunds}, and Rp${kept} are kept`,
    );
  }
  return sums;
}

/** Checks that the payment of an order is counted in a sum checkpoint. */
export function checkSumProof(
  json: string,
  receipt: Receipt,
  { sums, keys }: { sums: SumCheckpoint | undefined; keys: readonly VerifierKey[] },
  { facts, problems }: Findings,
): void {
  const proof = parseProof(json);
  const own = parseSumCheckpoint(openNote(proof.checkpoint, keys).text);
  const id = proof.participation_id.replaceAll('-', '');
  const isOwn =
    receipt.salt.equals(Buffer.from(proof.salt, 'base64')) &&
    receipt.privateRecord.subarray(0, 16).equals(Buffer.from(id, 'hex')) &&
    keys.some(({ name }) => own.origin === `${originOf(name, receipt.campaignId)}/sums`);
  if (!isOwn) throw new LogProblem('the sum proof is of another order than the receipt');
  const root = rootOf(proof);
  if (root === undefined || !root.hash.equals(own.root.hash) || root.sum !== own.root.sum) {
    problems.push('the sum proof does not lead to the sums that the service has signed');
  } else if (sums?.version === own.version && !sums.root.hash.equals(own.root.hash)) {
    problems.push(`the service shows two different sums of version ${own.version} (a fork)`);
  } else if ((sums?.version ?? 0) < own.version) {
    problems.push(`the service does not show the sums of version ${own.version} any more`);
  } else {
    facts.push(`your payment of Rp${proof.paid} is counted (sums of version ${own.version})`);
  }
}

function parseProof(json: string): SumProofDocument {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw new LogProblem('the sum proof is not JSON');
  }
  const { participation_id: id, salt, checkpoint, siblings } = (parsed ?? {}) as SumProofDocument;
  const isWhole = [id, salt, checkpoint].every((one) => typeof one === 'string');
  if (!isWhole || !Array.isArray(siblings)) throw new LogProblem('the sum proof is incomplete');
  return parsed as SumProofDocument;
}

/** Returns the root to which a proof leads; undefined when it leads to none. */
function rootOf(proof: SumProofDocument): SumNode | undefined {
  const hash = sumLeafHash(Buffer.from(proof.salt, 'base64'), proof.participation_id);
  try {
    const siblings = proof.siblings.map((one) => ({
      hash: Buffer.from(one.hash, 'base64'),
      sum: BigInt(one.sum),
    }));
    const isRight = siblings.every((one) => one.hash.length === 32) && proof.index % 2 === 0;
    const leaf = { hash, sum: BigInt(proof.paid) };
    return isRight ? rootOfSumProof(leaf, { index: proof.index, siblings }) : undefined;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}
