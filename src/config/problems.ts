import { accessSync, constants } from 'node:fs';
import { variables, type Variable } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Name = keyof typeof variables;

/** Returns the problems of variables that are valid alone but not together. */
export function conflicts(environment: Environment): string[] {
  const has = (name: Name) => setValue(environment, name) !== undefined;
  const problems: string[] = [];
  if (has('DATABASE_URL') && !has('SAMBATAN_SERVICE_KEY')) {
    const accepted = acceptedValues(variables.SAMBATAN_SERVICE_KEY);
    problems.push(`SAMBATAN_SERVICE_KEY is unset, but DATABASE_URL is set; ${accepted}`);
  }
  const keys = (['SAMBATAN_JWT_SECRET', 'SAMBATAN_JWKS_URL'] as const).filter(has);
  if (keys.length > 0 && !has('SAMBATAN_JWT_ISSUER')) {
    const accepted = acceptedValues(variables.SAMBATAN_JWT_ISSUER);
    problems.push(`SAMBATAN_JWT_ISSUER is unset, but ${keys.join(' and ')} is set; ${accepted}`);
  }
  return problems;
}

/**
 * Returns the files that the database URL names but that cannot be read. Trying again would not
 * help.
 */
export function missingFiles(url: string | undefined): string[] {
  if (url === undefined) return [];
  const { searchParams } = new URL(url);
  return ['sslrootcert', 'sslcert', 'sslkey'].flatMap((name) => {
    const file = searchParams.get(name);
    if (file === null || file === 'system') return [];
    try {
      accessSync(file, constants.R_OK);
      return [];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const reason = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`;
      return [`DATABASE_URL names ${file} as ${name}, which ${reason}`];
    }
  });
}

export function setValue(environment: Environment, name: string) {
  const text = environment[name]?.trim();
  return text === '' ? undefined : text;
}

export function describeValue(declared: Variable<unknown>, text: string): string {
  if (declared.secret) return `has a value of ${text.length} characters`;
  return `is ${JSON.stringify(text.replace(/\/\/[^/@]*@/, '//***@'))}`;
}

export function acceptedValues(declared: Variable<unknown>): string {
  return `accepted: ${declared.accepts}`;
}
