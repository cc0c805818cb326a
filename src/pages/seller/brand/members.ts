import type { FastifyReply, FastifyRequest } from 'fastify';
import { inviteByMail } from '../../../catalogue/invite-by-mail.ts';
import {
  invitedRoles,
  viewInvitations,
  withdrawInvitation,
} from '../../../catalogue/invitations.ts';
import type { InvitationRow, MemberRow } from '../../../catalogue/member-queries.ts';
import { changeRole, removeMember, viewMembers } from '../../../catalogue/members.ts';
import { authorizeOnBrand, renameBrand } from '../../../catalogue/operations.ts';
import { brandName } from '../../../catalogue/schemas.ts';
import type { PageDeps } from '../../deps.ts';
import { languages, type DomainError } from '../../../errors/errors.ts';
import { formParser } from '../../../http/forms.ts';
import { originForEmails } from '../../../http/csrf.ts';
import { choice, closed, text } from '../../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { brandRoles, may } from '../../../identity/policy.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { badge, exactMoment, input, select } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import { inLanguage, type PageContext } from '../../../web/visit.ts';
import { roleMeanings } from './brands.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { type FormState, submitForm, runAction } from '../../kit/form-action.ts';
import { idParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { nameOf, roleNames, shopHead, type ShopOf } from './shop-head.ts';

const readInvitation = formParser(
  closed({ email: text(3, 254), role: choice(invitedRoles), language: choice(languages) }),
);
const readRole = formParser(closed({ role: choice(brandRoles) }));
const readName = formParser(closed({ name: brandName }));

/** Members, invitations and the name are changed on one page. */
const formPage = '/toko/:id/anggota';

/** Who runs a brand, who is invited to, and the brand's name. */
export function memberPages(app: PageDeps): PagePlugin {
  return async (server) => {
    const page = async (visit: PageContext, brandId: string, shown: FormState, news?: Html) => {
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
    };

    const showAgain = async (
      request: FastifyRequest,
      reply: FastifyReply,
      brandId: string,
      refused: DomainError,
    ) => {
      const again = await page(request.visit, brandId, { typed: {}, refused });
      return sendPage(request, reply, again, refused.status);
    };

    server.get('/toko/:id/anggota', async (request, reply) => {
      const { visit } = request;
      return sendPage(
        request,
        reply,
        await page(visit, idParam(request), { typed: {} }, flashMessage(request)),
      );
    });

    server.post('/toko/:id/nama', { config: { formPage } }, async (request, reply) => {
      const { visit } = request;
      const id = idParam(request);
      const reading = readName(request.body);
      if (!('value' in reading)) {
        return sendPage(request, reply, await page(visit, id, reading), 422);
      }
      await runInTransaction(app.db, (tx) =>
        renameBrand(tx, visit.actor, id, reading.value.name.trim()),
      );
      return redirect(request, reply, withFlash(`/toko/${id}/anggota`, 'tersimpan'));
    });

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
        page: (state) => page(visit, id, state),
      });
    });

    server.post('/toko/:id/anggota/:user', async (request, reply) => {
      const { visit } = request;
      const [brandId, userId] = [idParam(request), idParam(request, 'user')];
      const reading = readRole(request.body);
      if (!('value' in reading)) {
        return sendPage(request, reply, await page(visit, brandId, { typed: {} }), 422);
      }
      const { role } = reading.value;
      return await runAction(request, reply, {
        run: () =>
          runInTransaction(app.db, (tx) => changeRole(tx, visit.actor, { brandId, userId, role })),
        next: withFlash(`/toko/${brandId}/anggota`, 'tersimpan'),
        showAgain: (refused) => showAgain(request, reply, brandId, refused),
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
        showAgain: (refused) => showAgain(request, reply, brandId, refused),
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
  };
}

interface MembersParts {
  readonly brand: ShopOf['brand'];
  readonly role: ShopOf['role'];
  readonly members: readonly MemberRow[];
  readonly invitations: readonly InvitationRow[];
  readonly manages: boolean;
  readonly ownersToo: boolean;
  readonly renames: boolean;
  readonly shown: FormState;
  readonly news: Html | undefined;
}

function membersPage(visit: PageContext, parts: MembersParts) {
  const { t } = visit;
  const { brand, members, shown, news, manages } = parts;
  const main = html`${news}${refusalNotice(visit, shown.refused)}${shopHead(visit, parts, 'members')}
    <div class="columns">
      <section class="panel" aria-labelledby="members">
        <h2 id="members">${t('Anggota', 'Members')}</h2>
        <ul class="people">
          ${members.map((member) => memberItem(visit, parts, member))}
        </ul>
      </section>
      <div>
        ${manages && invitationForm(visit, parts)}${parts.renames && nameForm(visit, parts)}
        <section class="panel" aria-labelledby="roles">
          <h2 id="roles">${t('Siapa boleh apa', 'Who may do what')}</h2>
          <ul>
            ${brandRoles.map((role) => html`<li>${inLanguage(visit, roleMeanings[role])}</li>`)}
          </ul>
        </section>
      </div>
    </div>`;
  const title = `${t('Anggota', 'Members')} · ${brand.name}`;
  return { title, section: 'shop' as const, main };
}

function memberItem(visit: PageContext, parts: MembersParts, member: MemberRow): Html {
  const { t, url, person } = visit;
  const isSelf = person?.userId === member.user_id;
  const mayChange = parts.manages && (member.role !== 'owner' || parts.ownersToo);
  const path = url(`/toko/${parts.brand.brand_id}/anggota/${member.user_id}`);
  const roles = brandRoles.filter((role) => role !== 'owner' || parts.ownersToo);
  const name = nameOf(visit, member);
  return html`<li>
    <div class="row apart">
      <p class="person">
        <strong>${name}</strong>${isSelf && html` <span class="quiet">(${t('kamu', 'you')})</span>`}
        ${member.email !== null && html`<br /><span class="quiet">${member.email}</span>`}
      </p>
      ${badge(inLanguage(visit, roleNames[member.role]))}
    </div>
    ${
      (mayChange || isSelf) &&
      html`<details>
        <summary>${t(`Ubah ${name}`, `Change ${name}`)}</summary>
        ${
          mayChange &&
          html`<form class="row" method="post" action="${path}">
            <div class="field">
              <label for="role-${member.user_id}">${t('Peran', 'Role')}</label>
              <select id="role-${member.user_id}" name="role">
                ${roles.map((role) => roleOption(visit, role, member.role))}
              </select>
            </div>
            <button class="button quiet">${t('Simpan', 'Save')}</button>
          </form>`
        }
        <form method="post" action="${path}/keluar">
          <button class="button danger">
            ${isSelf ? t('Keluar dari brand ini', 'Leave this brand') : t('Keluarkan', 'Remove')}
          </button>
        </form>
      </details>`
    }
  </li>`;
}

function roleOption(visit: PageContext, role: MemberRow['role'], present: MemberRow['role']): Html {
  const words = inLanguage(visit, roleNames[role]);
  return role === present
    ? html`<option value="${role}" selected>${words}</option>`
    : html`<option value="${role}">${words}</option>`;
}

function invitationForm(visit: PageContext, { brand, invitations, shown }: MembersParts): Html {
  const { t, url, language } = visit;
  const open = invitations.map(
    (one) =>
      html`<li class="row apart">
        <p class="person">
          <strong>${one.email}</strong><br /><span class="quiet"
            >${inLanguage(visit, roleNames[one.role])}, ${t('sampai', 'until')}
            ${exactMoment(visit, one.expires_at)}</span
          >
        </p>
        <form
          method="post"
          action="${url(`/toko/${brand.brand_id}/undangan/${one.invitation_id}/batal`)}"
        >
          <button class="button quiet">${t('Batalkan', 'Take back')}</button>
        </form>
      </li>`,
  );
  return html`<section class="panel" aria-labelledby="invite">
    <h2 id="invite">${t('Undang anggota', 'Invite a member')}</h2>
    <form class="stack" method="post" action="${url(`/toko/${brand.brand_id}/anggota/undang`)}">
      ${input(visit, {
        name: 'email',
        label: 'E-mail',
        value: shown.typed['email'],
        errors: shown.errors,
        required: true,
        control: { type: 'email', maxlength: 254, autocomplete: 'off' },
      })}
      <div class="fields">
        ${select(
          visit,
          {
            name: 'role',
            label: t('Peran', 'Role'),
            value: shown.typed['role'] ?? 'contributor',
            errors: shown.errors,
            required: true,
          },
          invitedRoles.map((value) => ({ value, label: inLanguage(visit, roleNames[value]) })),
        )}
        ${select(
          visit,
          {
            name: 'language',
            label: t('Bahasa e-mail', 'Language of the mail'),
            value: shown.typed['language'] ?? language,
            errors: shown.errors,
            required: true,
          },
          [
            { value: 'id', label: 'Indonesia' },
            { value: 'en', label: 'English' },
          ],
        )}
      </div>
      <button class="button">${t('Kirim undangan', 'Send invitation')}</button>
    </form>
    ${
      open.length > 0 &&
      html`<h3 class="spaced">${t('Menunggu jawaban', 'Waiting for an answer')}</h3>
        <ul class="people">
          ${open}
        </ul>`
    }
  </section>`;
}

function nameForm(visit: PageContext, { brand, shown }: MembersParts): Html {
  const { t, url } = visit;
  return html`<section class="panel" aria-labelledby="rename">
    <h2 id="rename">${t('Nama brand', 'Name of the brand')}</h2>
    <form class="stack" method="post" action="${url(`/toko/${brand.brand_id}/nama`)}">
      ${input(visit, {
        name: 'name',
        label: t('Nama', 'Name'),
        value: shown.typed['name'] ?? brand.name,
        errors: shown.errors,
        required: true,
        control: { minlength: 2, maxlength: 80 },
      })}
      <button class="button quiet">${t('Simpan nama', 'Save name')}</button>
    </form>
  </section>`;
}
