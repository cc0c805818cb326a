import Type from 'typebox';

/** The number of slots that the seller of a completed campaign can deliver. */
export const slotsDelivered = Type.Integer({ minimum: 0, maximum: 1_000_000 });
