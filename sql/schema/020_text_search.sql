-- Text functions that generated columns and indexes of later files use.

-- Normalizes text for search: lower case, no accents, and one form for composed, decomposed and
-- full-width characters. Letters that Unicode does not decompose (such as ø) become the Latin
-- letters that people type instead (o). src/database/text-search.ts applies the same rules to the
-- search term. Most text is ASCII and skips the normalization, which takes five times as long as
-- the rest of the function.
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

-- Splits a text into words for full-text search. Punctuation between letters separates words:
-- without this, the parser of PostgreSQL keeps `30ml/50ml` or `wangi.id` as one word.
create function sambatan.search_words(p_text text) returns tsvector
language sql immutable parallel safe
-- The body is parsed SQL, not a string, so that pg_dump knows that it must create search_fold
-- first.
return to_tsvector('pg_catalog.simple', translate(sambatan.search_fold(p_text), '@.+-_/''’', '        '));

-- Removes the spaces and punctuation that people put between the digits of a telephone number.
create function sambatan.bare_number(p_text text) returns text
language sql immutable parallel safe as $$
  select translate(p_text, ' -.()+/', '')
$$;

-- Returns the first Indonesian mobile number in a text, without the leading 0 or 62. Returns null
-- if the text contains no number. If more digits follow the number in the text, the result may
-- contain them too. Therefore compare only the beginning of the result. Text that
-- cannot contain a number skips the regular expression.
create function sambatan.phone_in(p_text text) returns text
language sql immutable parallel safe as $$
  select case when strpos(p_text, '08') > 0 or strpos(p_text, '62') > 0 then
    substring(translate(p_text, ' -.()+/', '') from '(?:62|0)(8[1-9][0-9]{6,10})') end
$$;
