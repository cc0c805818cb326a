import { toApiStatus } from '../database/status-words.ts';
import type { ProgressRow } from './progress-queries.ts';

/**
 * Converts a row of `campaign_progress` to the API's fields. The progress is a percentage with two
 * decimals.
 */
export function progressOf(row: ProgressRow) {
  return { ...row, status: toApiStatus(row.status), progress: Number(row.progress) };
}
