/** The languages the service answers in; Indonesian is the default. */
export const languages = ['id', 'en'] as const;
export type Language = (typeof languages)[number];
/** The same sentence in each language. */
export type Wording = Readonly<Record<Language, string>>;
