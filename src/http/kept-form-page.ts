import { refillForm } from '../web/refill.ts';
import type { PageContext } from '../web/visit.ts';
import type { KeptForm } from './kept-form.ts';

/** Renders a page with the restored input of its form, and a notice about it. */
export function showKept(visit: PageContext, document: string, kept: KeptForm): string {
  const { t, url } = visit;
  const found = kept.isCut
    ? t(
        'Isianmu kami simpan, tapi bagian yang paling panjang tidak ikut. Lengkapi dulu, lalu kirim lagi.',
        'We kept what you typed, except for the longest part. Please complete it and send it again.',
      )
    : t(
        'Isianmu masih ada dan belum terkirim. Periksa dulu, lalu kirim lagi.',
        'What you typed is still here and has not been sent. Check it, then send it again.',
      );
  return refillForm(document, {
    action: url(kept.action),
    fields: kept.fields,
    found,
    missing: t(
      'Formulir yang tadi kamu isi sudah tidak ada di halaman ini. Isianmu:',
      'The form you filled in is no longer on this page. You had typed:',
    ),
  });
}
