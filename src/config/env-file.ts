import { parseEnv } from 'node:util';

/** A line of a `.env` file whose value ends at a `#`, although the `#` may be part of the value. */
export interface CutValue {
  readonly name: string;
  readonly line: number;
}

/**
 * Reads the text of a `.env` file. In a value without quotes a `#` begins a comment, even inside a
 * password. The values that are cut off in this way are also returned.
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
