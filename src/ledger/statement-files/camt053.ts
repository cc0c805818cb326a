import { SaxesParser } from 'saxes';
import { senText } from './values/amounts.ts';
import { sortOutcomes, type Transaction } from './outcomes.ts';
import { StatementRefused } from './values/refused.ts';
import type { Encoding, ParsedStatement, StatementCheck } from './values/types.ts';

/**
 * Reads bank statements in the XML format ISO 20022 CAMT.053 with a strict XML parser. A file with
 * a document type declaration or an entity is refused.
 */

interface Element {
  readonly name: string;
  readonly line: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const maxDepth = 40;

/** Reads a CAMT.053 file. Refuses: xml, currency, several_accounts, check, amount, date. */
export function readCamt053(text: string, encoding: Encoding): ParsedStatement {
  const root = treeOf(text);
  const statements = all(root, 'BkToCstmrStmt', 'Stmt');
  if (statements.length === 0) throw new StatementRefused('xml');
  const accounts = new Set(statements.map(accountIn));
  if (accounts.size > 1) throw new StatementRefused('several_accounts');
  const account = [...accounts][0] ?? '';
  const transactions: Transaction[] = [];
  const checks: StatementCheck[] = [];
  for (const statement of statements) {
    const entries = all(statement, 'Ntry').map((entry) => readEntry(entry, account));
    checks.push(...checksOf(statement, entries));
    transactions.push(...entries.flatMap(({ parts }) => parts));
  }
  const days = statements.flatMap((statement) =>
    ['FrDtTm', 'ToDtTm'].flatMap((name) => one(statement, 'FrToDt', name)?.text.slice(0, 10) ?? []),
  );
  const [from, to] = [days.toSorted()[0], days.toSorted().at(-1)];
  return {
    mapping: 'camt053',
    kind: 'camt053',
    style: { numbers: 'plain', dates: 'ISO', encoding },
    ...(from === undefined || to === undefined ? {} : { period: { from, to } }),
    ...(account === '' ? {} : { account }),
    ...sortOutcomes(transactions),
    otherRows: [],
    checks,
  };
}

function treeOf(text: string): Element {
  const parser = new SaxesParser({ xmlns: true });
  const top: Element = { name: '', line: 0, attributes: {}, children: [], text: '' };
  const open = [top];
  const stop = () => {
    throw new StatementRefused('xml', { line: parser.line });
  };
  parser.on('error', stop);
  parser.on('doctype', stop);
  parser.on('opentag', ({ local, attributes }) => {
    if (open.length > maxDepth) stop();
    const values = Object.entries(attributes).map(([name, { value }]) => [name, value] as const);
    const element = {
      name: local,
      line: parser.line,
      attributes: Object.fromEntries(values),
      children: [],
      text: '',
    };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('text', (more) => (open.at(-1)!.text += more));
  parser.on('cdata', (more) => (open.at(-1)!.text += more));
  parser.on('closetag', () => open.pop());
  parser.write(text).close();
  return top.children[0] ?? top;
}

function all(element: Element, ...path: readonly string[]): Element[] {
  return path.reduce<Element[]>(
    (found, name) =>
      found.flatMap(({ children }) => children.filter((child) => child.name === name)),
    [element],
  );
}

function one(element: Element, ...path: readonly string[]): Element | undefined {
  return all(element, ...path)[0];
}

/** Returns the text at the first path that has text. */
function textAt(element: Element, ...paths: readonly string[]): string {
  for (const path of paths) {
    const found = one(element, ...path.split('/'))?.text.trim();
    if (found) return found;
  }
  return '';
}

function accountIn(statement: Element): string {
  const currency = textAt(statement, 'Acct/Ccy');
  if (currency !== '' && currency !== 'IDR') {
    throw new StatementRefused('currency', { line: statement.line, cell: currency });
  }
  return textAt(statement, 'Acct/Id/IBAN', 'Acct/Id/Othr/Id').replaceAll(/\D/g, '');
}

/** Parses an amount such as `195722.00` into sen. Refuses: currency, amount, amount_too_large. */
function senOf(element: Element | undefined, parent: Element): bigint {
  const cell = element?.text.trim() ?? '';
  const place = { line: (element ?? parent).line, column: 'Amt', cell };
  const currency = element?.attributes['Ccy'];
  if (currency !== undefined && currency !== 'IDR') {
    throw new StatementRefused('currency', { ...place, cell: currency });
  }
  const found = /^(\d+)(?:\.(\d{1,2})0*)?$/.exec(cell);
  if (found === null) throw new StatementRefused('amount', place);
  if (found[1]!.length > 15) throw new StatementRefused('amount_too_large', place);
  return BigInt(`${found[1]}${(found[2] ?? '').padEnd(2, '0')}`);
}

/**
 * Returns the amount in sen; incoming money is positive. `CdtDbtInd` of a reversal is already the
 * direction of the reversal, so it is not inverted.
 */
function signedSen(element: Element): bigint {
  const mark = textAt(element, 'CdtDbtInd');
  if (mark !== 'CRDT' && mark !== 'DBIT') {
    throw new StatementRefused('mark', { line: element.line, cell: mark });
  }
  const sen = senOf(one(element, 'Amt'), element);
  return mark === 'CRDT' ? sen : -sen;
}

interface Entry {
  readonly sen: bigint;
  readonly isBooked: boolean;
  /** The single transactions of a batch entry. For any other entry, the entry itself. */
  readonly parts: readonly Transaction[];
}

function readEntry(entry: Element, account: string): Entry {
  const sen = signedSen(entry);
  const status = textAt(entry, 'Sts/Cd', 'Sts') || 'BOOK';
  const isBooked = status === 'BOOK';
  const dated = isBooked || one(entry, 'BookgDt') ? dayIn(entry) : {};
  const base = {
    row: entry.line,
    isPending: !isBooked,
    ...dated,
    ...(account === '' ? {} : { account }),
  };
  const details = all(entry, 'NtryDtls', 'TxDtls');
  const amounts = details.map((detail) => partSen(detail, sen));
  const isWhole = amounts.every((part) => part !== undefined);
  const sum = amounts.reduce<bigint>((total, part) => total + (part ?? 0n), 0n);
  const isSplit = details.length > 1 && isWhole && sum === sen;
  const parts = isSplit
    ? details.map((detail, index) => transaction(base, detail, entry, amounts[index]!))
    : [transaction(base, details[0] ?? entry, entry, sen)];
  return { sen, isBooked, parts };
}

/**
 * Returns the amount of one transaction of a batch entry; undefined if the bank does not state it.
 */
function partSen(detail: Element, whole: bigint): bigint | undefined {
  const amount = one(detail, 'Amt') ?? one(detail, 'AmtDtls', 'TxAmt', 'Amt');
  if (amount === undefined) return undefined;
  const sen = senOf(amount, detail);
  const mark = textAt(detail, 'CdtDbtInd') || (whole > 0n ? 'CRDT' : 'DBIT');
  return mark === 'CRDT' ? sen : -sen;
}

function transaction(
  base: Pick<Transaction, 'row' | 'isPending'> & Partial<Transaction>,
  detail: Element,
  entry: Element,
  sen: bigint,
): Transaction {
  const words = [
    textAt(detail, 'RltdPties/Dbtr/Nm', 'RltdPties/Dbtr/Pty/Nm'),
    ...all(detail, 'RmtInf', 'Ustrd').map(({ text }) => text.trim()),
    textAt(entry, 'AddtlNtryInf'),
  ];
  const description = [...new Set(words.filter((word) => word !== ''))].join(' ');
  const reference = textAt(detail, 'Refs/EndToEndId', 'Refs/AcctSvcrRef', 'Refs/TxId');
  const own = textAt(entry, 'AcctSvcrRef', 'NtryRef');
  return {
    ...base,
    text: `Ntry ${senText(sen)} ${description}`,
    sen,
    description,
    reference: reference === '' || reference === 'NOTPROVIDED' ? own : reference,
  };
}

/**
 * Returns the day of an entry in Asia/Jakarta, and the time if the entry has one. Refuses: date.
 */
function dayIn(entry: Element): { readonly day: string; readonly time?: Date } {
  const text = textAt(entry, 'BookgDt/DtTm', 'BookgDt/Dt', 'ValDt/DtTm', 'ValDt/Dt');
  const place = { line: entry.line, column: 'BookgDt', cell: text };
  const found =
    /^(20\d\d-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?)?(?:Z|[+-]\d\d:\d\d)?$/.exec(
      text,
    );
  const [, day, clock, zone = '+07:00'] = found ?? [];
  const time = new Date(`${day}T${clock ?? '00:00:00'}${clock === undefined ? 'Z' : zone}`);
  if (day === undefined || Number.isNaN(time.getTime())) throw new StatementRefused('date', place);
  if (clock === undefined) return { day };
  return { day: new Date(time.getTime() + 7 * 3_600_000).toISOString().slice(0, 10), time };
}

function checksOf(statement: Element, entries: readonly Entry[]): StatementCheck[] {
  const booked = entries.filter(({ isBooked }) => isBooked);
  const sum = (some: readonly Entry[]) => some.reduce((total, { sen }) => total + sen, 0n);
  const checks: StatementCheck[] = [];
  const compare = (kind: StatementCheck['kind'], expected: bigint, found: bigint, at: Element) => {
    if (expected !== found) {
      const text = (value: bigint) => (kind.endsWith('_count') ? String(value) : senText(value));
      const place = { line: at.line, expected: text(expected), found: text(found) };
      throw new StatementRefused('check', place);
    }
    checks.push({ kind, expected, found, ok: true });
  };
  for (const [name, side, isCredit] of [
    ['TtlCdtNtries', 'credit', true],
    ['TtlDbtNtries', 'debit', false],
  ] as const) {
    const total = one(statement, 'TxsSummry', name);
    if (total === undefined) continue;
    const meant = booked.filter(({ sen }) => sen > 0n === isCredit);
    const found = sum(meant);
    const count = textAt(total, 'NbOfNtries');
    if (/^\d{1,9}$/.test(count)) {
      compare(`${side}_count`, BigInt(count), BigInt(meant.length), total);
    }
    if (one(total, 'Sum')) {
      compare(`${side}_total`, senOf(one(total, 'Sum'), total), found < 0n ? -found : found, total);
    }
  }
  const balance = (...codes: readonly string[]) =>
    all(statement, 'Bal').find((bal) => codes.includes(textAt(bal, 'Tp/CdOrPrtry/Cd')));
  const [opening, closing] = [balance('OPBD', 'PRCD'), balance('CLBD')];
  if (opening && closing) {
    compare('closing_balance', signedSen(closing), signedSen(opening) + sum(booked), closing);
  }
  return checks;
}
