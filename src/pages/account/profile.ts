import { wording } from '../../i18n/messages.ts';
import { recentAccess } from '../../accounts/access.ts';
import {
  changeProfile,
  deleteAccount,
  exportAccount,
  readProfile,
} from '../../accounts/operations.ts';
import { endOwnSessions, ownSessions } from '../../accounts/sessions.ts';
import { profileChange, profileFields } from '../../accounts/schemas.ts';
import type { PageDeps } from '../deps.ts';
import type { FieldError } from '../../errors/errors.ts';
import { fileHeaders } from '../../http/download-headers.ts';
import { formParser, toResult, rawFields } from '../../http/forms.ts';
import { closed, Id } from '../../http/schemas.ts';
import { clearSession } from '../../http/session-cookie.ts';
import { redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { runInTransaction } from '../../operation/run.ts';
import type { PageProps } from '../../web/layout.ts';
import { pathIn, type PageContext, inLanguage } from '../../web/visit.ts';
import { accessShown } from './access.ts';
import { runAction } from '../kit/form-action.ts';
import { deletionWord, type Shown, accountPage } from './profile-page.ts';

const readForm = formParser(closed(profileFields));

const params = closed({ id: Id });

/**
 * Registers the pages for the user's profile and sessions, the export of the user's data, and the
 * deletion of the account.
 */
export function profilePages(app: PageDeps): PagePlugin {
  const show = async (visit: PageContext, more: Shown = {}): Promise<PageProps> => {
    const { actor } = visit;
    const [profile, sessions, accesses] = await Promise.all([
      readProfile(app.db, actor),
      ownSessions(app.db, actor),
      recentAccess(app.db, actor, accessShown),
    ]);
    return accountPage(visit, { profile, sessions, accesses }, more);
  };
  return async (server) => {
    server.get('/akun', async (request, reply) => {
      const { simpan } = request.query as { simpan?: unknown };
      return sendPage(request, reply, await show(request.visit, { saved: simpan === '1' }));
    });

    server.post('/akun', async (request, reply) => {
      const { visit } = request;
      const form = readForm(request.body);
      const { typed } = form;
      if ('errors' in form) {
        return sendPage(request, reply, await show(visit, { typed, errors: form.errors }), 422);
      }
      const change = profileChange(form.value);
      const outcome = await toResult(() =>
        runInTransaction(app.db, (tx) => changeProfile(tx, visit.actor, change)),
      );
      if ('refused' in outcome) {
        const { refused } = outcome;
        const page = await show(visit, { typed, errors: refused.fields });
        return sendPage(request, reply, page, refused.status);
      }
      // The next page is shown in the language that the user has just chosen.
      return reply.redirect(`${pathIn(outcome.done.language, '/akun')}?simpan=1`, 303);
    });

    server.post('/akun/sesi', async (request, reply) => {
      await runInTransaction(app.db, (tx) => endOwnSessions(tx, request.visit.actor));
      clearSession(request, reply);
      return redirect(request, reply, '/masuk');
    });

    server.post('/akun/sesi/:id', { schema: { params } }, async (request, reply) => {
      const { id } = request.params;
      await runInTransaction(app.db, (tx) => endOwnSessions(tx, request.visit.actor, id));
      return redirect(request, reply, '/akun');
    });

    server.get('/akun/data', async (request, reply) => {
      const document = await exportAccount(app.db, request.visit.actor);
      const says = { name: 'sambatan-data.json', type: 'application/json; charset=utf-8' };
      return reply.headers(fileHeaders(says)).send(JSON.stringify(document, undefined, 2));
    });

    server.post('/akun/hapus', async (request, reply) => {
      const { visit } = request;
      const word = rawFields(request.body)['word']?.trim().toUpperCase();
      if (word !== inLanguage(visit, deletionWord)) {
        return sendPage(request, reply, await show(visit, { errors: [wrongWord] }), 422);
      }
      return await runAction(request, reply, {
        run: async () => {
          await runInTransaction(app.db, (tx) => deleteAccount(tx, visit.actor));
          clearSession(request, reply);
        },
        next: '/',
        showAgain: async (refusal) =>
          sendPage(request, reply, await show(visit, { refusal }), refusal.status),
      });
    });
  };
}

const wrongWord: FieldError = {
  field: 'word',
  message: wording('account.profile.wrongWord', { deletionWord }),
};
