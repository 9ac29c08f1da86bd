-- Who mails come from, in a unit's own words; of several units the nearest counts.
create table sender (
  org text primary key,
  block {json} not null,
  version bigint not null,
  updated_by text not null,
  updated_at {ts} not null
);
-- The role that nobody holds, where somebody is told in its place.
alter table delivery add column instead_of text;
