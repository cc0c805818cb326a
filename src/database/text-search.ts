const marks = /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]/g;

/**
 * Letters that Unicode normalization does not convert to a basic letter. The values are the letters
 * that people type instead.
 */
const letters: Readonly<Record<string, string>> = {
  Ø: 'o',
  ø: 'o',
  Đ: 'd',
  đ: 'd',
  Ð: 'd',
  ð: 'd',
  Ł: 'l',
  ł: 'l',
  Ħ: 'h',
  ħ: 'h',
  ı: 'i',
  ς: 'σ',
  ẞ: 'ss',
  ß: 'ss',
  Æ: 'ae',
  æ: 'ae',
  Œ: 'oe',
  œ: 'oe',
  Þ: 'th',
  þ: 'th',
};
const letter = new RegExp(`[${Object.keys(letters).join('')}]`, 'g');

/**
 * Normalizes text for search: lower case, without accents, and with one form for characters that
 * Unicode can write in several ways. Returns the same result as `sambatan.search_fold` in the
 * database.
 */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(marks, '')
    .normalize('NFKC')
    .replaceAll(letter, (one) => letters[one]!)
    .toLowerCase()
    .replaceAll('ς', 'σ');
}

/**
 * Returns a text for `to_tsquery`. It matches documents in which, for each word of `search`, some
 * word begins with it. Ignores words after the first `maxWords`. Undefined when `search` has no
 * words.
 */
export function prefixQuery(search: string, maxWords = Infinity): string | undefined {
  const words = foldText(search).match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  if (words.length === 0) return undefined;
  return words
    .slice(0, maxWords)
    .map((word) => `${word}:*`)
    .join(' & ');
}
