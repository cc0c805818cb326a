import { parse } from 'parse5';
import type { DefaultTreeAdapterMap } from 'parse5';

type Element = DefaultTreeAdapterMap['element'];
type Parent = DefaultTreeAdapterMap['parentNode'];

/** A form of a page, with the data that a browser would send. */
export interface PageForm {
  readonly method: string;
  readonly action: string | undefined;
  /** The names of the form's controls, with their values on the page. */
  readonly fields: Readonly<Record<string, string>>;
}

/** A page of the site, parsed as a browser does. */
export interface ParsedPage {
  /** The URL of the page, as the script of the page knows it. */
  readonly page: string | undefined;
  readonly main: string;
  /** The forms in the content of the page. Forms of the layout are left out. */
  readonly forms: readonly PageForm[];
  /** The target of the link to the other language. */
  readonly otherLanguage: string | undefined;
  /** The page to which the theme buttons lead back. */
  readonly themeBack: string | undefined;
  /** The notices that the page shows, in order. */
  readonly notices: readonly string[];
}

export function parsePage(text: string): ParsedPage {
  const all = elementsIn(parse(text));
  const main = all.find((one) => one.tagName === 'main');
  const inMain = main === undefined ? [] : elementsIn(main);
  const back = all.find((one) => one.tagName === 'form' && has(one, 'class', 'themes'));
  return {
    page: valueOf(
      all.find((one) => one.tagName === 'html')!,
      'data-page',
    ),
    main: main === undefined ? '' : textOf(main),
    forms: inMain.filter((one) => one.tagName === 'form').map(formOf),
    otherLanguage: valueOf(
      all.find((one) => has(one, 'class', 'language')),
      'href',
    ),
    themeBack: back && formOf(back).fields['back'],
    notices: inMain.filter((one) => has(one, 'class', 'notice')).map(textOf),
  };
}

function formOf(form: Element): PageForm {
  const fields: Record<string, string> = {};
  for (const control of elementsIn(form)) {
    const name = valueOf(control, 'name');
    const value = name === undefined ? undefined : valueIn(control);
    if (name !== undefined && value !== undefined) fields[name] = value;
  }
  return { method: valueOf(form, 'method') ?? 'get', action: valueOf(form, 'action'), fields };
}

function valueIn(control: Element): string | undefined {
  switch (control.tagName) {
    case 'textarea':
      return textOf(control);
    case 'select': {
      const options = elementsIn(control);
      const chosen = options.find((one) => valueOf(one, 'selected') !== undefined) ?? options[0];
      return valueOf(chosen, 'value');
    }
    case 'input': {
      const isBox = ['radio', 'checkbox'].includes(valueOf(control, 'type') ?? '');
      const isOff = isBox && valueOf(control, 'checked') === undefined;
      return isOff ? undefined : (valueOf(control, 'value') ?? '');
    }
    default:
      return undefined;
  }
}

/** The elements inside a parent, without those that cannot be used (`inert`). */
function elementsIn(parent: Parent): Element[] {
  return parent.childNodes.flatMap((one) =>
    'tagName' in one && valueOf(one, 'inert') === undefined ? [one, ...elementsIn(one)] : [],
  );
}

function textOf(element: Element): string {
  const text = element.childNodes
    .map((one) => ('value' in one ? one.value : 'tagName' in one ? textOf(one) : ''))
    .join('');
  return element.tagName === 'textarea' ? text : text.replaceAll(/\s+/g, ' ').trim();
}

function valueOf(element: Element | undefined, name: string): string | undefined {
  return element?.attrs.find((one) => one.name === name)?.value;
}

function has(element: Element, name: string, word: string): boolean {
  return (valueOf(element, name) ?? '').split(' ').includes(word);
}
