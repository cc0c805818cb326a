import type { App } from '../../context.ts';
import { after, nextCursor } from '../../http/cursor.ts';
import { sendPage, type Pages } from '../../http/site.ts';
import { consult } from '../../operation.ts';
import { listOwnParticipations, type OwnRow } from '../../participations/queries.ts';
import {
  participationStatuses,
  spokenParticipationStatus,
  storedParticipationStatus,
  type ParticipationStatus,
} from '../../participations/status.ts';
import { spokenStatus } from '../../campaigns/status.ts';
import { openEntriesOf } from '../../waiting/queries.ts';
import { emptyState, paging } from '../../web/components.ts';
import { shortMoment, slots } from '../../web/format.ts';
import { attribute, html, type Html } from '../../web/html.ts';
import { heading } from '../../web/layout.ts';
import { campaignWords, participationBadge } from '../../web/statuses.ts';
import { worded, type Visit } from '../../web/visit.ts';
import { signedIn } from '../account/signed-in.ts';
import { productPicture } from '../visitor/picture.ts';
import { sum } from '../visitor/rules.ts';
import { waitingPlaces } from './waiting-part.ts';

const pageSize = 20;
/** Places in waiting lists that are shown. */
const mostPlaces = 20;

const shelves = {
  all: { words: { id: 'Semua', en: 'All' }, of: participationStatuses },
  live: { words: { id: 'Masih jalan', en: 'Going on' }, of: ['reserved', 'confirmed'] },
  done: {
    words: { id: 'Selesai', en: 'Over' },
    of: ['fulfilled', 'cancelled', 'refunded'],
  },
} as const satisfies Record<
  string,
  { words: { id: string; en: string }; of: readonly ParticipationStatus[] }
>;
type Shelf = keyof typeof shelves;

/** Everything that the reader takes part in, newest first. */
export function minePages(app: App): Pages {
  return async (server) => {
    server.get('/ikutan', async (request, reply) => {
      const { visit } = request;
      const person = signedIn(visit);
      const asked = request.query as Readonly<Record<string, unknown>>;
      const shelf = shelfOf(asked['status']);
      const cursor = typeof asked['cursor'] === 'string' ? asked['cursor'] : undefined;
      const [before = null] = after(cursor, ['id']);
      const statuses = shelves[shelf].of.map(storedParticipationStatus);
      const [rows, places] = await consult(() =>
        Promise.all([
          app.db.rows(listOwnParticipations, person.userId, statuses, before, pageSize + 1),
          app.db.rows(openEntriesOf, person.userId, mostPlaces),
        ]),
      );
      const next = nextCursor(rows, pageSize, (row) => [row.participation_id]);
      const path = (more: Record<string, string>) =>
        `${visit.url('/ikutan')}?${new URLSearchParams({ status: shelf, ...more }).toString()}`;
      const links = {
        first: cursor === undefined ? undefined : path({}),
        next: next === null ? undefined : path({ cursor: next }),
      };
      const title = visit.t('Ikutanku', 'My slots');
      const main = html`${heading(title)}${cursor === undefined && waitingPlaces(visit, places)}${filter(visit, shelf)}${list(
        visit,
        shelf,
        rows.slice(0, pageSize),
      )}${paging(visit, links)}`;
      return sendPage(request, reply, { title, section: 'mine', main });
    });
  };
}

function shelfOf(given: unknown): Shelf {
  return typeof given === 'string' && Object.hasOwn(shelves, given) ? (given as Shelf) : 'all';
}

function filter(visit: Visit, shelf: Shelf): Html {
  const one = (name: Shelf) =>
    html`<li>
      <a
        href="${visit.url(name === 'all' ? '/ikutan' : `/ikutan?status=${name}`)}"
        ${attribute('aria-current', name === shelf && 'page')}
        >${worded(visit, shelves[name].words)}</a
      >
    </li>`;
  return html`<nav class="shelves" aria-label="${visit.t('Saring ikutan', 'Filter')}">
    <ul>
      ${(Object.keys(shelves) as Shelf[]).map(one)}
    </ul>
  </nav>`;
}

function list(visit: Visit, shelf: Shelf, rows: readonly OwnRow[]): Html {
  const { t, url } = visit;
  if (rows.length > 0) {
    return html`<ul class="mine">
      ${rows.map((row) => item(visit, row))}
    </ul>`;
  }
  return emptyState(
    shelf === 'all'
      ? t('Kamu belum ikut Sambatan', 'You have not joined a campaign yet')
      : t('Tidak ada di sini', 'Nothing here'),
    t(
      'Pilih yang kamu suka; slotnya muncul di sini begitu kamu ikut.',
      'Pick what you like; your slots show up here once you join.',
    ),
    html`<a class="button" href="${url('/')}"
      >${t('Lihat yang sedang jalan', 'See what is running')}</a
    >`,
  );
}

function item(visit: Visit, row: OwnRow): Html {
  const { language, url } = visit;
  return html`<li class="panel mine-item">
    <div class="thumb">${productPicture(row, { alt: '', sizes: '5rem' })}</div>
    <div>
      <h2><a href="${url(`/ikutan/${row.participation_id}`)}">${row.title}</a></h2>
      <p class="quiet">
        ${row.brand_name} · ${worded(visit, campaignWords[spokenStatus(row.campaign_status)].words)}
      </p>
      <p class="row">
        ${participationBadge(visit, spokenParticipationStatus(row.status))}
        <span>${slots(row.quantity, language)}</span>
        <strong>${sum(visit, row.price_per_slot, row.quantity)}</strong>
        <span class="quiet">${shortMoment(row.joined_at, language, visit.person?.timeZone)}</span>
      </p>
    </div>
  </li>`;
}
