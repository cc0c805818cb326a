import { labelledControl, type Field } from './components.ts';
import { attribute, html, type Html } from './html.ts';
import type { PageContext } from './visit.ts';

export interface FileField extends Omit<Field, 'value' | 'control'> {
  /** Media types and file extensions, as in `accept`. */
  readonly accept: string;
  /** Allows more than one file. */
  readonly multiple?: boolean;
  /** The text of the button; default “Pilih file”. */
  readonly button?: string;
}

/**
 * A file field whose button uses the page's language instead of the browser's. The script shows the
 * names of the chosen files and thumbnails of pictures.
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
