import type { Language } from '../i18n/language.ts';
import { languages } from '../i18n/messages.ts';
import Type from 'typebox';
import { choice, closed, Id, nullable, text, Timestamp } from '../http/schemas.ts';

export const Me = closed(
  {
    user_id: Id,
    display_name: nullable(Type.String()),
    email: nullable(Type.String()),
    language: choice(languages()),
    time_zone: Type.String(),
  },
  { title: 'Me' },
);

export const profileFields = {
  display_name: text(1, 80),
  language: choice(languages()),
  time_zone: text(1, 64),
};

/**
 * The fields of an address. The schema allows longer text than is stored, because the operation
 * trims the text before it checks the length.
 */
export const addressFields = {
  label: text(1, 60),
  recipient: text(1, 80),
  phone: text(1, 30),
  street: text(1, 160),
  district: text(1, 60),
  city: text(1, 60),
  province: text(1, 60),
  postal_code: text(1, 10),
};

export const SavedAddress = closed(
  {
    id: Id,
    label: Type.String(),
    recipient: Type.String(),
    phone: Type.String(),
    street: Type.String(),
    district: Type.String(),
    city: Type.String(),
    province: Type.String(),
    postal_code: Type.String(),
    is_default: Type.Boolean(),
    line: Type.String({ description: 'The shipping address of a join, as one line' }),
  },
  { title: 'SavedAddress' },
);

export const Operator = closed(
  {
    user_id: Id,
    email: nullable(Type.String()),
    display_name: nullable(Type.String()),
    named_by: Type.String(),
    named_at: Timestamp,
    signed_in_at: nullable(Timestamp),
  },
  { title: 'Operator' },
);

/** The fields of a saved address in the API. */
interface AddressBody {
  readonly label: string;
  readonly recipient: string;
  readonly phone: string;
  readonly street: string;
  readonly district: string;
  readonly city: string;
  readonly province: string;
  readonly postal_code: string;
  readonly is_default?: boolean;
}

export function addressInput({ postal_code, is_default, ...rest }: AddressBody) {
  return { ...rest, postalCode: postal_code, isDefault: is_default };
}

export function addressChange({ postal_code, is_default, ...rest }: Partial<AddressBody>) {
  return { ...rest, postalCode: postal_code, isDefault: is_default };
}

interface ProfileBody {
  readonly display_name?: string;
  readonly language?: Language;
  readonly time_zone?: string;
}

export function profileChange({ display_name, language, time_zone }: ProfileBody) {
  return { displayName: display_name, language, timeZone: time_zone };
}
