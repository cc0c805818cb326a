import { busySeconds, define, fixed, type ErrorTable } from './definition.ts';
import { statusWord, eventWord } from '../wording/state-words.ts';
import { withPlural } from '../wording/plurals.ts';

/** Campaigns: their terms, deadlines, transitions and decisions. */
export const campaignsErrors = {
  campaign_not_found: fixed(
    404,
    { id: 'Sambatan tidak ditemukan', en: 'Campaign not found' },
    {
      id: 'Sambatan ini tidak ada atau belum diterbitkan. Coba cari sambatan lain, ya.',
      en: 'This campaign does not exist or is not published yet. Have a look at the others.',
    },
  ),
  campaign_already_open: fixed(
    409,
    { id: 'Sambatan sudah dibuka', en: 'Campaign already open' },
    {
      id: 'Setelah sambatan dibuka, hanya judul dan deskripsinya yang bisa diubah.',
      en: 'Once a campaign is open, only its title and description can be changed.',
    },
  ),
  campaign_not_active: define<{ readonly status: string }>(
    409,
    { id: 'Sambatan tidak sedang dibuka', en: 'Campaign not open' },
    ({ status }) => ({
      id: `Sambatan ini ${statusWord(status).id}, jadi belum bisa diikuti. Cek sambatan lain, yuk!`,
      en: `This campaign is ${statusWord(status).en} and takes no joins now. See the others!`,
    }),
  ),
  campaign_closing: fixed(
    409,
    { id: 'Sambatan sedang ditutup', en: 'Campaign is closing' },
    {
      id: 'Sambatan ini sedang ditutup dan tidak bisa diubah lagi. Cek hasilnya sebentar lagi, ya.',
      en: 'This campaign is being closed and cannot be changed any more. See its result in a moment.',
    },
  ),
  campaign_busy: fixed(
    503,
    { id: 'Sambatan sedang ramai', en: 'Campaign is busy' },
    {
      id: 'Sambatan ini sedang diproses. Permintaanmu belum tercatat; coba lagi sebentar lagi, ya.',
      en: 'This campaign is being worked on. Your request was not recorded; try again in a moment.',
    },
    busySeconds,
  ),
  deadline_passed: fixed(
    409,
    { id: 'Batas waktu sudah lewat', en: 'Deadline has passed' },
    {
      id: 'Yah, batas waktu sambatan ini sudah lewat. Cek sambatan lain yang masih dibuka, yuk!',
      en: 'The deadline of this campaign has passed. See the others that are still open!',
    },
  ),
  deadline_not_in_future: fixed(
    422,
    { id: 'Batas waktu sudah lewat', en: 'Deadline not in the future' },
    {
      id: 'Batas waktu harus di masa depan. Pilih tanggal dan jam yang belum lewat.',
      en: 'The deadline must be in the future. Choose a later date and time.',
    },
  ),
  deadline_not_later: fixed(
    422,
    { id: 'Batas waktu tidak lebih lama', en: 'Deadline not later' },
    {
      id: 'Batas waktu baru harus setelah batas waktu yang sekarang. Pilih waktu yang lebih lama.',
      en: 'The new deadline must be after the present one. Choose a later time.',
    },
  ),
  transition_not_allowed: define<{ readonly from: string; readonly event: string }>(
    409,
    { id: 'Perubahan tidak bisa dilakukan', en: 'Change not possible' },
    ({ from, event }) => ({
      id: `Sambatan yang ${statusWord(from).id} tidak bisa ${eventWord(event).id}.`,
      en: `A campaign that is ${statusWord(from).en} cannot be ${eventWord(event).en}.`,
    }),
  ),
  shortfall_not_possible: define<{ readonly minimum: number; readonly maximum: number }>(
    422,
    { id: 'Jumlah slot tidak sesuai', en: 'Number of slots not accepted' },
    ({ minimum, maximum }) => ({
      id: `Slot yang bisa dipenuhi harus ${minimum} sampai ${maximum}. Ubah jumlahnya, ya.`,
      en: `Between ${minimum} and ${withPlural(maximum, 'slot')} can be delivered. Please change the number.`,
    }),
  ),
  no_decision_open: fixed(
    409,
    { id: 'Tidak ada yang perlu diputuskan', en: 'Nothing to decide' },
    {
      id: 'Sambatan ini tidak menunggu keputusan lanjut atau batal. Muat ulang untuk melihat keadaannya.',
      en: 'Nobody has to decide whether this campaign goes on. Reload to see how it stands.',
    },
  ),
  decision_is_sellers: fixed(
    409,
    { id: 'Masih giliran penjual', en: 'The seller decides first' },
    {
      id: 'Penjual masih punya waktu untuk memutuskan. Setelah waktunya lewat, kamu bisa memutuskan.',
      en: 'The seller still has time to decide. Once it is over, you can decide.',
    },
  ),
  goods_received_already: fixed(
    409,
    { id: 'Barang sudah diterima', en: 'Goods were received already' },
    {
      id: 'Sudah ada pembeli yang menerima barangnya, jadi sambatan ini tidak bisa dibatalkan lagi.',
      en: 'A buyer has received the goods, so this campaign cannot be called off any more.',
    },
  ),
  goods_shipped_already: fixed(
    409,
    { id: 'Barang sudah dikirim', en: 'Goods were shipped already' },
    {
      id: 'Barangnya sudah dikirim, jadi sambatan ini tidak bisa dibatalkan lagi. Lanjutkan saja.',
      en: 'The goods are on their way, so this campaign cannot be called off any more. Go on with it.',
    },
  ),
} as const satisfies ErrorTable;
