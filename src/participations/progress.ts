import { toApiStatus } from '../database/status-words.ts';
import type { ProgressRow } from './queries.ts';

/** What a row of `campaign_progress` says on the wire. Progress is in percent, two digits. */
export function progressOf(row: ProgressRow) {
  return { ...row, status: toApiStatus(row.status), progress: Number(row.progress) };
}
