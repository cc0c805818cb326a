import Type from 'typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../../context.ts';
import { DomainError } from '../../errors.ts';
import { formReader, taken } from '../../http/forms.ts';
import { closed, Id, text } from '../../http/schemas.ts';
import { seeOther, type Pages } from '../../http/site.ts';
import { isId } from '../../identity/ids.ts';
import { permit } from '../../identity/policy.ts';
import { consult, operate } from '../../operation.ts';
import { cancelParticipation, confirmParticipation } from '../../participations/operations.ts';
import {
  lookUpParticipation,
  lookUpUsersParticipations,
  usersByEmail,
  type FoundParticipation,
} from '../../participations/queries.ts';
import { spokenParticipationStatus } from '../../participations/status.ts';
import { emptyState, input, notice } from '../../web/components.ts';
import { count, shortMoment } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import { participationBadge } from '../../web/statuses.ts';
import type { Visit } from '../../web/visit.ts';
import { sendOperatorPage } from './frame.ts';

const most = 100;

const params = closed({ id: Id });
const readConfirmation = formReader(closed({ reference: Type.Optional(text(0, 200)) }));
const readCancellation = formReader(closed({ reason: text(3, 200) }));

/** Participations found by their id, their buyer's id or e-mail address; confirm and cancel. */
export function operatorParticipations(app: App): Pages {
  return async (server) => {
    const show = async (
      request: FastifyRequest,
      reply: FastifyReply,
      wanted: string,
      refused?: DomainError,
    ) => {
      const { visit } = request;
      permit(visit.actor, 'participation.search');
      const rows = await consult(() => find(app, wanted));
      const { t } = visit;
      const body = html`${form(visit, wanted)}${refused && refusal(visit, refused)}${list(visit, wanted, rows)}`;
      const title = t('Cari keikutsertaan', 'Find participations');
      const page = { title, at: '/operator/ikutan', body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get<{ Querystring: { q?: string } }>('/operator/ikutan', async (request, reply) =>
      show(request, reply, typedWords(request.query.q)),
    );

    server.post(
      '/operator/ikutan/:id/konfirmasi',
      { schema: { params } },
      async (request, reply) => {
        const { actor } = request.visit;
        permit(actor, 'participation.confirm');
        const { id } = request.params;
        const read = readConfirmation(request.body);
        const reference = 'value' in read ? read.value.reference?.trim() || null : null;
        const done = await taken(() =>
          operate(app.db, (tx) => confirmParticipation(tx, actor, id, reference)),
        );
        if ('refused' in done) return await show(request, reply, id, done.refused);
        app.pokes.poke(done.done.campaign_id);
        return seeOther(request, reply, `/operator/ikutan?q=${id}`);
      },
    );

    server.post('/operator/ikutan/:id/batalkan', { schema: { params } }, async (request, reply) => {
      const { actor } = request.visit;
      permit(actor, 'participation.search');
      const { id } = request.params;
      const done = await taken(async () => {
        const read = readCancellation(request.body);
        if ('errors' in read) throw new DomainError('validation_failed', {}, read.errors);
        const { reason } = read.value;
        return await operate(app.db, (tx) => cancelParticipation(tx, actor, id, reason.trim()));
      });
      if ('refused' in done) return await show(request, reply, id, done.refused);
      app.pokes.poke(done.done.campaign_id);
      return seeOther(request, reply, `/operator/ikutan?q=${id}`);
    });
  };
}

function typedWords(q: unknown): string {
  return typeof q === 'string' ? q.trim().slice(0, 254) : '';
}

async function find(app: App, wanted: string): Promise<readonly FoundParticipation[]> {
  if (wanted === '') return [];
  if (!isId(wanted)) {
    const users = await app.db.rows(usersByEmail, wanted);
    return users.length === 0
      ? []
      : await ofUsers(
          app,
          users.map(({ user_id }) => user_id),
        );
  }
  const id = wanted.toLowerCase();
  const one = await app.db.maybe(lookUpParticipation, id);
  return one === undefined ? await ofUsers(app, [id]) : [one];
}

async function ofUsers(app: App, userIds: string[]): Promise<readonly FoundParticipation[]> {
  return await app.db.rows(lookUpUsersParticipations, userIds, most);
}

function form(visit: Visit, wanted: string): Html {
  const { t, url } = visit;
  return html`<form class="filters" action="${url('/operator/ikutan')}" role="search">
    ${input(visit, {
      name: 'q',
      label: t('ID keikutsertaan, ID akun, atau e-mail', 'Participation id, account id, or e-mail'),
      value: wanted,
      required: true,
      control: { type: 'search', maxlength: 254, autocomplete: 'off' },
    })}
    <button class="button">${t('Cari', 'Find')}</button>
  </form>`;
}

function refusal(visit: Visit, refused: DomainError): Html {
  const { title, detail } = refused.text(visit.language);
  const field = refused.fields[0]?.message[visit.language];
  return notice('bad', title, field ?? detail);
}

function list(visit: Visit, wanted: string, rows: readonly FoundParticipation[]): Html {
  const { t } = visit;
  if (rows.length > 0) return html`${rows.map((row) => entry(visit, row))}`;
  return wanted === ''
    ? emptyState(
        t('Cari dulu', 'Search first'),
        t(
          'Tempel ID dari pesan pembeli, atau e-mail yang ia pakai untuk masuk.',
          'Paste an id from the buyer’s message, or the e-mail they sign in with.',
        ),
      )
    : emptyState(
        t('Tidak ditemukan', 'Not found'),
        t('Periksa lagi ID atau e-mail-nya.', 'Please check the id or the e-mail.'),
      );
}

function entry(visit: Visit, row: FoundParticipation): Html {
  const { t, url, language, person } = visit;
  const status = spokenParticipationStatus(row.status);
  return html`<article class="panel">
    <div class="row apart">
      <h2><a href="${url(`/operator/sambatan/${row.campaign_id}`)}">${row.title}</a></h2>
      ${participationBadge(visit, status)}
    </div>
    <dl class="facts">
      <dt>ID</dt>
      <dd><code>${row.participation_id}</code></dd>
      <dt>${t('Pembeli', 'Buyer')}</dt>
      <dd>${row.display_name ?? '–'} ${row.email !== null && html`· ${row.email}`}</dd>
      <dt>${t('Akun', 'Account')}</dt>
      <dd><code>${row.user_id}</code></dd>
      <dt>Slot</dt>
      <dd>${count(row.quantity, language)}</dd>
      <dt>${t('Ikut sejak', 'Joined')}</dt>
      <dd>${shortMoment(row.joined_at, language, person?.timeZone)}</dd>
      <dt>${t('Alamat', 'Address')}</dt>
      <dd>${row.shipping_address}</dd>
      ${
        row.note !== null &&
        html`<dt>${t('Catatan', 'Note')}</dt>
          <dd>${row.note}</dd>`
      }
    </dl>
    <p>
      <a href="${url(`/operator/log?sambatan=${row.campaign_id}&ikutan=${row.participation_id}`)}"
        >${t('Apa yang terjadi dengannya', 'What happened to it')}</a
      >
    </p>
    ${status === 'reserved' && actions(visit, row)}
  </article>`;
}

function actions(visit: Visit, { participation_id: id }: FoundParticipation): Html {
  const { t, url } = visit;
  return html`<details>
      <summary>${t('Pembayaran sudah diverifikasi', 'The payment was verified')}</summary>
      <form class="stack" method="post" action="${url(`/operator/ikutan/${id}/konfirmasi`)}">
        <div class="field">
          <label for="reference-${id}"
            >${t('Referensi transfer', 'Reference of the transfer')}</label
          ><input id="reference-${id}" name="reference" maxlength="200" autocomplete="off" />
        </div>
        <button class="button">${t('Konfirmasi', 'Confirm')}</button>
      </form>
    </details>
    <details>
      <summary>${t('Batalkan keikutsertaan ini', 'Cancel this participation')}</summary>
      <form class="stack" method="post" action="${url(`/operator/ikutan/${id}/batalkan`)}">
        <div class="field">
          <label for="reason-${id}">${t('Alasan', 'Reason')}</label
          ><input
            id="reason-${id}"
            name="reason"
            required
            minlength="3"
            maxlength="200"
            autocomplete="off"
          />
        </div>
        <button class="button danger">${t('Batalkan', 'Cancel')}</button>
      </form>
    </details>`;
}
