/** How a bank writes numbers: its sign between rupiah and sen, and between thousands. */
export interface NumberStyle {
  readonly decimal: '.' | ',';
  readonly thousands: '.' | ',' | '';
}

/**
 * Whole rupiah of what a bank writes, such as `1,500,037.00` or `Rp1.500.037`; undefined for what
 * is no number in that style, and for one with sen: nobody transfers those.
 */
export function parseRupiah(text: string, style: NumberStyle): bigint | undefined {
  const bare = text.replaceAll(/^Rp\.?\s*|\s/gi, '');
  const [whole = '', sen = '', ...rest] = bare.split(style.decimal);
  const digits = style.thousands === '' ? whole : whole.replaceAll(style.thousands, '');
  if (rest.length > 0 || !/^-?\d{1,15}$/.test(digits) || !/^0{0,4}$/.test(sen)) return undefined;
  return BigInt(digits);
}

/** What is to be transferred: the amount with its unique code. */
export function toTransfer(payment: {
  readonly amount: bigint;
  readonly unique_code: number;
}): bigint {
  return payment.amount + BigInt(payment.unique_code);
}
