import { defaultTreeAdapter as tree, html as markup, parse, serialize } from 'parse5';
import type { DefaultTreeAdapterMap } from 'parse5';

type Element = DefaultTreeAdapterMap['element'];
type Parent = DefaultTreeAdapterMap['parentNode'];

/** The input to restore in a form of a page. */
export interface Refill {
  /** The form's `action` attribute. */
  readonly action: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The notice. It appears above the form, or at the top of the page if the form is missing. */
  readonly found: string;
  readonly missing: string;
}

/**
 * Restores earlier input in a form of a page and adds a notice. Takes and returns a complete
 * document. Hidden and file fields keep the page's values.
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
 * The form with this action, or else a form for the same purpose (a waiting list instead of a
 * join).
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
    // The first line break of a textarea is not part of its text.
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

/** Open the collapsed parts around the form. */
function open(form: Element): void {
  for (let at: Parent | null = form; at !== null && 'parentNode' in at; at = at.parentNode) {
    if ('tagName' in at && at.tagName === 'details') set(at, 'open', '');
  }
}

/** The entered text, for the user to copy. */
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
