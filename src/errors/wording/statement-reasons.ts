import { type Wording, wording } from '../../i18n/messages.ts';

/** The reasons why a bank statement is refused, with advice for the operator. */
export const statementReasons = {
  empty: wording('errors.statementReasons.empty'),
  encoding: wording('errors.statementReasons.encoding'),
  pdf: wording('errors.statementReasons.pdf'),
  old_excel: wording('errors.statementReasons.old_excel'),
  web_page: wording('errors.statementReasons.web_page'),
  not_a_statement: wording('errors.statementReasons.not_a_statement'),
  workbook: wording('errors.statementReasons.workbook'),
  too_large: wording('errors.statementReasons.too_large'),
  several_sheets: wording('errors.statementReasons.several_sheets'),
  xml: wording('errors.statementReasons.xml'),
  mt940: wording('errors.statementReasons.mt940'),
  heading_not_found: wording('errors.statementReasons.heading_not_found'),
  column_twice: wording('errors.statementReasons.column_twice'),
  rows_before_heading: wording('errors.statementReasons.rows_before_heading'),
  quote_not_closed: wording('errors.statementReasons.quote_not_closed'),
  row_short: wording('errors.statementReasons.row_short'),
  row_long: wording('errors.statementReasons.row_long'),
  row_unknown: wording('errors.statementReasons.row_unknown'),
  amount: wording('errors.statementReasons.amount'),
  amount_too_large: wording('errors.statementReasons.amount_too_large'),
  mixed_numbers: wording('errors.statementReasons.mixed_numbers'),
  amount_twice: wording('errors.statementReasons.amount_twice'),
  mark: wording('errors.statementReasons.mark'),
  date: wording('errors.statementReasons.date'),
  date_missing: wording('errors.statementReasons.date_missing'),
  date_order: wording('errors.statementReasons.date_order'),
  date_year: wording('errors.statementReasons.date_year'),
  date_out_of_range: wording('errors.statementReasons.date_out_of_range'),
  currency: wording('errors.statementReasons.currency'),
  several_accounts: wording('errors.statementReasons.several_accounts'),
  check: wording('errors.statementReasons.check'),
  too_many_lines: wording('errors.statementReasons.too_many_lines'),
} as const satisfies Record<string, Wording>;

export type StatementReason = keyof typeof statementReasons;
