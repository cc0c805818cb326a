import { query } from '../../database/query.ts';

export interface BankAccountRow {
  readonly bank: string;
  readonly number: string;
  readonly holder: string;
}

export interface ReceivingAccountRow {
  readonly bank: string;
  readonly number: string;
  readonly holder: string;
  readonly account_id: string;
  readonly is_default: boolean;
  readonly is_active: boolean;
  /** The last day (Asia/Jakarta, YYYY-MM-DD) up to which the statement is completely imported. */
  readonly statement_through: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const accountColumns = `account_id, bank, number, holder, is_default, is_active,
    statement_through::text as statement_through, created_at, updated_at`;

/**
 * Returns all receiving accounts, the default account first. The list is short, so it has no pages.
 */
export const listReceivingAccounts = query<[], ReceivingAccountRow>(
  'list_receiving_accounts',
  `select ${accountColumns} from sambatan.receiving_accounts
  order by is_default desc, created_at, account_id`,
);

export const findReceivingAccount = query<[accountId: string], ReceivingAccountRow>(
  'find_receiving_account',
  `select ${accountColumns} from sambatan.receiving_accounts where account_id = $1`,
);

/**
 * Records that an account's statement is completely imported through a day (YYYY-MM-DD). Schedules
 * a lifecycle run of the campaigns that wait for transfers to the account.
 */
export const statementImported = query<
  [accountId: string, through: string],
  { readonly campaign_id: string }
>(
  'statement_imported',
  'select i.campaign_id from sambatan.statement_imported($1, $2::text::date) i (campaign_id)',
  { writes: true },
);

/** Takes an advisory lock, so that only one transaction at a time changes the default account. */
export const lockReceivingAccounts = query<[], never>(
  'lock_receiving_accounts',
  "select pg_advisory_xact_lock(hashtext('sambatan receiving accounts'))",
);

export const clearDefaultAccount = query<[], never>(
  'clear_default_account',
  'update sambatan.receiving_accounts set is_default = false, updated_at = now() where is_default',
);

export const insertReceivingAccount = query<
  [accountId: string, bank: string, number: string, holder: string, isDefault: boolean],
  ReceivingAccountRow
>(
  'insert_receiving_account',
  `insert into sambatan.receiving_accounts (account_id, bank, number, holder, is_default)
  values ($1, $2, $3, $4, $5) on conflict (bank, number) do nothing
  returning ${accountColumns}`,
);

/** Changes a receiving account. A null parameter leaves its column unchanged. */
export const updateReceivingAccount = query<
  [accountId: string, holder: string | null, isDefault: boolean | null, isActive: boolean | null],
  ReceivingAccountRow
>(
  'update_receiving_account',
  `update sambatan.receiving_accounts set holder = coalesce($2, holder),
    is_default = coalesce($3, is_default), is_active = coalesce($4, is_active), updated_at = now()
  where account_id = $1 returning ${accountColumns}`,
);

export interface OwnAccountRow {
  readonly bank: string;
  readonly number: string;
  readonly holder: string;
  readonly updated_at: Date;
}

export const findRefundAccount = query<[userId: string], OwnAccountRow>(
  'find_refund_account',
  'select bank, number, holder, updated_at from sambatan.refund_accounts where user_id = $1',
);

export const putRefundAccount = query<
  [userId: string, bank: string, number: string, holder: string],
  OwnAccountRow
>(
  'put_refund_account',
  `insert into sambatan.refund_accounts (user_id, bank, number, holder) values ($1, $2, $3, $4)
  on conflict (user_id) do update set bank = excluded.bank, number = excluded.number,
    holder = excluded.holder, updated_at = now()
  returning bank, number, holder, updated_at`,
);

/** Which steps of the setup a brand has done: a product, a campaign, a bank account for payouts. */
export interface BrandSetupRow {
  readonly has_product: boolean;
  readonly has_campaign: boolean;
  readonly has_payout_account: boolean;
}

export const findBrandSetup = query<[brandId: string], BrandSetupRow>(
  'find_brand_setup',
  `select
    exists (select from sambatan.products where brand_id = $1 and sambatan_enabled) as has_product,
    exists (select from sambatan.campaigns where brand_id = $1) as has_campaign,
    exists (select from sambatan.payout_accounts where brand_id = $1) as has_payout_account`,
);

export const findPayoutAccount = query<[brandId: string], OwnAccountRow>(
  'find_payout_account',
  'select bank, number, holder, updated_at from sambatan.payout_accounts where brand_id = $1',
);

export const putPayoutAccount = query<
  [brandId: string, bank: string, number: string, holder: string],
  OwnAccountRow
>(
  'put_payout_account',
  `insert into sambatan.payout_accounts (brand_id, bank, number, holder) values ($1, $2, $3, $4)
  on conflict (brand_id) do update set bank = excluded.bank, number = excluded.number,
    holder = excluded.holder, updated_at = now()
  returning bank, number, holder, updated_at`,
);
