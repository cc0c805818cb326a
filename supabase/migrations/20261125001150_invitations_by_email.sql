-- Whoever takes their data along or leaves has the invitations that were written to them in it.
create index brand_invitations_by_email on sambatan.brand_invitations (lower(email));
