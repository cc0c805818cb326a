import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scriptMessagesJson } from './script-messages.ts';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/**
 * A file that the site serves. Its name contains a hash of its content, so browsers may cache it
 * forever.
 */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly bytes: Buffer;
  /**
   * Returns the file compressed with brotli. It is compressed at the first request, which takes a
   * tenth of a second, and then kept.
   */
  readonly brotli: () => Buffer;
  readonly gzip: () => Buffer;
}

const types = {
  'site.css': 'text/css; charset=utf-8',
  'site.js': 'text/javascript; charset=utf-8',
  'verify.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;
export type AssetName = keyof typeof types;

const directory = join(import.meta.dirname, 'assets');

/** The modules of each browser script, in the order in which they run. */
const scripts: Partial<Record<AssetName, readonly string[]>> = {
  'site.js': ['times', 'pages', 'live', 'forms', 'arrived'],
  'verify.js': ['verify-log', 'verify-page'],
};

/** The asset files of the site with their URLs. */
export const assets: Readonly<Record<AssetName, Asset>> = Object.fromEntries(
  Object.entries(types).map(([name, type]) => [name, read(name as AssetName, type)]),
) as Record<AssetName, Asset>;

function read(name: AssetName, type: string): Asset {
  const bytes = contentOf(name);
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 12);
  const [stem, ending] = name.split('.');
  return {
    path: `/assets/${stem}-${hash}.${ending}`,
    type,
    bytes,
    brotli: once(() => brotliCompressSync(bytes)),
    gzip: once(() => gzipSync(bytes)),
  };
}

/** Returns the content of an asset. The script of the site begins with its messages. */
function contentOf(name: AssetName): Buffer {
  const modules = scripts[name];
  if (modules === undefined) return readFileSync(join(directory, name));
  const start = name === 'site.js' ? `const messages = ${scriptMessagesJson()};\n` : '';
  return Buffer.from(start + bundle(modules));
}

function once(compress: () => Buffer): () => Buffer {
  let compressed: Buffer | undefined;
  return () => (compressed ??= compress());
}

/**
 * Bundles the modules of a script into one file, so that a browser needs only one request for them.
 * All modules share one scope. Imports, exports and comments are removed.
 */
function bundle(modules: readonly string[]): string {
  const parts = modules.map((name) =>
    readFileSync(join(directory, 'script', `${name}.js`), 'utf8'),
  );
  return parts
    .join('\n')
    .replaceAll(/^import [^;]*;$/gm, '')
    .replaceAll(/^export /gm, '')
    .replaceAll(/^\s*(\/\*\*[\s\S]*?\*\/|\/\/.*)$/gm, '')
    .replaceAll(/^\s*\n/gm, '');
}
