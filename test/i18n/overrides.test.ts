import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { directory } from '../support/server/service.ts';
import { serveCommand, startServiceProcess } from '../support/server/started.ts';

/** Writes files with messages into a new folder. Returns the folder. */
function localesWith(files: Readonly<Record<string, unknown>>): string {
  const folder = directory();
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const serveWith = async (t: TestContext, locales: string) =>
  await startServiceProcess(t, {
    command: serveCommand,
    cwd: directory(),
    variables: { SAMBATAN_LOCALES_DIR: locales },
  });

test('a folder adds a language of three messages, and changes words of another language', async (t) => {
  const locales = localesWith({
    'jv/site.json': {
      'layout.languageName': 'Jawa',
      'layout.skipToContent': 'Langsung menyang isi',
    },
    'jv/errors.json': { 'not_found.title': 'Kaca ora ketemu' },
    'en/errors.json': { 'not_found.title': 'Nothing to see here' },
  });
  const service = await serveWith(t, locales);
  const page = async (path: string) => await (await fetch(`${service.url}${path}`)).text();
  const javanese = await page('/jv');
  assert.match(javanese, /<html lang="jv"/);
  assert.match(javanese, /Langsung menyang isi/);
  assert.match(javanese, /href="\/jv\/masuk/);
  const indonesian = await page('/');
  assert.match(indonesian, /href="\/jv"[^>]*>Jawa</);
  assert.match(indonesian, /hreflang="jv"/);
  const heading = (text: string) => /<h1[^>]*>[^<]*<\/h1>/.exec(text)?.[0];
  assert.equal(heading(javanese), heading(indonesian), 'what has no translation is Indonesian');
  assert.match(await page('/jv/no-such-page'), /Kaca ora ketemu/);
  const problem = await fetch(`${service.url}/api/sambatan/no-such-route`, {
    headers: { 'accept-language': 'jv, en;q=0.5' },
  });
  assert.equal(((await problem.json()) as { title: string }).title, 'Kaca ora ketemu');
  assert.match(await page('/en/no-such-page'), /Nothing to see here/);
  assert.doesNotMatch(await page('/no-such-page'), /Nothing to see here|ora ketemu/);
  const map = await page('/sitemap.xml');
  assert.match(map, /\/jv</);
});

const wrong: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, RegExp]>> = {
  'a key that the service does not have': [
    { 'en/errors.json': { 'no_such.title': 'x' } },
    /en: the service has no message errors\.no_such\.title/,
  ],
  'a placeholder without a value': [
    { 'en/errors.json': { 'not_found.title': 'Where is {page}?' } },
    /errors\.not_found\.title has no value \{page\}/,
  ],
  'a text that is no ICU message': [
    { 'en/errors.json': { 'not_found.title': 'Where is {page' } },
    /errors\.not_found\.title is not valid/,
  ],
  'a file that is no JSON': [{ 'en/errors.json': '{' }, /errors\.json is not valid JSON/],
  'a value that is no text': [
    { 'en/errors.json': { 'not_found.title': 7 } },
    /not_found\.title must be a text/,
  ],
};

for (const [what, [files, message]] of Object.entries(wrong)) {
  test(`${what} stops the startServiceProcess, and the message names the place`, async () => {
    const [program = '', ...args] = serveCommand;
    const run = promisify(execFile)(program, args, {
      cwd: directory(),
      env: { PATH: '/usr/bin:/bin', SAMBATAN_LOCALES_DIR: localesWith(files) },
    });
    await assert.rejects(run, (error: Error & { code?: number; stderr?: string }) => {
      assert.equal(error.code, 2);
      assert.match(error.stderr ?? '', message);
      assert.doesNotMatch(error.stderr ?? '', / at .*\.ts:/);
      return true;
    });
  });
}

test('a folder that does not exist stops the start', async () => {
  const [program = '', ...args] = serveCommand;
  const missing = join(directory(), 'none');
  const run = promisify(execFile)(program, args, {
    cwd: directory(),
    env: { PATH: '/usr/bin:/bin', SAMBATAN_LOCALES_DIR: missing },
  });
  await assert.rejects(run, { code: 2, stderr: /none does not exist/ });
});
