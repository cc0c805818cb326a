// What the other folders use of the errors.
export { DomainError, domainErrorNamed, invalidField, type FieldError } from './domain-error.ts';
export { errorCodes, errorTable, type ErrorCode, type ErrorParams } from './error-table.ts';
export { languages, type Language, type Wording } from './wording/language.ts';
