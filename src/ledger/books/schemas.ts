import { Rupiah, closed } from '../../http/schemas.ts';

export const BooksSchema = closed(
  {
    gross: Rupiah,
    fee: Rupiah,
    paid: Rupiah,
    unique_codes: Rupiah,
    credits: Rupiah,
    returned: Rupiah,
    payouts_returned: Rupiah,
    receivable: Rupiah,
    codes_kept: Rupiah,
    refunds_due: Rupiah,
    refunds_settled: Rupiah,
    payouts_due: Rupiah,
    payouts_settled: Rupiah,
    held: Rupiah,
    owed_back: Rupiah,
    lost: Rupiah,
  },
  {
    title: 'CampaignBooks',
    description:
      'paid + unique_codes + credits + returned + receivable + owed_back + lost = gross + codes_kept + payouts_returned + refunds_due + refunds_settled. “held” is the cash in hand, “owed_back” the amount that buyers must return after duplicate refunds, and “lost” the written-off part of it.',
  },
);
