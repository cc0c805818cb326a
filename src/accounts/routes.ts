import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { DatabaseDeps } from '../database/pool.ts';
import type { ApiServer } from '../http/api-server.ts';
import { closed, Id, problems, text } from '../http/schemas.ts';
import { runInTransaction } from '../operation/run.ts';
import {
  addAddress,
  changeProfile,
  deleteAccount,
  editAddress,
  exportAccount,
  ownAddresses,
  readProfile,
  removeAddress,
} from './operations.ts';
import { revokeOperator, listOperators, grantOperator } from './operators.ts';
import {
  addressChange,
  addressFields,
  addressInput,
  Me,
  Operator,
  profileChange,
  profileFields,
  SavedAddress,
} from './schemas.ts';

const optional = { is_default: Type.Optional(Type.Boolean()) };
const Nothing = Type.Null({ description: 'Done' });

/** Routes of the caller's own account, and of operators. */
export function accountRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    profileRoutes(server, app);
    addressRoutes(server, app);
    operatorRoutes(server, app);
  };
}

/** Routes of the caller's profile: get, change, delete, export. */
function profileRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/me',
    { schema: about('My profile', { response: { 200: Me, ...problems(readProfile) } }) },
    async ({ actor }) => await readProfile(app.db, actor),
  );

  server.patch(
    '/me',
    {
      schema: about('Change my profile', {
        body: Type.Partial(closed(profileFields), { additionalProperties: false }),
        response: { 200: Me, ...problems(changeProfile) },
      }),
    },
    async ({ actor, body }) =>
      await runInTransaction(app.db, (tx) => changeProfile(tx, actor, profileChange(body))),
  );

  server.delete(
    '/me',
    {
      schema: about('Delete my account; what stays for the books has no personal data', {
        response: {
          204: Nothing,
          ...problems(deleteAccount),
        },
      }),
    },
    async ({ actor }, reply) => {
      await runInTransaction(app.db, (tx) => deleteAccount(tx, actor));
      return reply.code(204).send(null);
    },
  );

  server.get(
    '/me/export',
    {
      schema: about("Export all data of the caller's account", {
        response: {
          200: Type.Object({ user_id: Id }, { additionalProperties: true }),
          ...problems(exportAccount),
        },
      }),
    },
    async ({ actor }) => (await exportAccount(app.db, actor)) as { user_id: string },
  );
}

/** Routes of the caller's saved addresses. */
function addressRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/me/addresses',
    {
      schema: about("List the caller's saved addresses, the default one first", {
        response: { 200: closed({ items: Type.Array(SavedAddress) }), ...problems(ownAddresses) },
      }),
    },
    async ({ actor }) => ({ items: await ownAddresses(app.db, actor) }),
  );

  server.post(
    '/me/addresses',
    {
      schema: about('Save an address; the first one is the default', {
        body: closed({ ...addressFields, ...optional }),
        response: { 201: SavedAddress, ...problems(addAddress) },
      }),
    },
    async ({ actor, body }, reply) => {
      const input = addressInput(body);
      return reply
        .code(201)
        .send(await runInTransaction(app.db, (tx) => addAddress(tx, actor, input)));
    },
  );

  server.patch(
    '/me/addresses/:id',
    {
      schema: about('Change a saved address', {
        params: closed({ id: Id }),
        body: Type.Partial(closed({ ...addressFields, is_default: Type.Boolean() }), {
          additionalProperties: false,
        }),
        response: { 200: SavedAddress, ...problems(editAddress) },
      }),
    },
    async ({ actor, body, params }) =>
      await runInTransaction(app.db, (tx) =>
        editAddress(tx, actor, params.id, addressChange(body)),
      ),
  );

  server.delete(
    '/me/addresses/:id',
    {
      schema: about('Delete a saved address', {
        params: closed({ id: Id }),
        response: { 204: Nothing, ...problems(removeAddress) },
      }),
    },
    async ({ actor, params }, reply) => {
      await runInTransaction(app.db, (tx) => removeAddress(tx, actor, params.id));
      return reply.code(204).send(null);
    },
  );
}

/** Routes that list, grant and revoke operators. */
function operatorRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/operators',
    {
      schema: about('List the operators that were granted by others', {
        response: { 200: closed({ items: Type.Array(Operator) }), ...problems(listOperators) },
      }),
    },
    async ({ actor }) => ({ items: await listOperators(app.db, actor) }),
  );

  server.post(
    '/operators',
    {
      schema: about('Grant the operator role, by a verified e-mail address or a user id', {
        body: closed({ email: Type.Optional(text(3, 254)), user_id: Type.Optional(Id) }),
        response: {
          201: closed({ user_id: Id }),
          ...problems(grantOperator),
        },
      }),
    },
    async ({ actor, body }, reply) => {
      const { email, user_id } = body;
      const candidate = { email, userId: user_id?.toLowerCase() };
      const userId = await runInTransaction(app.db, (tx) => grantOperator(tx, actor, candidate));
      return reply.code(201).send({ user_id: userId });
    },
  );

  server.delete(
    '/operators/:id',
    {
      schema: about('Revoke the operator role', {
        params: closed({ id: Id }),
        response: {
          204: Nothing,
          ...problems(revokeOperator),
        },
      }),
    },
    async ({ actor, params }, reply) => {
      await runInTransaction(app.db, (tx) => revokeOperator(tx, actor, params.id));
      return reply.code(204).send(null);
    },
  );
}

function about<const S extends object>(summary: string, schema: S) {
  return { tags: ['accounts'], summary, ...schema };
}
