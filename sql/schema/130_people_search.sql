-- Whoever takes their data along or leaves has all of it in it, also the invitations that were
-- written to them and the messages that they wanted by e-mail only.
create index brand_invitations_by_email on sambatan.brand_invitations (lower(email));
create index notifications_by_mail_only on sambatan.notifications (user_id) where not in_app;
create index reminders_by_user on sambatan.reminders (user_id);
