import {
  isArgumentElement,
  isLiteralElement,
  isNumberElement,
  isPluralElement,
  isPoundElement,
  parse,
} from '@formatjs/icu-messageformat-parser';
import { LocalesError } from '../i18n/catalogue.ts';
import type { Language } from '../i18n/language.ts';
import type { MessageKey } from '../i18n/message-keys.ts';
import { languages, templateText } from '../i18n/messages.ts';

/** The message keys of the texts that the browser script shows, by their name in the script. */
const scriptMessages = {
  slots: 'common.slots',
  slotsTaken: 'site.components.slotsTaken',
  daysHours: 'site.components.daysHours',
  hoursMinutes: 'site.components.hoursMinutes',
  minutesSeconds: 'site.components.minutesSeconds',
  seconds: 'site.components.seconds',
  localTime: 'site.script.localTime',
  sending: 'site.script.sending',
  slow: 'site.script.slow',
  waitingForm: 'site.script.waitingForm',
  waitingPage: 'site.script.waitingPage',
  offline: 'site.script.offline',
  stale: 'site.script.stale',
  reload: 'site.script.reload',
  copied: 'site.script.copied',
} as const satisfies Readonly<Record<string, MessageKey>>;

/**
 * A message for the browser script, which has no ICU parser: a text with `{name}` placeholders, or
 * one text for each plural category of the value `by`.
 */
type ScriptMessage = string | { readonly by: string; readonly [category: string]: string };

/** Returns the messages of the browser script in all languages, as JSON. */
export function scriptMessagesJson(): string {
  return JSON.stringify(
    Object.fromEntries(languages().map((language) => [language, messagesIn(language)])),
  );
}

function messagesIn(language: Language): Readonly<Record<string, ScriptMessage>> {
  return Object.fromEntries(
    Object.entries(scriptMessages).map(([name, key]) => [
      name,
      scriptMessage(templateText(language, key), key),
    ]),
  );
}

type Elements = ReturnType<typeof parse>;

/** Converts an ICU message. Throws LocalesError if the script cannot format the message. */
function scriptMessage(template: string, key: MessageKey): ScriptMessage {
  const elements = parse(template, { ignoreTag: true });
  const plural = elements.find(isPluralElement);
  const textWith = (category: string) => text(elements, plural && { by: plural.value, category });
  if (plural === undefined) return textWith('other');
  return {
    by: plural.value,
    ...Object.fromEntries(
      Object.keys(plural.options).map((category) => [category, textWith(category)]),
    ),
  };

  function text(parts: Elements, chosen: { by: string; category: string } | undefined): string {
    return parts
      .map((part): string => {
        if (isLiteralElement(part)) return part.value;
        if (isArgumentElement(part) || isNumberElement(part)) return `{${part.value}}`;
        if (isPoundElement(part)) return `{${chosen!.by}}`;
        if (isPluralElement(part) && part.value === chosen?.by) {
          const option = part.options[chosen.category] ?? part.options['other'];
          return text(option!.value, chosen);
        }
        throw new LocalesError(`${key} may have placeholders and one plural, but nothing else`);
      })
      .join('');
  }
}
