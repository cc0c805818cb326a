import { invitedRoles } from '../../../catalogue/invitations.ts';
import type { InvitationRow, MemberRow } from '../../../catalogue/member-queries.ts';
import { brandRoles } from '../../../identity/policy.ts';
import { badge, exactMoment, input, select, languageOptions } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import { inLanguage, type PageContext } from '../../../web/visit.ts';
import { roleMeanings } from './brands.ts';
import type { FormState } from '../../kit/form-action.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { nameOf, roleNames, shopHead, type ShopOf } from './shop-head.ts';

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

export function membersPage(visit: PageContext, parts: MembersParts) {
  const { t } = visit;
  const { brand, members, shown, news, manages } = parts;
  const main = html`${news}${refusalNotice(visit, shown.refused)}${shopHead(visit, parts, 'members')}
    <div class="columns">
      <section class="panel" aria-labelledby="members">
        <h2 id="members">${t('common.members')}</h2>
        <ul class="people">
          ${members.map((member) => memberItem(visit, parts, member))}
        </ul>
      </section>
      <div>
        ${manages && invitationForm(visit, parts)}${parts.renames && nameForm(visit, parts)}
        <section class="panel" aria-labelledby="roles">
          <h2 id="roles">${t('seller.membersPage.whoMayDoWhat')}</h2>
          <ul>
            ${brandRoles.map((role) => html`<li>${inLanguage(visit, roleMeanings[role])}</li>`)}
          </ul>
        </section>
      </div>
    </div>`;
  const title = `${t('common.members')} · ${brand.name}`;
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
        <strong>${name}</strong>${isSelf && html` <span class="quiet">(${t('common.you')})</span>`}
        ${member.email !== null && html`<br /><span class="quiet">${member.email}</span>`}
      </p>
      ${badge(inLanguage(visit, roleNames[member.role]))}
    </div>
    ${
      (mayChange || isSelf) &&
      html`<details>
        <summary>${t('seller.membersPage.manage', { name })}</summary>
        ${
          mayChange &&
          html`<form class="row" method="post" action="${path}">
            <div class="field">
              <label for="role-${member.user_id}">${t('seller.membersPage.role')}</label>
              <select id="role-${member.user_id}" name="role">
                ${roles.map((role) => roleOption(visit, role, member.role))}
              </select>
            </div>
            <button class="button quiet">${t('common.save')}</button>
          </form>`
        }
        <form method="post" action="${path}/keluar">
          <button class="button danger">
            ${isSelf ? t('seller.membersPage.leaveThisBrand') : t('seller.membersPage.remove')}
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
            >${inLanguage(visit, roleNames[one.role])}, ${t('common.until2')}
            ${exactMoment(visit, one.expires_at)}</span
          >
        </p>
        <form
          method="post"
          action="${url(`/toko/${brand.brand_id}/undangan/${one.invitation_id}/batal`)}"
        >
          <button class="button quiet">${t('seller.membersPage.cancelInvitation')}</button>
        </form>
      </li>`,
  );
  return html`<section class="panel" aria-labelledby="invite">
    <h2 id="invite">${t('seller.membersPage.inviteAMember')}</h2>
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
            label: t('seller.membersPage.role'),
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
            label: t('seller.membersPage.languageOfTheMail'),
            value: shown.typed['language'] ?? language,
            errors: shown.errors,
            required: true,
          },
          languageOptions(),
        )}
      </div>
      <button class="button">${t('seller.membersPage.sendInvitation')}</button>
    </form>
    ${
      open.length > 0 &&
      html`<h3 class="spaced">${t('seller.membersPage.waitingForAnAnswer')}</h3>
        <ul class="people">
          ${open}
        </ul>`
    }
  </section>`;
}

function nameForm(visit: PageContext, { brand, shown }: MembersParts): Html {
  const { t, url } = visit;
  return html`<section class="panel" aria-labelledby="rename">
    <h2 id="rename">${t('common.nameOfTheBrand')}</h2>
    <form class="stack" method="post" action="${url(`/toko/${brand.brand_id}/nama`)}">
      ${input(visit, {
        name: 'name',
        label: t('common.name2'),
        value: shown.typed['name'] ?? brand.name,
        errors: shown.errors,
        required: true,
        control: { minlength: 2, maxlength: 80 },
      })}
      <button class="button quiet">${t('seller.membersPage.saveName')}</button>
    </form>
  </section>`;
}
