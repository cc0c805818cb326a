import { type Wording, wording } from '../../i18n/messages.ts';
import type { AccessRow } from '../../accounts/access-queries.ts';
import type { AccessEvent, AccessMethod } from '../../accounts/access.ts';
import { formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';

/**
 * Number of entries that the page shows, newest first. The export of the user's data contains all
 * entries.
 */
export const accessShown = 10;

const events: Readonly<Record<AccessEvent, Wording>> = {
  code_requested: wording('account.access.code_requested'),
  code_failed: wording('account.access.code_failed'),
  codes_exhausted: wording('account.access.codes_exhausted'),
  signed_in: wording('account.access.signed_in'),
  signed_out: wording('account.access.signed_out'),
  session_ended: wording('account.access.session_ended'),
  sessions_ended: wording('account.access.sessions_ended'),
  factor_added: wording('account.access.factor_added'),
  factor_removed: wording('account.access.factor_removed'),
  factor_failed: wording('account.access.factor_failed'),
  recovery_codes_made: wording('account.access.recovery_codes_made'),
  proved_again: wording('account.access.proved_again'),
  account_deleted: wording('account.access.account_deleted'),
};

const methods: Readonly<Record<AccessMethod, Wording>> = {
  code: wording('account.access.code'),
  link: wording('account.access.link'),
  token: wording('account.access.token'),
  factor: wording('account.access.factor'),
  recovery_code: wording('account.access.recovery_code'),
};

/**
 * Events for which the page also shows the sign-in method, because the text of the event does not
 * contain it.
 */
const methodsTold: readonly AccessEvent[] = ['signed_in', 'proved_again'];

/** Returns the list of recent sign-ins and failed attempts for the owner of the account. */
export function accessList(visit: PageContext, rows: readonly AccessRow[]): Html {
  const { t } = visit;
  return html`<section class="panel" aria-labelledby="access">
    <h2 id="access">${t('account.access.recentSignIns')}</h2>
    ${
      rows.length === 0
        ? html`<p class="quiet">${t('account.access.noActivityYet')}</p>`
        : html`<ul class="plain">
            ${rows.map((row) => accessItem(visit, row))}
          </ul>`
    }
    <p class="quiet">${t('account.access.dontRecogniseSomething')}</p>
  </section>`;
}

function accessItem(
  visit: PageContext,
  { event, method, browser, occurred_at: at }: AccessRow,
): Html {
  const { language, person } = visit;
  const told = methodsTold.some((one) => one === event) && Object.hasOwn(methods, method);
  const words = [
    inLanguage(visit, events[event as AccessEvent]),
    told && inLanguage(visit, methods[method as AccessMethod]),
  ].filter((part) => part !== false);
  const details = [formatShortMoment(at, language, person?.timeZone), browser].filter(
    (part) => part !== '',
  );
  return html`<li>
    <strong>${words.join(' ')}</strong><br /><span class="quiet">${details.join(' · ')}</span>
  </li>`;
}
