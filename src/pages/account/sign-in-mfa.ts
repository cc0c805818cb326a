import { formNotice, refuse, type Refused } from './sign-in-parts.ts';
import Type from 'typebox';
import { formBytes } from '../../http/body-limits.ts';
import type { PageDeps } from '../deps.ts';
import { formParser, toResult } from '../../http/forms.ts';
import { closed, text } from '../../http/schemas.ts';
import { sessionTokenOf } from '../../http/session-cookie.ts';
import { localPath, redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { html } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { factorInputs, factorFields } from './mfa-form.ts';
import { completeSignIn } from './sign-in.ts';
import { awaitsFactor, signInWithFactor } from '../../accounts/sign-in/factor.ts';

const mfaPath = '/masuk/aplikasi';
const readCode = formParser(closed({ ...factorFields, back: Type.Optional(text(0, 600)) }));

/**
 * Registers the second step of a sign-in. It is only available while the user's MFA challenge is
 * open.
 */
export function signInFactorPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get(mfaPath, async (request, reply) => {
      const { visit } = request;
      const back = localPath((request.query as { back?: unknown }).back);
      if (visit.person !== undefined) return redirect(request, reply, back);
      const token = sessionTokenOf(request.headers.cookie, visit.origin);
      if (await awaitsFactor(app.db, token)) {
        return sendPage(request, reply, factorPage(visit, { back }));
      }
      return redirect(request, reply, `/masuk?${new URLSearchParams({ back })}`);
    });

    server.post(mfaPath, { bodyLimit: formBytes.public }, async (request, reply) => {
      const { visit } = request;
      const form = readCode(request.body);
      const back = localPath(form.typed['back']);
      const show = (more: Refused) => factorPage(visit, { back, ...more });
      if ('errors' in form) return sendPage(request, reply, show({ errors: form.errors }), 422);
      const { code, recovery_code: recovery } = form.value;
      const token = sessionTokenOf(request.headers.cookie, visit.origin) ?? '';
      const outcome = await toResult(() =>
        signInWithFactor(app.signIn, { token, code: code ?? recovery ?? '' }),
      );
      if ('refused' in outcome) return refuse(request, reply, outcome.refused, show);
      return completeSignIn(request, reply, outcome.done, back);
    });
  };
}

function factorPage(visit: PageContext, show: Refused & { readonly back: string }): PageProps {
  const { t, url } = visit;
  return {
    title: t('account.signInMfa.authenticatorCode'),
    section: 'account',
    main: html`<div class="panel sign-in">
      ${heading(
        t('account.signInMfa.oneMoreStep'),
        t('account.signInMfa.accountIsProtected'),
      )}${formNotice(visit, show)}
      ${factorInputs(visit, {
        action: mfaPath,
        hidden: [['back', show.back]],
        button: t('common.signIn'),
        errors: show.errors,
      })}
      <p class="quiet">
        <a href="${url(`/masuk?${new URLSearchParams({ back: show.back })}`)}"
          >${t('account.signInMfa.startAgain')}</a
        >
      </p>
    </div>`,
  };
}
