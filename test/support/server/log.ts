import type { Log } from '../../../src/database/log.ts';

export interface RecordedLog extends Log {
  /** Every line that was logged so far, with its level, fields and message. */
  readonly lines: readonly { level: string; fields: unknown; text: string }[];
}

/** A logger that stores its lines and prints nothing. */
export function recordingLog(): RecordedLog {
  const lines: { level: string; fields: unknown; text: string }[] = [];
  const at = (level: string) => (first: unknown, second?: unknown) => {
    const sentenceOnly = typeof first === 'string';
    lines.push({
      level,
      fields: sentenceOnly ? {} : first,
      text: String(sentenceOnly ? first : second),
    });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
