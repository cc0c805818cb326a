import type { Language } from '../../../src/i18n/language.ts';
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, CDPSession, Page, Response } from 'playwright-core';
import { pathIn, type Theme } from '../../../src/web/visit.ts';
import { startBrowser } from './browser-program.ts';

/**
 * The window sizes of a cheap phone, a tablet and a laptop, emulated with their device properties.
 */
const devices = {
  phone: { viewport: { width: 360, height: 800 }, isMobile: true, hasTouch: true },
  tablet: { viewport: { width: 768, height: 1024 }, isMobile: true, hasTouch: true },
  laptop: { viewport: { width: 1440, height: 900 }, isMobile: false, hasTouch: false },
} as const satisfies Record<string, BrowserContextOptions>;
export type ViewportName = keyof typeof devices;
export const viewports = Object.keys(devices) as readonly ViewportName[];

/** The user and the device for which a browser window is opened. */
export interface WindowOptions {
  /** The URL at which the service listens. */
  readonly url: string;
  /** Default: the size of a phone. */
  readonly size?: ViewportName;
  /** The language of the pages; default: Indonesian. */
  readonly language?: Language;
  /** The colour theme that the device prefers; default: light. */
  readonly theme?: Theme;
  /** Whether pages may run scripts; default: true. */
  readonly script?: boolean;
  /** An access token of the user, sent with each request. */
  readonly token?: string | undefined;
  /** The time zone of the device; default: that of Jakarta. */
  readonly timeZone?: string;
}

/** A started browser. One browser is enough for a test file. */
export interface TestBrowser {
  readonly browser: Browser;
  /** Opens a window that shares no storage and no cookies with other windows. */
  open(looking: WindowOptions): Promise<BrowserWindow>;
  /** Closes the browser. Rejects if a window that is still open had errors. */
  close(): Promise<void>;
}

/** Starts the browser of a test file: the one of the system, or else the one in the npm package. */
export async function testBrowser(): Promise<TestBrowser> {
  const browser = await startBrowser();
  const lookers = new Set<BrowserWindow>();
  return {
    browser,
    open: async (looking) => {
      const looker = await BrowserWindow.open(browser, looking);
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

/** A user's window on the site; records every error. */
export class BrowserWindow {
  readonly page: Page;
  /**
   * The errors so far: script errors, content that the browser refused to load, missing files, and
   * requests to other hosts.
   */
  readonly faults: string[] = [];
  readonly #browser: Browser;
  readonly #looking: WindowOptions;
  #debugger: CDPSession | undefined;
  #copy: Copy | undefined;
  #closed = false;

  private constructor(browser: Browser, page: Page, looking: WindowOptions) {
    this.#browser = browser;
    this.page = page;
    this.#looking = looking;
    this.#listen();
  }

  static async open(browser: Browser, looking: WindowOptions): Promise<BrowserWindow> {
    const context = await browser.newContext(contextOf(looking));
    context.setDefaultTimeout(60_000);
    return new BrowserWindow(browser, await context.newPage(), looking);
  }

  /** Opens the page with this Indonesian path, in the language of the window. */
  async go(path: string): Promise<Response> {
    const { url, language = 'id' } = this.#looking;
    const response = await this.page.goto(url + pathIn(language, path));
    assert.ok(response, `${path}: no answer`);
    return response;
  }

  /**
   * Fails if the current page violates an accessibility rule (axe), is wider than the window, or
   * had an error.
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

  /** The violations that axe finds on the page, with their elements. */
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
   * Stores a screenshot of the window in `test-artifacts/`. With `SAMBATAN_SCREENSHOTS=whole` it
   * shows the whole page, which needs several times as long.
   */
  async screenshot(name: string): Promise<void> {
    mkdirSync(artifacts, { recursive: true });
    await this.page.screenshot(
      process.env['SAMBATAN_SCREENSHOTS'] === 'whole'
        ? { path: join(artifacts, `${name}.png`), fullPage: true }
        : { path: join(artifacts, `${name}.jpg`), type: 'jpeg', quality: 70 },
    );
  }

  /** Closes the window; rejects if it had errors. May be called more than once. */
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
      // Some tests expect responses with a 4xx status; missing files are checked below.
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

/**
 * A copy of the page without its script tags. axe needs timers, and timers do not run in a window
 * without scripts, so axe checks this copy in a window with scripts.
 */
class Copy {
  readonly #page: Page;
  readonly #debugger: CDPSession;
  #source = { url: '', body: '' };

  private constructor(page: Page, cdp: CDPSession) {
    this.#page = page;
    this.#debugger = cdp;
  }

  static async open(browser: Browser, looking: WindowOptions): Promise<Copy> {
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
 * Runs axe in the page. The script of axe stays in the page, so later checks of the same page do
 * not load it again. The debugger evaluates the script, so the content security policy does not
 * block it. Returns only the violations, because the list of passed rules is large.
 */
async function faultsByAxe(cdp: CDPSession): Promise<string[]> {
  if (!(await evaluate<boolean>(cdp, `typeof axe === 'object'`))) {
    await evaluate(cdp, `${axeSource}; true`);
  }
  return await evaluate<string[]>(cdp, broken);
}

const broken = `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map((node) => id + ': ' + node.target.join(' ') + ': ' + node.failureSummary)))`;

async function evaluate<T>(cdp: CDPSession, expression: string): Promise<T> {
  const { result, exceptionDetails } = await cdp.send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
  return result.value as T;
}

function contextOf(looking: WindowOptions): BrowserContextOptions {
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
