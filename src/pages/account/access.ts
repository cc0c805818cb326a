import type { AccessRow } from '../../accounts/access-queries.ts';
import type { AccessEvent, AccessMethod } from '../../accounts/access.ts';
import type { Wording } from '../../errors/errors.ts';
import { formatShortMoment } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';

/** So many of the last rows are shown; an export has all. */
export const accessShown = 10;

const events: Readonly<Record<AccessEvent, Wording>> = {
  code_requested: { id: 'Kode masuk diminta', en: 'A code was asked for' },
  code_failed: { id: 'Kode salah dimasukkan', en: 'A wrong code was given' },
  codes_exhausted: {
    id: 'Kode salah terlalu sering, kodenya dimatikan',
    en: 'Too many wrong codes, the code was ended',
  },
  signed_in: { id: 'Masuk', en: 'Signed in' },
  signed_out: { id: 'Keluar', en: 'Signed out' },
  session_ended: { id: 'Satu perangkat dikeluarkan', en: 'A device was signed out' },
  sessions_ended: { id: 'Semua perangkat dikeluarkan', en: 'All devices were signed out' },
  factor_added: { id: 'Kode dari aplikasi diaktifkan', en: 'Codes of an app were switched on' },
  factor_removed: { id: 'Kode dari aplikasi dimatikan', en: 'Codes of an app were switched off' },
  factor_failed: {
    id: 'Kode dari aplikasi atau kode cadangan salah',
    en: 'A wrong code of the app, or recovery code',
  },
  recovery_codes_made: { id: 'Kode cadangan dibuat', en: 'Recovery codes were made' },
  proved_again: { id: 'Membuktikan diri lagi', en: 'Proved who you are again' },
  account_deleted: { id: 'Akun dihapus', en: 'The account was deleted' },
};

const methods: Readonly<Record<AccessMethod, Wording>> = {
  code: { id: 'dengan kode e-mail', en: 'by a code in a mail' },
  link: { id: 'dengan tautan e-mail', en: 'by a link in a mail' },
  token: { id: 'lewat layanan lain', en: 'by another service' },
  factor: { id: 'dengan kode dari aplikasi', en: 'by a code of the app' },
  recovery_code: { id: 'dengan kode cadangan', en: 'by a recovery code' },
};

/** What does not stand beside what it says already. */
const methodsTold: readonly AccessEvent[] = ['signed_in', 'proved_again'];

/** Who came in lately, and what was tried: for the person whose account it is. */
export function accessList(visit: PageContext, rows: readonly AccessRow[]): Html {
  const { t } = visit;
  return html`<section class="panel" aria-labelledby="access">
    <h2 id="access">${t('Riwayat masuk', 'Recent sign-ins')}</h2>
    ${
      rows.length === 0
        ? html`<p class="quiet">${t('Belum ada catatan.', 'Nothing was recorded yet.')}</p>`
        : html`<ul class="plain">
            ${rows.map((row) => accessItem(visit, row))}
          </ul>`
    }
    <p class="quiet">
      ${t(
        'Ada yang bukan kamu? Keluar dari semua perangkat, lalu masuk lagi. Catatan ini disimpan 400 hari, tanpa alamat jaringanmu.',
        'Something was not you? Sign out everywhere, then sign in again. This is kept for 400 days, without the address of your network.',
      )}
    </p>
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
