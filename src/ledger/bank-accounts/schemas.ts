import Type from 'typebox';
import {
  Id,
  Timestamp,
  accountNumberPattern,
  closed,
  nameText,
  nullable,
} from '../../http/schemas.ts';
import type { OwnAccountRow, ReceivingAccountRow } from './queries.ts';

/** Fields of a bank account in a request. */
export const bankFields = {
  bank: nameText(2, 40),
  number: Type.String({ minLength: 5, maxLength: 40, pattern: accountNumberPattern }),
  holder: nameText(2, 80),
};

const bankAccount = { bank: Type.String(), number: Type.String(), holder: Type.String() };

export const BankAccountSchema = closed(bankAccount, { title: 'BankAccount' });

export const OwnAccountSchema = closed(
  { ...bankAccount, updated_at: Timestamp },
  { title: 'OwnBankAccount' },
);

export const ReceivingAccountSchema = closed(
  {
    id: Id,
    ...bankAccount,
    is_default: Type.Boolean(),
    is_active: Type.Boolean(),
    statement_through: nullable(
      Type.String({
        description:
          'The last day (Asia/Jakarta) through which its statement is completely imported',
      }),
    ),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { title: 'ReceivingAccount' },
);

/** Returns the bank account of a row, or null if the row has none. */
export function accountIn(row: {
  readonly bank: string | null;
  readonly number: string | null;
  readonly holder: string | null;
}) {
  const { bank, number, holder } = row;
  return bank !== null && number !== null && holder !== null ? { bank, number, holder } : null;
}

export function receivingAccountOf(row: ReceivingAccountRow) {
  const { account_id: id, ...rest } = row;
  return { id, ...rest };
}

export function ownAccountOf({ bank, number, holder, updated_at }: OwnAccountRow) {
  return { bank, number, holder, updated_at };
}
