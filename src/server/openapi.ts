import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/** The version of this service, which is also the version of its API document. */
const { version: packageVersion } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as { version: string };

const description = `
Group buying: a campaign has slots, a price per slot and a deadline; buyers join until it is full
or its deadline comes. Money is whole rupiah, times are RFC 3339, lists come in pages.
Errors are problem documents (RFC 9457) with a stable \`code\`, in Indonesian or, with
\`Accept-Language: en\`, in English.`;

/**
 * The content security policy of the documentation page. It forbids resources from other hosts, and
 * allows inline styles, which the page's script sets.
 */
const pagePolicy = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/**
 * Serves the OpenAPI document at `/api/docs/json` and a documentation page for developers at
 * `/api/docs`.
 */
export async function documentApi(server: FastifyInstance): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Sambatan', version: packageVersion, description: description.trim() },
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: "The service key, or a user's JWT",
          },
        },
      },
      security: [{}, { bearer: [] }],
    },
  });
  await server.register(swaggerUi, {
    routePrefix: '/api/docs',
    staticCSP: pagePolicy,
    uiConfig: { docExpansion: 'list', tryItOutEnabled: true, persistAuthorization: false },
  });
}
