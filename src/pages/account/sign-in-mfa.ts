import Type from 'typebox';
import { awaitsFactor, signInWithFactor } from '../../accounts/sign-in/sign-in.ts';
import { formBytes } from '../../http/body-limits.ts';
import type { PageDeps } from '../deps.ts';
import { formReader, taken } from '../../http/forms.ts';
import { closed, text } from '../../http/schemas.ts';
import { sessionTokenOf } from '../../http/session-cookie.ts';
import { pathWithin, seeOther, sendPage, type Pages } from '../../http/page-response.ts';
import { consult } from '../../operation/run.ts';
import { html } from '../../web/html.ts';
import { heading, type PageParts } from '../../web/layout.ts';
import type { Visit } from '../../web/visit.ts';
import { factorInputs, factorFields } from './mfa-form.ts';
import { above, enter, refuse, type Refused } from './sign-in.ts';

const here = '/masuk/aplikasi';
const readCode = formReader(closed({ ...factorFields, back: Type.Optional(text(0, 600)) }));

/** The second half of signing in, for whoever came half in. */
export function signInFactorPages(app: PageDeps): Pages {
  return async (server) => {
    server.get(here, async (request, reply) => {
      const { visit } = request;
      const back = pathWithin((request.query as { back?: unknown }).back);
      if (visit.person !== undefined) return seeOther(request, reply, back);
      const token = sessionTokenOf(request.headers.cookie, visit.origin);
      if (await consult(() => awaitsFactor(app.db, token))) {
        return sendPage(request, reply, factorPage(visit, { back }));
      }
      return seeOther(request, reply, `/masuk?${new URLSearchParams({ back })}`);
    });

    server.post(here, { bodyLimit: formBytes.public }, async (request, reply) => {
      const { visit } = request;
      const form = readCode(request.body);
      const back = pathWithin(form.typed['back']);
      const show = (more: Refused) => factorPage(visit, { back, ...more });
      if ('errors' in form) return sendPage(request, reply, show({ errors: form.errors }), 422);
      const { code, recovery_code: recovery } = form.value;
      const token = sessionTokenOf(request.headers.cookie, visit.origin) ?? '';
      const outcome = await taken(() =>
        signInWithFactor(app.signIn, { token, code: code ?? recovery ?? '' }),
      );
      if ('refused' in outcome) return refuse(request, reply, outcome.refused, show);
      return enter(request, reply, outcome.done, back);
    });
  };
}

function factorPage(visit: Visit, show: Refused & { readonly back: string }): PageParts {
  const { t, url } = visit;
  return {
    title: t('Kode dari aplikasi', 'Code of your app'),
    section: 'account',
    main: html`<div class="panel sign-in">
      ${heading(
        t('Satu langkah lagi', 'One more step'),
        t(
          'Akunmu dijaga kode dari aplikasi, selain kode di e-mail.',
          'Your account is kept safe by a code of an app, beside the one in the mail.',
        ),
      )}${above(visit, show)}
      ${factorInputs(visit, {
        action: here,
        hidden: [['back', show.back]],
        button: t('Masuk', 'Sign in'),
        errors: show.errors,
      })}
      <p class="quiet">
        <a href="${url(`/masuk?${new URLSearchParams({ back: show.back })}`)}"
          >${t('Masuk dari awal', 'Begin again')}</a
        >
      </p>
    </div>`,
  };
}
