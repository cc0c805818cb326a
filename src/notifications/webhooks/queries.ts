import { query } from '../../database/query.ts';

export interface EndpointRow {
  readonly endpoint_id: string;
  readonly brand_id: string | null;
  readonly url: string;
  readonly description: string;
  readonly events: string[];
  readonly status: 'enabled' | 'disabled' | 'removed';
  readonly status_reason: string | null;
  readonly previous_secret_until: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const columns = `endpoint_id, brand_id, url, description, events, status, status_reason,
    previous_secret_until, created_at, updated_at`;

export const insertEndpoint = query<
  [
    endpointId: string,
    brandId: string | null,
    url: string,
    description: string,
    events: string[],
    secret: string,
  ],
  EndpointRow
>(
  'insert_endpoint',
  `insert into sambatan.webhook_endpoints
    (endpoint_id, brand_id, url, description, events, secret)
  values ($1, $2, $3, $4, $5, $6)
  returning ${columns}`,
);

/**
 * Query that locks the endpoints of a brand (or the endpoints without a brand). So no other
 * transaction can add an endpoint between the count and the insert of this transaction.
 */
export const lockEndpoints = query<[brandId: string | null], never>(
  'lock_endpoints',
  `select pg_advisory_xact_lock(hashtext('sambatan webhooks ' || coalesce($1::text, '')))`,
);

export const countEndpoints = query<[brandId: string | null], { readonly count: number }>(
  'count_endpoints',
  `select count(*)::integer as count from sambatan.webhook_endpoints
  where status <> 'removed' and brand_id is not distinct from $1`,
);

export const findEndpoint = query<[endpointId: string], EndpointRow>(
  'find_endpoint',
  `select ${columns} from sambatan.webhook_endpoints
  where endpoint_id = $1 and status <> 'removed'`,
);

/** Query for a brand's endpoints, or for the endpoints without a brand, newest first. */
export const listEndpoints = query<
  [brandId: string | null, before: string | null, limit: number],
  EndpointRow
>(
  'list_endpoints',
  `select ${columns} from sambatan.webhook_endpoints
  where status <> 'removed' and brand_id is not distinct from $1
    and endpoint_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
  order by endpoint_id desc limit $3`,
);

/** Query that changes an endpoint. A null parameter does not change its field. */
export const updateEndpoint = query<
  [
    endpointId: string,
    url: string | null,
    description: string | null,
    events: string[] | null,
    status: 'enabled' | 'disabled' | 'removed' | null,
    statusReason: string | null,
  ],
  EndpointRow
>(
  'update_endpoint',
  `update sambatan.webhook_endpoints set url = coalesce($2, url),
    description = coalesce($3, description), events = coalesce($4, events),
    status = coalesce($5, status),
    status_reason = case when $5 is null then status_reason else $6 end,
    updated_at = clock_timestamp()
  where endpoint_id = $1
  returning ${columns}`,
);

/**
 * Query that stores a new signing secret. The previous secret stays valid for this many more
 * seconds.
 */
export const rotateSecret = query<
  [endpointId: string, secret: string, keptSeconds: number],
  EndpointRow
>(
  'rotate_secret',
  `update sambatan.webhook_endpoints set previous_secret = secret, secret = $2,
    previous_secret_until = clock_timestamp() + $3::double precision * interval '1 second',
    updated_at = clock_timestamp()
  where endpoint_id = $1
  returning ${columns}`,
);

/** Query that drops the pending deliveries of a disabled endpoint. */
export const dropDeliveries = query<[endpointId: string, why: string], never>(
  'drop_deliveries',
  `update sambatan.deliveries set status = 'dropped', next_attempt_at = null, lease_id = null,
    last_result = $2, finished_at = clock_timestamp()
  where channel = 'webhook' and status = 'pending' and endpoint_id = $1`,
);
