/** The fields of V8's CPU profile that `summarize` reads. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Time between two samples in microseconds. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

/** The categories of functions. The first pattern that matches its name or file applies. */
const groups: readonly (readonly [string, RegExp])[] = [
  ['idle', /^\(idle\)/],
  ['garbage collection', /^\(garbage collector\)/],
  ['Node: program, native', /^\((program|root)\)/],
  ['loading modules', /compileForInternalLoader|node:internal\/modules/],
  ['HTTP of Node', /node:_http|node:internal\/http|parserOn|HTTPParser/],
  ['joins: batcher', /participations\/batcher\.ts/],
  ['joins: parameters, answers', /src\/participations\//],
  ['public log', /src\/public-log\//],
  ['notifications', /src\/(notifications|mail|jobs)\//],
  ['event streams', /src\/live\//],
  ['overload control', /src\/overload\//],
  ['validation', /http\/validation\.ts|typebox|secure-json-parse/],
  ['ids', /identity\/ids\.ts|UUID|internal\/crypto\/random/],
  [
    'authentication',
    /identity\/|http\/authentication\.ts|timingSafeEqual|node:internal\/crypto|\bjose\b/,
  ],
  ['serialisation', /fast-json-stringify|serializ/i],
  [
    'logging',
    /server\/(logging|access-log|request-logger|log-output)\.ts|node_modules\/(pino|@pinojs|sonic-boom|safe-stable|on-exit-leak)/,
  ],
  ['metrics', /metrics\.ts|prometheus-io/],
  ['PostgreSQL driver', /node_modules\/pg|postgres-(array|bytea|date|interval)|src\/database/],
  ['security headers', /helmet|security-headers\.ts/],
  [
    'fastify',
    /node_modules\/(fastify|find-my-way|avvio|@fastify|light-my-request|toad-cache|fast-)/,
  ],
  ['our HTTP frame', /src\/(http|server)\//],
  ['sockets', /node:net|stream_base_commons|node:internal\/streams|writev|writeUtf8|writeLatin1/],
  ['event loop', /node:internal\/(timers|process|async_hooks|promise)|node:async|node:events/],
];

/** Returns a text table of the time spent: by category, then by function. */
export function summarize({ nodes, samples, timeDeltas }: CpuProfile): string {
  const self = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    self.set(id, (self.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0));
  }
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const byGroup = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let busy = 0;
  for (const [id, microseconds] of self) {
    const node = byId.get(id)!;
    const place = placeOf(node);
    const group = groupOf(node, parents, byId);
    add(byGroup, group, microseconds);
    if (group === 'idle') continue;
    busy += microseconds;
    add(byFunction, `${group.padEnd(28)}  ${place}`, microseconds);
  }
  const busyGroups = [...byGroup].filter(([name]) => name !== 'idle');
  const idle = byGroup.get('idle') ?? 0;
  return `
Node: ${seconds(busy)} s busy, ${seconds(idle)} s idle
Self time by purpose:
${lines(busyGroups, busy, 30)}

Self time by function:
${lines([...byFunction], busy, 45)}
`;
}

/** Returns the category of a function. A native function has the category of its caller. */
function groupOf(
  node: ProfileNode,
  parents: ReadonlyMap<number, number>,
  byId: ReadonlyMap<number, ProfileNode>,
): string {
  for (let at: ProfileNode | undefined = node; at !== undefined;) {
    const place = placeOf(at);
    const group = groups.find(([, pattern]) => pattern.test(place))?.[0];
    if (group !== undefined && (at === node || !group.startsWith('Node:'))) return group;
    const parent = parents.get(at.id);
    at = parent === undefined ? undefined : byId.get(parent);
  }
  return 'other';
}

function placeOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.replace(/^file:\/\//, '').replace(/^.*\/(?=(src|node_modules|bench)\/)/, '');
  return `${name} ${file}:${lineNumber + 1}`;
}

function lines(entries: (readonly [string, number])[], total: number, most: number): string {
  return entries
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([name, part]) => `${((100 * part) / total).toFixed(1).padStart(6)} %  ${name}`)
    .join('\n');
}

const seconds = (microseconds: number) => (microseconds / 1e6).toFixed(1);

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}
