-- Returns the platform's share of an amount, in whole rupiah. A basis point is a hundredth of a
-- percent. The result is rounded half to even. The formula splits the amount first, because 10^15
-- rupiah times 10^4 basis points does not fit into a bigint.
create or replace function sambatan.platform_fee(p_amount bigint, p_basis_points integer)
returns bigint language sql immutable parallel safe as $$
  select q + case when 2 * r > 10000 or (2 * r = 10000 and q % 2 = 1) then 1 else 0 end
  from (
    select p_amount / 10000 * p_basis_points + p_amount % 10000 * p_basis_points / 10000 as q,
      p_amount % 10000 * p_basis_points % 10000 as r
  ) d
$$;
