import type { Language } from '../i18n/language.ts';
import type { MessageKey } from '../i18n/message-keys.ts';
import { translate } from '../i18n/messages.ts';
import { html, trusted, type Html } from '../web/html.ts';
import type { Theme } from '../web/visit.ts';
import { renderStandalonePage, standalonePolicy } from './standalone-page.ts';

/** The number of characters of the seconds in a page; the length of a page is constant. */
const digits = 2;
/** Stands for the seconds in a page that is prepared. */
const secondsMark = '##';

/**
 * Counts down, if the visitor permits scripts. The browser requests a page again because of the
 * header `Refresh`; only a form needs the script for that.
 */
const script = `(()=>{const wait=document.querySelector('.wait'),time=wait.querySelector('b'),
form=document.forms[0];let left=Number(time.textContent);const show=()=>{
time.textContent='0:'+String(left).padStart(2,'0')};show();wait.hidden=false;
const timer=setInterval(()=>{if(left>0)left--;show();if(left>0)return;clearInterval(timer);
if(form)HTMLFormElement.prototype.submit.call(form)},1000)})()`;

/** The content security policy of the waiting room. */
export const waitingPolicy = standalonePolicy(script);

/** Input of a form that was rejected: names and values in the order in which they were sent. */
export type FormFields = readonly (readonly [name: string, value: string])[];

/** The variants of the page: for a page, a form whose input it keeps, and any other form. */
type Kind = 'page' | 'form' | 'lost';

/** The page for people whose request was rejected. It is prepared for each language and theme. */
export class WaitingPage {
  readonly #parts: Readonly<Record<Kind, readonly string[]>>;

  constructor(language: Language, theme: Theme | undefined) {
    const parts = (kind: Kind) => render(language, theme, kind).split(secondsMark);
    this.#parts = { page: parts('page'), form: parts('form'), lost: parts('lost') };
  }

  /**
   * The page that requests the same address again after this number of seconds. Its response needs
   * the header `Refresh` with the same number.
   */
  forPage(seconds: number): string {
    return this.#with('page', seconds);
  }

  /**
   * The answer to a form. It contains the input and sends it again: by its script after this number
   * of seconds, or when the visitor presses the button.
   */
  forForm(fields: FormFields, seconds: number): string {
    const inputs = html`${fields.map(
      ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
    )}`;
    // A function, because a text could contain the special patterns of replacements.
    return this.#with('form', seconds).replace('<!--fields-->', () => inputs.toString());
  }

  /** The answer to a form whose input is not in the page, because it was too long or has a file. */
  forLostForm(): string {
    return this.#with('lost', 0);
  }

  #with(kind: Kind, seconds: number): string {
    return this.#parts[kind].join(String(seconds).padStart(digits, '0'));
  }
}

function render(language: Language, theme: Theme | undefined, kind: Kind): string {
  return renderStandalonePage({
    language,
    theme,
    title: translate(language, 'site.waitingRoom.title'),
    content: content(language, kind),
    script: kind === 'lost' ? undefined : script,
  });
}

/** A key of a message without values. */
type UnvaluedKey = Extract<MessageKey, `site.waitingRoom.${string}` | 'site.overloaded.tryAgain'>;

function content(language: Language, kind: Kind): Html {
  const t = (key: UnvaluedKey) => translate(language, key);
  const wait = (text: string) =>
    html`<p class="wait" role="timer" hidden>${text} <b>${secondsMark}</b></p>`;
  if (kind === 'page') {
    return html`<p>${t('site.waitingRoom.inLine')}</p>
      <p class="quiet">${t('site.waitingRoom.byItself')}</p>
      ${wait(t('site.waitingRoom.retryIn'))}
      <a href="">${t('site.overloaded.tryAgain')}</a>`;
  }
  if (kind === 'lost') return html`<p>${t('site.waitingRoom.formLost')}</p>`;
  return html`<p>${t('site.waitingRoom.inLine')}</p>
    <p>${t('site.waitingRoom.formKept')}</p>
    <noscript><p class="quiet">${t('site.waitingRoom.formPress')}</p></noscript>
    ${wait(t('site.waitingRoom.sendIn'))}
    <form method="post">
      ${trusted('<!--fields-->')}<button type="submit">${t('site.waitingRoom.sendAgain')}</button>
    </form>`;
}
