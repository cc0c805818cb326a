import { type Wording, wording } from '../../i18n/messages.ts';
import type { FastifyRequest } from 'fastify';
import { notice } from '../../web/components.ts';
import type { Html } from '../../web/html.ts';
import { inLanguage } from '../../web/visit.ts';
import { queryParam } from './params.ts';

/**
 * Messages about the result of a form. The keys are used as a parameter in the URL of the next
 * page.
 */
const messages = {
  // Messages on the pages of sellers.
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
  // Messages on the pages of operators.
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

/** Adds a message to a path. The page at that path shows the message. */
export function withFlash(path: string, message: FlashMessage): string {
  return `${path}${path.includes('?') ? '&' : '?'}kabar=${message}`;
}

/** Returns the message that `withFlash` added to the URL. */
export function flashMessage(request: FastifyRequest): Html | undefined {
  const word = queryParam(request, 'kabar');
  if (word === undefined || !Object.hasOwn(messages, word)) return undefined;
  return notice('good', inLanguage(request.visit, messages[word as FlashMessage]));
}
