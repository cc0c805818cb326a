import Type from 'typebox';
import type { PageDeps } from '../deps.ts';
import { cursorAfter } from '../../http/cursor.ts';
import { formParser } from '../../http/forms.ts';
import { closed, Id } from '../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { authorize } from '../../identity/policy.ts';
import {
  inboxMessageOf,
  readAllMessages,
  readMessage,
  unreadOf,
  type InboxMessage,
} from '../../notifications/operations.ts';
import { runInTransaction } from '../../operation/run.ts';
import { badge, emptyState } from '../../web/components.ts';
import { formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { heading } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { requirePerson } from '../kit/signed-in.ts';
import { cursorPage } from '../kit/cursor-page.ts';
import { listInbox } from '../../notifications/inbox-queries.ts';

const path = '/akun/pesan';
const pageSize = 20;
const schema = { params: closed({ id: Id }) };
const readUpTo = formParser(closed({ up_to: Type.Optional(Id) }));

/**
 * Registers the inbox page. It lists notifications, newest first, and shows which of them are
 * unread.
 */
export function messagePages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get(path, async (request, reply) => {
      const { visit } = request;
      const { userId } = requirePerson(visit);
      authorize(visit.actor, 'notification.read');
      const { cursor } = request.query as { cursor?: unknown };
      const from = typeof cursor === 'string' ? cursor : undefined;
      const [last = null] = cursorAfter(from, ['id']);
      const [rows, unread] = await Promise.all([
        app.db.rows(listInbox, userId, false, last, pageSize + 1),
        unreadOf(app.db, userId),
      ]);
      const list = cursorPage(visit, rows, {
        size: pageSize,
        url: visit.url(path),
        isFirst: from === undefined,
        cursorOf: (row) => [row.notification_id],
      });
      const messages = list.rows.map((row) => inboxMessageOf(row, visit.language));
      const title = visit.t('common.notifications');
      const main = html`${heading(title)}${inbox(visit, messages, unread)}${list.links}`;
      return sendPage(request, reply, { title, section: 'account', main });
    });

    server.post(`${path}/baca`, async (request, reply) => {
      const { userId } = requirePerson(request.visit);
      authorize(request.visit.actor, 'notification.read');
      const form = readUpTo(request.body);
      // Only notifications that were on the page are marked as read. Newer ones stay unread.
      const upTo = 'errors' in form ? null : (form.value.up_to?.toLowerCase() ?? null);
      await runInTransaction(app.db, (tx) => readAllMessages(tx, userId, upTo));
      return redirect(request, reply, path);
    });

    server.post(`${path}/:id/baca`, { schema }, async (request, reply) => {
      const { userId } = requirePerson(request.visit);
      authorize(request.visit.actor, 'notification.read');
      await runInTransaction(app.db, (tx) => readMessage(tx, userId, request.params.id));
      return redirect(request, reply, path);
    });
  };
}

function inbox(visit: PageContext, messages: readonly InboxMessage[], unread: number): Html {
  const { t, url } = visit;
  const settings = html`<a class="button quiet" href="${url('/akun/pemberitahuan')}"
    >${t('common.notificationSettings')}</a
  >`;
  if (messages.length === 0) {
    return emptyState(
      t('account.messages.noNotificationsYet'),
      t('account.messages.newsAppearsHere'),
      settings,
    );
  }
  return html`<div class="row apart inbox-head">
      <p>${t('account.messages.unread', { unread })}</p>
      <div class="row">
        ${
          unread > 0 &&
          html`<form method="post" action="${url(`${path}/baca`)}">
            <input type="hidden" name="up_to" value="${messages[0]!.id}" />
            <button class="button quiet">${t('account.messages.markAllAsRead')}</button>
          </form>`
        }${settings}
      </div>
    </div>
    ${messages.map((message) => card(visit, message))}`;
}

function card(visit: PageContext, message: InboxMessage): Html {
  const { t, url, language, person } = visit;
  const isNew = message.read_at === null;
  return html`<article class="panel message">
    <h2 class="row">${message.title}${isNew && badge(t('account.messages.new'), 'busy')}</h2>
    ${message.paragraphs.map((paragraph) => html`<p>${paragraph}</p>`)}
    <p class="quiet">
      <time datetime="${message.created_at.toISOString()}"
        >${formatShortMoment(message.created_at, language, person?.timeZone)}</time
      >
    </p>
    <div class="row">
      <a class="button quiet" href="${url(`/sambatan/${message.campaign_id}`)}"
        >${t('common.viewCampaign')}</a
      >
      ${
        isNew &&
        html`<form method="post" action="${url(`${path}/${message.id}/baca`)}">
          <button class="button quiet">${t('account.messages.markAsRead')}</button>
        </form>`
      }
    </div>
  </article>`;
}
