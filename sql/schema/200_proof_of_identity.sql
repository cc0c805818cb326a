-- When whoever holds a session last proved who they are; what is sensitive wants that lately.
alter table sambatan_auth.sessions add column proven_at timestamptz not null default now();
-- A code that was sent to prove oneself again belongs to its session, and signs nobody in.
alter table sambatan_auth.sign_ins add column session_id uuid;
