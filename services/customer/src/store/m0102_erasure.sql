-- Persons who were forgotten: the proof, without the data.
create table erasure (
  customer_id uuid primary key references customer (id),
  reason text not null,
  erased_by text not null,
  erased_at {ts} not null,
  -- When the other services were told last.
  told_at {ts} not null
);
alter table customer add column erased_at {ts};
