import { wording } from '../../i18n/messages.ts';
import { fixed, type ErrorTable } from './definition.ts';

/** Errors about brands, their members, and products. */
export const catalogueErrors = {
  brand_not_found: fixed(
    404,
    wording('errors.brand_not_found.title'),
    wording('errors.brand_not_found.detail'),
  ),
  product_not_found: fixed(
    404,
    wording('errors.product_not_found.title'),
    wording('errors.product_not_found.detail'),
  ),
  picture_not_found: fixed(
    404,
    wording('errors.picture_not_found.title'),
    wording('errors.picture_not_found.detail'),
  ),
  product_not_enabled: fixed(
    409,
    wording('errors.product_not_enabled.title'),
    wording('errors.product_not_enabled.detail'),
  ),
  member_not_found: fixed(
    404,
    wording('errors.member_not_found.title'),
    wording('errors.member_not_found.detail'),
  ),
  last_owner: fixed(409, wording('errors.last_owner.title'), wording('errors.last_owner.detail')),
  already_member: fixed(
    409,
    wording('errors.already_member.title'),
    wording('errors.already_member.detail'),
  ),
  invitation_not_found: fixed(
    404,
    wording('errors.invitation_not_found.title'),
    wording('errors.invitation_not_found.detail'),
  ),
  too_many_invitations: fixed(
    409,
    wording('errors.too_many_invitations.title'),
    wording('errors.too_many_invitations.detail'),
  ),
} as const satisfies ErrorTable;
