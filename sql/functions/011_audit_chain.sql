-- Computes the hashes of many audit rows in one SQL statement: audit_chain(head, content) over
-- (order by …) returns each row's hash, starting from the last hash of the campaign's chain (the
-- head).
create or replace function sambatan.audit_chain_step(state bytea, head bytea, content bytea)
returns bytea language plpgsql immutable parallel safe as $$
begin
  return sha256(coalesce(state, head) || content);
end
$$;

create or replace aggregate sambatan.audit_chain(head bytea, content bytea) (
  sfunc = sambatan.audit_chain_step,
  stype = bytea
);
