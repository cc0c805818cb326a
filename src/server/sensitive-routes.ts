import { withoutLanguage } from '../web/visit.ts';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * True if the route requires recent authentication (docs/security.md). It is set from the list
     * `sensitiveRoutes`.
     */
    isSensitive?: boolean;
    /**
     * True for a write that callers may use without signing in. It is set from the list
     * `publicWrites`.
     */
    isPublicWrite?: boolean;
  }
}

/**
 * Routes that require re-authentication. They are about outgoing money, the confirmation of
 * received money, bank accounts, rights, secrets, and actions that cannot be undone. An entry for a
 * page also applies to its versions in other languages. A test compares the lists in this file with
 * the routes of the running server.
 */
export const sensitiveRoutes: readonly string[] = [
  // Routes for outgoing money, and for files that a bank uses for bulk transfers.
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
  // Routes that confirm received money.
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
  // Routes that change the bank accounts to which money is sent.
  'PUT /api/sambatan/refund-account',
  'PUT /api/sambatan/brands/:id/payout-account',
  'POST /api/sambatan/receiving-accounts',
  'PATCH /api/sambatan/receiving-accounts/:id',
  'POST /akun/rekening',
  'POST /toko/:id/rekening',
  'POST /operator/pembayaran/rekening',
  'POST /operator/pembayaran/rekening/:id',
  'POST /operator/pembayaran/rekening/:id/utama',
  // Routes that cancel campaigns, which causes a refund to every buyer who has paid.
  'POST /api/sambatan/campaigns/:id/cancel',
  'POST /api/sambatan/campaigns/:id/decision',
  'POST /toko/sambatan/:id/batal',
  'POST /toko/sambatan/:id/putusan',
  'POST /operator/sambatan/:id/putusan',
  'POST /operator/sambatan/:id/batalkan',
  // Routes that grant or revoke rights.
  'POST /api/sambatan/operators',
  'DELETE /api/sambatan/operators/:id',
  'POST /api/sambatan/brands/:id/invitations',
  'POST /operator/orang',
  'POST /operator/orang/:id/cabut',
  'POST /toko/:id/anggota/undang',
  // Routes for secrets, and for the URLs to which data is sent.
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
  // Routes that change the user's account itself.
  'DELETE /api/sambatan/me',
  'POST /akun/hapus',
  'POST /akun/keamanan/mulai',
  'POST /akun/keamanan/aplikasi',
  'POST /akun/keamanan/kode-cadangan',
  'POST /akun/keamanan/matikan',
];

/** API routes for writes that need no signed-in caller. */
export const publicWrites: readonly string[] = [
  // The payment provider signs these requests, and the route checks the signature.
  'POST /api/sambatan/gateway/midtrans/notifications',
  // The token in the URL authorizes the request.
  'POST /api/sambatan/unsubscribe/:token',
];

const sensitive = new Set(sensitiveRoutes);
const open = new Set(publicWrites);

/**
 * Returns the name of a route in the lists of this file. A page has the same name in every
 * language.
 */
export const routeKey = (method: string, url: string): string =>
  `${method} ${withoutLanguage(url)}`;

/**
 * Sets `isSensitive` and `isPublicWrite` for all routes registered from now on, by the lists of
 * this file.
 */
export function markSensitiveRoutes(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    const keys = [route.method].flat().map((method) => routeKey(method, route.url));
    // If one handler serves several methods, the route is sensitive if one of these methods is in
    // the list.
    const isSensitive = keys.some((key) => sensitive.has(key));
    const isPublicWrite = keys.some((key) => open.has(key));
    route.config = { ...route.config, isSensitive, isPublicWrite };
  });
}
