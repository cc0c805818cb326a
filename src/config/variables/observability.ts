import { headerList } from './values.ts';
import { variable } from './variable.ts';

/** The levels of log lines; the first logs nothing, each next one logs more. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Settings of traces and logs. */
export const observabilityVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an http:// or https:// URL, such as http://collector:4318',
    about: [
      'Collector of traces (OpenTelemetry, OTLP over HTTP), without /v1/traces, for example',
      'http://collector:4318. Unset: no traces, and the tracing code is not loaded.',
    ],
    parse: (text) =>
      URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
        ? text.replace(/\/+$/, '')
        : undefined,
  }),
  OTEL_EXPORTER_OTLP_HEADERS: variable({
    fallback: '',
    secret: true,
    accepts: 'name=value pairs separated by commas',
    about: ['Headers for the collector, as name=value, separated by commas; often a key.'],
    parse: headerList,
  }),
  OTEL_SERVICE_NAME: variable({
    fallback: 'sambatan',
    secret: false,
    accepts: 'a name of at most 100 characters',
    about: ['Name of this service in traces.'],
    parse: (text) => (text.length <= 100 ? text : undefined),
  }),
  OTEL_TRACES_SAMPLER_ARG: variable({
    fallback: '1',
    secret: false,
    accepts: 'a number from 0 to 1',
    about: ['Share of traces that are kept, from 0 to 1, of those that start here.'],
    parse: (text) => (/^(0|1|0?\.\d{1,6}|1\.0+)$/.test(text) ? Number(text) : undefined),
  }),
  LOG_LEVEL: variable({
    fallback: 'info',
    secret: false,
    accepts: `one of ${logLevels.join(', ')}`,
    about: [`Minimum level of log messages: ${logLevels.join(', ')}.`],
    parse: (text) => logLevels.find((level) => level === text),
  }),
} as const;
