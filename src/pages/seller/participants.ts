import type { FastifyRequest } from 'fastify';
import type { Campaign } from '../../campaigns/campaign.ts';
import { permitOnCampaign } from '../../campaigns/operations.ts';
import type { App } from '../../context.ts';
import { DomainError } from '../../errors.ts';
import { after, nextCursor } from '../../http/cursor.ts';
import { csvOf } from '../../csv.ts';
import { csvType, fileHeaders } from '../../http/files.ts';
import { sendPage, type Pages } from '../../http/site.ts';
import { consult } from '../../operation.ts';
import { viewRoster, wholeRoster } from '../../participations/roster.ts';
import type { RosterRow } from '../../participations/roster-queries.ts';
import {
  participationStatuses,
  spokenParticipationStatus,
  type ParticipationStatus,
} from '../../participations/status.ts';
import { emptyState, notice, paging } from '../../web/components.ts';
import { count, shortMoment } from '../../web/format.ts';
import { attribute, html, type Html } from '../../web/html.ts';
import { participationBadge, participationWords } from '../../web/statuses.ts';
import { worded, type Visit } from '../../web/visit.ts';
import { fileName, linesOf, mostSheetRows, sheetOf } from './exports.ts';
import { asked, idIn, nameOf, signedIn } from './parts.ts';

const pageSize = 50;
/** Labels of one printed page of the packing list's own pages. */
const labelsAtOnce = 100;

/** Who joined a campaign and where it is to be sent: to look at, to print, to take along. */
export function participantPages(app: App): Pages {
  return async (server) => {
    const rosterOf = async (request: FastifyRequest, limit: number, only?: ParticipationStatus) => {
      const { visit } = request;
      signedIn(visit);
      const status = only ?? statusIn(request);
      const [last = null] = after(asked(request, 'cursor'), ['id']);
      const wish = { status, after: last, limit: limit + 1 };
      const roster = await consult(() => viewRoster(app.db, visit.actor, idIn(request), wish));
      return {
        campaign: roster.campaign,
        rows: roster.rows.slice(0, limit),
        next: nextCursor(roster.rows, limit, (row) => [row.participation_id]),
        isFirst: last === null,
        status,
      };
    };

    server.get('/toko/sambatan/:id/peserta', async (request, reply) =>
      sendPage(request, reply, rosterPage(request.visit, await rosterOf(request, pageSize))),
    );

    server.get('/toko/sambatan/:id/kemas', async (request, reply) => {
      const roster = await rosterOf(request, labelsAtOnce, 'confirmed');
      return sendPage(request, reply, packingPage(request.visit, roster));
    });

    const exported = async (request: FastifyRequest) => {
      const { visit } = request;
      signedIn(visit);
      const action = 'campaign.participants.read';
      const { campaign } = await permitOnCampaign(app.db, visit.actor, action, idIn(request));
      return { campaign, rows: wholeRoster(app.db, campaign.id, statusIn(request)) };
    };

    server.get('/toko/sambatan/:id/peserta.csv', async (request, reply) => {
      const { campaign, rows } = await exported(request);
      const file = await csvOf(linesOf(request.visit, campaign, rows));
      return reply
        .headers(fileHeaders({ name: fileName(campaign, 'csv'), type: csvType }))
        .send(file);
    });

    server.get('/toko/sambatan/:id/peserta.xlsx', async (request, reply) => {
      const { campaign, rows } = await exported(request);
      const sheet = await sheetOf(request.visit, campaign, atMost(rows, mostSheetRows));
      const type = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
      return reply.headers(fileHeaders({ name: fileName(campaign, 'xlsx'), type })).send(sheet);
    });
  };
}

async function* atMost(rows: AsyncIterable<RosterRow>, most: number): AsyncGenerator<RosterRow> {
  let seen = 0;
  for await (const row of rows) {
    if (++seen > most) throw new DomainError('export_too_large', { maximum_rows: most });
    yield row;
  }
}

function statusIn(request: FastifyRequest): ParticipationStatus | undefined {
  return participationStatuses.find((one) => one === asked(request, 'status'));
}

interface RosterParts {
  readonly campaign: Campaign;
  readonly rows: readonly RosterRow[];
  readonly next: string | null;
  readonly isFirst: boolean;
  readonly status: ParticipationStatus | undefined;
}

function rosterPage(visit: Visit, parts: RosterParts) {
  const { t, url } = visit;
  const { campaign, rows, next, isFirst, status } = parts;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const only = status === undefined ? '' : `status=${status}`;
  const choice = (one: ParticipationStatus | undefined, words: string) =>
    html`<li>
      <a
        href="${path}/peserta${one === undefined ? '' : `?status=${one}`}"
        ${attribute('aria-current', one === status && 'true')}
        >${words}</a
      >
    </li>`;
  const ending = only === '' ? '' : `?${only}`;
  const main = html`<p class="crumbs"><a href="${path}">${campaign.title}</a></p>
    <div class="row apart shop-head">
      <h1>${t('Peserta', 'Participants')}</h1>
      <div class="row">
        <a class="button quiet" href="${path}/kemas">${t('Daftar kemas', 'Packing list')}</a>
        <a class="button quiet" href="${path}/peserta.csv${ending}">CSV</a>
        <a class="button quiet" href="${path}/peserta.xlsx${ending}">Excel</a>
      </div>
    </div>
    <nav class="choices" aria-label="${t('Saring', 'Filter')}">
      <ul>
        ${choice(undefined, t('Semua', 'All'))}${participationStatuses.map((one) =>
          choice(one, worded(visit, participationWords[one].words)),
        )}
      </ul>
    </nav>
    ${
      rows.length > 0
        ? rosterTable(visit, rows)
        : emptyState(
            t('Belum ada peserta', 'No participants'),
            t('Bagikan tautan Sambatanmu, ya.', 'Share the link of your campaign.'),
          )
    }
    ${paging(visit, {
      first: isFirst ? undefined : `${path}/peserta${ending}`,
      next:
        next === null
          ? undefined
          : `${path}/peserta?cursor=${next}${only === '' ? '' : `&${only}`}`,
    })}`;
  const title = `${t('Peserta', 'Participants')} · ${campaign.title}`;
  return { title, section: 'shop' as const, wide: true, main };
}

function rosterTable(visit: Visit, rows: readonly RosterRow[]): Html {
  const { t, language } = visit;
  return html`<table class="roster panel">
    <thead>
      <tr>
        <th scope="col">${t('Pembeli', 'Buyer')}</th>
        <th scope="col">${t('Alamat', 'Address')}</th>
        <th scope="col" class="number">Slot</th>
        <th scope="col">Status</th>
        <th scope="col">${t('Ikut pada', 'Joined')}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            <th scope="row">
              ${nameOf(visit, row)}${row.email !== null && html`<br /><small>${row.email}</small>`}
            </th>
            <td>
              ${row.shipping_address}${
                row.note !== null && html`<br /><em class="quiet">${row.note}</em>`
              }
            </td>
            <td class="number">${count(row.quantity, language)} <span class="unit">slot</span></td>
            <td>${participationBadge(visit, spokenParticipationStatus(row.status))}</td>
            <td>${shortMoment(row.joined_at, language)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function packingPage(visit: Visit, { campaign, rows, next, isFirst }: RosterParts) {
  const { t, url, language } = visit;
  const path = url(`/toko/sambatan/${campaign.id}`);
  const title = t('Daftar kemas', 'Packing list');
  const label = (row: RosterRow) =>
    html`<li class="label">
      <p class="label-slots">
        <strong>${count(row.quantity, language)} ×</strong> ${campaign.product_name}
      </p>
      <p><strong>${nameOf(visit, row)}</strong></p>
      <p>${row.shipping_address}</p>
      ${row.note !== null && html`<p class="quiet">${t('Catatan', 'Note')}: ${row.note}</p>`}
      <p class="quiet">
        …${row.participation_id.slice(-8)}${
          campaign.weight_grams !== null &&
          html` · ${count(campaign.weight_grams * row.quantity, language)} g`
        }
      </p>
    </li>`;
  const main = html`<p class="crumbs no-print"><a href="${path}">${campaign.title}</a></p>
    <div class="row apart shop-head no-print">
      <h1>${title}</h1>
      <button class="button" type="button" data-print data-needs-script hidden>
        ${t('Cetak', 'Print')}
      </button>
    </div>
    ${
      campaign.status !== 'completed' &&
      notice(
        'busy',
        t('Sambatan ini belum berhasil.', 'This campaign has not succeeded yet.'),
        t(
          'Yang tampil hanya peserta yang sudah dikonfirmasi.',
          'Only confirmed participants are shown.',
        ),
      )
    }
    ${
      rows.length > 0
        ? html`<ul class="labels">
            ${rows.map(label)}
          </ul>`
        : emptyState(
            t('Belum ada yang dikemas', 'Nothing to pack yet'),
            t('Peserta yang dikonfirmasi muncul di sini.', 'Confirmed participants appear here.'),
          )
    }
    ${paging(visit, {
      first: isFirst ? undefined : `${path}/kemas`,
      next: next === null ? undefined : `${path}/kemas?cursor=${next}`,
    })}`;
  return { title: `${title} · ${campaign.title}`, section: 'shop' as const, wide: true, main };
}
