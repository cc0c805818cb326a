import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';

/** Creates the metrics of the public log. The monitor sets the gauges of the whole installation. */
export function publicLogMetrics(registers: Registry[]) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  return {
    checkpoints: new Counter({
      name: 'sambatan_log_checkpoints_total',
      help: 'Checkpoints of the public log that this process signed',
      registers,
    }),
    checkpointDelay: new Histogram({
      name: 'sambatan_log_checkpoint_delay_seconds',
      help: 'Time from the oldest new event of a campaign to its checkpoint',
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300],
      registers,
    }),
    witnessFailures: new Counter({
      name: 'sambatan_log_witness_failures_total',
      help: 'Failed attempts to send checkpoints to a witness, by witness',
      labelNames: ['witness'],
      registers,
    }),
    logWriterRunning: gauge(
      'sambatan_log_writer_running',
      '1 while this process can sign checkpoints of the public log, else 0',
    ),
    checkpointLag: gauge(
      'sambatan_log_checkpoint_lag_seconds',
      'Age of the oldest event without a checkpoint of the public log',
    ),
    brokenLogs: gauge(
      'sambatan_log_broken_campaigns',
      'Campaigns whose audit log contradicts their public log; they get no checkpoints',
    ),
  };
}
