// The public part of this folder.
export { DomainError, domainErrorNamed, invalidField, type FieldError } from './domain-error.ts';
export { errorCodes, errorTable, type ErrorCode, type ErrorParams } from './error-table.ts';
export { refusalCodes, refusals, type Refusals, type RequestCode } from './refusals.ts';
