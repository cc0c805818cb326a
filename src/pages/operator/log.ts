import { auditEvents, campaignEvents, type AuditEvent } from '../../audit/events.ts';
import {
  listMarketAudit,
  listMarketAuditOfEvent,
  searchAudit,
  verifyAudit,
  verifyLogTrees,
  type AuditRow,
} from '../../audit/queries.ts';
import { viewCampaign } from '../../campaigns/operations.ts';
import type { PageDeps } from '../deps.ts';
import { cursorAfter } from '../../http/cursor.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { isId } from '../../identity/ids.ts';
import { authorize } from '../../identity/policy.ts';
import { emptyState, input, notice, select } from '../../web/components.ts';
import { eventWords } from './event-words.ts';
import { formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { sendOperatorPage } from './kit/frame.ts';
import { scrollingTable } from '../../web/table.ts';
import { cursorPage } from '../kit/cursor-page.ts';

const pageSize = 50;
const actorForm = /^(system|service|(user|operator):[0-9a-f-]{36})$/;

/** The filter of the audit log. Invalid values in the query are ignored. */
interface Filter {
  readonly campaignId: string | undefined;
  readonly participationId: string | undefined;
  readonly event: AuditEvent | undefined;
  readonly actor: string | undefined;
  readonly cursor: string | undefined;
  /** True to verify the audit log. Verifying 100,000 rows takes a second. */
  readonly verify: boolean;
}

type LogRow = AuditRow & { readonly title?: string };

/**
 * Registers the page of the audit log. It lists the events of one campaign and its participations,
 * or the events of all campaigns, and can verify the audit log of one campaign.
 */
export function operatorLog(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get<{ Querystring: Record<string, unknown> }>(
      '/operator/log',
      async (request, reply) => {
        const { visit } = request;
        authorize(visit.actor, 'audit.read');
        const filter = filterOf(request.query);
        const rows = await rowsOf(app, filter);
        const list = cursorPage(visit, rows, {
          size: pageSize,
          url: urlOf(visit, filter),
          isFirst: filter.cursor === undefined,
          cursorOf: (row) => cursorOf(filter, row),
        });
        const { t } = visit;
        const body = html`${filterForm(visit, filter)}${
          filter.campaignId !== undefined &&
          (await verification(app, visit, filter.campaignId, filter.verify))
        }${
          list.rows.length > 0
            ? entryTable(visit, list.rows)
            : emptyState(t('operator.log.noEntries'), t('operator.log.changeTheFilterAndTryAgain'))
        }${list.links}`;
        const title = t('common.auditLog');
        return sendOperatorPage(request, reply, { title, at: '/operator/log', body });
      },
    );
  };
}

function filterOf(query: Readonly<Record<string, unknown>>): Filter {
  const typed = (name: string, fits: (text: string) => boolean) => {
    const value = query[name];
    return typeof value === 'string' && fits(value.trim()) ? value.trim() : undefined;
  };
  const cursor = query['cursor'];
  return {
    campaignId: typed('sambatan', isId)?.toLowerCase(),
    participationId: typed('ikutan', isId)?.toLowerCase(),
    event: auditEvents.find((event) => event === query['peristiwa']),
    actor: typed('pelaku', (text) => actorForm.test(text)),
    cursor: typeof cursor === 'string' && cursor !== '' ? cursor : undefined,
    verify: query['periksa'] === 'ya',
  };
}

async function rowsOf(app: PageDeps, filter: Filter): Promise<readonly LogRow[]> {
  const { campaignId, event } = filter;
  if (campaignId !== undefined) {
    const [before] = cursorAfter(filter.cursor, ['number']);
    return await app.db.rows(
      searchAudit,
      campaignId,
      before === undefined ? null : BigInt(before),
      pageSize + 1,
      event ?? null,
      filter.actor ?? null,
      filter.participationId ?? null,
    );
  }
  const [at = null, id = null, seq] = cursorAfter(filter.cursor, ['moment', 'id', 'number']);
  const place = [pageSize + 1, at, id, seq === undefined ? null : BigInt(seq)] as const;
  return event === undefined
    ? await app.db.rows(listMarketAudit, ...place)
    : await app.db.rows(listMarketAuditOfEvent, ...place, event);
}

function cursorOf({ campaignId }: Filter, row: LogRow): readonly (string | number | Date)[] {
  return campaignId === undefined
    ? [row.occurred_at, row.campaign_id, Number(row.seq)]
    : [Number(row.seq)];
}

/**
 * Returns the result of verifying a campaign's audit log. Its hashes and its tree are recomputed only
 * when the operator requests it.
 */
async function verification(
  app: PageDeps,
  visit: PageContext,
  campaignId: string,
  verify: boolean,
): Promise<Html> {
  authorize(visit.actor, 'audit.verify');
  const { title } = await viewCampaign(app.db, visit.actor, campaignId);
  if (!verify) {
    const path = `/operator/log?sambatan=${campaignId}&periksa=ya`;
    return html`<p class="row">
      <strong>${title}</strong>
      <a class="button quiet" href="${visit.url(path)}"
        >${visit.t('operator.log.verifyTheAuditLog')}</a
      >
    </p>`;
  }
  const [broken] = [
    ...(await app.db.rows(verifyAudit, campaignId)),
    ...(await app.db.rows(verifyLogTrees, campaignId)),
  ];
  const { t } = visit;
  return broken === undefined
    ? notice('good', t('operator.log.theAuditLogIsWhole'), title)
    : notice(
        'bad',
        t('operator.log.theAuditLogIsBroken'),
        t('operator.log.rowChangeNothingAndCall', { seq: broken.seq, problem: broken.problem }),
      );
}

function filterForm(visit: PageContext, filter: Filter): Html {
  const { t, url } = visit;
  const events = filter.campaignId === undefined ? campaignEvents : auditEvents;
  return html`<form class="filters" action="${url('/operator/log')}" role="search">
    ${input(visit, {
      name: 'sambatan',
      label: t('operator.log.campaignId'),
      value: filter.campaignId,
      hint: t('operator.log.emptyWhatHappenedToCampaigns'),
      control: { autocomplete: 'off', maxlength: 36 },
    })}
    ${select(
      visit,
      { name: 'peristiwa', label: t('operator.log.event'), value: filter.event ?? '' },
      [
        { value: '', label: t('common.all') },
        ...events.map((value) => ({ value, label: inLanguage(visit, eventWords[value]) })),
      ],
    )}
    ${
      filter.campaignId !== undefined &&
      input(visit, {
        name: 'pelaku',
        label: t('operator.log.actor'),
        value: filter.actor,
        hint: 'system, service, user:…, operator:…',
        control: { autocomplete: 'off', maxlength: 45 },
      })
    }
    ${
      filter.participationId !== undefined &&
      input(visit, {
        name: 'ikutan',
        label: t('operator.log.orderId'),
        value: filter.participationId,
        control: { autocomplete: 'off', maxlength: 36 },
      })
    }
    <button class="button">${t('operator.log.filter')}</button>
  </form>`;
}

/** Returns the URL of the list with its filter. */
function urlOf(visit: PageContext, filter: Filter): string {
  const names = {
    sambatan: filter.campaignId,
    ikutan: filter.participationId,
    peristiwa: filter.event,
    pelaku: filter.actor,
  };
  const given = Object.entries(names).filter((one): one is [string, string] => Boolean(one[1]));
  const query = new URLSearchParams(given).toString();
  return visit.url(query === '' ? '/operator/log' : `/operator/log?${query}`);
}

function entryTable(visit: PageContext, rows: readonly LogRow[]): Html {
  const { t, language, person } = visit;
  return scrollingTable<LogRow>(
    { label: t('operator.log.entries') },
    {
      isStacked: true,
      rows,
      columns: [
        {
          head: t('common.time'),
          cell: ({ occurred_at: at }) =>
            html`<span class="nowrap">${formatShortMoment(at, language, person?.timeZone)}</span>`,
        },
        {
          head: t('operator.log.event'),
          cell: ({ event }) => inLanguage(visit, eventWords[event]),
        },
        { head: t('operator.log.about'), cell: (row) => subjectLinks(visit, row) },
        {
          head: t('operator.log.actor'),
          cell: ({ actor }) => html`<code class="actor">${actor}</code>`,
        },
        {
          head: t('operator.log.details'),
          kind: 'details',
          cell: ({ metadata }) => details(metadata),
        },
      ],
    },
  );
}

/** Returns links to the campaign and the participation that an entry is about. */
function subjectLinks({ t, url }: PageContext, row: LogRow): Html {
  const { campaign_id: campaignId, participation_id: participationId } = row;
  return html`<a href="${url(`/operator/log?sambatan=${campaignId}`)}"
      >${row.title ?? `#${row.seq}`}</a
    >${
      participationId !== null &&
      html` ·
        <a href="${url(`/operator/ikutan?q=${participationId}`)}"
          >${t('operator.log.order')} …${participationId.slice(-8)}</a
        >`
    }`;
}

function details(metadata: AuditRow['metadata']): Html {
  const shown = Object.entries(metadata).filter(([, value]) => value !== null);
  return html`${shown.map(
    ([name, value]) => html`<span><span class="quiet">${name}</span> ${asText(value)}</span> `,
  )}`;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
