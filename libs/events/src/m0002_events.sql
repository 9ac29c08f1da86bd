-- Written with the state change, emptied by the relay. Columns fit a change-data-capture relay too.
create table outbox (
  seq {seq},
  id uuid not null unique,
  aggregatetype text not null,
  aggregateid text not null,
  type text not null,
  topic text not null,
  payload text not null,
  headers text not null,
  shard integer not null,
  created_at {ts} not null,
  published_at {ts}
);
create index outbox_pending on outbox (shard, seq) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;
-- Events that a consumer has taken over: done, parked or dead-lettered.
create table inbox (
  consumer text not null,
  event_id uuid not null,
  received_at {ts} not null,
  primary key (consumer, event_id)
);
create index inbox_received on inbox (received_at);
-- Events that failed, and those of the same key that wait behind them.
create table parked (
  seq {seq},
  consumer text not null,
  event_id uuid not null,
  topic text not null,
  key text not null,
  partition_no integer not null,
  log_offset bigint not null,
  headers text not null,
  payload {bytes} not null,
  attempts integer not null,
  next_attempt_at {ts} not null,
  parked_at {ts} not null,
  error text not null,
  unique (consumer, event_id)
);
create index parked_key on parked (consumer, topic, key, seq);
create index parked_due on parked (consumer, next_attempt_at);
-- Events given up.
create table dead_letter (
  seq {seq},
  id uuid not null unique,
  consumer text not null,
  event_id uuid not null,
  type text,
  org text,
  topic text not null,
  key text not null,
  partition_no integer not null,
  log_offset bigint not null,
  headers text not null,
  payload {bytes} not null,
  attempts integer not null,
  error text not null,
  created_at {ts} not null
);
