// Writes ops/haproxy/responses.map: the responses that HAProxy sends by itself, such as 503 when no
// process of the service answers. Each line has a key (status, audience, language) and a body in
// one line. A test fails while the file differs from the messages of the service.
//   node scripts/proxy-responses.ts
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError } from '../src/errors/errors.ts';
import { problemDocument } from '../src/http/problem.ts';
import { html } from '../src/web/html.ts';
import { builtInLocales, languagesIn, type Language } from '../src/i18n/language.ts';
import { translate } from '../src/i18n/messages.ts';
import { renderStandalonePage, standalonePolicy } from '../src/overload/standalone-page.ts';

export const target = join(import.meta.dirname, '../ops/haproxy/responses.map');

/** The error that each status of the proxy means. */
const errors: readonly (readonly [status: number, error: DomainError])[] = [
  [404, new DomainError('not_found', {})],
  [405, new DomainError('method_not_allowed', { allowed: ['GET', 'POST'] })],
  [408, new DomainError('request_timeout', {})],
  [429, new DomainError('rate_limited', { retry_after_seconds: 10 })],
  // The connection to the service broke, or the service did not answer in time. The request may
  // have been processed.
  [502, new DomainError('outcome_unknown', {})],
  [504, new DomainError('outcome_unknown', {})],
  [503, new DomainError('overloaded', {})],
];

/** Returns the content of ops/haproxy/responses.map. */
export function proxyResponses(): string {
  const languages = languagesIn(builtInLocales);
  const rows = errors.flatMap(([status, error]) =>
    languages.flatMap((language) => [
      `${status}-page-${language} ${oneLine(pageOf(error, language))}`,
      `${status}-api-${language} ${JSON.stringify(problemOf(status, error, language))}`,
    ]),
  );
  return [
    '# Written by `node scripts/proxy-responses.ts` from the folder locales. Do not edit.',
    `policy ${standalonePolicy()}`,
    ...rows,
    '',
  ].join('\n');
}

function pageOf(error: DomainError, language: Language): string {
  const { title, detail } = error.text(language);
  const again = translate(language, 'site.overloaded.tryAgain');
  const content = html`<p>${detail}</p>
    <a href="">${again}</a>`;
  return renderStandalonePage({ language, title, content });
}

function problemOf(status: number, error: DomainError, language: Language) {
  return { ...problemDocument(error, language, 'none'), status };
}

const oneLine = (page: string): string => page.replaceAll(/\s*\n\s*/g, '');

if (import.meta.main) writeFileSync(target, proxyResponses());
