import type { AccessRow } from '../../accounts/access-queries.ts';
import { browserName } from '../../accounts/browser-name.ts';
import type { Profile } from '../../accounts/operations.ts';
import type { SessionRow } from '../../accounts/session-queries.ts';
import type { DomainError, ErrorCode, FieldError, Wording } from '../../errors/errors.ts';
import type { RawFields } from '../../http/forms.ts';
import { badge, input, notice, select } from '../../web/components.ts';
import { formatShortMoment } from '../../web/format.ts';
import { html, type Html, type Part } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { accessList } from './access.ts';

/** What has to be typed to delete an account, in each language. */
export const deletionWord = { id: 'HAPUS', en: 'DELETE' } as const;

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
  const title = t('Akunku', 'My account');
  return {
    title,
    section: 'account',
    main: html`${heading(title, profile.email)}${profileNotice(visit, shown)}
      <div class="account">
        ${profileForm(visit, profile, shown)}
        <section class="panel">
          <h2>${t('Alamat', 'Addresses')}</h2>
          <p>
            ${t(
              'Simpan alamat sekali, ikut Sambatan tinggal ketuk.',
              'Save an address once, and joining takes a tap.',
            )}
          </p>
          <a class="button quiet" href="${url('/akun/alamat')}"
            >${t('Atur alamat', 'Manage addresses')}</a
          >
        </section>
        ${moneyAndMessages(visit)}${securityPart(visit)}${sessionList(visit, sessions)}${accessList(visit, accesses)}${dataSection(visit, shown)}
      </div>`,
  };
}

function securityPart({ t, url }: PageContext): Html {
  return html`<section class="panel">
    <h2>${t('Keamanan', 'Security')}</h2>
    <p>
      ${t(
        'Jaga akunmu dengan kode dari aplikasi, selain kode di e-mail.',
        'Keep your account safe with a code of an app, beside the code in the mail.',
      )}
    </p>
    <a class="button quiet" href="${url('/akun/keamanan')}"
      >${t('Atur keamanan', 'Manage security')}</a
    >
  </section>`;
}

function moneyAndMessages({ t, url }: PageContext): Html {
  return html`<section class="panel">
      <h2>${t('Pesan', 'Messages')}</h2>
      <p>
        ${t(
          'Kabar tentang slot, pembayaran, dan antreanmu.',
          'News of your slots, payments and waiting lists.',
        )}
      </p>
      <div class="row">
        <a class="button quiet" href="${url('/akun/pesan')}">${t('Buka pesan', 'My messages')}</a>
        <a class="button quiet" href="${url('/akun/pemberitahuan')}"
          >${t('Atur pemberitahuan', 'What I am told')}</a
        >
      </div>
    </section>
    <section class="panel">
      <h2>${t('Uang kembali', 'Refunds')}</h2>
      <p>
        ${t(
          'Isi rekeningmu sekali, supaya uang yang kembali cepat sampai.',
          'Give your account once, so that refunds reach you quickly.',
        )}
      </p>
      <a class="button quiet" href="${url('/akun/rekening')}"
        >${t('Rekening pengembalian', 'Account for refunds')}</a
      >
    </section>`;
}

function profileNotice(visit: PageContext, { saved, refusal }: Shown): Part {
  if (refusal !== undefined) {
    const { title, detail } = refusal.text(visit.language);
    return notice('bad', title, html`${detail}${wayOut(visit, refusal)}`);
  }
  return saved === true && notice('good', visit.t('Tersimpan.', 'Saved.'));
}

/** Where what keeps an account can be ended. */
const waysOut: Partial<Record<ErrorCode, { readonly path: string; readonly words: Wording }>> = {
  account_has_participations: {
    path: '/ikutan',
    words: { id: 'Lihat ikutanmu', en: 'See your slots' },
  },
  account_owns_brand: { path: '/toko', words: { id: 'Ke tokomu', en: 'To your shop' } },
  account_has_campaigns: { path: '/toko', words: { id: 'Ke tokomu', en: 'To your shop' } },
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
    <h2>${t('Profil', 'Profile')}</h2>
    <form method="post" action="${url('/akun')}" class="fields">
      ${input(visit, {
        name: 'display_name',
        label: t('Nama panggilan', 'Name'),
        hint: t('Di halaman umum hanya tampil sebagian.', 'Public pages show only part of it.'),
        value: value('display_name'),
        errors,
        required: true,
        control: { maxlength: 80, autocomplete: 'name' },
      })}${select(
        visit,
        {
          name: 'language',
          label: t('Bahasa', 'Language'),
          value: value('language'),
          errors,
          required: true,
        },
        [
          { value: 'id', label: 'Indonesia' },
          { value: 'en', label: 'English' },
        ],
      )}${select(
        visit,
        {
          name: 'time_zone',
          label: t('Zona waktu', 'Time zone'),
          value: value('time_zone'),
          errors,
          required: true,
        },
        options.map(([zone, label]) => ({ value: zone, label })),
      )}
      <button class="button">${t('Simpan', 'Save')}</button>
    </form>
  </section>`;
}

function sessionList(visit: PageContext, sessions: readonly SessionRow[]): Html {
  const { t, url, language, person } = visit;
  const moment = (at: Date) => formatShortMoment(at, language, person?.timeZone);
  return html`<section class="panel">
    <h2>${t('Perangkat yang masuk', 'Devices signed in')}</h2>
    <ul class="plain">
      ${sessions.map(
        (session) =>
          html`<li class="row apart">
            <span
              ><strong
                >${browserName(session.device) ?? t('Perangkat tak dikenal', 'Unknown device')}</strong
              >${session.session_id === visit.sessionId && html` ${badge(t('perangkat ini', 'this device'), 'good')}`}<br /><span
                class="quiet"
                >${t('Terakhir dipakai', 'Last used')} ${moment(session.seen_at)}</span
              ></span
            >
            <form method="post" action="${url(`/akun/sesi/${session.session_id}`)}">
              <button class="button quiet">${t('Akhiri', 'End')}</button>
            </form>
          </li>`,
      )}
    </ul>
    <div class="row">
      <form method="post" action="${url('/keluar')}">
        <button class="button quiet">${t('Keluar', 'Sign out')}</button>
      </form>
      <form method="post" action="${url('/akun/sesi')}">
        <button class="button quiet">
          ${t('Keluar dari semua perangkat', 'Sign out everywhere')}
        </button>
      </form>
    </div>
  </section>`;
}

function dataSection(visit: PageContext, { errors }: Shown): Html {
  const { t, url, language } = visit;
  const word = deletionWord[language];
  return html`<section class="panel">
    <h2>${t('Dataku', 'My data')}</h2>
    <a class="button quiet" href="${url('/akun/data')}" download
      >${t('Unduh semua dataku', 'Download all my data')}</a
    >
    <h3>${t('Hapus akun', 'Delete the account')}</h3>
    <p>
      ${t(
        'Profil, alamat, sesi, dan antreanmu dihapus. Catatan ikutan dan pembayaran yang sudah selesai tetap ada untuk pembukuan, tanpa nama, alamat, dan catatanmu. Ini tidak bisa dibatalkan.',
        'Your profile, addresses, sessions and places in waiting lists are deleted. Records of slots and payments that are over stay for the books, without your name, address and notes. This cannot be undone.',
      )}
    </p>
    <form method="post" action="${url('/akun/hapus')}" class="fields">
      ${input(visit, {
        name: 'word',
        label: t(`Ketik ${word}`, `Type ${word}`),
        errors,
        required: true,
        control: { autocomplete: 'off', maxlength: 20 },
      })}
      <button class="button danger">${t('Hapus akunku', 'Delete my account')}</button>
    </form>
  </section>`;
}
