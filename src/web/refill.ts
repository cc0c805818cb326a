import { defaultTreeAdapter as tree, html as markup, parse, serialize } from 'parse5';
import type { DefaultTreeAdapterMap } from 'parse5';

type Element = DefaultTreeAdapterMap['element'];
type Parent = DefaultTreeAdapterMap['parentNode'];

/** Saved input to restore in a form of a page. */
export interface Refill {
  /** The `action` attribute of the form. */
  readonly action: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /**
   * The texts of the notice. `found` is shown above the form, `missing` at the top of the page if
   * the page does not contain the form.
   */
  readonly found: string;
  readonly missing: string;
}

/**
 * Restores saved input in a form of a page and adds a notice. The argument and the result are
 * complete HTML documents. Hidden fields and file fields keep the values of the page.
 */
export function refillForm(document: string, refill: Refill): string {
  const page = parse(document);
  const main = firstOf(page, (one) => one.tagName === 'main');
  if (main === undefined) return document;
  const form = formFor(main, refill);
  if (form === undefined) {
    prepend(main, noticeOf(`${refill.missing} ${wordsOf(refill)}`));
    return serialize(page);
  }
  fill(form, refill.fields);
  open(form);
  set(form, 'data-kept', '');
  prepend(form, noticeOf(refill.found));
  return serialize(page);
}

/**
 * Returns the form with this action, or else a form with all of the saved fields. For example, the
 * form of the waiting list can replace the join form.
 */
function formFor(main: Element, { action, fields }: Refill): Element | undefined {
  const forms = elementsIn(main).filter(
    (one) => one.tagName === 'form' && valueOf(one, 'method') === 'post',
  );
  const names = new Set(fields.map(([name]) => name));
  const asksTheSame = (form: Element) => {
    const asked = new Set(elementsIn(form).map((one) => valueOf(one, 'name')));
    return names.size > 1 && [...names].every((name) => asked.has(name));
  };
  return forms.find((one) => valueOf(one, 'action') === action) ?? forms.find(asksTheSame);
}

function fill(form: Element, fields: Refill['fields']): void {
  const given = Map.groupBy(fields, ([name]) => name);
  for (const control of elementsIn(form)) {
    const name = valueOf(control, 'name');
    if (name === undefined) continue;
    const values = given.get(name)?.map(([, value]) => value) ?? [];
    fillControl(control, values);
  }
}

function fillControl(control: Element, values: readonly string[]): void {
  const [first] = values;
  if (control.tagName === 'textarea' && first !== undefined) {
    control.childNodes = [];
    // HTML ignores a line break at the start of a textarea. This one protects a line break at the
    // start of the value.
    tree.insertText(control, `\n${first}`);
  }
  if (control.tagName === 'select' && first !== undefined) {
    for (const option of elementsIn(control)) {
      set(option, 'selected', valueOf(option, 'value') === first ? '' : undefined);
    }
  }
  if (control.tagName !== 'input') return;
  const type = valueOf(control, 'type') ?? 'text';
  if (type === 'checkbox' || (type === 'radio' && first !== undefined)) {
    set(control, 'checked', values.includes(valueOf(control, 'value') ?? 'on') ? '' : undefined);
  } else if (!['hidden', 'file', 'radio', 'submit'].includes(type) && first !== undefined) {
    set(control, 'value', first);
  }
}

/** Opens the collapsed parts of the page that contain the form. */
function open(form: Element): void {
  for (let at: Parent | null = form; at !== null && 'parentNode' in at; at = at.parentNode) {
    if ('tagName' in at && at.tagName === 'details') set(at, 'open', '');
  }
}

/** Returns the saved input as a text that the user can copy. */
function wordsOf({ fields }: Refill): string {
  return fields.map(([, value]) => `“${value}”`).join(' · ');
}

function noticeOf(words: string): Element {
  const attrs = [
    { name: 'class', value: 'notice busy' },
    { name: 'role', value: 'status' },
  ];
  const notice = tree.createElement('div', markup.NS.HTML, attrs);
  tree.insertText(notice, words);
  return notice;
}

function prepend(parent: Element, child: Element): void {
  const [first] = parent.childNodes;
  if (first === undefined) tree.appendChild(parent, child);
  else tree.insertBefore(parent, child, first);
}

function elementsIn(parent: Parent): Element[] {
  return parent.childNodes.flatMap((one) => ('tagName' in one ? [one, ...elementsIn(one)] : []));
}

function firstOf(parent: Parent, is: (one: Element) => boolean): Element | undefined {
  return elementsIn(parent).find(is);
}

function valueOf(element: Element, name: string): string | undefined {
  return element.attrs.find((one) => one.name === name)?.value;
}

function set(element: Element, name: string, value: string | undefined): void {
  element.attrs = element.attrs.filter((one) => one.name !== name);
  if (value !== undefined) element.attrs.push({ name, value });
}
