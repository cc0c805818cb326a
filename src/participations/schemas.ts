import Type from 'typebox';
import { nullable, text } from '../http/schemas.ts';

/** The buyer's fields of a join, in the API and in forms. */
export const JoinFields = {
  quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  shipping_address: text(10, 240),
  note: Type.Optional(nullable(text(0, 160))),
};
