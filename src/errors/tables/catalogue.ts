import { fixed, type ErrorTable } from './definition.ts';

/** Brands, their members, and products. */
export const catalogueErrors = {
  brand_not_found: fixed(
    404,
    { id: 'Brand tidak ditemukan', en: 'Brand not found' },
    {
      id: 'Brand ini tidak ada. Periksa lagi brand yang kamu pilih, ya.',
      en: 'This brand does not exist. Please check which brand you chose.',
    },
  ),
  product_not_found: fixed(
    404,
    { id: 'Produk tidak ditemukan', en: 'Product not found' },
    {
      id: 'Produk ini tidak ada. Pilih produk lain dari katalog brand-mu.',
      en: 'This product does not exist. Choose another one from the catalogue of your brand.',
    },
  ),
  picture_not_found: fixed(
    404,
    { id: 'Foto tidak ditemukan', en: 'Picture not found' },
    {
      id: 'Foto ini sudah diganti atau dihapus. Muat ulang halamannya untuk melihat yang baru.',
      en: 'This picture was replaced or removed. Reload the page to see the present one.',
    },
  ),
  product_not_enabled: fixed(
    409,
    { id: 'Produk belum dibuka untuk Sambatan', en: 'Product not enabled for Sambatan' },
    {
      id: 'Produk ini belum diaktifkan untuk Sambatan. Aktifkan dulu di pengaturan produk.',
      en: 'This product is not enabled for Sambatan. Enable it in the settings of the product first.',
    },
  ),
  member_not_found: fixed(
    404,
    { id: 'Anggota tidak ditemukan', en: 'Member not found' },
    {
      id: 'Orang ini bukan anggota brand-mu lagi. Muat ulang daftar anggotanya, ya.',
      en: 'This person is not a member of the brand any more. Reload the list of members.',
    },
  ),
  last_owner: fixed(
    409,
    { id: 'Pemilik terakhir', en: 'Last owner' },
    {
      id: 'Brand harus punya setidaknya satu pemilik. Jadikan anggota lain pemilik dulu, ya.',
      en: 'A brand needs at least one owner. Make another member an owner first.',
    },
  ),
  already_member: fixed(
    409,
    { id: 'Kamu sudah jadi anggota', en: 'Already a member' },
    {
      id: 'Kamu sudah jadi anggota brand ini, jadi undangannya tidak perlu dipakai.',
      en: 'You are a member of this brand already, so the invitation is not needed.',
    },
  ),
  invitation_not_found: fixed(
    404,
    { id: 'Undangan tidak berlaku', en: 'Invitation not valid' },
    {
      id: 'Undangan ini sudah dipakai, dibatalkan, atau kedaluwarsa. Minta undangan baru, ya.',
      en: 'This invitation was used, taken back, or has expired. Please ask for a new one.',
    },
  ),
  too_many_invitations: fixed(
    409,
    { id: 'Terlalu banyak undangan', en: 'Too many invitations' },
    {
      id: 'Sudah banyak undangan hari ini, dari kamu, brand ini, atau ke alamat itu. Lanjutkan besok, ya.',
      en: 'Many invitations were sent today, by you, by this brand or to this address. Please go on tomorrow.',
    },
  ),
} as const satisfies ErrorTable;
