import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { after, test } from 'node:test';
import build from 'fast-json-stringify';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { startHttpService } from '../support/server/http-service.ts';

type Responses = Readonly<
  Record<string, { readonly content?: Record<string, { schema: object }> }>
>;

/** All routes of a service, with their schemas. */
async function allRoutes(): Promise<RouteOptions[]> {
  const routes: RouteOptions[] = [];
  const watch = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', (route) => void routes.push(route));
  };
  subscribe('fastify.initialization', watch);
  try {
    const service = await startHttpService();
    after(service.close);
    return routes;
  } finally {
    unsubscribe('fastify.initialization', watch);
  }
}

// A service compiles a schema only when a request needs it. This test compiles all of them.
test('every request and response schema of every route compiles', async () => {
  const requests = new Set<TSchema>();
  const responses = new Set<object>();
  for (const { schema = {} } of await allRoutes()) {
    for (const part of ['body', 'querystring', 'params', 'headers'] as const) {
      if (schema[part] !== undefined) requests.add(schema[part] as TSchema);
    }
    for (const response of Object.values((schema.response ?? {}) as Responses)) {
      const { content } = response;
      if (content === undefined) responses.add(response);
      else for (const { schema: one } of Object.values(content)) responses.add(one);
    }
  }
  assert.ok(requests.size > 50 && responses.size > 50, `${requests.size}, ${responses.size}`);
  for (const schema of requests) assert.doesNotThrow(() => Compile(schema), JSON.stringify(schema));
  for (const schema of responses) assert.doesNotThrow(() => build(schema), JSON.stringify(schema));
});
