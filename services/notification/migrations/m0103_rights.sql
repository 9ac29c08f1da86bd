-- Whose rights bound what an endpoint hears, and when each was last seen in that caller's token.
alter table webhook_endpoint add column owner text;
alter table webhook_endpoint add column rights {json};
create index webhook_endpoint_owner on webhook_endpoint (owner);
