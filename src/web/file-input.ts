import { labelled, type Field } from './components.ts';
import { attribute, html, type Html } from './html.ts';
import type { PageContext } from './visit.ts';

export interface FileField extends Omit<Field, 'value' | 'control'> {
  /** Media types and endings, as `accept` has them. */
  readonly accept: string;
  /** More than one file may be chosen. */
  readonly multiple?: boolean;
  /** The words of the button; “Pilih file” unless told. */
  readonly button?: string;
}

/**
 * A field for files whose button speaks the page's language, not the browser's. The script shows
 * the names of the chosen files, and the pictures among them small.
 */
export function fileInput(visit: PageContext, field: FileField): Html {
  const { t } = visit;
  const { accept, multiple = false, button, ...rest } = field;
  const control = { type: 'file', accept, multiple };
  return labelled(
    visit,
    { ...rest, control },
    (shared) =>
      html`<div class="file">
        <input ${shared} />
        <label class="button quiet" for="${field.name}"
          >${button ?? (multiple ? t('Pilih foto', 'Choose photos') : t('Pilih file', 'Choose a file'))}</label
        >
        <ul class="chosen" ${attribute('aria-live', 'polite')}></ul>
      </div>`,
  );
}
