import build from 'fast-json-stringify';
import type { FastifySerializerCompiler } from 'fastify';

type Serialize = (value: unknown) => string;

const compiled = new WeakMap<object, Serialize>();

/**
 * Returns the serializer of a response schema. Compiles a schema when the first response needs it,
 * and once for all routes that share it: the routes have about 1,600 response schemas, fewer than
 * 100 of them distinct, and compiling them all would take half a second of each start.
 */
export const serializerCompiler: FastifySerializerCompiler<object> = ({ schema }) => {
  return (value) => serializeOf(schema)(value);
};

function serializeOf(schema: object): Serialize {
  let serialize = compiled.get(schema);
  if (serialize === undefined) {
    serialize = build(schema) as Serialize;
    compiled.set(schema, serialize);
  }
  return serialize;
}
