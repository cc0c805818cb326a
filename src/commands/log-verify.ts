import { readFileSync } from 'node:fs';
import { loadConfig } from '../config/config.ts';
import { folderSource, serviceSource, type LogSource } from '../public-log/log-source.ts';
import { decodeReceipt, ReceiptFormatError, type Receipt } from '../public-log/receipt.ts';
import { verifyReceipts } from '../public-log/verify-receipts.ts';
import { exitCodes, UsageError, type Command } from './command.ts';

/** `sambatan log verify`: verifies the receipt of an order against the public log. */
export const logVerify: Command = {
  usage: `
Usage: sambatan log verify --receipt <file> [--receipt <file>] [--url <address> | --from <folder>]
                           [--witness <file>] [--sum-proof <file>]

Verifies the receipt of an order against the public log of its campaign: that the order is in the
log, that nothing was changed since the receipt was made, that the campaign was never above its
slots, and that the published sums add up. Prints one line for each fact and each problem. The exit
code is 1 when there is a problem, and 3 when the log cannot be read.

  --receipt    file with the receipt; with two receipts of one campaign, they are compared too
  --url        address of the service; by default the one of this installation
  --from       folder that "sambatan log export" has written, instead of a service
  --witness    file of a witness, whose checkpoints are compared with the log
  --sum-proof  file with the sum proof of the first receipt's order
`,
  options: {
    receipt: { type: 'string', multiple: true },
    url: { type: 'string' },
    from: { type: 'string' },
    witness: { type: 'string' },
    'sum-proof': { type: 'string' },
  },
  async run({ receipt, url, from, witness, 'sum-proof': sumProof }) {
    const receipts = (Array.isArray(receipt) ? receipt : []).map(String).map(readReceipt);
    if (receipts.length === 0) throw new UsageError('--receipt is missing');
    if (new Set(receipts.map(({ campaignId }) => campaignId)).size > 1) {
      throw new UsageError('the receipts are of different campaigns');
    }
    const { facts, problems } = await verifyReceipts({
      source: logSourceOf({ url, from }),
      receipts,
      witness: readOption(witness),
      sumProof: readOption(sumProof),
    });
    for (const fact of facts) process.stdout.write(`OK: ${fact}\n`);
    for (const problem of problems) process.stdout.write(`PROBLEM: ${problem}\n`);
    return problems.length === 0 ? exitCodes.done : exitCodes.found;
  },
};

/**
 * Returns the source of the log that the options name. Throws a `UsageError` when they name two.
 */
export function logSourceOf({ url, from }: { url: unknown; from: unknown }): LogSource {
  if (typeof url === 'string' && typeof from === 'string') {
    throw new UsageError('--url and --from exclude each other');
  }
  if (typeof from === 'string') return folderSource(from);
  return serviceSource(typeof url === 'string' ? addressOf(url) : ownAddress());
}

function addressOf(url: string): string {
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url)) {
    throw new UsageError(`${url} is not the address of a service`);
  }
  return url;
}

function ownAddress(): string {
  const { publicUrl, port } = loadConfig().http;
  return publicUrl ?? `http://127.0.0.1:${port}`;
}

function readReceipt(file: string): Receipt {
  try {
    return decodeReceipt(readFile(file));
  } catch (error) {
    if (!(error instanceof ReceiptFormatError)) throw error;
    throw new UsageError(`${file} is not a receipt: ${error.message}`);
  }
}

function readOption(file: unknown): string | undefined {
  return typeof file === 'string' ? readFile(file) : undefined;
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read`, { cause: error });
  }
}
