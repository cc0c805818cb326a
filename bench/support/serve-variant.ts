// Starts the service as `sambatan serve` does, but with another way to run joins. The argument is
// the name of that way (a key of `otherWays`). The environment contains the settings as usual.
import { loadConfig } from '../../src/config/config.ts';
import { createApp, type App } from '../../src/app/app.ts';
import { listen } from '../../src/overload/listen.ts';
import { createLog } from '../../src/server/logging.ts';
import { siteFilePlugins, sitePages } from '../../src/server/site/pages.ts';
import { apiRoutes } from '../../src/server/routes.ts';
import { buildServer, stopServer } from '../../src/server/server.ts';
import { onStopSignal } from '../../src/commands/stop-process.ts';
import { memoizeReads } from './memoize-reads.ts';
import { otherWays, poolSize, type OtherWay } from './variants.ts';

const way = process.argv[2] as OtherWay;
const config = loadConfig();
const { log, flush } = createLog(config.log.level);
const ours = createApp({
  config,
  log,
  databaseUrl: config.database.url!,
  serviceKey: config.identity.serviceKey!,
  ...(way === 'queued' ? { batching: { maxBatch: 1, concurrency: poolSize } } : {}),
});
if (way === 'floor') memoizeReads(ours.db);
const app: App = { ...ours, joins: otherWays[way]?.(ours) ?? ours.joins };
const server = await buildServer(
  { ...app, isDraining: () => false },
  apiRoutes(app),
  sitePages(app),
  siteFilePlugins(app),
);
await app.changeNotifier.start();
await app.scheduler.start();
await listen(server, config.http);
onStopSignal(
  async () => {
    await stopServer(server, 10_000);
    await app.close();
    flush();
  },
  { withParent: true },
);
