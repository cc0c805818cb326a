// Starts the service as `sambatan serve` does, but with another way to run joins, or without one of
// its background jobs. The argument is a key of `otherWays`. The environment contains the settings
// as usual.
import { loadConfig } from '../../src/config/config.ts';
import { createApp, type App } from '../../src/app/app.ts';
import { listen } from '../../src/overload/listen.ts';
import { createLog } from '../../src/server/logging.ts';
import { siteFilePlugins, sitePages } from '../../src/server/site/pages.ts';
import { apiRoutes } from '../../src/server/routes.ts';
import { buildServer, stopServer } from '../../src/server/server.ts';
import { boundHeap, handBackMemory, onStopSignal } from '../../src/commands/stop-process.ts';
import { memoizeReads } from './memoize-reads.ts';
import { NoLimit, otherWays, type OtherWay } from './variants.ts';

const way = process.argv[2] as OtherWay;
const config = loadConfig();
const { log, flush } = createLog(config.log.level);
const ours = createApp({
  config,
  log,
  databaseUrl: config.database.url!,
  serviceKey: config.identity.serviceKey!,
});
if (way === 'floor') memoizeReads(ours.db);
const replaced = otherWays[way]?.(ours);
const app: App = {
  ...ours,
  ...(replaced !== undefined && {
    joins: replaced,
    concurrencyLimiter: new NoLimit({ maxInFlight: Infinity }),
  }),
};
const server = await buildServer(
  { ...app, isDraining: () => false },
  apiRoutes(app),
  sitePages(app),
  siteFilePlugins(app),
);
await app.changeNotifier.start();
for (const job of jobsOf(app)) await job.start();
await server.ready();
handBackMemory();
boundHeap();
await listen(server, config.http);
onStopSignal(
  async () => {
    await stopServer(server, 10_000);
    await app.close();
    flush();
  },
  { withParent: true },
);

/** The background jobs: only the scheduler for a baseline, which writes no notifications. */
function jobsOf({ jobs, scheduler, logWriter }: App): App['jobs'] {
  return way === 'withoutLogWriter' ? jobs.filter((job) => job !== logWriter) : [scheduler];
}
