/** An order that a buyer pays on the provider's page. */
export interface Order {
  /**
   * The reference that the service chose. The provider treats a repeated reference as the same
   * order.
   */
  readonly reference: string;
  /** The amount to pay, in whole rupiah. */
  readonly amount: bigint;
  /** Start and length of the time to pay. The buyer cannot move its end. */
  readonly startsAt: Date;
  readonly minutes: number;
}

export interface Refund {
  readonly orderReference: string;
  /**
   * The reference that the service chose. The provider treats a repeated reference as the same
   * refund.
   */
  readonly reference: string;
  /** The amount to refund in whole rupiah; at most the amount that was paid. */
  readonly amount: bigint;
}

/** The result of the call is unknown, because there was no response or an invalid response. */
export interface Unknown {
  readonly outcome: 'unknown';
  /** The reason, for the log. It contains no secret. */
  readonly reason: string;
}

/** The provider refused the call. */
export interface Refused {
  readonly outcome: 'refused';
  readonly reason: string;
}

export type Ordered = { readonly outcome: 'made'; readonly redirectUrl: string };
export type Refunded = { readonly outcome: 'made' };

export interface OrderStatus {
  /**
   * `absent`: the provider does not know a payment with this reference (yet). `open`: the order may
   * still be paid.
   */
  readonly outcome: 'paid' | 'open' | 'not_made' | 'absent';
  /** The rupiah that were paid, or that are to be paid. */
  readonly amount: bigint;
  /** When the buyer paid; null if unpaid or unknown. */
  readonly paidAt: Date | null;
  /** The provider's reference of the payment. */
  readonly providerName: string | null;
  /** The references (chosen by the service) of the refunds that the provider made. */
  readonly refunds: readonly string[];
}

/** A payment provider. Methods do not throw on errors of the network or the provider. */
export interface Gateway {
  /** The name of the provider, as stored in `transactions.provider`. */
  readonly name: string;
  createOrder(order: Order): Promise<Ordered | Refused | Unknown>;
  orderStatus(reference: string): Promise<OrderStatus | Unknown>;
  refund(refund: Refund): Promise<Refunded | Refused | Unknown>;
  /** Returns the order reference of a notification; undefined if its signature is invalid. */
  readNotification(body: unknown): string | undefined;
}
