import { changeProfile } from '../../accounts/operations.ts';
import { noName } from '../../accounts/sign-in/sign-in.ts';
import { profileFields } from '../../accounts/schemas.ts';
import Type from 'typebox';
import type { PageDeps } from '../deps.ts';
import type { FieldError } from '../../errors/errors.ts';
import { authorize } from '../../identity/policy.ts';
import { formParser } from '../../http/forms.ts';
import { closed, text } from '../../http/schemas.ts';
import { localPath, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { runInTransaction } from '../../operation/run.ts';
import { input } from '../../web/components.ts';
import { html } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { submitForm } from '../kit/form-action.ts';

const readForm = formParser(
  closed({ display_name: profileFields.display_name, back: Type.Optional(text(0, 600)) }),
);

/**
 * Registers the page that asks a new user for a name. It is shown once, after the first sign-in.
 */
export function namePages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/masuk/nama', async (request, reply) => {
      const { visit } = request;
      authorize(visit.actor, 'account.manage');
      const back = localPath((request.query as { back?: unknown }).back);
      const name = visit.person?.displayName;
      return sendPage(request, reply, namePage(visit, { back, name: name === noName ? '' : name }));
    });

    server.post('/masuk/nama', async (request, reply) => {
      const { visit } = request;
      authorize(visit.actor, 'account.manage');
      const form = readForm(request.body);
      const back = localPath(form.typed['back']);
      const show = { back, name: form.typed['display_name'] };
      return await submitForm(request, reply, {
        form,
        run: ({ display_name: displayName }) =>
          runInTransaction(app.db, (tx) => changeProfile(tx, visit.actor, { displayName })),
        next: back,
        page: ({ errors }) => namePage(visit, { ...show, errors }),
      });
    });
  };
}

interface Shown {
  readonly back: string;
  readonly name: string | undefined;
  readonly errors?: readonly FieldError[] | undefined;
}

function namePage(visit: PageContext, { back, name, errors }: Shown): PageProps {
  const { t, url } = visit;
  return {
    title: t('account.name.yourName'),
    section: 'account',
    main: html`<div class="panel sign-in">
      ${heading(
        t('account.name.whatShouldWeCallYou'),
        t('account.name.sellersSeeThisNamePublicPages'),
      )}
      <form method="post" action="${url('/masuk/nama')}" class="fields">
        <input type="hidden" name="back" value="${back}" />
        ${input(visit, {
          name: 'display_name',
          label: t('common.name'),
          value: name,
          errors,
          required: true,
          control: { autocomplete: 'name', maxlength: 80 },
        })}
        <div class="row">
          <button class="button">${t('account.name.continue')}</button>
          <a class="button quiet" href="${url(back)}">${t('account.name.notNow')}</a>
        </div>
      </form>
    </div>`,
  };
}
