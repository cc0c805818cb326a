-- Where a person can be reached, and in whose time they read a deadline.
alter table sambatan.profiles
  add column email text check (char_length(email) between 3 and 254 and email like '%_@_%'),
  add column time_zone text not null default 'Asia/Jakarta'
    check (char_length(time_zone) between 1 and 64);
