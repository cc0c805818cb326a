import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Database } from '../database/pool.ts';
import { languages } from '../i18n/messages.ts';
import { brandRoles } from '../identity/policy.ts';
import type { ApiServer } from '../http/api-server.ts';
import { runInTransaction } from '../operation/run.ts';
import { originForEmails } from '../http/csrf.ts';
import { choice, closed, Id, nullable, problems, text, Timestamp } from '../http/schemas.ts';
import {
  acceptInvitation,
  invitedRoles,
  viewInvitations,
  withdrawInvitation,
} from './invitations.ts';
import { inviteByMail } from './invite-by-mail.ts';
import { changeRole, removeMember, viewMembers } from './members.ts';

/** Dependencies of the routes of members and invitations. */
type MemberDeps = { readonly db: Database } & Parameters<typeof inviteByMail>[0] &
  Parameters<typeof originForEmails>[0];

const brandId = closed({ id: Id });
const memberId = closed({ id: Id, user_id: Id });

/** Routes of a brand's members and invitations. */
export function memberRoutes(app: MemberDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    teamRoutes(server, app);
    invitationListRoutes(server, app);
    oneInvitationRoutes(server, app);
  };
}

/** Routes that list, change and remove the members of a brand. */
function teamRoutes(server: ApiServer, app: MemberDeps): void {
  server.get(
    '/brands/:id/members',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'List the members of a brand, owners first',
        params: brandId,
        response: {
          200: closed({ items: Type.Array(MemberSchema) }),
          ...problems(viewMembers),
        },
      },
    },
    async ({ actor, params: { id } }) => ({
      items: await viewMembers(app.db, actor, id),
    }),
  );

  server.patch(
    '/brands/:id/members/:user_id',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Change the role of a member',
        params: memberId,
        body: closed({ role: choice(brandRoles) }),
        response: {
          200: closed({ user_id: Id, role: choice(brandRoles) }),
          ...problems(changeRole),
        },
      },
    },
    async ({ actor, params: { id, user_id: userId }, body: { role } }) => {
      await runInTransaction(app.db, (tx) => changeRole(tx, actor, { brandId: id, userId, role }));
      return { user_id: userId, role };
    },
  );

  server.delete(
    '/brands/:id/members/:user_id',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Remove a member from a brand, or leave it',
        params: memberId,
        response: { 200: closed({ user_id: Id }), ...problems(removeMember) },
      },
    },
    async ({ actor, params: { id, user_id: userId } }) => {
      await runInTransaction(app.db, (tx) => removeMember(tx, actor, { brandId: id, userId }));
      return { user_id: userId };
    },
  );
}

/** Routes that list and send the invitations of a brand. */
function invitationListRoutes(server: ApiServer, app: MemberDeps): void {
  server.get(
    '/brands/:id/invitations',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'List the open invitations of a brand, newest first',
        params: brandId,
        response: {
          200: closed({ items: Type.Array(InvitationSchema) }),
          ...problems(viewInvitations),
        },
      },
    },
    async ({ actor, params: { id } }) => {
      const rows = await viewInvitations(app.db, actor, id);
      return {
        items: rows.map(({ invitation_id, ...rest }) => ({ id: invitation_id, ...rest })),
      };
    },
  );

  server.post(
    '/brands/:id/invitations',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Invite a person by e-mail; the link works once, for seven days',
        params: brandId,
        body: closed({
          email: text(3, 254),
          role: choice(invitedRoles),
          language: Type.Optional(choice(languages())),
        }),
        response: {
          201: closed({ id: Id, email: Type.String(), expires_at: Timestamp }),
          ...problems(inviteByMail),
        },
      },
    },
    async (request, reply) => {
      const { email, role, language = 'id' } = request.body;
      const origin = originForEmails(app, request);
      const input = { brandId: request.params.id, email, role, language, origin };
      const made = await inviteByMail(app, request.actor, input);
      const { invitationId: id, expiresAt: expires_at } = made;
      return reply.code(201).send({ id, email: made.email, expires_at });
    },
  );
}

/** Routes that withdraw and accept one invitation. */
function oneInvitationRoutes(server: ApiServer, app: MemberDeps): void {
  server.delete(
    '/brands/:id/invitations/:invitation_id',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Cancel an invitation',
        params: closed({ id: Id, invitation_id: Id }),
        response: {
          200: closed({ id: Id }),
          ...problems(withdrawInvitation),
        },
      },
    },
    async ({ actor, params: { id, invitation_id: invitationId } }) => {
      const which = { brandId: id, invitationId };
      await runInTransaction(app.db, (tx) => withdrawInvitation(tx, actor, which));
      return { id: invitationId };
    },
  );

  server.post(
    '/invitations/accept',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Accept an invitation',
        body: closed({ token: Type.String({ maxLength: 100, pattern: '^[\\w-]{20,100}$' }) }),
        response: {
          200: closed({ brand_id: Id, role: choice(brandRoles) }),
          ...problems(acceptInvitation),
        },
      },
    },
    async ({ actor, body: { token } }) => {
      const joined = await runInTransaction(app.db, (tx) => acceptInvitation(tx, actor, token));
      return { brand_id: joined.brandId, role: joined.role };
    },
  );
}

const MemberSchema = closed(
  {
    user_id: Id,
    role: choice(brandRoles),
    display_name: nullable(Type.String()),
    email: nullable(Type.String()),
    created_at: Timestamp,
  },
  { title: 'Member' },
);

const InvitationSchema = closed(
  {
    id: Id,
    email: Type.String(),
    role: choice(brandRoles),
    created_at: Timestamp,
    expires_at: Timestamp,
  },
  { title: 'Invitation' },
);
