import { type Wording, wording } from '../../i18n/messages.ts';
import type { AccessRow } from '../../accounts/access-queries.ts';
import { browserName } from '../../accounts/browser-name.ts';
import type { Profile } from '../../accounts/operations.ts';
import type { SessionRow } from '../../accounts/session-queries.ts';
import type { DomainError, ErrorCode, FieldError } from '../../errors/errors.ts';
import type { RawFields } from '../../http/forms.ts';
import { badge, input, notice, select, languageOptions } from '../../web/components.ts';
import { formatShortMoment } from '../../i18n/format.ts';
import { html, type Html, type Part } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { accessList } from './access.ts';

/** The word that a user must type to delete the account. Each language has its own word. */
export const deletionWord = wording('account.profilePage.deletionWord');

export interface Shown {
  readonly saved?: boolean;
  readonly typed?: RawFields;
  readonly errors?: readonly FieldError[];
  readonly refusal?: DomainError;
}

interface Own {
  readonly profile: Profile;
  readonly sessions: readonly SessionRow[];
  readonly accesses: readonly AccessRow[];
}

export function accountPage(visit: PageContext, own: Own, shown: Shown): PageProps {
  const { profile, sessions, accesses } = own;
  const { t, url } = visit;
  const title = t('account.profilePage.myAccount');
  return {
    title,
    section: 'account',
    main: html`${heading(title, profile.email)}${profileNotice(visit, shown)}
      <div class="account">
        ${profileForm(visit, profile, shown)}
        <section class="panel">
          <h2>${t('account.profilePage.addresses')}</h2>
          <p>${t('account.profilePage.saveAddressOnce')}</p>
          <a class="button quiet" href="${url('/akun/alamat')}"
            >${t('account.profilePage.manageAddresses')}</a
          >
        </section>
        ${moneyAndMessages(visit)}${securityPart(visit)}${sessionList(visit, sessions)}${accessList(visit, accesses)}${dataSection(visit, shown)}
      </div>`,
  };
}

function securityPart({ t, url }: PageContext): Html {
  return html`<section class="panel">
    <h2>${t('common.security')}</h2>
    <p>${t('account.profilePage.protectYourAccount')}</p>
    <a class="button quiet" href="${url('/akun/keamanan')}"
      >${t('account.profilePage.manageSecurity')}</a
    >
  </section>`;
}

function moneyAndMessages({ t, url }: PageContext): Html {
  return html`<section class="panel">
      <h2>${t('common.notifications')}</h2>
      <p>${t('account.profilePage.newsAboutYourOrders')}</p>
      <div class="row">
        <a class="button quiet" href="${url('/akun/pesan')}"
          >${t('account.profilePage.viewNotifications')}</a
        >
        <a class="button quiet" href="${url('/akun/pemberitahuan')}"
          >${t('common.notificationSettings')}</a
        >
      </div>
    </section>
    <section class="panel">
      <h2>${t('account.profilePage.refunds')}</h2>
      <p>${t('account.profilePage.addBankAccountOnce')}</p>
      <a class="button quiet" href="${url('/akun/rekening')}">${t('common.refundAccount')}</a>
    </section>`;
}

function profileNotice(visit: PageContext, { saved, refusal }: Shown): Part {
  if (refusal !== undefined) {
    const { title, detail } = refusal.text(visit.language);
    return notice('bad', title, html`${detail}${wayOut(visit, refusal)}`);
  }
  return saved === true && notice('good', visit.t('common.saved'));
}

/**
 * The page on which the user can solve the problem, for each error that prevents the deletion of an
 * account.
 */
const waysOut: Partial<Record<ErrorCode, { readonly path: string; readonly words: Wording }>> = {
  account_has_participations: {
    path: '/ikutan',
    words: wording('account.profilePage.waysOut.account_has_participations'),
  },
  account_owns_brand: {
    path: '/toko',
    words: wording('account.profilePage.waysOut.account_owns_brand'),
  },
  account_has_campaigns: {
    path: '/toko',
    words: wording('account.profilePage.waysOut.account_has_campaigns'),
  },
};

function wayOut(visit: PageContext, { code }: DomainError): Html | undefined {
  const way = waysOut[code];
  return way && html` <a href="${visit.url(way.path)}">${inLanguage(visit, way.words)}</a>`;
}

const zones = [
  ['Asia/Jakarta', 'WIB (Jakarta)'],
  ['Asia/Makassar', 'WITA (Makassar)'],
  ['Asia/Jayapura', 'WIT (Jayapura)'],
  ['Asia/Singapore', 'Singapore'],
  ['Asia/Kuala_Lumpur', 'Kuala Lumpur'],
  ['Asia/Hong_Kong', 'Hong Kong'],
  ['Asia/Taipei', 'Taipei'],
  ['Asia/Tokyo', 'Tokyo'],
  ['Asia/Riyadh', 'Riyadh'],
  ['Europe/Amsterdam', 'Amsterdam'],
  ['Australia/Sydney', 'Sydney'],
] as const;

function profileForm(visit: PageContext, profile: Profile, { typed, errors }: Shown): Html {
  const { t, url } = visit;
  const value = (name: keyof Profile) => typed?.[name] ?? profile[name];
  const known = zones.some(([zone]) => zone === profile.time_zone);
  const options = known ? zones : [[profile.time_zone, profile.time_zone] as const, ...zones];
  return html`<section class="panel">
    <h2>${t('account.profilePage.profile')}</h2>
    <form method="post" action="${url('/akun')}" class="fields">
      ${input(visit, {
        name: 'display_name',
        label: t('common.name'),
        hint: t('account.profilePage.publicPagesShowOnlyPart'),
        value: value('display_name'),
        errors,
        required: true,
        control: { maxlength: 80, autocomplete: 'name' },
      })}${select(
        visit,
        {
          name: 'language',
          label: t('account.profilePage.language'),
          value: value('language'),
          errors,
          required: true,
        },
        languageOptions(),
      )}${select(
        visit,
        {
          name: 'time_zone',
          label: t('account.profilePage.timeZone'),
          value: value('time_zone'),
          errors,
          required: true,
        },
        options.map(([zone, label]) => ({ value: zone, label })),
      )}
      <button class="button">${t('common.save')}</button>
    </form>
  </section>`;
}

function sessionList(visit: PageContext, sessions: readonly SessionRow[]): Html {
  const { t, url, language, person } = visit;
  const moment = (at: Date) => formatShortMoment(at, language, person?.timeZone);
  return html`<section class="panel">
    <h2>${t('account.profilePage.yourDevices')}</h2>
    <ul class="plain">
      ${sessions.map(
        (session) =>
          html`<li class="row apart">
            <span
              ><strong
                >${browserName(session.device) ?? t('account.profilePage.unknownDevice')}</strong
              >${session.session_id === visit.sessionId && html` ${badge(t('account.profilePage.thisDevice'), 'good')}`}<br /><span
                class="quiet"
                >${t('account.profilePage.lastUsed')} ${moment(session.seen_at)}</span
              ></span
            >
            <form method="post" action="${url(`/akun/sesi/${session.session_id}`)}">
              <button class="button quiet">${t('account.profilePage.signOutDevice')}</button>
            </form>
          </li>`,
      )}
    </ul>
    <div class="row">
      <form method="post" action="${url('/keluar')}">
        <button class="button quiet">${t('account.profilePage.signOut')}</button>
      </form>
      <form method="post" action="${url('/akun/sesi')}">
        <button class="button quiet">${t('account.profilePage.signOutEverywhere')}</button>
      </form>
    </div>
  </section>`;
}

function dataSection(visit: PageContext, { errors }: Shown): Html {
  const { t, url } = visit;
  const word = inLanguage(visit, deletionWord);
  return html`<section class="panel">
    <h2>${t('account.profilePage.myData')}</h2>
    <a class="button quiet" href="${url('/akun/data')}" download
      >${t('account.profilePage.downloadAllMyData')}</a
    >
    <h3>${t('account.profilePage.deleteTheAccount')}</h3>
    <p>${t('account.profilePage.whatDeletionMeans')}</p>
    <form method="post" action="${url('/akun/hapus')}" class="fields">
      ${input(visit, {
        name: 'word',
        label: t('account.profilePage.typeToConfirm', { word }),
        errors,
        required: true,
        control: { autocomplete: 'off', maxlength: 20 },
      })}
      <button class="button danger">${t('account.profilePage.deleteMyAccount')}</button>
    </form>
  </section>`;
}
