-- Configuration: every save is a new version of one document; config_head.rev tells caches to reload.
create table config_head (
  org text primary key,
  rev bigint not null
);
create table config (
  org text not null,
  section text not null,
  key text not null,
  version bigint not null,
  data {json} not null,
  saved_at {ts} not null,
  saved_by text not null,
  primary key (org, section, key, version)
);
-- Read model of customer events; the newest version wins.
create table customer (
  id uuid primary key,
  org text not null,
  number text not null,
  locale text not null,
  tier text,
  sla_policy text,
  account_manager text,
  version bigint not null
);
create table ticket (
  id uuid primary key,
  org text not null,
  root text not null,
  number text not null,
  kind text not null,
  category text,
  priority text not null,
  status text not null,
  status_reason text,
  complaint_level text,
  subject text not null,
  channel text not null,
  locale text not null,
  customer_id uuid,
  tier text,
  sla_policy text,
  account_manager text,
  queue text,
  department text,
  first_responder text,
  handler text,
  parent_id uuid,
  repeat_of uuid,
  origin_kind text,
  origin_id uuid,
  external_ref text,
  import_source text,
  import_number text,
  opened_by text not null,
  opened_at {ts} not null,
  first_responded_at {ts},
  resolved_at {ts},
  closed_at {ts},
  auto_close_at {ts},
  resolution text,
  reopen_count integer not null,
  transfer_count integer not null,
  urge_count integer not null,
  escalation_level integer not null,
  breached boolean not null,
  resolution_attained boolean,
  response_attained boolean,
  traceparent text,
  updated_at {ts} not null,
  version bigint not null
);
create unique index ticket_number on ticket (root, number);
create unique index ticket_external on ticket (root, channel, external_ref);
create unique index ticket_origin on ticket (root, origin_kind, origin_id);
create unique index ticket_import on ticket (root, import_source, import_number);
create index ticket_opened on ticket (opened_at, id);
create index ticket_org on ticket (org, opened_at);
create index ticket_customer on ticket (customer_id, opened_at);
create index ticket_handler on ticket (handler, opened_at);
create index ticket_parent on ticket (parent_id);
create index ticket_auto_close on ticket (auto_close_at) where auto_close_at is not null;
create table article (
  id uuid primary key,
  ticket_id uuid not null references ticket (id),
  direction text not null,
  public boolean not null,
  author_kind text not null,
  author text not null,
  channel text not null,
  body text not null,
  written_at {ts} not null
);
create index article_ticket on article (ticket_id, written_at);
-- Append-only: nothing updates or deletes these rows.
create table history (
  id uuid primary key,
  ticket_id uuid not null references ticket (id),
  happened_at {ts} not null,
  actor_kind text not null,
  actor text not null,
  channel text not null,
  field text not null,
  old_value text,
  new_value text,
  reason text
);
create index history_ticket on history (ticket_id, happened_at, id);
create table timer (
  id uuid primary key,
  ticket_id uuid not null references ticket (id),
  metric text not null,
  cycle integer not null,
  task_id uuid,
  state text not null,
  policy text,
  policy_version bigint,
  calendar text not null,
  calendar_version bigint not null,
  target_us bigint not null,
  terms {json} not null,
  fired {json} not null,
  pause_count integer not null,
  started_at {ts} not null,
  due_at {ts},
  ended_at {ts},
  next_fire_at {ts}
);
create unique index timer_cycle on timer (ticket_id, metric, cycle);
create index timer_next on timer (next_fire_at) where next_fire_at is not null;
create table timer_pause (
  id uuid primary key,
  timer_id uuid not null references timer (id),
  from_at {ts} not null,
  to_at {ts},
  reason text
);
create index timer_pause_timer on timer_pause (timer_id);
-- Each step of a timer fires once: the key refuses the second.
create table timer_fire (
  timer_id uuid not null references timer (id),
  step text not null,
  planned_at {ts} not null,
  fired_at {ts} not null,
  told boolean not null,
  primary key (timer_id, step)
);
create table task (
  id uuid primary key,
  ticket_id uuid not null references ticket (id),
  department text not null,
  title text not null,
  body text,
  mandatory boolean not null,
  state text not null,
  due_at {ts},
  opened_at {ts} not null,
  opened_by text not null,
  ended_at {ts},
  ended_by text,
  note text
);
create index task_ticket on task (ticket_id, opened_at);
create table urge (
  id uuid primary key,
  ticket_id uuid not null references ticket (id),
  urged_at {ts} not null,
  urged_by text not null,
  note text
);
create index urge_ticket on urge (ticket_id, urged_at);
-- Which rows of another system's log were taken over.
create table import_row (
  root text not null,
  source text not null,
  number text not null,
  fingerprint text not null,
  ticket_id uuid not null,
  taken_at {ts} not null,
  primary key (root, source, number, fingerprint)
);
