import type { DomainError } from '../../errors/errors.ts';
import { html } from '../../web/html.ts';
import type { PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';

/** Data about the failed request that the error page shows. */
export interface Failed {
  readonly requestId: string;
  /**
   * The path of a link to try again; undefined if there is none. For a form it is the path of its
   * page.
   */
  readonly again: string | undefined;
}

/** Returns the page that shows an error: what happened, and what the user can do next. */
export function errorPage(
  visit: PageContext,
  error: DomainError,
  { requestId, again }: Failed,
): PageProps {
  const { t, url } = visit;
  const { title, detail } = error.text(visit.language);
  const needsFactor = error.code === 'second_factor_required';
  return {
    title,
    main: html`<div class="empty error-page">
      <p class="error-status" aria-hidden="true">${error.status}</p>
      <h1>${title}</h1>
      <p>${detail}</p>
      <div class="row centred">
        ${
          needsFactor &&
          html`<a class="button" href="${url('/akun/keamanan')}"
            >${t('site.errorPage.goToSecurity')}</a
          >`
        }<a class="button${needsFactor && ' quiet'}" href="${url('/')}"
          >${t('site.errorPage.seeOpenCampaigns')}</a
        >${
          error.retryAfterSeconds !== undefined &&
          again !== undefined &&
          html`<a class="button quiet" href="${again}">${t('site.errorPage.tryAgain')}</a>`
        }
      </div>
      ${
        error.status >= 500 &&
        html`<p class="quiet">${t('site.errorPage.reference')} <code>${requestId}</code></p>`
      }
    </div>`,
  };
}
