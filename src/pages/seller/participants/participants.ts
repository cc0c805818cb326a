import { participationStatuses } from '../../../database/status-words.ts';
import type { FastifyRequest } from 'fastify';
import { authorizeOnCampaign } from '../../../campaigns/operations.ts';
import type { PageDeps } from '../../deps.ts';
import { csvOf } from '../../../exports/csv.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { csvType, fileHeaders } from '../../../http/download-headers.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { paymentStates } from '../../../ledger/payments/payment-state.ts';
import {
  countStates,
  viewParticipants,
  viewParticipantPage,
  wholeRoster,
  type ParticipantListInput,
} from '../../../participations/participant-list.ts';
import { participantSorts } from '../../../participations/participant-list-queries.ts';
import { spreadsheetOf, spreadsheetType } from '../../../exports/spreadsheet.ts';
import { csvLinesOf, fileName, linesOf, sheetHead } from './exports.ts';
import { maxLabels, packingPage } from './packing.ts';
import { rosterPage, rosterPageSize, type RosterView } from './participant-list.ts';
import { queryParam, idParam } from '../../kit/params.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';

const action = 'campaign.participants.read';
/** Maximum length of a search text. The rest is cut off, because no name or address is longer. */
const maxSearchLength = 100;
const maxPage = 100_000;

/**
 * Registers the pages on which a seller views, prints and downloads the participants of a campaign
 * with their addresses.
 */
export function participantPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko/sambatan/:id/peserta', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      const view = viewOf(request);
      const page = await viewParticipantPage(app.db, visit.actor, idParam(request), {
        ...view,
        pageSize: rosterPageSize,
      });
      return sendPage(request, reply, rosterPage(visit, page, view));
    });

    server.get('/toko/sambatan/:id/kemas', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      const [last = null] = cursorAfter(queryParam(request, 'cursor'), ['id']);
      const input = { onlyToPack: true, after: last, limit: maxLabels + 1 };
      const { campaign, rows } = await viewParticipants(
        app.db,
        visit.actor,
        idParam(request),
        input,
      );
      const states = await countStates(app.db, campaign.id);
      const props = { campaign, rows, isFirst: last === null, states };
      return sendPage(request, reply, packingPage(visit, props));
    });

    const exported = async (request: FastifyRequest) => {
      const { visit } = request;
      requireSignedIn(visit);
      const { campaign } = await authorizeOnCampaign(app.db, visit.actor, action, idParam(request));
      return { visit, campaign, rows: wholeRoster(app.db, campaign.id, viewOf(request)) };
    };

    server.get('/toko/sambatan/:id/peserta.csv', async (request, reply) => {
      const { visit, campaign, rows } = await exported(request);
      const file = await csvOf(csvLinesOf(visit, campaign, rows));
      return reply
        .headers(fileHeaders({ name: fileName(campaign, 'csv'), type: csvType }))
        .send(file);
    });

    server.get('/toko/sambatan/:id/peserta.xlsx', async (request, reply) => {
      const { visit, campaign, rows } = await exported(request);
      const file = await spreadsheetOf(sheetHead(visit, campaign), linesOf(visit, campaign, rows));
      return reply
        .headers(fileHeaders({ name: fileName(campaign, 'xlsx'), type: spreadsheetType }))
        .send(file);
    });
  };
}

/** Returns the view of the list that a URL describes. Unknown values in the URL are ignored. */
function viewOf(request: FastifyRequest): ParticipantListInput & RosterView {
  const page = Number(queryParam(request, 'page') ?? 1);
  return {
    status: participationStatuses.find((one) => one === queryParam(request, 'status')),
    paymentState: paymentStates.find((one) => one === queryParam(request, 'payment')),
    search: queryParam(request, 'q')?.trim().slice(0, maxSearchLength) || undefined,
    sort: participantSorts.find((one) => one === queryParam(request, 'sort')) ?? 'joined',
    page: Number.isInteger(page) && page >= 1 && page <= maxPage ? page : 1,
  };
}
