import { define, fixed, type ErrorTable } from './definition.ts';
import { withPlural } from '../wording/plurals.ts';

/** Messages, e-mail and webhooks. */
export const notificationsErrors = {
  notification_not_found: fixed(
    404,
    { id: 'Pesan tidak ditemukan', en: 'Message not found' },
    {
      id: 'Pesan ini tidak ada di kotak masukmu. Muat ulang daftar pesanmu, ya.',
      en: 'This message is not in your inbox. Please reload the list of your messages.',
    },
  ),
  link_not_valid: fixed(
    404,
    { id: 'Tautan tidak berlaku', en: 'Link not valid' },
    {
      id: 'Tautan ini tidak berlaku lagi. Masuk, lalu atur pesanmu dari pengaturan, ya.',
      en: 'This link does not work any more. Please sign in and change your message settings.',
    },
  ),
  mail_budget_spent: define<{ readonly retry_after_seconds: number }>(
    503,
    { id: 'Terlalu banyak e-mail sekaligus', en: 'Too many mails at once' },
    ({ retry_after_seconds }) => ({
      id: `Layanan ini sedang sangat ramai mengirim e-mail. Coba lagi dalam ${retry_after_seconds} detik.`,
      en: `This service is sending as many mails as it may. Try again in ${withPlural(retry_after_seconds, 'second')}.`,
    }),
  ),
  mail_unavailable: fixed(
    503,
    { id: 'E-mail belum terkirim', en: 'The mail was not sent' },
    {
      id: 'Kami belum bisa mengirim e-mail. Coba lagi sebentar lagi, ya.',
      en: 'The mail could not be sent. Please try again in a moment.',
    },
    10,
  ),
  webhook_not_found: fixed(
    404,
    { id: 'Webhook tidak ditemukan', en: 'Webhook not found' },
    {
      id: 'Webhook ini tidak ada atau sudah dihapus. Pilih dari daftar webhook-mu.',
      en: 'This webhook does not exist or was removed. Choose one from your list.',
    },
  ),
  webhook_limit_reached: define<{ readonly maximum: number }>(
    409,
    { id: 'Webhook sudah terlalu banyak', en: 'Too many webhooks' },
    ({ maximum }) => ({
      id: `Maksimal ${maximum} webhook. Hapus yang tidak dipakai, lalu coba lagi.`,
      en: `There may be ${withPlural(maximum, 'webhook')} at most. Remove one that is not used and try again.`,
    }),
  ),
  delivery_not_found: fixed(
    404,
    { id: 'Kiriman tidak ditemukan', en: 'Delivery not found' },
    {
      id: 'Kiriman ini tidak ada atau catatannya sudah dihapus. Pilih dari daftar kiriman.',
      en: 'This delivery does not exist or its record is gone. Choose one from the list.',
    },
  ),
} as const satisfies ErrorTable;
