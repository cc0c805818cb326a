import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitCodes, UsageError, type Command } from './commands/command.ts';
import { ConfigError, localesDirectory } from './config/config.ts';
import { LocalesError } from './i18n/catalogue.ts';
import { loadMessages } from './i18n/messages.ts';

interface Entry {
  readonly summary: string;
  /** Loads only the command's own code: most commands finish before a server would start. */
  load(): Promise<Command>;
}

const commands: Readonly<Record<string, Entry>> = {
  serve: {
    summary: 'answer HTTP, with the scheduler in the same process',
    load: async () => (await import('./commands/serve.ts')).serve,
  },
  worker: {
    summary: 'run only the scheduler and the notifications: open and close campaigns',
    load: async () => (await import('./commands/worker.ts')).worker,
  },
  migrate: {
    summary: 'apply the missing migrations',
    load: async () => (await import('./commands/migrate.ts')).migrateCommand,
  },
  'seed-demo': {
    summary: 'fill the database with a small Indonesian perfume market',
    load: async () => (await import('./commands/seed-demo.ts')).seedDemo,
  },
  demo: {
    summary: 'serve a demo market with simulated buyers who keep joining',
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  'audit verify': {
    summary: 'verify the audit log of one campaign or of all',
    load: async () => (await import('./commands/audit-verify.ts')).auditVerify,
  },
  'log verify': {
    summary: 'verify the receipt of an order against the public log',
    load: async () => (await import('./commands/log-verify.ts')).logVerify,
  },
  'log export': {
    summary: 'copy the public log of a campaign into a folder',
    load: async () => (await import('./commands/log-export.ts')).logExport,
  },
  'log-key': {
    summary: 'show the keys that sign the public log',
    load: async () => (await import('./commands/log-key.ts')).logKeyCommand,
  },
  'log-key rotate': {
    summary: 'replace the key that signs the public log',
    load: async () => (await import('./commands/log-key.ts')).logKeyRotate,
  },
  invariants: {
    summary: 'check every invariant of the domain on the whole database',
    load: async () => (await import('./commands/invariants.ts')).invariants,
  },
  reconcile: {
    summary: 'query the payment provider for payments and refunds without a known outcome',
    load: async () => (await import('./commands/reconcile.ts')).reconcile,
  },
  backup: {
    summary: 'write a verified backup of the database into a file',
    load: async () => (await import('./commands/backup.ts')).backup,
  },
  restore: {
    summary: 'restore a backup; the database is quarantined afterwards',
    load: async () => (await import('./commands/restore.ts')).restoreCommand,
  },
  'second-factor remove': {
    summary: 'remove the second factor of a user who lost the phone and the recovery codes',
    load: async () => (await import('./commands/second-factor-remove.ts')).secondFactorRemove,
  },
  'release-hold': {
    summary: 'end the quarantine of a restored database',
    load: async () => (await import('./commands/release-hold.ts')).releaseHoldCommand,
  },
};

const help = `sambatan: group buying that a marketplace can trust

Usage: sambatan <command> [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(22)}${summary}`)
  .join('\n')}

sambatan <command> --help shows details; sambatan --version shows the version. Settings come from the environment and .env: see .env.example.
Exit codes: 0 done; 1 something was found; 2 wrong use or settings; 3 could not be done.
`;

/** Runs the command of the arguments and returns the process's exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [first = '', second = ''] = args;
  const name = Object.hasOwn(commands, `${first} ${second}`) ? `${first} ${second}` : first;
  if (['--version', '-v', 'version'].includes(name)) {
    process.stdout.write(`${versionText()}\n`);
    return exitCodes.done;
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) {
    const asked = name === '' || name === '--help' || name === '-h' || name === 'help';
    (asked ? process.stdout : process.stderr).write(
      asked ? help : `sambatan: there is no command ${name}\n\n${help}`,
    );
    return asked ? exitCodes.done : exitCodes.usage;
  }
  try {
    loadMessages(localesDirectory());
    const command = await entry.load();
    const { values, positionals } = parseArgs({
      args: args.slice(name.split(' ').length),
      allowPositionals: command.argument !== undefined,
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
    });
    if (values['help']) {
      process.stdout.write(`${entry.summary}\n\n${command.usage.trim()}\n`);
      return exitCodes.done;
    }
    if (positionals.length > 1) throw new UsageError(`${positionals[1]} is one argument too many`);
    return await command.run(values, positionals[0]);
  } catch (error) {
    process.stderr.write(`sambatan ${name}: ${messageOf(error)}\n`);
    const wrongUse =
      error instanceof ConfigError ||
      error instanceof LocalesError ||
      error instanceof UsageError ||
      isParseArgsError(error);
    return wrongUse ? exitCodes.usage : exitCodes.failed;
  }
}

/** Returns the versions of the service and of Node in one line. */
function versionText(): string {
  const file = join(import.meta.dirname, '../package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return `sambatan ${version} (Node ${process.versions.node})`;
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
