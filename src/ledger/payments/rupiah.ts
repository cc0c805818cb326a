/** Returns the rupiah to transfer: the amount plus its unique code. */
export function toTransfer(payment: {
  readonly amount: bigint;
  readonly unique_code: number;
}): bigint {
  return payment.amount + BigInt(payment.unique_code);
}
