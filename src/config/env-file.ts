import { parseEnv } from 'node:util';

/** A line of a `.env` file whose value is cut off at a `#`. */
export interface CutValue {
  readonly name: string;
  readonly line: number;
}

/**
 * Reads the text of a `.env` file. Also returns the values that are not in quotes and have a `#`
 * directly after another character, as a password may: everything from there on is a comment.
 */
export function readEnvFile(text: string): {
  readonly values: NodeJS.Dict<string>;
  readonly cut: readonly CutValue[];
} {
  const cut = text.split(/\r?\n/).flatMap((line, index): CutValue[] => {
    const [, name = '', value = ''] = /^\s*(?:export\s+)?([\w.]+)\s*=\s*(.*)$/.exec(line) ?? [];
    return /^[^'"`\s#][^\s#]*#/.test(value) ? [{ name, line: index + 1 }] : [];
  });
  return { values: parseEnv(text), cut };
}
