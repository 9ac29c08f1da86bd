-- Two customers who may be one; people decide. `pair` holds both ids in order, so that no pair is
-- suspected twice, whoever came first. No foreign keys: they would lock the known customer while
-- identifiers are held, against the order of locks.
create table suspected_duplicate (
  id uuid primary key,
  root_org text not null,
  pair text not null,
  newcomer_id uuid not null,
  known_id uuid not null,
  matched_on text not null,
  state text not null,
  version bigint not null,
  suspected_at {ts} not null,
  agreed_by text,
  agreed_at {ts},
  decided_by text,
  decided_at {ts}
);
create unique index suspected_duplicate_pair on suspected_duplicate (pair);
create index suspected_duplicate_root on suspected_duplicate (root_org, id);
create index suspected_duplicate_newcomer on suspected_duplicate (newcomer_id);
create index suspected_duplicate_known on suspected_duplicate (known_id);
create index suspected_duplicate_open on suspected_duplicate (id) where state in ('open', 'agreed');
-- Set for a former customer, who resolves by customer_alias.
alter table customer add column merged_at {ts};
-- From which party to which a source record has moved, so that it can go back.
create table membership_move (
  id uuid primary key,
  source_record_id uuid not null,
  from_id uuid not null,
  to_id uuid not null,
  moved_at {ts} not null
);
create index membership_move_record on membership_move (source_record_id);
-- Customers of whom the others have not been told yet which units see them.
create table untold_units (
  customer_id uuid primary key
);
insert into untold_units (customer_id)
  select customer_id from customer_org group by customer_id having count(*) > 1;
