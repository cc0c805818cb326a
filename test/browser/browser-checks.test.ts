import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { testBrowser } from '../support/browser/browser.ts';
import { startBrowser } from '../support/browser/browser-program.ts';

const browser = await testBrowser();
const pages: Record<string, string> = {
  '/good': '<main><h1>Good</h1><p>Nothing is wrong here.</p></main>',
  '/inline': '<main><h1>Inline</h1><script>document.title = "ran"</script></main>',
  '/styled': '<main><h1 style="color: red">Styled</h1></main>',
  '/picture': '<main><h1>Picture</h1><img alt="" src="/missing.png"></main>',
  '/button': '<main><h1>Button</h1><button></button></main>',
  '/grey': '<main><h1>Grey</h1><p><font color="#cccccc">pale</font></p></main>',
  '/wide': '<main><h1>Wide</h1><pre>' + 'w'.repeat(500) + '</pre></main>',
};
const server = createServer((request, response) => {
  const body = pages[request.url ?? ''];
  response.writeHead(body === undefined ? 404 : 200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; img-src 'self' data:; script-src 'self'",
  });
  response.end(`<!doctype html><html lang="en"><head><title>A page</title>
    <meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
    </head><body>${body ?? '<main><h1>Not here</h1></main>'}</body></html>`);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(async () => {
  server.close().closeAllConnections();
  await browser.close();
});

const isLinux = process.platform === 'linux' && process.arch === 'x64';

test('the browser installed by npm starts with its own libraries', async () => {
  if (!isLinux) return await assert.rejects(startBrowser('npm'), /Linux on x64/);
  const brought = await startBrowser('npm');
  try {
    const page = await brought.newPage();
    await page.setContent('<h1>Halo</h1>');
    assert.equal(await page.textContent('h1'), 'Halo');
  } finally {
    await brought.close();
  }
});

test('a missing browser fails a test instead of skipping it', async () => {
  await assert.rejects(startBrowser('/nowhere/chromium'), /No browser starts here/);
});

test('a good page passes, with and without its script', async () => {
  for (const script of [true, false]) {
    const looker = await browser.open({ url, script });
    await looker.go('/good');
    await looker.check();
    await looker.close();
  }
});

const bad = {
  '/inline': /Content Security Policy/,
  '/styled': /Content Security Policy/,
  '/picture': /404 for .*missing\.png/,
  '/button': /button-name/,
  '/grey': /color-contrast/,
  '/wide': /wider than its window/,
};
for (const [path, fault] of Object.entries(bad)) {
  test(`the accessibility checks find the faults of ${path}`, async () => {
    const looker = await browser.open({ url });
    await looker.go(path);
    await assert.rejects(looker.check(), fault);
    looker.faults.length = 0;
    await looker.close();
  });
}
