-- Text functions that generated columns and indexes of later files use.

-- Normalizes text for search: lower case, no accents, and one form for composed, decomposed and
-- full-width characters. Letters that do not decompose become the Latin letters people type for
-- them. src/database/text-search.ts applies the same rules to the search term. Most text is ASCII
-- and skips the normalization, which costs five times as much as the rest.
create function sambatan.search_fold(p_text text) returns text
language sql immutable parallel safe as $$
  select case when octet_length(p_text) = char_length(p_text) then lower(p_text)
    else replace(replace(replace(replace(
      lower(translate(
        normalize(regexp_replace(normalize(p_text, nfkd),
          U&'[\0300-\036F\1AB0-\1AFF\1DC0-\1DFF\20D0-\20FF\FE20-\FE2F]', '', 'g'), nfkc),
        'ØøĐđÐðŁłĦħıςẞÆŒÞ', 'ooddddllhhiσßæœþ')),
      'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th') end
$$;

-- The words of a text for full-text search. Signs between letters separate words: without this, the
-- parser keeps `30ml/50ml` or `wangi.id` as one word.
create function sambatan.search_words(p_text text) returns tsvector
language sql immutable parallel safe
-- A parsed body, not a string, so that pg_dump knows that search_fold must come first.
return to_tsvector('pg_catalog.simple', translate(sambatan.search_fold(p_text), '@.+-_/''’', '        '));

-- Removes the signs that people put between the digits of a telephone number.
create function sambatan.bare_number(p_text text) returns text
language sql immutable parallel safe as $$
  select translate(p_text, ' -.()+/', '')
$$;

-- The first Indonesian mobile number in a text, starting at the 8 after 0 or 62; null without one.
-- Text after the number may be read as more of its digits, so compare by prefix. Every join pays
-- for this function: text that cannot hold a number skips the regular expression.
create function sambatan.phone_in(p_text text) returns text
language sql immutable parallel safe as $$
  select case when strpos(p_text, '08') > 0 or strpos(p_text, '62') > 0 then
    substring(translate(p_text, ' -.()+/', '') from '(?:62|0)(8[1-9][0-9]{6,10})') end
$$;
