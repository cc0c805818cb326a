create schema if not exists sambatan;

-- Text as searches compare it: lower case, without accents, one form for composed, decomposed and
-- full-width characters; letters that do not decompose become the Latin letters that people type
-- for them. src/database/text-search.ts does the same with what is searched for. Most text is ASCII,
-- which skips the normalization: it would cost five times as much as the rest.
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

-- The words of a text for full-text search. Signs between letters separate words: the parser would
-- otherwise keep `30ml/50ml` or `wangi.id` as one.
create function sambatan.search_words(p_text text) returns tsvector
language sql immutable parallel safe
-- Not a body in quotes: pg_dump has to see that search_fold comes first.
return to_tsvector('pg_catalog.simple', translate(sambatan.search_fold(p_text), '@.+-_/''’', '        '));
