import type { Limit } from './limits.ts';

const inOneRequest = {
  per: 'request',
  seconds: 0,
  answer: '`payload_too_large`',
  sharedAddress: 'counted per request',
} as const;
const ofFile = '`payload_too_large`, for a form `validation_failed`';

/**
 * Maximum sizes of a request. docs/security.md has the same rows; a test checks that. Each route of
 * the API also has its own limit below `jsonBytes`: see src/http/body-limits.ts.
 */
export const sizeLimits = {
  jsonBytes: {
    ...inOneRequest,
    bounds:
      'bytes of a JSON body: the maximum that the schema of the route allows, at least 2,048; `x-max-body-bytes` of each operation in the OpenAPI document',
    max: 65_536,
  },
  publicFormBytes: {
    ...inOneRequest,
    bounds: 'bytes of a short form that visitors can send: e-mail address, code, theme',
    max: 4_096,
  },
  formBytes: { ...inOneRequest, bounds: 'bytes of any other form', max: 16_384 },
  longFormBytes: {
    ...inOneRequest,
    bounds: 'bytes of a form with long texts: the terms of a campaign',
    max: 65_536,
  },
  formFields: {
    ...inOneRequest,
    bounds: 'fields of a form or a query string',
    max: 200,
    answer: '`validation_failed`',
  },
  pictureBytes: {
    ...inOneRequest,
    bounds: 'bytes of a picture or a proof of payment',
    max: 5_242_880,
    answer: ofFile,
  },
  statementBytes: {
    ...inOneRequest,
    bounds: 'bytes of a bank statement',
    max: 8_388_608,
    answer: ofFile,
  },
} as const satisfies Readonly<Record<string, Limit>>;
