import type { MessageDefinition, Write } from './messages.ts';
import type { Topic } from './topics.ts';

/** Returns a paragraph with a person's own words, if there are any. */
const said = (label: string, words: string | undefined) =>
  words === undefined || words === '' ? '' : `${label}: “${words}”`;

function kind(topic: Topic, id: Write, en: Write): MessageDefinition {
  return { topic, id, en };
}

const write =
  (title: Parts, ...paragraphs: Parts[]): Write =>
  (params, say) => ({
    title: title(params, say),
    paragraphs: paragraphs.map((paragraph) => paragraph(params, say)),
  });
type Parts = (...given: Parameters<Write>) => string;

/**
 * The amount to transfer has a unique code that is assigned when the buyer first opens the
 * payment. A notification with the bare price would lead to a transfer that matches no payment.
 */
const seeSum = {
  id: 'Buka Sambatan untuk melihat jumlah persisnya dan rekeningnya.',
  en: 'Open Sambatan for the exact amount and the account.',
} as const;

/** Notifications to buyers about their slots, their money, and their campaigns. */
export const buyerMessages = {
  joined: kind(
    'orders',
    write(
      (p) => `Kamu sudah ikut ${p.campaign}`,
      (p, s) => `${s.slots(p.quantity)} di ${p.campaign} dari ${p.brand} sudah disimpan untukmu.`,
      (p, s) =>
        `Kamu belum perlu membayar. Kalau Sambatan ini berhasil sebelum ${s.time(p.until)}, kami kabari cara bayarnya.`,
    ),
    write(
      (p) => `You have joined ${p.campaign}`,
      (p, s) => `${s.slots(p.quantity)} of ${p.campaign} by ${p.brand} are kept for you.`,
      (p, s) =>
        `There is nothing to pay yet. If this campaign succeeds by ${s.time(p.until)}, we will tell you how to pay.`,
    ),
  ),
  joined_upfront: kind(
    'orders',
    write(
      (p) => `Yuk, bayar slotmu di ${p.campaign}`,
      (p, s) => `${s.slots(p.quantity)} di ${p.campaign} dari ${p.brand} disimpan untukmu.`,
      (p, s) =>
        `Bayar sebelum ${s.time(p.until)}. Lewat dari itu, slotmu kami lepas untuk pembeli lain.`,
      () => seeSum.id,
    ),
    write(
      (p) => `Please pay for your slots of ${p.campaign}`,
      (p, s) => `${s.slots(p.quantity)} of ${p.campaign} by ${p.brand} are kept for you.`,
      (p, s) => `Pay before ${s.time(p.until)}. After that your slots go to other buyers.`,
      () => seeSum.en,
    ),
  ),
  payment_verified: kind(
    'payments',
    write(
      (p) => `Pembayaranmu untuk ${p.campaign} sudah kami terima`,
      (p, s) => `${s.rupiah(p.amount)} sudah masuk dan ${s.slots(p.quantity)} pasti jadi milikmu.`,
      () => 'Terima kasih! Kabar berikutnya kami kirim saat Sambatan ini ditutup.',
    ),
    write(
      (p) => `Your payment for ${p.campaign} has arrived`,
      (p, s) => `${s.rupiah(p.amount)} has arrived: ${s.slots(p.quantity)} for certain.`,
      () => 'Thank you! You will hear from us again when this campaign closes.',
    ),
  ),
  order_confirmed: kind(
    'orders',
    write(
      (p) => `${p.campaign} berhasil!`,
      (p, s) => `Sambatan ini tercapai dan ${s.slots(p.quantity)} jadi milikmu.`,
      (p, s) => `Sekarang waktunya membayar, paling lambat ${s.time(p.until)}. ${seeSum.id}`,
    ),
    write(
      (p) => `${p.campaign} has succeeded!`,
      (p, s) => `This campaign has reached its goal: ${s.slots(p.quantity)} for you.`,
      (p, s) => `Now it is time to pay, by ${s.time(p.until)}. ${seeSum.en}`,
    ),
  ),
  payment_reminder: kind(
    'orders',
    write(
      (p) => `Pesananmu di ${p.campaign} menunggu dibayar`,
      (p, s) =>
        `${s.slots(p.quantity)} jadi milikmu kalau dibayar paling lambat ${s.time(p.until)}.`,
      (p, s) => (p.amount === undefined ? seeSum.id : `Transfer persis ${s.rupiah(p.amount)}, ya.`),
      () => 'Lewat dari itu, pesananmu batal dan slotnya ditawarkan ke pembeli lain.',
    ),
    write(
      (p) => `Your order of ${p.campaign} is waiting for your payment`,
      (p, s) => `Pay by ${s.time(p.until)} to keep your ${s.slots(p.quantity)}.`,
      (p, s) =>
        p.amount === undefined ? seeSum.en : `Please transfer exactly ${s.rupiah(p.amount)}.`,
      () => 'After that your order is cancelled, and its slots are offered to other buyers.',
    ),
  ),
  order_unpaid: kind(
    'orders',
    write(
      (p) => `Pesananmu di ${p.campaign} batal karena belum dibayar`,
      (p, s) =>
        `Sampai batas waktunya pembayaran untuk ${s.slots(p.quantity)} belum kami terima, jadi slotnya dilepas.`,
      () => 'Kalau transfermu ternyata masuk belakangan, uangmu kembali seluruhnya.',
    ),
    write(
      (p) => `Your order of ${p.campaign} is cancelled: it was not paid`,
      (p, s) => `No payment for ${s.slots(p.quantity)} arrived in time, so they went to others.`,
      () => 'If a transfer of yours still turns up, all of it comes back to you.',
    ),
  ),
  campaign_verifying: kind(
    'campaigns',
    write(
      (p) => `${p.campaign}: waktunya habis, pembayaran sedang dicek`,
      () =>
        'Pembayaran yang dilakukan sebelum batas waktu tetap dihitung, kapan pun kami melihatnya.',
      (p, s) =>
        `Hasilnya kami kabari begitu semua pembayaran dicek, paling lambat ${s.time(p.until)}.`,
      () => 'Sudah transfer tapi belum kirim bukti? Kirim buktinya di Sambatan supaya cepat dicek.',
    ),
    write(
      (p) => `${p.campaign}: time is up, payments are being checked`,
      () => 'What was paid before the deadline counts, whenever we get to see it.',
      (p, s) => `You will hear the result once every payment is checked, by ${s.time(p.until)}.`,
      () => 'Paid, but sent no proof yet? Send it on Sambatan, so that it is checked sooner.',
    ),
  ),
  refunded_below_minimum: kind(
    'orders',
    write(
      (p) => `${p.campaign} tidak jadi dibuat`,
      (p) => `Pesanan yang dibayar kurang dari minimal, jadi ${p.brand} tidak melanjutkannya.`,
      () => 'Uang yang sudah kamu bayar kembali seluruhnya. Kami kabari saat dikirim.',
    ),
    write(
      (p) => `${p.campaign} is not made after all`,
      (p) => `Fewer orders were paid than the minimum, so ${p.brand} does not go on with it.`,
      () => 'All that you paid comes back to you. We will tell you when it is sent.',
    ),
  ),
  campaign_succeeded: kind(
    'campaigns',
    write(
      (p) => `${p.campaign} berhasil!`,
      (p, s) => `${s.slots(p.slots_taken)} terisi. ${p.brand} mulai menyiapkan pesananmu.`,
    ),
    write(
      (p) => `${p.campaign} has succeeded!`,
      (p, s) => `${s.slots(p.slots_taken)} were taken. ${p.brand} now prepares your order.`,
    ),
  ),
  left: kind(
    'orders',
    write(
      (p) => `Kamu sudah keluar dari ${p.campaign}`,
      (p, s) => `${s.slots(p.quantity)} sudah kamu lepas. Tidak ada yang perlu kamu bayar.`,
    ),
    write(
      (p) => `You have left ${p.campaign}`,
      (p, s) => `You have given back ${s.slots(p.quantity)}. There is nothing to pay.`,
    ),
  ),
  removed: kind(
    'orders',
    write(
      (p) => `Keikutsertaanmu di ${p.campaign} dibatalkan`,
      (p, s) => `${s.slots(p.quantity)} dibatalkan oleh pengelola Sambatan.`,
      (p) => said('Alasannya', p.reason),
    ),
    write(
      (p) => `Your slots of ${p.campaign} were cancelled`,
      (p, s) => `${s.slots(p.quantity)} cancelled by the people who run Sambatan.`,
      (p) => said('The reason', p.reason),
    ),
  ),
  hold_lapsed: kind(
    'orders',
    write(
      (p) => `Waktu bayarmu untuk ${p.campaign} sudah habis`,
      (p, s) => `${s.slots(p.quantity)} sudah kami lepas karena belum dibayar sampai batasnya.`,
      () => 'Masih mau ikut? Selama slotnya ada, kamu bisa ikut lagi.',
    ),
    write(
      (p) => `Your time to pay for ${p.campaign} is over`,
      (p, s) => `${s.slots(p.quantity)} were given back because no payment came in time.`,
      () => 'Still want them? As long as there are slots left, you can join again.',
    ),
  ),
  refunded_failed: kind(
    'orders',
    write(
      (p) => `${p.campaign} belum berhasil`,
      (p, s) =>
        `Sampai batas waktunya pembelinya belum cukup, jadi ${s.slots(p.quantity)} dilepas.`,
      () => 'Kalau kamu sudah membayar, uangmu kembali seluruhnya. Kami kabari saat dikirim.',
    ),
    write(
      (p) => `${p.campaign} did not succeed`,
      (p, s) => `Too few had joined by the deadline, so ${s.slots(p.quantity)} went back.`,
      () => 'If you have paid, all of it comes back to you. We will tell you when it is sent.',
    ),
  ),
  refunded_cancelled: kind(
    'orders',
    write(
      (p) => `${p.campaign} dibatalkan`,
      (p, s) => `${p.brand} membatalkan Sambatan ini, jadi ${s.slots(p.quantity)} dilepas.`,
      (p) => said('Alasannya', p.reason),
      () => 'Kalau kamu sudah membayar, uangmu kembali seluruhnya. Kami kabari saat dikirim.',
    ),
    write(
      (p) => `${p.campaign} was cancelled`,
      (p, s) => `${p.brand} has called this campaign off, so ${s.slots(p.quantity)} went back.`,
      (p) => said('The reason', p.reason),
      () => 'If you have paid, all of it comes back to you. We will tell you when it is sent.',
    ),
  ),
  refunded_otherwise: kind(
    'orders',
    write(
      (p) => `Pesananmu di ${p.campaign} tidak dilanjutkan`,
      (p, s) => `${s.slots(p.quantity)} dilepas.`,
      () => 'Kalau kamu sudah membayar, uangmu kembali. Kami kabari saat dikirim.',
    ),
    write(
      (p) => `Your order of ${p.campaign} does not go on`,
      (p, s) => `${s.slots(p.quantity)} went back.`,
      () => 'If you have paid, you get your money back. We will tell you when it is sent.',
    ),
  ),
  received: kind(
    'orders',
    write(
      (p) => `${p.campaign} sudah kamu terima`,
      () => 'Senang barangnya sudah sampai. Terima kasih sudah ikut Sambatan!',
    ),
    write(
      (p) => `You have received ${p.campaign}`,
      () => 'We are glad that it has arrived. Thank you for joining!',
    ),
  ),
  deadline_extended: kind(
    'campaigns',
    write(
      (p) => `Batas waktu ${p.campaign} diperpanjang`,
      (p, s) => `Sambatan ini sekarang ditutup ${s.time(p.until)}.`,
      (p) => said('Alasannya', p.reason),
    ),
    write(
      (p) => `${p.campaign} closes later`,
      (p, s) => `This campaign now closes at ${s.time(p.until)}.`,
      (p) => said('The reason', p.reason),
    ),
  ),
  deadline_day: kind(
    'reminders',
    write(
      (p) => `Besok ${p.campaign} ditutup`,
      (p, s) => `Sambatan ini ditutup ${s.time(p.until)}. Kamu minta diingatkan sehari sebelumnya.`,
      (p, s) => `Sekarang terisi ${p.slots_taken ?? 0} dari ${s.slots(p.total_slots)}.`,
    ),
    write(
      (p) => `${p.campaign} closes in a day`,
      (p, s) => `This campaign closes at ${s.time(p.until)}. You asked to be reminded.`,
      (p, s) => `Now ${p.slots_taken ?? 0} of ${s.slots(p.total_slots)} are taken.`,
    ),
  ),
  deadline_hour: kind(
    'reminders',
    write(
      (p) => `Satu jam lagi ${p.campaign} ditutup`,
      (p, s) => `Sambatan ini ditutup ${s.time(p.until)}. Yuk, jangan sampai ketinggalan.`,
      (p, s) => `Sekarang terisi ${p.slots_taken ?? 0} dari ${s.slots(p.total_slots)}.`,
    ),
    write(
      (p) => `${p.campaign} closes in an hour`,
      (p, s) => `This campaign closes at ${s.time(p.until)}. You asked to be reminded.`,
      (p, s) => `Now ${p.slots_taken ?? 0} of ${s.slots(p.total_slots)} are taken.`,
    ),
  ),
  hold_ending: kind(
    'orders',
    write(
      (p) => `Sebentar lagi waktu bayarmu untuk ${p.campaign} habis`,
      (p, s) => `${s.slots(p.quantity)} masih kami simpan sampai ${s.time(p.until)}.`,
      (p, s) =>
        p.amount === undefined
          ? `Bayar sebelum itu supaya slotmu tidak lepas. ${seeSum.id}`
          : `Transfer persis ${s.rupiah(p.amount)} sebelum itu supaya slotmu tidak lepas.`,
    ),
    write(
      (p) => `Your time to pay for ${p.campaign} is almost over`,
      (p, s) => `${s.slots(p.quantity)} kept for you until ${s.time(p.until)}.`,
      (p, s) =>
        p.amount === undefined
          ? `Pay before then to keep them. ${seeSum.en}`
          : `Transfer exactly ${s.rupiah(p.amount)} before then to keep them.`,
    ),
  ),
} as const satisfies Record<string, MessageDefinition>;
