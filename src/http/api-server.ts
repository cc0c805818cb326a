import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

/** A Fastify instance whose routes get their types from their TypeBox schemas. */
export type ApiServer = Parameters<FastifyPluginAsyncTypebox>[0];
