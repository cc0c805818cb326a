import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendPage } from '../../../http/page-response.ts';
import { attribute, html, type Html, type Part } from '../../../web/html.ts';
import { heading } from '../../../web/layout.ts';
import type { PageContext } from '../../../web/visit.ts';

const sections = [
  { path: '/operator', id: 'Ringkasan', en: 'Overview' },
  { path: '/operator/sambatan', id: 'Sambatan', en: 'Campaigns' },
  { path: '/operator/ikutan', id: 'Keikutsertaan', en: 'Participations' },
  { path: '/operator/pembayaran', id: 'Pembayaran', en: 'Payments' },
  { path: '/operator/uang', id: 'Uang keluar', en: 'Money out' },
  { path: '/operator/log', id: 'Log audit', en: 'Audit log' },
  { path: '/operator/orang', id: 'Operator', en: 'Operators' },
] as const;

export type OperatorSection = (typeof sections)[number]['path'];

/** Sends one of the operators' pages, with the way to the others above it. */
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
  return html`<nav class="tabs" aria-label="${t('Bagian operator', 'Operator sections')}">
    <ul>
      ${sections.map(
        ({ path, id, en }) =>
          html`<li>
            <a href="${url(path)}" ${attribute('aria-current', path === at && 'page')}
              >${t(id, en)}</a
            >
          </li>`,
      )}
    </ul>
  </nav>`;
}
