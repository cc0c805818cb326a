-- How people are found by what somebody remembers of them: a name, an e-mail address, a telephone
-- number. Accents, capitals and the way in which a number is written make no difference.

-- A telephone number without the signs that people put between its digits.
create function sambatan.bare_number(p_text text) returns text
language sql immutable parallel safe as $$
  select translate(p_text, ' -.()+/', '')
$$;

-- The first Indonesian mobile number in a text, from the 8 behind 0 or 62 on; null without one.
-- What follows it may be taken for more digits: it is compared by how it begins. Every join pays for
-- this, so an address that cannot have a number in it meets no regular expression.
create function sambatan.phone_in(p_text text) returns text
language sql immutable parallel safe as $$
  select case when strpos(p_text, '08') > 0 or strpos(p_text, '62') > 0 then
    substring(translate(p_text, ' -.()+/', '') from '(?:62|0)(8[1-9][0-9]{6,10})') end
$$;

-- Words of names and e-mail addresses, found by how they begin.
create index profiles_by_words on sambatan.profiles using gin (
  sambatan.search_words(display_name || ' ' || coalesce(email, '')));
create index addresses_by_phone on sambatan.addresses ((sambatan.phone_in(phone)) collate "C");
create index participants_by_phone
  on sambatan.participants ((sambatan.phone_in(shipping_address)) collate "C")
  where sambatan.phone_in(shipping_address) is not null;
