import { createApp, type App } from '../../src/app/app.ts';
import { readConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/server/logging.ts';
import { serviceKey } from './server.ts';

/** Creates the application without HTTP and timers, for measurements that call its parts. */
export function startApplication(databaseUrl: string): App {
  const config = readConfig({ DATABASE_URL: databaseUrl, SAMBATAN_SERVICE_KEY: serviceKey });
  const { log } = createLog('error');
  return createApp({ config, log, databaseUrl, serviceKey });
}
