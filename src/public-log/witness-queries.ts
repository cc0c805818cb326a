import { query } from '../database/query.ts';

/** Adds a witness that is not known yet. It gets the checkpoints that are signed from now on. */
export const addWitness = query<[witness: string], never>(
  'add_log_witness',
  `insert into sambatan.log_witnesses (witness, next_number)
  select $1, next_number from sambatan.log_writer
  on conflict (witness) do nothing`,
);

export interface WitnessRow {
  /** The number of the next checkpoint that the witness gets. */
  readonly next_number: bigint;
  readonly failures: number;
}

/**
 * Claims a witness for which there are new checkpoints, for this many seconds. Returns no row while
 * another worker sends to it, or after a failure until the next attempt.
 */
export const claimWitness = query<[witness: string, seconds: number], WitnessRow>(
  'claim_log_witness',
  `update sambatan.log_witnesses
  set next_attempt_at = clock_timestamp() + $2 * interval '1 second'
  where witness = $1 and next_attempt_at <= clock_timestamp()
    and next_number < (select w.next_number from sambatan.log_writer w)
  returning next_number, failures`,
);

/** Moves the cursor of a witness that has acknowledged the checkpoints from `from` on. */
export const moveWitness = query<[witness: string, from: bigint, nextNumber: bigint], never>(
  'move_log_witness',
  `update sambatan.log_witnesses set next_number = $3, failures = 0,
    next_attempt_at = clock_timestamp()
  where witness = $1 and next_number = $2`,
);

/** Records a failed attempt; the next one is due after this many seconds. */
export const delayWitness = query<[witness: string, seconds: number], never>(
  'delay_log_witness',
  `update sambatan.log_witnesses set failures = failures + 1,
    next_attempt_at = clock_timestamp() + $2 * interval '1 second'
  where witness = $1`,
);
