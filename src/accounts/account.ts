import type { Language } from '../i18n/language.ts';
import { wording } from '../i18n/messages.ts';
import { invalidField } from '../errors/errors.ts';
import { isTimeZone } from '../i18n/format.ts';

/** Maximum number of saved postal addresses per person. */
export const maxAddresses = 10;
/**
 * Maximum length of a postal address as one line, which is the form in orders and on parcel labels.
 */
const maxLineLength = 240;

/** A shipping address. */
export interface AddressInput {
  /** The name that the person chose for the address, such as home or office. */
  readonly label: string;
  readonly recipient: string;
  readonly phone: string;
  readonly street: string;
  readonly province: string;
  readonly city: string;
  readonly district: string;
  readonly postalCode: string;
  readonly isDefault?: boolean | undefined;
}

export interface ProfileChange {
  readonly displayName?: string | undefined;
  readonly language?: Language | undefined;
  /** The IANA name of the time zone. */
  readonly timeZone?: string | undefined;
}

type AddressParts = Omit<AddressInput, 'label' | 'isDefault'>;

/**
 * Returns the address as one line, in the form of an order's `shipping_address` and of a parcel
 * label.
 */
export function addressLine(address: AddressParts): string {
  const { recipient, phone, street, district, city, province, postalCode } = address;
  return `${recipient} (${phone}), ${street}, ${district}, ${city}, ${province} ${postalCode}`;
}

const textFields = [
  ['label', 'label', 1, 40],
  ['recipient', 'recipient', 2, 60],
  ['street', 'street', 5, 120],
  ['province', 'province', 2, 40],
  ['city', 'city', 2, 40],
  ['district', 'district', 2, 40],
] as const;

/**
 * Returns the address in stored form: trimmed, each field on one line, the phone number as digits.
 * Throws validation_failed for an address to which no courier can deliver.
 */
export function normalizeAddress(given: AddressInput): AddressInput {
  const address = { ...given, phone: given.phone.replaceAll(/[\s().\p{Cf}-]/gu, '') };
  for (const [key, field, least, most] of textFields) {
    address[key] = oneLine(given[key]);
    const { length } = [...address[key]];
    if (length < least || length > most) {
      throw invalidField(field, wording('errors.field.lengthBetween', { least, most }));
    }
  }
  if (!/^(0|\+?62)8\d{7,11}$|^\+(?!62)\d{8,15}$/.test(address.phone)) {
    throw invalidField('phone', wording('errors.field.phone'));
  }
  address.postalCode = given.postalCode.trim();
  if (!/^\d{5}$/.test(address.postalCode)) {
    throw invalidField('postal_code', wording('errors.field.postalCode'));
  }
  const tooLong = [...addressLine(address)].length - maxLineLength;
  if (tooLong > 0) {
    throw invalidField('street', wording('errors.field.addressTooLong', { tooLong }));
  }
  return address;
}

/** Returns the changes of a profile in stored form. Throws validation_failed. */
export function normalizeProfile(given: ProfileChange): ProfileChange {
  const displayName = given.displayName === undefined ? undefined : oneLine(given.displayName);
  if (displayName !== undefined && (!canBeSeen(displayName) || [...displayName].length > 80)) {
    throw invalidField('display_name', wording('errors.field.displayName'));
  }
  if (given.timeZone !== undefined && !isTimeZone(given.timeZone)) {
    throw invalidField('time_zone', wording('errors.field.timeZone'));
  }
  return { ...given, displayName };
}

/**
 * Returns the text on one line without direction marks. Phones add direction marks to copied names;
 * they would change the writing direction of the text that follows.
 */
function oneLine(text: string): string {
  return text
    .replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function canBeSeen(text: string): boolean {
  return /[^\s\p{Cf}\p{M}\u115f\u1160\u2800\u3164\uffa0]/u.test(text);
}
