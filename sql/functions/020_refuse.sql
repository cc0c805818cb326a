-- Ends the transaction with a refusal of the domain: a code of the service's table of errors and
-- what its message needs.
create or replace function sambatan.refuse(p_code text, p_params jsonb default '{}')
returns void language plpgsql as $$
begin
  raise exception using errcode = 'SB000', message = p_code, detail = p_params::text;
end
$$;
