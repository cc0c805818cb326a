import { text, TimestampInput } from '../http/schemas.ts';

/** Why somebody extends or calls off a campaign: those who joined are told. */
export const reason = text(3, 500);

/** What an extension says. */
export const extension = { deadline: TimestampInput, reason };
