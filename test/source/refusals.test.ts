import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errorCodes } from '../../src/errors/errors.ts';

/*
 * A function that declares its refusals (src/errors/refusals.ts) must declare all of them: the
 * codes that it throws, and those of the steps that it calls. Codes from database functions are not
 * found here. The HTTP client of the tests fails if an answer has a code that is not declared.
 */

const src = join(import.meta.dirname, '../../src');

interface Declaration {
  readonly file: string;
  readonly name: string;
  readonly body: string;
  /** The declared refusals: codes in quotes, and the names of steps. */
  readonly declared: readonly string[];
}

const declarations = globSync('**/*.ts', { cwd: src }).flatMap((file) =>
  declarationsOf(file, readFileSync(join(src, file), 'utf8')),
);

function declarationsOf(file: string, text: string): Declaration[] {
  return [...text.matchAll(/^(\w+)\.refusals = refusals\(([^)]*)\);$/gm)].map((match) => {
    const [, name = '', list = ''] = match;
    const before = text.slice(0, match.index);
    const start = before.lastIndexOf(`function ${name}(`);
    assert.ok(before.slice(start).trimEnd().endsWith('\n}'), `${file}: ${name} stands before it`);
    const declared = list.split(',').map((one) => one.trim());
    return { file, name, body: before.slice(start), declared: declared.filter(Boolean) };
  });
}

/** The function that a name means in a file: one of the same file, or one that the file imports. */
function find(name: string, file: string): Declaration | undefined {
  const all = declarations.filter((one) => one.name === name);
  const own = all.find((one) => one.file === file);
  if (own !== undefined) return own;
  const imported = new RegExp(`^import [^;]*\\b${name}\\b[^;]* from '([^']+)';`, 'm');
  const [, from] = imported.exec(readFileSync(join(src, file), 'utf8')) ?? [];
  return from === undefined ? undefined : all.find((one) => one.file === join(file, '..', from));
}

function codesOf({ declared, file }: Declaration): Set<string> {
  return new Set(
    declared.flatMap((one) => {
      if (one.startsWith("'")) return [one.slice(1, -1)];
      const step = find(one, file);
      assert.ok(step, `${file}: ${one} declares no refusals`);
      return [...codesOf(step)];
    }),
  );
}

/** The codes that every route may answer (src/server/route-problems.ts). */
const ofEveryRoute = ['unauthenticated', 'validation_failed', 'overloaded'];

/** Steps whose refusals cannot occur in the function that calls them, with the reason. */
const exceptions: Readonly<Record<string, string>> = {
  'readProduct authorize': 'every signed-in caller may read products',
  'viewParticipation authorizeOnParticipation': 'who may not read it is told that it is not there',
  'viewDisputePicture authorizeOnBuyer': 'who may not see it is told that it is not there',
  'startOrder viewPayment': 'a payment through the provider needs no receiving account',
  'applyOrder receiveMoney': 'its order names a participation that is there',
  'importStatement applyUpload': 'nobody else knows the upload that it applies',
  'importStatement findStatementImport': 'it has just made the import',
  'inviteByMail withdrawInvitation': 'it has just made the invitation',
};

test('a function declares the refusals that it throws', () => {
  assert.ok(declarations.length > 120, String(declarations.length));
  for (const one of declarations) {
    const codes = codesOf(one);
    for (const code of codes) assert.ok((errorCodes as string[]).includes(code), code);
    for (const [, code = ''] of one.body.matchAll(/new DomainError\(\s*'(\w+)'/g)) {
      const isDeclared = codes.has(code) || ofEveryRoute.includes(code);
      assert.ok(isDeclared, `${one.file}: ${one.name} throws ${code} and does not declare it`);
    }
  }
});

test('a function declares the refusals of the steps that it calls', () => {
  const found: Record<string, string[]> = {};
  for (const one of declarations) {
    const codes = codesOf(one);
    const calls = [...one.body.matchAll(/(?<![.\w])(\w+)\(/g)].map(([, name = '']) => name);
    for (const name of new Set(calls)) {
      const step = name === one.name ? undefined : find(name, one.file);
      const missing = step === undefined ? [] : [...codesOf(step)].filter((c) => !codes.has(c));
      if (missing.length === 0) continue;
      found[`${one.name} ${name}`] = missing;
    }
  }
  const listed = Object.keys(exceptions).toSorted();
  assert.deepEqual(Object.keys(found).toSorted(), listed, JSON.stringify(found, null, 1));
});
