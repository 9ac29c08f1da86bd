-- Settled tickets as they were told, without their words: what an invitation by hand is about.
create table ticket (
  ticket_id uuid primary key,
  org text not null,
  snapshot {json} not null,
  version bigint not null
);

-- Further links to an invitation, passed on by hand; any of them spends it.
create table invitation_link (
  token_hash text primary key,
  invitation_id uuid not null references invitation (id),
  created_by text not null,
  created_at {ts} not null
);
create index invitation_link_of on invitation_link (invitation_id);

-- Who invited by hand; such an invitation carries its survey's id in the place of a trigger's, so
-- that there is one per ticket, survey and cycle.
alter table invitation add column invited_by text;
