import type { Database } from '../../database/pool.ts';
import { DomainError, refusals } from '../../errors/errors.ts';
import type { Gateway } from './port.ts';

/** Dependencies of provider calls; `gateway` is undefined if none is configured. */
export interface GatewayDeps {
  readonly db: Database;
  readonly gateway: Gateway | undefined;
}

/** Returns the gateway, or throws if none is configured. */
export function requireGateway({ gateway }: GatewayDeps): Gateway {
  if (gateway === undefined) throw new DomainError('gateway_off', {});
  return gateway;
}

requireGateway.refusals = refusals('gateway_off');
