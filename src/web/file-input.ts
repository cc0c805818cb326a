import { labelledControl, type Field } from './components.ts';
import { attribute, html, type Html } from './html.ts';
import type { PageContext } from './visit.ts';

export interface FileField extends Omit<Field, 'value' | 'control'> {
  /** The accepted media types and file extensions, as in the HTML attribute `accept`. */
  readonly accept: string;
  /** True if the user may choose more than one file. */
  readonly multiple?: boolean;
  /** The text of the button. The default is “Pilih file” or its translation. */
  readonly button?: string;
}

/**
 * Returns a file field with a button in the language of the page, because the browser's own button
 * has the browser's language. The script shows the names of the chosen files, and thumbnails of
 * pictures.
 */
export function fileInput(visit: PageContext, field: FileField): Html {
  const { t } = visit;
  const { accept, multiple = false, button, ...rest } = field;
  const control = { type: 'file', accept, multiple };
  return labelledControl(
    visit,
    { ...rest, control },
    (shared) =>
      html`<div class="file">
        <input ${shared} />
        <label class="button quiet" for="${field.name}"
          >${button ?? (multiple ? t('site.fileInput.choosePhotos') : t('site.fileInput.chooseAFile'))}</label
        >
        <ul class="chosen" ${attribute('aria-live', 'polite')}></ul>
      </div>`,
  );
}
