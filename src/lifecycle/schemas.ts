import { text, TimestampInput } from '../http/schemas.ts';

/** The reason of an extension or cancellation. Participants can read it. */
export const reason = text(3, 500);

/** The fields of an extension. */
export const extension = { deadline: TimestampInput, reason };
