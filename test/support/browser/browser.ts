import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, CDPSession, Page, Response } from 'playwright-core';
import { pathIn, type Theme } from '../../../src/web/visit.ts';
import type { Language } from '../../../src/errors/errors.ts';
import { startBrowser } from './browser-program.ts';

/** What pages are looked at on: a cheap phone, a tablet, a laptop, each as what it is. */
const devices = {
  phone: { viewport: { width: 360, height: 800 }, isMobile: true, hasTouch: true },
  tablet: { viewport: { width: 768, height: 1024 }, isMobile: true, hasTouch: true },
  laptop: { viewport: { width: 1440, height: 900 }, isMobile: false, hasTouch: false },
} as const satisfies Record<string, BrowserContextOptions>;
export type Size = keyof typeof devices;
export const sizes = Object.keys(devices) as readonly Size[];

/** Whoever looks at the site, and on what. */
export interface Looking {
  /** Where the service listens. */
  readonly url: string;
  /** Phone unless told. */
  readonly size?: Size;
  /** Indonesian unless told. */
  readonly language?: Language;
  /** What the device prefers; light unless told. */
  readonly theme?: Theme;
  /** Whether pages may run their script; they may unless told. */
  readonly script?: boolean;
  /** A token of the person, sent with each request. */
  readonly token?: string | undefined;
  /** Jakarta's unless told. */
  readonly timeZone?: string;
}

/** A started browser; one per test file is enough. */
export interface TestBrowser {
  readonly browser: Browser;
  /** Opens a window of its own: nothing is shared with the other ones. */
  open(looking: Looking): Promise<Looker>;
  /** Closes it. Rejects when a window that is still open met anything that is wrong. */
  close(): Promise<void>;
}

/** Starts the browser of a test file: the system's, else the one that npm brought. */
export async function testBrowser(): Promise<TestBrowser> {
  const browser = await startBrowser();
  const lookers = new Set<Looker>();
  return {
    browser,
    open: async (looking) => {
      const looker = await Looker.open(browser, looking);
      lookers.add(looker);
      return looker;
    },
    close: async () => {
      try {
        for (const looker of lookers) await looker.close();
      } finally {
        await browser.close();
      }
    },
  };
}

/** One person's window on the site; notes everything that should not happen in it. */
export class Looker {
  readonly page: Page;
  /** What went wrong so far: errors of scripts, refused content, missing files, foreign hosts. */
  readonly faults: string[] = [];
  readonly #browser: Browser;
  readonly #looking: Looking;
  #debugger: CDPSession | undefined;
  #copy: Copy | undefined;
  #closed = false;

  private constructor(browser: Browser, page: Page, looking: Looking) {
    this.#browser = browser;
    this.page = page;
    this.#looking = looking;
    this.#listen();
  }

  static async open(browser: Browser, looking: Looking): Promise<Looker> {
    const context = await browser.newContext(contextOf(looking));
    context.setDefaultTimeout(60_000);
    return new Looker(browser, await context.newPage(), looking);
  }

  /** Goes to a page of the site, by its Indonesian path without the language. */
  async go(path: string): Promise<Response> {
    const { url, language = 'id' } = this.#looking;
    const response = await this.page.goto(url + pathIn(language, path));
    assert.ok(response, `${path}: no answer`);
    return response;
  }

  /**
   * Fails when the page as it is now breaks a rule of accessibility (axe), is wider than the
   * window, or anything went wrong before.
   */
  async check(): Promise<void> {
    const broken = await this.accessibilityFaults();
    const wide = await this.page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    const where = `${this.page.url()} (${JSON.stringify({ ...this.#looking, token: undefined })})`;
    assert.deepEqual(broken, [], `accessibility of ${where}`);
    assert.ok(wide <= 0, `${where} is ${wide} px wider than its window`);
    assert.deepEqual(this.faults, [], where);
  }

  /** What axe finds on the page: each rule that is broken, and where. */
  async accessibilityFaults(): Promise<string[]> {
    await this.page.waitForLoadState('load');
    const { script = true } = this.#looking;
    if (script) {
      this.#debugger ??= await this.page.context().newCDPSession(this.page);
      return await faultsByAxe(this.#debugger);
    }
    this.#copy ??= await Copy.open(this.#browser, this.#looking);
    return await this.#copy.accessibilityFaults(this.page);
  }

  /**
   * Keeps a picture of what the window shows in `test-artifacts/`; of the whole page, which takes
   * several times as long, when `SAMBATAN_SCREENSHOTS=whole` asks for it.
   */
  async screenshot(name: string): Promise<void> {
    mkdirSync(artifacts, { recursive: true });
    await this.page.screenshot(
      process.env['SAMBATAN_SCREENSHOTS'] === 'whole'
        ? { path: join(artifacts, `${name}.png`), fullPage: true }
        : { path: join(artifacts, `${name}.jpg`), type: 'jpeg', quality: 70 },
    );
  }

  /** Closes the window; rejects when anything went wrong in it. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#copy?.close();
    await this.page.context().close();
    assert.deepEqual(this.faults, []);
  }

  #listen(): void {
    const { host } = new URL(this.#looking.url);
    this.page.on('pageerror', (error) => this.faults.push(`error of a script: ${error.message}`));
    this.page.on('console', (message) => {
      // An answer of 4xx is what some tests are about; a missing file is found below.
      if (message.type() !== 'error' || message.text().startsWith('Failed to load')) return;
      this.faults.push(message.text());
    });
    this.page.on('request', (request) => {
      const asked = new URL(request.url());
      if (/^https?:$/.test(asked.protocol) && asked.host !== host) {
        this.faults.push(`asked another host: ${request.url()}`);
      }
    });
    this.page.on('response', (response) => {
      const kind = response.request().resourceType();
      const isFile = ['stylesheet', 'script', 'image', 'font', 'manifest'].includes(kind);
      if (isFile && response.status() >= 400) {
        this.faults.push(`${response.status()} for ${response.url()}`);
      }
    });
  }
}

/** Axe waits by timers, which a page without scripts has not: the same page, its script left out. */
class Copy {
  readonly #page: Page;
  readonly #debugger: CDPSession;
  #source = { url: '', body: '' };

  private constructor(page: Page, cdp: CDPSession) {
    this.#page = page;
    this.#debugger = cdp;
  }

  static async open(browser: Browser, looking: Looking): Promise<Copy> {
    const context = await browser.newContext(contextOf({ ...looking, script: true }));
    const page = await context.newPage();
    const copy = new Copy(page, await context.newCDPSession(page));
    await page.route(
      (url) => url.href === copy.#source.url,
      (route) => route.fulfill({ body: copy.#source.body, contentType: 'text/html' }),
    );
    return copy;
  }

  async accessibilityFaults(of: Page): Promise<string[]> {
    const body = (await of.content()).replaceAll(/<script\b[^>]*><\/script>/g, '');
    this.#source = { url: of.url().replace(/#.*/, ''), body };
    await this.#page.goto(this.#source.url);
    return await faultsByAxe(this.#debugger);
  }

  async close(): Promise<void> {
    await this.#page.context().close();
  }
}

/**
 * Runs axe in the page, which keeps it for the next time. Evaluated by the debugger, which no
 * content security policy binds; only what is broken comes back, for all that is in order is large.
 */
async function faultsByAxe(cdp: CDPSession): Promise<string[]> {
  if (!(await evaluated<boolean>(cdp, `typeof axe === 'object'`))) {
    await evaluated(cdp, `${axeSource}; true`);
  }
  return await evaluated<string[]>(cdp, broken);
}

const broken = `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map((node) => id + ': ' + node.target.join(' ') + ': ' + node.failureSummary)))`;

async function evaluated<T>(cdp: CDPSession, expression: string): Promise<T> {
  const { result, exceptionDetails } = await cdp.send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
  return result.value as T;
}

function contextOf(looking: Looking): BrowserContextOptions {
  const { size = 'phone', language = 'id', theme = 'light', script = true, token } = looking;
  return {
    ...devices[size],
    colorScheme: theme,
    reducedMotion: 'reduce',
    javaScriptEnabled: script,
    locale: language === 'id' ? 'id-ID' : 'en-GB',
    timezoneId: looking.timeZone ?? 'Asia/Jakarta',
    ...(token === undefined ? {} : { extraHTTPHeaders: { authorization: `Bearer ${token}` } }),
  };
}

const artifacts = join(import.meta.dirname, '../../..', 'test-artifacts');
const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);
