import { type Wording, wording } from '../../i18n/messages.ts';
import type { CampaignStatus } from '../../database/status-words.ts';
import type { CampaignSort } from '../../campaigns/campaign.ts';
import { campaignOf } from '../../campaigns/campaign.ts';
import { listVisible } from '../../campaigns/lists.ts';
import { cursorParts, lastOf } from '../../campaigns/schemas.ts';
import type { PageDeps } from '../deps.ts';
import { sendPage, type PagePlugin } from '../../http/page-response.ts';
import { SharedPageCache } from '../../http/shared-pages.ts';
import type { PageProps } from '../../web/layout.ts';
import { emptyState } from '../../web/components.ts';
import { attribute, html, type Html } from '../../web/html.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { campaignCard } from '../campaign/card.ts';
import { cursorPage } from '../kit/cursor-page.ts';

const pageSize = 24;

/** The lists of campaigns on the home page, with the default sort order of each. */
const shelves = {
  running: {
    words: wording('home.home.shelves.running'),
    among: ['active'],
    sort: 'deadline',
  },
  soon: {
    words: wording('home.home.shelves.soon'),
    among: ['scheduled'],
    sort: 'newest',
  },
  full: {
    words: wording('home.home.shelves.full'),
    among: ['full', 'verifying'],
    sort: 'deadline',
  },
  done: {
    words: wording('home.home.shelves.done'),
    among: ['completed', 'failed', 'cancelled'],
    sort: 'newest',
  },
} as const satisfies Record<
  string,
  { words: Wording; among: readonly CampaignStatus[]; sort: CampaignSort }
>;
type Shelf = keyof typeof shelves;

const sorts = {
  deadline: wording('home.home.sorts.deadline'),
  progress: wording('home.home.sorts.progress'),
  newest: wording('home.home.sorts.newest'),
} as const satisfies Record<CampaignSort, Wording>;

interface Wish {
  readonly shelf: Shelf;
  readonly sort: CampaignSort;
  readonly words: string;
  readonly cursor?: string | undefined;
}

/** Registers the home page. It shows campaigns as cards; by default those that are running. */
export function homePages(app: PageDeps): PagePlugin {
  const shared = new SharedPageCache((visit, asked) =>
    drawHome(app, visit, JSON.parse(asked) as Wish),
  );
  return async (server) => {
    server.get('/', async (request, reply) => {
      const listQuery = listQueryOf(request.query);
      return request.visit.actor.kind === 'visitor'
        ? shared.send(request, reply, JSON.stringify(listQuery))
        : sendPage(request, reply, await drawHome(app, request.visit, listQuery));
    });
  };
}

async function drawHome(app: PageDeps, visit: PageContext, listQuery: Wish): Promise<PageProps> {
  const rows = await listVisible(app.db, visit.actor, {
    status: undefined,
    among: shelves[listQuery.shelf].among,
    brandId: undefined,
    words: listQuery.words || undefined,
    sort: listQuery.sort,
    after: lastOf(listQuery.cursor, listQuery.sort),
    limit: pageSize + 1,
  });
  const list = cursorPage(visit, rows, {
    size: pageSize,
    url: address(visit, { ...listQuery, cursor: undefined }),
    isFirst: listQuery.cursor === undefined,
    cursorOf: cursorParts[listQuery.sort],
  });
  const cards = list.rows.map((row, index) => campaignCard(visit, campaignOf(row), index === 0));
  return {
    title: 'Sambatan',
    section: 'home',
    description: description(visit),
    head: html`<meta property="og:type" content="website" />
      <meta property="og:site_name" content="Sambatan" />
      <meta property="og:locale" content="${visit.t('common.openGraphLocale')}" />
      <meta property="og:title" content="Sambatan" />
      <meta property="og:description" content="${description(visit)}" />
      <meta property="og:url" content="${visit.origin}${visit.url('/')}" />
      <meta property="og:image" content="${visit.origin}/apple-touch-icon.png" />`,
    main: html`${hero(visit)}${searchForm(visit, listQuery)}${shelfOf(visit, listQuery, cards)}${list.links}`,
  };
}

function description({ t }: PageContext): string {
  return t('home.description');
}

/** Returns the list that a URL describes. Invalid values are replaced by the default ones. */
function listQueryOf(asked: unknown): Wish {
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
    <h1>${t('home.heroTitle')}</h1>
    <p>${t('home.heroText')}</p>
  </section>`;
}

function searchForm(visit: PageContext, listQuery: Wish): Html {
  const { t } = visit;
  const shelf = (name: Shelf) =>
    html`<li>
      <a
        href="${address(visit, { ...listQuery, shelf: name, sort: shelves[name].sort, cursor: undefined })}"
        ${attribute('aria-current', name === listQuery.shelf && 'page')}
        >${inLanguage(visit, shelves[name].words)}</a
      >
    </li>`;
  return html`<form class="search" role="search" method="get" action="${visit.url('/')}">
      <input type="hidden" name="status" value="${listQuery.shelf}" />
      <label class="visually-hidden" for="q">${t('home.searchCampaigns')}</label>
      <input
        id="q"
        name="q"
        type="search"
        maxlength="100"
        value="${listQuery.words}"
        placeholder="${t('home.searchPerfumesBrands')}"
      />
      <label class="visually-hidden" for="sort">${t('common.sortBy')}</label>
      <select id="sort" name="sort">
        ${Object.entries(sorts).map(
          ([name, words]) =>
            html`<option value="${name}" ${attribute('selected', name === listQuery.sort)}>
              ${inLanguage(visit, words)}
            </option>`,
        )}
      </select>
      <button class="button">${t('common.search')}</button>
    </form>
    <nav class="shelves" aria-label="${t('home.filterCampaigns')}">
      <ul>
        ${(Object.keys(shelves) as Shelf[]).map(shelf)}
      </ul>
    </nav>`;
}

function shelfOf(visit: PageContext, listQuery: Wish, cards: readonly Html[]): Html {
  const title = inLanguage(visit, shelves[listQuery.shelf].words);
  if (cards.length === 0) return emptyShelf(visit, listQuery);
  return html`<h2 class="visually-hidden">${title}</h2>
    <ul class="cards">
      ${cards}
    </ul>`;
}

function emptyShelf(visit: PageContext, listQuery: Wish): Html {
  const { t, url } = visit;
  if (listQuery.words !== '') {
    return emptyState(
      t('home.nothingFoundFor', { words: listQuery.words }),
      t('home.tryAnotherWord'),
      html`<a
        class="button"
        href="${address(visit, { ...listQuery, words: '', cursor: undefined })}"
        >${t('home.clearTheSearch')}</a
      >`,
    );
  }
  const other = html`<a class="button" href="${url('/?status=done')}"
    >${t('home.seePastCampaigns')}</a
  >`;
  return listQuery.shelf === 'running'
    ? emptyState(t('common.noOpenCampaigns'), t('home.nextOneComingSoon'), other)
    : emptyState(
        t('home.nothingHereYet'),
        t('home.seeOpenCampaigns'),
        html`<a class="button" href="${url('/')}">${t('home.home.shelves.running')}</a>`,
      );
}

/** Returns the URL of a list. Parameters with default values are left out. */
function address(visit: PageContext, { shelf, sort, words, cursor }: Wish): string {
  const query = new URLSearchParams();
  if (shelf !== 'running') query.set('status', shelf);
  if (sort !== shelves[shelf].sort) query.set('sort', sort);
  if (words !== '') query.set('q', words);
  if (cursor !== undefined) query.set('cursor', cursor);
  const text = query.toString();
  return text === '' ? visit.url('/') : `${visit.url('/')}?${text}`;
}
