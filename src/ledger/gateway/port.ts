/** An order that a buyer pays at the provider. */
export interface Order {
  /** Our name for it; the same name again is the same order. */
  readonly reference: string;
  /** Whole rupiah. */
  readonly amount: bigint;
  /** From when on, and for how many minutes, it can be paid: its end does not move. */
  readonly startsAt: Date;
  readonly minutes: number;
}

export interface Refund {
  readonly orderReference: string;
  /** Our name for it; the same name again is the same refund. */
  readonly reference: string;
  /** Whole rupiah, at most what was paid. */
  readonly amount: bigint;
}

/** Nobody knows what came of the call: the answer was lost, or is none. */
export interface Unknown {
  readonly outcome: 'unknown';
  /** For the log; holds nothing secret. */
  readonly reason: string;
}

/** The provider has not done it, and says so. */
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
  /** When the buyer paid; null while that is not so, or not known. */
  readonly paidAt: Date | null;
  /** The provider's own name for the payment. */
  readonly providerName: string | null;
  /** Our names of the refunds that were made. */
  readonly refunds: readonly string[];
}

/** A payment provider. Nothing here throws for what the network or the provider does. */
export interface Gateway {
  /** As `transactions.provider` has it. */
  readonly name: string;
  createOrder(order: Order): Promise<Ordered | Refused | Unknown>;
  orderStatus(reference: string): Promise<OrderStatus | Unknown>;
  refund(refund: Refund): Promise<Refunded | Refused | Unknown>;
  /** The order that a notification is about; undefined when the provider did not sign it. */
  readNotification(body: unknown): string | undefined;
}
