-- Who is an operator, and an append-only record of who granted or revoked the role.

create table sambatan_auth.operators (
  user_id uuid primary key,
  granted_by text not null,
  granted_at timestamptz not null default now()
);

create table sambatan_auth.operator_changes (
  change_id uuid primary key,
  user_id uuid not null,
  change text not null check (change in ('granted', 'revoked')),
  actor text not null,
  changed_at timestamptz not null default clock_timestamp()
);
create index operator_changes_by_user on sambatan_auth.operator_changes (user_id, change_id);
create trigger operator_changes_append_only
  before update or delete on sambatan_auth.operator_changes
  for each row execute function sambatan.refuse_change();
create trigger operator_changes_no_truncate before truncate on sambatan_auth.operator_changes
  for each statement execute function sambatan.refuse_change();
