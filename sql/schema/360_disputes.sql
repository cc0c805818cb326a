-- Disputes of buyers, and their pictures.

create table sambatan.disputes (
  campaign_id uuid not null,
  dispute_id uuid not null,
  participation_id uuid not null,
  reason text not null check (char_length(reason) between 3 and 500),
  opened_by text not null,
  opened_at timestamptz not null,
  resolution text check (resolution in ('upheld', 'dismissed')),
  explanation text check (char_length(explanation) between 3 and 500),
  resolved_by text,
  resolved_at timestamptz,
  primary key (campaign_id, dispute_id),
  foreign key (campaign_id, participation_id) references sambatan.participants,
  constraint disputes_resolved check (
    num_nonnulls(resolution, explanation, resolved_by, resolved_at) in (0, 4))
);
create index disputes_by_id on sambatan.disputes (dispute_id);
create unique index disputes_open on sambatan.disputes (campaign_id, participation_id)
  where resolved_at is null;
create index disputes_queue on sambatan.disputes (opened_at, dispute_id)
  where resolved_at is null;

-- Up to three pictures of what is wrong, re-encoded as WebP. They are in the database so that every
-- process can show them. Deleting the buyer's account deletes them.
create table sambatan.dispute_pictures (
  campaign_id uuid not null,
  dispute_id uuid not null,
  number smallint not null check (number between 1 and 3),
  content bytea not null check (octet_length(content) between 1 and 5242880),
  uploaded_at timestamptz not null default clock_timestamp(),
  primary key (campaign_id, dispute_id, number),
  foreign key (campaign_id, dispute_id) references sambatan.disputes
);
-- PostgreSQL does not compress this column, because pictures are compressed already.
alter table sambatan.dispute_pictures alter column content set storage external;
