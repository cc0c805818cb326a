import { languages, translate } from '../i18n/messages.ts';
import type { FieldError } from '../errors/errors.ts';
import { formatCount, formatMoment, formatPercent, westernIndonesia } from '../i18n/format.ts';
import { attribute, html, type Html, type Part } from './html.ts';
import { inLanguage, type PageContext } from './visit.ts';

/**
 * Returns the progress of a campaign as a bar and in words. The browser script updates it when the
 * campaign changes. If the minimum is less than all slots, the bar has a mark at the minimum.
 */
export function progressBar(
  visit: PageContext,
  {
    taken,
    total,
    minimum = total,
  }: { readonly taken: number; readonly total: number; readonly minimum?: number },
): Html {
  const { language, t } = visit;
  const label = t('site.components.slotsTaken', { taken, total });
  return html`<div class="progress">
    <div class="bar">
      <progress max="${total}" value="${taken}" aria-label="${label}"></progress>
      ${
        minimum < total &&
        html`<svg class="least" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
          <path d="M${Math.round((minimum / total) * 1_000)} 0v10"></path>
        </svg>`
      }
    </div>
    <p class="progress-words">
      <strong data-live="percent">${formatPercent(taken, total, language)}</strong>
      <span data-live="taken">${label}</span>
      ${
        minimum < total &&
        html`<span class="least-words">${t('site.components.goesAheadAt', { minimum })}</span>`
      }
    </p>
  </div>`;
}

/**
 * Returns a time in Western Indonesian time and, if it differs, in the user's time zone. For
 * visitors, the browser script adds the time in the zone of the device.
 */
export function exactMoment(visit: PageContext, at: Date): Html {
  const zone = visit.person?.timeZone;
  const own = zone !== undefined && zone !== westernIndonesia;
  return html`<time datetime="${at.toISOString()}" ${attribute('data-local', !own)}
      >${formatMoment(at, visit.language)}</time
    >${own && html` <span class="quiet">(${formatMoment(at, visit.language, zone)})</span>`}`;
}

/** Returns the time that is left. The browser script counts it down by the server's clock. */
export function countdown(visit: PageContext, at: Date): Html {
  return html`<time class="countdown" datetime="${at.toISOString()}" data-countdown
    >${timeLeft(visit, at)}</time
  >`;
}

/** Returns the time that is left in its two largest units, such as `2 hari 3 jam` or `14 menit`. */
export function timeLeft({ t, now }: Pick<PageContext, 't' | 'now'>, at: Date): string {
  const seconds = Math.max(0, Math.floor((at.getTime() - now.getTime()) / 1_000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return t('site.components.daysHours', { days, hours });
  if (hours > 0) return t('site.components.hoursMinutes', { hours, minutes });
  return minutes > 0
    ? t('site.components.minutesSeconds', { minutes, seconds: seconds % 60 })
    : t('site.components.seconds', { seconds });
}

export type Tone = 'good' | 'bad' | 'busy' | 'plain';

/**
 * Returns a label that shows a state. Its text contains all information; the colour only repeats
 * it.
 */
export function badge(words: string, tone: Tone = 'plain'): Html {
  return html`<span class="badge ${tone}">${words}</span>`;
}

/**
 * Returns a message for the top of a page: the result of an action, or an error. Screen readers
 * announce it.
 */
export function notice(tone: Exclude<Tone, 'plain'>, title: string, detail?: Part): Html {
  return html`<div class="notice ${tone}" role="${tone === 'bad' ? 'alert' : 'status'}">
    <strong>${title}</strong>${detail !== undefined && html` <span>${detail}</span>`}
  </div>`;
}

/** Returns a button that copies a value. It is hidden in browsers that do not run the script. */
export function copyButton(value: string, words: string, isMain = false): Html {
  return html`<button
    class="button${!isMain && ' quiet'}"
    type="button"
    data-copy="${value}"
    data-needs-script
    hidden
  >
    ${words}
  </button>`;
}

/**
 * Returns the text that is shown instead of an empty list: why it is empty, and what to do next.
 */
export function emptyState(title: string, detail: Part, action?: Html): Html {
  return html`<div class="empty">
    <h2>${title}</h2>
    <p>${detail}</p>
    ${action}
  </div>`;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  /** A help text below the field. */
  readonly hint?: Part | undefined;
  /** The value that was sent, or else the default value. */
  readonly value?: string | number | bigint | null | undefined;
  readonly errors?: readonly FieldError[] | undefined;
  readonly required?: boolean | undefined;
  /** HTML attributes of the input: type, inputmode, maxlength, autocomplete, … */
  readonly control?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
}

/** Returns the languages that a user can choose. The name of each is in that language itself. */
export function languageOptions(): readonly { readonly value: string; readonly label: string }[] {
  return languages().map((language) => ({
    value: language,
    label: translate(language, 'site.layout.languageName'),
  }));
}

/** Returns an input with its label, hint and error. */
export function input(visit: PageContext, field: Field): Html {
  const value = field.value?.toString();
  return labelledControl(
    visit,
    field,
    (shared) => html`<input ${shared} ${attribute('value', value)} />`,
  );
}

export function textarea(visit: PageContext, field: Field): Html {
  // HTML ignores a line break at the start of a textarea. This one protects a line break at the
  // start of the value.
  return labelledControl(
    visit,
    field,
    (shared) => html`<textarea${shared}>${'\n'}${field.value?.toString()}</textarea>`,
  );
}

export function select(
  visit: PageContext,
  field: Field,
  options: readonly { readonly value: string; readonly label: string }[],
): Html {
  const option = ({ value, label }: { value: string; label: string }) =>
    html`<option value="${value}" ${attribute('selected', value === field.value?.toString())}>
      ${label}
    </option>`;
  return labelledControl(
    visit,
    field,
    (shared) => html`<select${shared}>${options.map(option)}</select>`,
  );
}

/** Returns a checkbox, followed by its label. */
export function checkbox(visit: PageContext, field: Field & { readonly checked: boolean }): Html {
  const wrong = errorOf(visit, field);
  return html`<div class="field check${wrong && ' wrong'}">
    <label
      ><input
        type="checkbox"
        name="${field.name}"
        value="${field.value?.toString() ?? 'on'}"
        ${attribute('checked', field.checked)}${controls(field)}
      /><span>${field.label}</span></label
    >${
      field.hint !== undefined && html`<p class="hint">${field.hint}</p>`
    }${wrong && html`<p class="error">${wrong}</p>`}
  </div>`;
}

/** Returns a form control with its label, hint and error. */
export function labelledControl(
  visit: PageContext,
  field: Field,
  control: (shared: Html) => Html,
): Html {
  const { name, label, hint, required } = field;
  const wrong = errorOf(visit, field);
  const described = [hint !== undefined && `${name}-hint`, wrong && `${name}-error`]
    .filter(Boolean)
    .join(' ');
  const shared = html` id="${name}"
  name="${name}"${attribute('required', required)}${attribute(
    'aria-invalid',
    wrong !== undefined && 'true',
  )}${attribute('aria-describedby', described || undefined)}${controls(field)}`;
  return html`<div class="field${wrong && ' wrong'}">
    <label for="${name}"
      >${label}${
        required !== true &&
        html` <span class="optional">${visit.t('site.components.optional')}</span>`
      }</label
    >${control(shared)}${wrong && html`<p class="error" id="${name}-error">${wrong}</p>`}${
      hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`
    }
  </div>`;
}

function controls({ control = {} }: Field): Html {
  return html`${Object.entries(control).map(([name, value]) => attribute(name, value))}`;
}

function errorOf(visit: PageContext, { name, errors = [] }: Field): string | undefined {
  const found = errors.find(({ field }) => field === name);
  return found && inLanguage(visit, found.message);
}

/** Returns the links to the first and the next page. Undefined if there is only one page. */
export function paging(
  visit: PageContext,
  links: { readonly first?: string | undefined; readonly next?: string | undefined },
): Html | undefined {
  if (links.first === undefined && links.next === undefined) return undefined;
  const { t } = visit;
  return html`<nav class="paging" aria-label="${t('site.components.pages')}">
    ${
      links.first !== undefined &&
      html`<a class="button quiet" href="${links.first}">${t('site.components.firstPage')}</a>`
    }${
      links.next !== undefined &&
      html`<a class="button" rel="next" href="${links.next}">${t('site.components.next')}</a>`
    }
  </nav>`;
}

/**
 * Returns the navigation of a list with numbered pages: links to the previous and next page, and a
 * field for a page number. `query` contains the other parameters of the list.
 */
export function pageJump(
  visit: PageContext,
  {
    path,
    query,
    page,
    pages,
  }: {
    readonly path: string;
    readonly query: URLSearchParams;
    readonly page: number;
    readonly pages: number;
  },
): Html | undefined {
  if (pages <= 1) return undefined;
  const { t, language } = visit;
  const shown = page > pages ? 1 : page;
  const to = (number: number) => {
    const asked = new URLSearchParams(query);
    if (number > 1) asked.set('page', String(number));
    return asked.size === 0 ? path : `${path}?${asked.toString()}`;
  };
  return html`<nav class="paging" aria-label="${t('site.components.pages')}">
    ${
      shown > 1 &&
      html`<a class="button quiet" rel="prev" href="${to(shown - 1)}"
        >${t('site.components.previous')}</a
      >`
    }
    <form class="page-jump" action="${path}">
      ${[...query].map(
        ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
      )}
      <label for="page">${t('site.components.page')}</label>
      <input
        id="page"
        name="page"
        type="number"
        inputmode="numeric"
        min="1"
        max="${pages}"
        value="${shown}"
        required
      />
      <span>${t('common.of')} ${formatCount(pages, language)}</span>
      <button class="button quiet">${t('site.components.go')}</button>
    </form>
    ${
      shown < pages &&
      html`<a class="button" rel="next" href="${to(shown + 1)}">${t('site.components.next')}</a>`
    }
  </nav>`;
}
