// The process of the load generator: receives jobs over IPC and answers each with its measurements.
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon, { type Client } from 'autocannon';
import { readCpuUsage, usageBetween } from '../support/cpu-usage.ts';
import type { LoadResult, Job } from './job.ts';
import { prepareRequests } from './requests.ts';

/** So long that no request times out: a join that timed out could still have been stored. */
const timeoutSeconds = 120;
/** The duration that autocannon gets, in seconds. We stop every load earlier. */
const longestSeconds = 600;

process.on('message', (job: Job) => {
  run(job).then(
    (answered) => process.send?.({ answered }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : error }),
  );
});
process.on('disconnect', () => process.exit(0));

async function run(job: Job): Promise<LoadResult> {
  const { extent, connections } = job;
  const timed = 'seconds' in extent;
  const wanted = timed ? job.expectedRate * (extent.seconds + extent.warmSeconds) : extent.total;
  const perConnection = Math.max(4, Math.ceil(wanted / connections));
  const clients: Client[] = [];
  const load = autocannon({
    url: job.url,
    connections,
    duration: longestSeconds,
    ...(timed ? {} : { amount: extent.total }),
    timeout: timeoutSeconds,
    sampleInt: 50,
    setupClient: (client) => {
      client.setRequests(prepareRequests(job.mix, perConnection, clients.length * perConnection));
      clients.push(client);
    },
  });
  const answers = new Answers();
  load.on('response', (_client: Client, status: number, _bytes: number, milliseconds: number) =>
    answers.add(status, milliseconds),
  );

  if (timed) await sleep(extent.warmSeconds * 1_000);
  const before = readCpuUsage(job.processes);
  answers.begin();
  if (timed) {
    await sleep(extent.seconds * 1_000);
    const measured = answers.end();
    const usage = usageBetween(before, readCpuUsage(job.processes));
    // Wait for the answer of every request in flight; then autocannon closes its connection.
    for (const client of clients) client.responseMax = client.reqsMade;
    const { errors } = await load;
    return {
      ...measured,
      statuses: answers.statuses,
      lastAnswerAt: answers.lastAt,
      errors,
      usage,
    };
  }
  const { errors } = await load;
  const usage = usageBetween(before, readCpuUsage(job.processes));
  return {
    ...answers.end(),
    statuses: answers.statuses,
    lastAnswerAt: answers.lastAt,
    errors,
    usage,
  };
}

/** Counts every answer, and records the latency of the successful ones in the measured time. */
class Answers {
  readonly statuses: Record<string, number> = {};
  /** Time of the last answer in milliseconds since the epoch. */
  lastAt = 0;
  #latencies: number[] = [];
  #measuring = false;
  #began = 0;
  #last = 0;

  add(status: number, milliseconds: number): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    this.lastAt = Date.now();
    if (!this.#measuring || status >= 300) return;
    this.#latencies.push(milliseconds);
    this.#last = performance.now();
  }

  begin(): void {
    this.#measuring = true;
    this.#began = performance.now();
  }

  end(): Pick<LoadResult, 'rate' | 'latency'> {
    this.#measuring = false;
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    const seconds = (this.#last - this.#began) / 1_000;
    return {
      rate: seconds > 0 ? sorted.length / seconds : 0,
      latency: { p50: at(0.5), p99: at(0.99), max: at(1) },
    };
  }
}
