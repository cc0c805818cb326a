import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../../src/main.ts');
const withinMs = 90_000;

/** The output and exit code of a command. */
export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A running command. */
export interface RunningCommand {
  /** What the command has written to standard output so far. */
  out(): string;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<CommandResult>;
}

/**
 * Starts `sambatan` as a separate process in an empty directory. It has neither the .env of a
 * developer nor the variables of the test run. After 90 seconds the process is killed.
 */
export function startCommand(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  typed = '',
): RunningCommand {
  const cwd = mkdtempSync(join(tmpdir(), 'sambatan-command-'));
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...variables },
    stdio: 'pipe',
    timeout: withinMs,
    killSignal: 'SIGKILL',
  });
  // A command that reads no input may have ended already, and writing to it then fails.
  child.stdin.on('error', () => undefined);
  child.stdin.end(typed);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      rmSync(cwd, { recursive: true, force: true });
      resolve({ code, ...said });
    });
  });
  return { out: () => said.out, kill: (signal) => child.kill(signal), ended };
}

/** Runs `sambatan` with this input, and waits until it has ended. */
export async function runCommand(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  typed = '',
): Promise<CommandResult> {
  return await startCommand(args, variables, typed).ended;
}
