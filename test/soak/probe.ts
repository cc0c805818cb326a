// Loaded first into the service of a soak test: on SIGUSR2 it collects garbage and writes its
// resource usage to a file. Needs --expose-gc and the file name in SOAK_PROBE.
import { writeFileSync, renameSync } from 'node:fs';

process.on('SIGUSR2', () => {
  void (async () => {
    // The second collection frees what the first one finalised.
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
