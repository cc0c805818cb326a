import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceSource } from '../../../src/public-log/log-source.ts';
import { decodeReceipt } from '../../../src/public-log/receipt.ts';
import { verifyReceipts } from '../../../src/public-log/verify-receipts.ts';
import { faultsOf, readFrom, verifyLog } from './page-verifier.ts';

const independent = join(import.meta.dirname, '../../../tools/verify/verify.mjs');

/** What a buyer has kept. */
export interface Evidence {
  readonly receipts: readonly string[];
  /** The file of a witness. */
  readonly witness?: string | undefined;
  /** The sum proof of the first receipt's order, as JSON. */
  readonly sumProof?: string | undefined;
}

/** What each of the three verifiers says about a service; empty texts mean that all is right. */
export interface Verdicts {
  readonly independent: string;
  readonly command: string;
  readonly page: string;
}

/**
 * Verifies with the independent verifier, with the code of `sambatan log verify`, and with the
 * script of the page. Rejects if one of them could not check the log.
 */
export async function verifyEverywhere(url: string, evidence: Evidence): Promise<Verdicts> {
  const [one, two, three] = await Promise.all([
    byIndependentVerifier(url, evidence),
    byCommand(url, evidence),
    byPage(url, evidence),
  ]);
  return { independent: one, command: two, page: three };
}

/**
 * Runs the independent verifier on a service or the folder of a copy; returns what it found wrong.
 * Rejects if it could not check the log.
 */
export async function byIndependentVerifier(url: string, evidence: Evidence): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sambatan-verify-'));
  try {
    const paths = textsOf(evidence).map((_, n) => join(folder, String(n)));
    await Promise.all(textsOf(evidence).map((text, n) => writeFile(paths[n]!, text)));
    const child = spawn(process.execPath, [independent, url, ...paths]);
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const code = await new Promise((done) => child.on('close', done));
    if (code !== 0 && code !== 1) throw new Error(output);
    return code === 0 ? '' : output;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function byCommand(url: string, { receipts, witness, sumProof }: Evidence): Promise<string> {
  const source = serviceSource(url);
  const decoded = receipts.map((receipt) => decodeReceipt(receipt));
  const { problems } = await verifyReceipts({ source, receipts: decoded, witness, sumProof });
  return problems.join('\n');
}

async function byPage(url: string, evidence: Evidence): Promise<string> {
  const findings = await verifyLog(textsOf(evidence), readFrom(url));
  if (faultsOf(findings).includes('unreachable')) throw new Error('the service does not answer');
  return findings
    .filter(({ look }) => look === 'bad')
    .map(({ word }) => word)
    .join('\n');
}

const textsOf = ({ receipts, witness, sumProof }: Evidence): string[] =>
  [...receipts, witness, sumProof].filter((text) => text !== undefined);
