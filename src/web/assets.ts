import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** A file of the site, as it is sent. Its name has its hash in it, so it never changes. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly bytes: Buffer;
  readonly brotli: Buffer;
  readonly gzip: Buffer;
}

const types = {
  'site.css': 'text/css; charset=utf-8',
  'site.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;
export type AssetName = keyof typeof types;

const directory = join(import.meta.dirname, 'assets');

/** The parts of the script, in the order in which they run. */
const scripts = ['times', 'pages', 'live', 'forms', 'arrived'];

/** Where the browser finds each file of the site. */
export const assets: Readonly<Record<AssetName, Asset>> = Object.fromEntries(
  Object.entries(types).map(([name, type]) => [name, read(name, type)]),
) as Record<AssetName, Asset>;

function read(name: string, type: string): Asset {
  const bytes = name === 'site.js' ? script() : readFileSync(join(directory, name));
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 12);
  const [stem, ending] = name.split('.');
  return {
    path: `/assets/${stem}-${hash}.${ending}`,
    type,
    bytes,
    brotli: brotliCompressSync(bytes),
    gzip: gzipSync(bytes),
  };
}

/**
 * The script as one file, so that a phone asks once: its modules share one scope, and what only
 * their readers need (imports, exports, comments) is left out.
 */
function script(): Buffer {
  const parts = scripts.map((name) =>
    readFileSync(join(directory, 'script', `${name}.js`), 'utf8'),
  );
  const text = parts
    .join('\n')
    .replaceAll(/^import [^;]*;$/gm, '')
    .replaceAll(/^export /gm, '')
    .replaceAll(/^\s*(\/\*\*[\s\S]*?\*\/|\/\/.*)$/gm, '')
    .replaceAll(/^\s*\n/gm, '');
  return Buffer.from(text);
}
