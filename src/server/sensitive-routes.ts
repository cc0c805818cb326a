import { withoutLanguage } from '../web/visit.ts';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Requires recent authentication (docs/security.md); set from `sensitiveRoutes`. */
    isSensitive?: boolean;
    /** A write for callers who are not signed in; set from `publicWrites`. */
    isPublicWrite?: boolean;
  }
}

/**
 * Routes that require re-authentication: outgoing money, confirming received money, accounts that
 * money goes to, rights, secrets, irreversible actions. Each entry also covers its English twin. A
 * test compares the lists of this file with the live route table.
 */
export const sensitiveRoutes: readonly string[] = [
  // Outgoing money, and files for bulk transfers.
  'GET /api/sambatan/refunds/export',
  'POST /api/sambatan/refunds/settle',
  'POST /api/sambatan/refunds/:id/fail',
  'POST /api/sambatan/refunds/:id/reverse',
  'POST /api/sambatan/payouts/:id/release',
  'POST /api/sambatan/payouts/:id/settle',
  'POST /api/sambatan/payouts/:id/reverse',
  'POST /api/sambatan/claims/:id/give-up',
  'POST /api/sambatan/claims/:id/settle',
  'POST /api/sambatan/disputes/:id/resolve',
  'POST /api/sambatan/campaigns/:id/shortfall',
  'GET /operator/uang/pengembalian.csv',
  'POST /operator/uang/pengembalian.csv',
  'GET /operator/uang/pengembalian.xlsx',
  'POST /operator/uang/pengembalian.xlsx',
  'POST /operator/uang/lunas',
  'POST /operator/uang/:id/gagal',
  'POST /operator/uang/:id/balik',
  'POST /operator/uang/pencairan/:id/lepas',
  'POST /operator/uang/pencairan/:id/cair',
  'POST /operator/uang/pencairan/:id/balik',
  'POST /operator/uang/dobel/:id/kembali',
  'POST /operator/uang/dobel/:id/relakan',
  'POST /operator/uang/keluhan/:id/selesai',
  'POST /toko/sambatan/:id/kurang',
  // Confirming received money.
  'POST /api/sambatan/participations/:id/confirm',
  'POST /api/sambatan/participations/:id/payment/verify',
  'POST /api/sambatan/participations/:id/payment/reject',
  'POST /api/sambatan/participations/:id/payment/write-off',
  'POST /api/sambatan/receiving-accounts/:id/statement',
  'POST /api/sambatan/statement-lines/:id/assign',
  'POST /operator/ikutan/:id/konfirmasi',
  'POST /operator/pembayaran/:id/terima',
  'POST /operator/pembayaran/:id/tolak',
  'POST /operator/pembayaran/mutasi/:id/tujuan',
  'POST /operator/pembayaran/mutasi/berkas/:id/terapkan',
  'POST /operator/pembayaran/mutasi/:id/bagi',
  'POST /operator/pembayaran/mutasi/:id/gabung',
  'POST /operator/pembayaran/mutasi/:id/catat',
  'POST /operator/pembayaran/mutasi/:id/urungkan',
  'POST /api/sambatan/statements/:id/apply',
  'PUT /api/sambatan/statement-lines/:id/parts',
  'POST /api/sambatan/statement-lines/settle',
  // Accounts that money goes to.
  'PUT /api/sambatan/refund-account',
  'PUT /api/sambatan/brands/:id/payout-account',
  'POST /api/sambatan/receiving-accounts',
  'PATCH /api/sambatan/receiving-accounts/:id',
  'POST /akun/rekening',
  'POST /toko/:id/rekening',
  'POST /operator/pembayaran/rekening',
  'POST /operator/pembayaran/rekening/:id',
  'POST /operator/pembayaran/rekening/:id/utama',
  // Cancelling campaigns: every buyer is refunded.
  'POST /api/sambatan/campaigns/:id/cancel',
  'POST /api/sambatan/campaigns/:id/decision',
  'POST /toko/sambatan/:id/batal',
  'POST /toko/sambatan/:id/putusan',
  'POST /operator/sambatan/:id/putusan',
  'POST /operator/sambatan/:id/batalkan',
  // Rights.
  'POST /api/sambatan/operators',
  'DELETE /api/sambatan/operators/:id',
  'POST /api/sambatan/brands/:id/invitations',
  'POST /operator/orang',
  'POST /operator/orang/:id/cabut',
  'POST /toko/:id/anggota/undang',
  // Secrets and the targets of outgoing data.
  'POST /api/sambatan/webhooks',
  'PATCH /api/sambatan/webhooks/:id',
  'DELETE /api/sambatan/webhooks/:id',
  'POST /api/sambatan/webhooks/:id/rotate',
  'POST /toko/:id/webhook',
  'POST /toko/webhook/:id/ubah',
  'POST /toko/webhook/:id/hapus',
  'POST /toko/webhook/:id/mati',
  'POST /toko/webhook/:id/nyala',
  'POST /toko/webhook/:id/rahasia',
  // The account itself.
  'DELETE /api/sambatan/me',
  'POST /akun/hapus',
  'POST /akun/keamanan/mulai',
  'POST /akun/keamanan/aplikasi',
  'POST /akun/keamanan/kode-cadangan',
  'POST /akun/keamanan/matikan',
];

/** API routes that write for callers who are not signed in. */
export const publicWrites: readonly string[] = [
  // The payment provider signs these requests.
  'POST /api/sambatan/gateway/midtrans/notifications',
  // The token in the URL authorizes the request.
  'POST /api/sambatan/unsubscribe/:token',
];

const sensitive = new Set(sensitiveRoutes);
const open = new Set(publicWrites);

/** Returns the name of a route in the lists; it has the same name in every language. */
export const routeKey = (method: string, url: string): string =>
  `${method} ${withoutLanguage(url)}`;

/** Marks all routes registered from now on as the lists of this file say. */
export function markSensitiveRoutes(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    const keys = [route.method].flat().map((method) => routeKey(method, route.url));
    // One handler for several methods is sensitive if any of them is.
    const isSensitive = keys.some((key) => sensitive.has(key));
    const isPublicWrite = keys.some((key) => open.has(key));
    route.config = { ...route.config, isSensitive, isPublicWrite };
  });
}
