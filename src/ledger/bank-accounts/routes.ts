import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Database } from '../../database/pool.ts';
import type { ApiServer } from '../../http/api-server.ts';
import { userOf } from '../../http/authentication.ts';
import { closed, Id, problems } from '../../http/schemas.ts';
import { authorize } from '../../identity/policy.ts';
import { runInTransaction } from '../../operation/run.ts';
import {
  addReceivingAccount,
  editReceivingAccount,
  payoutAccount,
  receivingAccounts,
  refundAccount,
  setPayoutAccount,
  setRefundAccount,
} from './operations.ts';
import {
  bankFields,
  OwnAccountSchema,
  ownAccountOf,
  ReceivingAccountSchema,
  receivingAccountOf,
} from './schemas.ts';

/** Dependencies of the bank-account routes. */
interface BankAccountDeps {
  readonly db: Database;
  /**
   * `wake` starts a lifecycle run soon, because a newly imported statement may decide an outcome.
   */
  readonly scheduler: { wake(): void };
}

const params = closed({ id: Id });
const forWhom = { user_id: Type.Optional({ ...Id, description: 'Required for service callers' }) };

/** Routes of the bank accounts of the platform, buyers and brands. */
export function bankAccountRoutes(app: BankAccountDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    receivingAccountListRoutes(server, app);
    receivingAccountRoute(server, app);
    refundAccountRoutes(server, app);
    payoutAccountRoutes(server, app);
  };
}

/** Routes that list and add receiving accounts. */
function receivingAccountListRoutes(server: ApiServer, app: BankAccountDeps): void {
  server.get(
    '/receiving-accounts',
    {
      schema: {
        tags: ['money'],
        summary: 'List the receiving accounts, the default first',
        response: {
          200: closed({ items: Type.Array(ReceivingAccountSchema) }),
          ...problems(receivingAccounts),
        },
      },
    },
    async ({ actor }) => {
      const rows = await receivingAccounts(app.db, actor);
      return { items: rows.map(receivingAccountOf) };
    },
  );

  server.post(
    '/receiving-accounts',
    {
      schema: {
        tags: ['money'],
        summary: 'Add a receiving account; the first one is the default',
        body: closed({ ...bankFields, is_default: Type.Optional(Type.Boolean()) }),
        response: {
          201: ReceivingAccountSchema,
          ...problems(addReceivingAccount),
        },
      },
    },
    async ({ actor, body: { is_default = false, ...given } }, reply) => {
      const row = await runInTransaction(app.db, (tx) =>
        addReceivingAccount(tx, actor, given, is_default),
      );
      return reply.code(201).send(receivingAccountOf(row));
    },
  );
}

/** Route that changes a receiving account. */
function receivingAccountRoute(server: ApiServer, app: BankAccountDeps): void {
  server.patch(
    '/receiving-accounts/:id',
    {
      schema: {
        tags: ['money'],
        summary: 'Set the default account, enable or disable an account, or correct its holder',
        params,
        body: closed({
          holder: Type.Optional(bankFields.holder),
          is_default: Type.Optional(Type.Literal(true)),
          is_active: Type.Optional(Type.Boolean()),
          statement_through: Type.Optional(
            Type.String({
              format: 'date',
              description:
                'The statement of the account is completely imported through this day (Asia/Jakarta); an earlier day changes nothing',
            }),
          ),
        }),
        response: {
          200: ReceivingAccountSchema,
          ...problems(editReceivingAccount),
        },
      },
    },
    async ({ actor, params: { id }, body }) => {
      const change = {
        holder: body.holder,
        isDefault: body.is_default,
        isActive: body.is_active,
        statementThrough: body.statement_through,
      };
      const row = await runInTransaction(app.db, (tx) =>
        editReceivingAccount(tx, actor, id, change),
      );
      // Campaigns that waited for this statement get a lifecycle run.
      if (body.statement_through !== undefined) app.scheduler.wake();
      return receivingAccountOf(row);
    },
  );
}

/** Routes of a buyer's bank account for refunds. */
function refundAccountRoutes(server: ApiServer, app: BankAccountDeps): void {
  server.get(
    '/refund-account',
    {
      schema: {
        tags: ['money'],
        summary: "Get the bank account for a buyer's refunds",
        querystring: closed(forWhom),
        response: { 200: OwnAccountSchema, ...problems(refundAccount) },
      },
    },
    async ({ actor, query: { user_id } }) => {
      const userId = staffMayName(actor, user_id);
      return ownAccountOf(await refundAccount(app.db, actor, userId));
    },
  );

  server.put(
    '/refund-account',
    {
      schema: {
        tags: ['money'],
        summary: "Set the bank account for a buyer's refunds",
        body: closed({ ...forWhom, ...bankFields }),
        response: {
          200: OwnAccountSchema,
          ...problems(setRefundAccount),
        },
      },
    },
    async ({ actor, body: { user_id, ...given } }) => {
      const userId = staffMayName(actor, user_id);
      return ownAccountOf(
        await runInTransaction(app.db, (tx) => setRefundAccount(tx, actor, userId, given)),
      );
    },
  );
}

/** Routes of a brand's bank account for payouts. */
function payoutAccountRoutes(server: ApiServer, app: BankAccountDeps): void {
  server.get(
    '/brands/:id/payout-account',
    {
      schema: {
        tags: ['money'],
        summary: 'Get the payout account of a brand; for its owner and staff',
        params,
        response: {
          200: OwnAccountSchema,
          ...problems(payoutAccount),
        },
      },
    },
    async ({ actor, params: { id } }) => ownAccountOf(await payoutAccount(app.db, actor, id)),
  );

  server.put(
    '/brands/:id/payout-account',
    {
      schema: {
        tags: ['money'],
        summary: 'Set the payout account of a brand',
        params,
        body: closed(bankFields),
        response: {
          200: OwnAccountSchema,
          ...problems(setPayoutAccount),
        },
      },
    },
    async ({ actor, params: { id }, body }) =>
      ownAccountOf(await runInTransaction(app.db, (tx) => setPayoutAccount(tx, actor, id, body))),
  );
}

/**
 * Returns the user who owns the bank account: the caller, or a buyer that an operator or the
 * service names.
 */
function staffMayName(actor: Parameters<typeof authorize>[0], named: string | undefined): string {
  const caller = authorize(actor, 'participation.join');
  return caller.kind === 'operator' && named !== undefined
    ? named.toLowerCase()
    : userOf(caller, named);
}
