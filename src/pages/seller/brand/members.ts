import { languages } from '../../../i18n/messages.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { inviteByMail } from '../../../catalogue/invite-by-mail.ts';
import {
  invitedRoles,
  viewInvitations,
  withdrawInvitation,
} from '../../../catalogue/invitations.ts';
import { changeRole, removeMember, viewMembers } from '../../../catalogue/members.ts';
import { authorizeOnBrand, renameBrand } from '../../../catalogue/operations.ts';
import { brandName } from '../../../catalogue/schemas.ts';
import type { PageDeps } from '../../deps.ts';
import type { DomainError } from '../../../errors/errors.ts';
import { formParser } from '../../../http/forms.ts';
import { originForEmails } from '../../../http/csrf.ts';
import { choice, closed, text } from '../../../http/schemas.ts';
import {
  redirect,
  sendPage,
  type PagePlugin,
  type PageServer,
} from '../../../http/page-response.ts';
import { brandRoles, may } from '../../../identity/policy.ts';
import { runInTransaction } from '../../../operation/run.ts';
import type { Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { type FormState, submitForm, runAction } from '../../kit/form-action.ts';
import { idParam } from '../../kit/params.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { membersPage } from './members-page.ts';

const readInvitation = formParser(
  closed({ email: text(3, 254), role: choice(invitedRoles), language: choice(languages()) }),
);

const readRole = formParser(closed({ role: choice(brandRoles) }));

const readName = formParser(closed({ name: brandName }));

/** Path of the page that has the forms for members, invitations and the name of the brand. */
const formPage = '/toko/:id/anggota';

/** Registers the pages for the members of a brand, its invitations and its name. */
export function memberPages(app: PageDeps): PagePlugin {
  return async (server) => {
    brandRoutes(server, app);
    invitationRoutes(server, app);
    memberRoutes(server, app);
  };
}

/**
 * Registers the page that shows the members of a brand, and the form that changes the brand's name.
 */
function brandRoutes(server: PageServer, app: PageDeps): void {
  server.get('/toko/:id/anggota', async (request, reply) => {
    const { visit } = request;
    return sendPage(
      request,
      reply,
      await pageOfBrand(app, visit, idParam(request), { typed: {} }, flashMessage(request)),
    );
  });

  server.post('/toko/:id/nama', { config: { formPage } }, async (request, reply) => {
    const { visit } = request;
    const id = idParam(request);
    const reading = readName(request.body);
    if (!('value' in reading)) {
      return sendPage(request, reply, await pageOfBrand(app, visit, id, reading), 422);
    }
    await runInTransaction(app.db, (tx) =>
      renameBrand(tx, visit.actor, id, reading.value.name.trim()),
    );
    return redirect(request, reply, withFlash(`/toko/${id}/anggota`, 'tersimpan'));
  });
}

/** Registers the forms that invite a member and that withdraw an invitation. */
function invitationRoutes(server: PageServer, app: PageDeps): void {
  server.post('/toko/:id/anggota/undang', async (request, reply) => {
    const { visit } = request;
    const id = idParam(request);
    return await submitForm(request, reply, {
      form: readInvitation(request.body),
      run: (invitation) => {
        const origin = originForEmails(app, request);
        return inviteByMail(app, visit.actor, { brandId: id, ...invitation, origin });
      },
      next: withFlash(`/toko/${id}/anggota`, 'diundang'),
      page: (state) => pageOfBrand(app, visit, id, state),
    });
  });

  server.post(
    '/toko/:id/undangan/:invitation/batal',
    { config: { formPage } },
    async (request, reply) => {
      const which = { brandId: idParam(request), invitationId: idParam(request, 'invitation') };
      await runInTransaction(app.db, (tx) => withdrawInvitation(tx, request.visit.actor, which));
      return redirect(
        request,
        reply,
        withFlash(`/toko/${which.brandId}/anggota`, 'undangan-batal'),
      );
    },
  );
}

/** Registers the forms that change the role of a member and that remove a member. */
function memberRoutes(server: PageServer, app: PageDeps): void {
  server.post('/toko/:id/anggota/:user', async (request, reply) => {
    const { visit } = request;
    const [brandId, userId] = [idParam(request), idParam(request, 'user')];
    const reading = readRole(request.body);
    if (!('value' in reading)) {
      return sendPage(request, reply, await pageOfBrand(app, visit, brandId, { typed: {} }), 422);
    }
    const { role } = reading.value;
    return await runAction(request, reply, {
      run: () =>
        runInTransaction(app.db, (tx) => changeRole(tx, visit.actor, { brandId, userId, role })),
      next: withFlash(`/toko/${brandId}/anggota`, 'tersimpan'),
      showAgain: (refused) => sendPageAgain(app, request, reply, brandId, refused),
    });
  });

  server.post('/toko/:id/anggota/:user/keluar', async (request, reply) => {
    const { visit } = request;
    const [brandId, userId] = [idParam(request), idParam(request, 'user')];
    const isSelf = visit.person?.userId === userId;
    return await runAction(request, reply, {
      run: () =>
        runInTransaction(app.db, (tx) => removeMember(tx, visit.actor, { brandId, userId })),
      next: isSelf
        ? withFlash('/toko', 'keluar')
        : withFlash(`/toko/${brandId}/anggota`, 'anggota-keluar'),
      showAgain: (refused) => sendPageAgain(app, request, reply, brandId, refused),
    });
  });
}

/** Returns the page with the members of one brand. */
async function pageOfBrand(
  app: PageDeps,
  visit: PageContext,
  brandId: string,
  shown: FormState,
  news?: Html,
) {
  requireSignedIn(visit);
  const { actor } = visit;
  const { brand, role } = await authorizeOnBrand(app.db, actor, 'brand.members.read', brandId);
  const rights = { brandRole: role };
  const manages = may(actor, 'brand.members.manage', rights);
  return membersPage(visit, {
    brand,
    role,
    members: await viewMembers(app.db, actor, brandId),
    invitations: manages ? await viewInvitations(app.db, actor, brandId) : [],
    manages,
    ownersToo: may(actor, 'brand.owners.manage', rights),
    renames: may(actor, 'brand.edit', rights),
    shown,
    news,
  });
}

/** Sends the page again with the reason why a form was refused. */
async function sendPageAgain(
  app: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  brandId: string,
  refused: DomainError,
) {
  const again = await pageOfBrand(app, request.visit, brandId, { typed: {}, refused });
  return sendPage(request, reply, again, refused.status);
}
