import { createInterface } from 'node:readline';
import { mfaEmail } from '../accounts/sign-in/mail.ts';
import { factorOfAddress, removeLostFactor } from '../accounts/mfa/second-factor.ts';
import { loadConfig, type Config } from '../config/config.ts';
import { openDatabase, type Database } from '../database/pool.ts';
import { createMailer, type OutgoingEmail } from '../mail/mailer.ts';
import { runInTransaction } from '../operation/run.ts';
import { exitCodes, UsageError, type Command } from './command.ts';
import { withDatabase } from './database.ts';

/**
 * `sambatan second-factor remove`: removes the second factor of a user who lost the phone and the
 * recovery codes.
 */
export const secondFactorRemove: Command = {
  usage: `
Usage: sambatan second-factor remove <email> [--yes]

  --yes   do not ask for confirmation

For a user who lost the phone and the recovery codes. First verify the user's identity by another
way than their mailbox: afterwards a mailed code is enough to sign in. Removes the second factor,
ends every session of the account, records both in its access log, and notifies the owner by
e-mail. The exit code is 1 when there is no second factor, when the answer was not "yes", or when
the e-mail could not be sent; 3 when nobody has signed in with that address.
`,
  options: { yes: { type: 'boolean' } },
  argument: 'email',
  async run({ yes }, argument) {
    const email = argument?.trim().toLowerCase() ?? '';
    if (!email.includes('@')) throw new UsageError('whose? sambatan second-factor remove <email>');
    const config = loadConfig();
    return await withDatabase(config, async (url, log) => {
      const db = openDatabase({ url, log, maxConnections: 1 });
      try {
        return await remove(db, config, email, yes === true);
      } finally {
        await db.close();
      }
    });
  },
};

async function remove(db: Database, config: Config, email: string, sure: boolean): Promise<number> {
  const owner = await factorOfAddress(db, email);
  if (owner === undefined) throw new Error(`nobody has signed in as ${email}`);
  if (owner.hasFactor && !sure && !(await isConfirmed(email))) {
    process.stdout.write('nothing was changed\n');
    return exitCodes.found;
  }
  if (!(await runInTransaction(db, (tx) => removeLostFactor(tx, owner.userId)))) {
    process.stdout.write(`${email} has no second factor\n`);
    return exitCodes.found;
  }
  process.stdout.write(
    `removed: a code in a mail is enough for ${email}, who is signed out everywhere\n`,
  );
  return await sendEmail(config, { to: email, ...mfaEmail('lost', owner.language) });
}

/** Returns true when the next line that is typed is "yes". The end of the input means no. */
async function isConfirmed(email: string): Promise<boolean> {
  process.stdout.write(
    `This ends the second factor and all sessions of ${email}. Are you sure that it is them? (yes/no) `,
  );
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) return line.trim().toLowerCase() === 'yes';
  return false;
}

async function sendEmail(config: Config, mail: OutgoingEmail): Promise<number> {
  const mailer = createMailer(config);
  try {
    await mailer.send(mail);
    return exitCodes.done;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${mail.to} could not be told by mail: ${why}\n`);
    return exitCodes.found;
  } finally {
    await mailer.close();
  }
}
