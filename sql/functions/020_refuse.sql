-- Ends the transaction with a domain refusal: a code of the service's error table, and the
-- parameters of its message.
create or replace function sambatan.refuse(p_code text, p_params jsonb default '{}')
returns void language plpgsql as $$
begin
  raise exception using errcode = 'SB000', message = p_code, detail = p_params::text;
end
$$;
