import { parseArgs } from 'node:util';

export interface Options {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly rounds: number;
  readonly profile: boolean;
}

const help = (names: readonly string[]) => `
Usage: npm run bench -- [options]

  --only <name>   this measurement alone; may be given more than once:
                  ${names.join(', ')}
  --rounds <n>    interleaved rounds of each measurement (5; quick: 1)
  --quick         correctness alone, in under three minutes; the times say nothing
  --profile       the CPU time of joins and deadlines, by purpose in Node and by statement in
                  PostgreSQL, instead of the table

When everything was measured, writes bench/results/latest.md, the raw figures in latest.json, and
the table of docs/performance.md.
Exit codes: 0 done, 1 something was lost, oversold or wrong, 2 wrong use. A goal that is missed is
no failure.
`;

/** Parses the arguments; returns the text to print if they ask for help or are invalid. */
export function readOptions(
  args: readonly string[],
  names: readonly string[],
): Options | { readonly print: string; readonly exitCode: number } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { print: help(names), exitCode: 0 };
    const unknown = values.only.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new Error(`there is no measurement named ${unknown}`);
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
    if (!Number.isInteger(rounds) || rounds < 1)
      throw new Error('--rounds is a whole number from 1');
    return { only: values.only, quick: values.quick, profile: values.profile, rounds };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { print: `${reason}\n${help(names)}`, exitCode: 2 };
  }
}
