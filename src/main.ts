import { parseArgs } from 'node:util';
import { auditVerify } from './commands/audit-verify.ts';
import { backup } from './commands/backup.ts';
import { exitCodes, WrongUse, type Command } from './commands/command.ts';
import { demo } from './commands/demo.ts';
import { invariants } from './commands/invariants.ts';
import { migrateCommand } from './commands/migrate.ts';
import { reconcile } from './commands/reconcile.ts';
import { releaseHoldCommand } from './commands/release-hold.ts';
import { restoreCommand } from './commands/restore.ts';
import { seedDemo } from './commands/seed-demo.ts';
import { serve } from './commands/serve.ts';
import { worker } from './commands/worker.ts';
import { ConfigError } from './config.ts';

const commands: Readonly<Record<string, Command>> = {
  serve,
  worker,
  migrate: migrateCommand,
  'seed-demo': seedDemo,
  demo,
  'audit verify': auditVerify,
  invariants,
  reconcile,
  backup,
  restore: restoreCommand,
  'release-hold': releaseHoldCommand,
};

const help = `sambatan: group buying that a marketplace can trust

Usage: sambatan <command> [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`)
  .join('\n')}

sambatan <command> --help tells more. Settings come from the environment and .env: see .env.example.
Exit codes: 0 done; 1 something was found; 2 wrong use or settings; 3 could not be done.
`;

/** Runs the command that the arguments name and gives the process's exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const name = args[0] === 'audit' ? args.slice(0, 2).join(' ') : (args[0] ?? '');
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const asked = name === '' || name === '--help' || name === '-h' || name === 'help';
    (asked ? process.stdout : process.stderr).write(
      asked ? help : `sambatan: there is no command ${name}\n\n${help}`,
    );
    return asked ? exitCodes.done : exitCodes.usage;
  }
  try {
    const { values } = parseArgs({
      args: args.slice(name.split(' ').length),
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
    });
    if (values['help']) {
      process.stdout.write(`${command.summary}\n\n${command.usage.trim()}\n`);
      return exitCodes.done;
    }
    return await command.run(values);
  } catch (error) {
    process.stderr.write(`sambatan ${name}: ${messageOf(error)}\n`);
    const wrongUse =
      error instanceof ConfigError || error instanceof WrongUse || isParseArgsError(error);
    return wrongUse ? exitCodes.usage : exitCodes.failed;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function isParseArgsError(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  );
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
