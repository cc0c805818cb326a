import Type from 'typebox';

/** How many slots of a completed campaign can be delivered. */
export const slotsDelivered = Type.Integer({ minimum: 0, maximum: 1_000_000 });
