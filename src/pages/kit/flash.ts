import { type Wording, wording } from '../../i18n/messages.ts';
import type { FastifyRequest } from 'fastify';
import { notice } from '../../web/components.ts';
import type { Html } from '../../web/html.ts';
import { inLanguage } from '../../web/visit.ts';
import { queryParam } from './params.ts';

/** The result of a form, as a word in the query of the next page. */
const messages = {
  // Messages of shops.
  'brand-dibuat': wording('site.flash.brand-dibuat'),
  tersimpan: wording('site.flash.tersimpan'),
  'produk-dibuat': wording('site.flash.produk-dibuat'),
  'foto-dihapus': wording('site.flash.foto-dihapus'),
  diundang: wording('site.flash.diundang'),
  'undangan-batal': wording('site.flash.undangan-batal'),
  'anggota-keluar': wording('site.flash.anggota-keluar'),
  keluar: wording('site.flash.keluar'),
  bergabung: wording('site.flash.bergabung'),
  draf: wording('site.flash.draf'),
  terbit: wording('site.flash.terbit'),
  dijadwalkan: wording('site.flash.dijadwalkan'),
  diperpanjang: wording('site.flash.diperpanjang'),
  dibatalkan: wording('site.flash.dibatalkan'),
  'webhook-diubah': wording('site.flash.webhook-diubah'),
  'webhook-hidup': wording('site.flash.webhook-hidup'),
  'webhook-mati': wording('site.flash.webhook-mati'),
  'webhook-dihapus': wording('site.flash.webhook-dihapus'),
  'kirim-ulang': wording('site.flash.kirim-ulang'),
  dikirim: wording('site.flash.dikirim'),
  dikurangi: wording('site.flash.dikurangi'),
  // Messages of operators.
  diterima: wording('site.flash.diterima'),
  ditolak: wording('site.flash.ditolak'),
  dipasangkan: wording('site.flash.dipasangkan'),
  menunggusisa: wording('site.flash.menunggusisa'),
  diurungkan: wording('site.flash.diurungkan'),
  disisihkan: wording('site.flash.disisihkan'),
  'rekening-tersimpan': wording('site.flash.rekening-tersimpan'),
  lunas: wording('site.flash.lunas'),
  gagal: wording('site.flash.gagal'),
  dibalik: wording('site.flash.dibalik'),
  pulih: wording('site.flash.pulih'),
  relakan: wording('site.flash.relakan'),
  dilepas: wording('site.flash.dilepas'),
  cair: wording('site.flash.cair'),
  ditunjuk: wording('site.flash.ditunjuk'),
  dicabut: wording('site.flash.dicabut'),
  selesai: wording('site.flash.selesai'),
} as const satisfies Record<string, Wording>;

export type FlashMessage = keyof typeof messages;

/** Adds the message to a path; its page shows it once. */
export function withFlash(path: string, message: FlashMessage): string {
  return `${path}${path.includes('?') ? '&' : '?'}kabar=${message}`;
}

/** The message that `withFlash` put into the query. */
export function flashMessage(request: FastifyRequest): Html | undefined {
  const word = queryParam(request, 'kabar');
  if (word === undefined || !Object.hasOwn(messages, word)) return undefined;
  return notice('good', inLanguage(request.visit, messages[word as FlashMessage]));
}
