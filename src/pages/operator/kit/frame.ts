import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendPage } from '../../../http/page-response.ts';
import { attribute, html, type Html, type Part } from '../../../web/html.ts';
import { heading } from '../../../web/layout.ts';
import type { PageContext } from '../../../web/visit.ts';

const sections = [
  { path: '/operator', label: 'operator.frame.overview' },
  { path: '/operator/sambatan', label: 'operator.frame.campaigns' },
  { path: '/operator/ikutan', label: 'operator.frame.orders' },
  { path: '/operator/pembayaran', label: 'operator.frame.payments' },
  { path: '/operator/uang', label: 'operator.frame.moneyOut' },
  { path: '/operator/log', label: 'operator.frame.auditLog' },
  { path: '/operator/orang', label: 'operator.frame.operators' },
] as const;

export type OperatorSection = (typeof sections)[number]['path'];

/** Sends an operator page with the navigation to the other operator pages. */
export function sendOperatorPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: {
    readonly title: string;
    readonly lead?: Part;
    readonly at: OperatorSection;
    readonly body: Html;
  },
  status = 200,
): FastifyReply {
  const { visit } = request;
  const main = html`${tabs(visit, page.at)}${heading(page.title, page.lead)}${page.body}`;
  return sendPage(
    request,
    reply,
    { title: page.title, section: 'operator', wide: true, main },
    status,
  );
}

function tabs(visit: PageContext, at: OperatorSection): Html {
  const { t, url } = visit;
  return html`<nav class="tabs" aria-label="${t('operator.frame.operatorSections')}">
    <ul>
      ${sections.map(
        ({ path, label }) =>
          html`<li>
            <a href="${url(path)}" ${attribute('aria-current', path === at && 'page')}
              >${t(label)}</a
            >
          </li>`,
      )}
    </ul>
  </nav>`;
}
