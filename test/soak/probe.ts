// Loaded into the service of a soak test before the service's own code. On the signal SIGUSR2 it
// collects garbage and writes the resources that the process uses to a file. Needs --expose-gc, and
// the name of the file in SOAK_PROBE.
import { writeFileSync, renameSync } from 'node:fs';

process.on('SIGUSR2', () => {
  void (async () => {
    // Some objects are only freed by a second collection, after the first one has finalised them.
    for (let times = 0; times < 3; times++) {
      globalThis.gc?.();
      await new Promise((go) => setTimeout(go, 50));
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    const resources: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) {
      resources[kind] = (resources[kind] ?? 0) + 1;
    }
    const listeners = process
      .eventNames()
      .reduce((sum, name) => sum + process.listenerCount(name), 0);
    const file = process.env['SOAK_PROBE']!;
    writeFileSync(`${file}.new`, JSON.stringify({ heapUsed, external, rss, resources, listeners }));
    renameSync(`${file}.new`, file);
  })();
});
