/** An order that a buyer pays on the provider's page. */
export interface Order {
  /** Our reference; the provider treats a repeated one as the same order. */
  readonly reference: string;
  /** Whole rupiah. */
  readonly amount: bigint;
  /** Start and length of the time to pay; the end is fixed. */
  readonly startsAt: Date;
  readonly minutes: number;
}

export interface Refund {
  readonly orderReference: string;
  /** Our reference; the provider treats a repeated one as the same refund. */
  readonly reference: string;
  /** Whole rupiah, at most what was paid. */
  readonly amount: bigint;
}

/** The result of the call is unknown: no response, or an invalid one. */
export interface Unknown {
  readonly outcome: 'unknown';
  /** For the log; holds nothing secret. */
  readonly reason: string;
}

/** The provider refused. */
export interface Refused {
  readonly outcome: 'refused';
  readonly reason: string;
}

export type Ordered = { readonly outcome: 'made'; readonly redirectUrl: string };
export type Refunded = { readonly outcome: 'made' };

export interface OrderStatus {
  /** `absent`: the provider knows no payment of this name (yet); `open`: it may still be paid. */
  readonly outcome: 'paid' | 'open' | 'not_made' | 'absent';
  /** Whole rupiah that were paid, or are to be. */
  readonly amount: bigint;
  /** When the buyer paid; null if unpaid or unknown. */
  readonly paidAt: Date | null;
  /** The provider's reference of the payment. */
  readonly providerName: string | null;
  /** Our references of the refunds that were made. */
  readonly refunds: readonly string[];
}

/** A payment provider. Methods do not throw on errors of the network or the provider. */
export interface Gateway {
  /** As `transactions.provider` has it. */
  readonly name: string;
  createOrder(order: Order): Promise<Ordered | Refused | Unknown>;
  orderStatus(reference: string): Promise<OrderStatus | Unknown>;
  refund(refund: Refund): Promise<Refunded | Refused | Unknown>;
  /** Returns the order reference of a notification; undefined if its signature is invalid. */
  readNotification(body: unknown): string | undefined;
}
