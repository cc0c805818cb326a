import type { CampaignStatus } from '../../database/status-words.ts';
import type { CampaignSort } from '../../campaigns/campaign.ts';
import { campaignOf } from '../../campaigns/campaign.ts';
import { listVisible } from '../../campaigns/lists.ts';
import { cursorParts, lastOf } from '../../campaigns/schemas.ts';
import type { PageDeps } from '../deps.ts';
import type { Wording } from '../../errors/errors.ts';
import { sendPage, type PagePlugin } from '../../http/page-response.ts';
import { emptyState } from '../../web/components.ts';
import { attribute, html, type Html } from '../../web/html.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { campaignCard } from '../campaign/card.ts';
import { cursorPage } from '../kit/cursor-page.ts';

const pageSize = 24;

/** What can be looked at, and in which order it comes unless told. */
const shelves = {
  running: {
    words: { id: 'Sedang jalan', en: 'Running' },
    among: ['active'],
    sort: 'deadline',
  },
  soon: {
    words: { id: 'Segera dibuka', en: 'Opening soon' },
    among: ['scheduled'],
    sort: 'newest',
  },
  full: {
    words: { id: 'Sudah penuh', en: 'Full' },
    among: ['full', 'verifying'],
    sort: 'deadline',
  },
  done: {
    words: { id: 'Sudah selesai', en: 'Over' },
    among: ['completed', 'failed', 'cancelled'],
    sort: 'newest',
  },
} as const satisfies Record<
  string,
  { words: Wording; among: readonly CampaignStatus[]; sort: CampaignSort }
>;
type Shelf = keyof typeof shelves;

const sorts = {
  deadline: { id: 'Segera berakhir', en: 'Ending soon' },
  progress: { id: 'Hampir penuh', en: 'Almost full' },
  newest: { id: 'Terbaru', en: 'Newest' },
} as const satisfies Record<CampaignSort, Wording>;

interface Wish {
  readonly shelf: Shelf;
  readonly sort: CampaignSort;
  readonly words: string;
  readonly cursor: string | undefined;
}

/** The campaigns, as cards: what runs now unless told. */
export function homePages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/', async (request, reply) => {
      const { visit } = request;
      const wish = wishOf(request.query);
      const rows = await listVisible(app.db, visit.actor, {
        status: undefined,
        among: shelves[wish.shelf].among,
        brandId: undefined,
        words: wish.words || undefined,
        sort: wish.sort,
        after: lastOf(wish.cursor, wish.sort),
        limit: pageSize + 1,
      });
      const list = cursorPage(visit, rows, {
        size: pageSize,
        url: address(visit, { ...wish, cursor: undefined }),
        isFirst: wish.cursor === undefined,
        cursorOf: cursorParts[wish.sort],
      });
      const cards = list.rows.map((row, index) =>
        campaignCard(visit, campaignOf(row), index === 0),
      );
      return sendPage(request, reply, {
        title: 'Sambatan',
        section: 'home',
        description: description(visit),
        head: html`<meta property="og:type" content="website" />
          <meta property="og:site_name" content="Sambatan" />
          <meta property="og:locale" content="${visit.t('id_ID', 'en_GB')}" />
          <meta property="og:title" content="Sambatan" />
          <meta property="og:description" content="${description(visit)}" />
          <meta property="og:url" content="${visit.origin}${visit.url('/')}" />
          <meta property="og:image" content="${visit.origin}/apple-touch-icon.png" />`,
        main: html`${hero(visit)}${searchForm(visit, wish)}${shelfOf(visit, wish, cards)}${list.links}`,
      });
    });
  };
}

function description({ t }: PageContext): string {
  return t(
    'Beli bareng langsung dari pembuatnya. Slot penuh, barang dibuat; tidak penuh, uang kembali.',
    'Buy together, straight from the maker. Slots filled, it is made; if not, money back.',
  );
}

/** What was asked for; anything that is none of the choices is the usual one. */
function wishOf(asked: unknown): Wish {
  const given = asked as Readonly<Record<string, unknown>>;
  const shelf = typeof given['status'] === 'string' ? given['status'] : '';
  const sort = typeof given['sort'] === 'string' ? given['sort'] : '';
  const words = typeof given['q'] === 'string' ? given['q'].trim().slice(0, 100) : '';
  const cursor = given['cursor'];
  const known = Object.hasOwn(shelves, shelf) ? (shelf as Shelf) : 'running';
  return {
    shelf: known,
    sort: Object.hasOwn(sorts, sort) ? (sort as CampaignSort) : shelves[known].sort,
    words: words.replaceAll('\0', ''),
    cursor: typeof cursor === 'string' && cursor !== '' ? cursor.slice(0, 500) : undefined,
  };
}

function hero({ t }: PageContext): Html {
  return html`<section class="hero">
    <h1>${t('Beli bareng, langsung dari pembuatnya', 'Buy together, straight from the maker')}</h1>
    <p>
      ${t(
        'Ambil slot. Kalau penuh, batch-nya dibuat. Kalau tidak, uangmu kembali.',
        'Take a slot. When all are taken, the batch is made. If not, you get your money back.',
      )}
    </p>
  </section>`;
}

function searchForm(visit: PageContext, wish: Wish): Html {
  const { t } = visit;
  const shelf = (name: Shelf) =>
    html`<li>
      <a
        href="${address(visit, { ...wish, shelf: name, sort: shelves[name].sort, cursor: undefined })}"
        ${attribute('aria-current', name === wish.shelf && 'page')}
        >${inLanguage(visit, shelves[name].words)}</a
      >
    </li>`;
  return html`<form class="search" role="search" method="get" action="${visit.url('/')}">
      <input type="hidden" name="status" value="${wish.shelf}" />
      <label class="visually-hidden" for="q">${t('Cari Sambatan', 'Search campaigns')}</label>
      <input
        id="q"
        name="q"
        type="search"
        maxlength="100"
        value="${wish.words}"
        placeholder="${t('Cari parfum, merek, …', 'Search perfumes, brands, …')}"
      />
      <label class="visually-hidden" for="sort">${t('Urutkan', 'Sort by')}</label>
      <select id="sort" name="sort">
        ${Object.entries(sorts).map(
          ([name, words]) =>
            html`<option value="${name}" ${attribute('selected', name === wish.sort)}>
              ${inLanguage(visit, words)}
            </option>`,
        )}
      </select>
      <button class="button">${t('Cari', 'Search')}</button>
    </form>
    <nav class="shelves" aria-label="${t('Saring Sambatan', 'Filter campaigns')}">
      <ul>
        ${(Object.keys(shelves) as Shelf[]).map(shelf)}
      </ul>
    </nav>`;
}

function shelfOf(visit: PageContext, wish: Wish, cards: readonly Html[]): Html {
  const title = inLanguage(visit, shelves[wish.shelf].words);
  if (cards.length === 0) return emptyShelf(visit, wish);
  return html`<h2 class="visually-hidden">${title}</h2>
    <ul class="cards">
      ${cards}
    </ul>`;
}

function emptyShelf(visit: PageContext, wish: Wish): Html {
  const { t, url } = visit;
  if (wish.words !== '') {
    return emptyState(
      t(`Tidak ketemu «${wish.words}»`, `Nothing found for “${wish.words}”`),
      t('Coba kata lain, atau lihat semuanya.', 'Try another word, or look at all of them.'),
      html`<a class="button" href="${address(visit, { ...wish, words: '', cursor: undefined })}"
        >${t('Hapus pencarian', 'Clear the search')}</a
      >`,
    );
  }
  const other = html`<a class="button" href="${url('/?status=done')}"
    >${t('Lihat yang sudah selesai', 'Look at past ones')}</a
  >`;
  return wish.shelf === 'running'
    ? emptyState(
        t('Belum ada Sambatan yang jalan', 'No campaign is running'),
        t(
          'Yang berikutnya sedang disiapkan. Mampir lagi, ya.',
          'The next one is being prepared. Do come back.',
        ),
        other,
      )
    : emptyState(
        t('Belum ada apa-apa di sini', 'Nothing here yet'),
        t('Lihat dulu yang sedang jalan.', 'Have a look at what is running.'),
        html`<a class="button" href="${url('/')}">${t('Sedang jalan', 'Running')}</a>`,
      );
}

/** The address of a list; what is as usual is left out. */
function address(visit: PageContext, { shelf, sort, words, cursor }: Wish): string {
  const query = new URLSearchParams();
  if (shelf !== 'running') query.set('status', shelf);
  if (sort !== shelves[shelf].sort) query.set('sort', sort);
  if (words !== '') query.set('q', words);
  if (cursor !== undefined) query.set('cursor', cursor);
  const text = query.toString();
  return text === '' ? visit.url('/') : `${visit.url('/')}?${text}`;
}
