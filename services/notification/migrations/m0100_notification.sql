-- Who may be told: copies of the customer service's events, and the directory of staff.
create table customer (
  id uuid primary key,
  org text not null,
  number text not null,
  name text not null,
  email text,
  phone text,
  locale text not null,
  account_manager text,
  version bigint not null,
  updated_at {ts} not null
);

create table staff (
  root text not null,
  user_id text not null,
  org text not null,
  name text not null,
  email text,
  locale text not null,
  active boolean not null,
  version bigint not null,
  updated_at {ts} not null,
  primary key (root, user_id)
);

create table staff_role (
  root text not null,
  user_id text not null,
  role text not null,
  primary key (root, user_id, role),
  foreign key (root, user_id) references staff (root, user_id) on delete cascade
);
create index staff_role_role on staff_role (root, role);

-- What an enterprise has changed of the built-in workflows and texts; the nearest org counts.
create table workflow_setting (
  org text not null,
  workflow text not null,
  enabled boolean not null,
  version bigint not null,
  updated_by text not null,
  updated_at {ts} not null,
  primary key (org, workflow)
);

create table template (
  id uuid primary key,
  org text not null,
  key text not null,
  channel text not null,
  locale text not null,
  version bigint not null,
  live boolean not null,
  subject text not null,
  text text not null,
  html text,
  created_by text not null,
  created_at {ts} not null,
  unique (org, key, channel, locale, version)
);
create unique index template_live on template (org, key, channel, locale) where live;

-- Partners' endpoints.
create table webhook_endpoint (
  id uuid primary key,
  org text not null,
  name text not null,
  url text not null,
  event_types {json} not null,
  state text not null,
  state_reason text,
  failing_since {ts},
  paused_until {ts},
  version bigint not null,
  created_at {ts} not null,
  updated_at {ts} not null
);
create index webhook_endpoint_org on webhook_endpoint (org, id);

create table endpoint_secret (
  id uuid primary key,
  endpoint_id uuid not null references webhook_endpoint (id),
  secret text not null,
  created_at {ts} not null,
  expires_at {ts}
);
create index endpoint_secret_endpoint on endpoint_secret (endpoint_id);

-- One decision: this event, by this workflow.
create table request (
  id uuid primary key,
  event_id uuid not null,
  event_type text not null,
  source text not null,
  subject text not null,
  event_time {ts} not null,
  org text not null,
  workflow text not null,
  workflow_version integer not null,
  ticket_id uuid,
  customer_id uuid,
  locale text,
  data {json} not null,
  correlation_id uuid,
  traceparent text,
  tracestate text,
  created_at {ts} not null,
  unique (event_id, workflow)
);

-- One message to one recipient by one channel: the ledger.
create table delivery (
  id uuid primary key,
  request_id uuid not null references request (id),
  event_id uuid not null,
  org text not null,
  workflow text not null,
  channel text not null,
  recipient_kind text not null,
  recipient text not null,
  ticket_id uuid,
  customer_id uuid,
  lane text not null,
  state text not null,
  reason text,
  attempts integer not null,
  round_start integer not null,
  next_attempt_at {ts},
  lease_token uuid,
  lease_until {ts},
  last_error text,
  template_version bigint,
  created_at {ts} not null,
  updated_at {ts} not null,
  delivered_at {ts},
  unique (event_id, workflow, channel, recipient_kind, recipient)
);
create index delivery_due on delivery (lane, next_attempt_at, id) where state = 'queued';
create index delivery_lease on delivery (lease_until) where state = 'sending';
create index delivery_org on delivery (org, id);
create index delivery_ticket on delivery (ticket_id, id);
create index delivery_customer on delivery (customer_id, id);
create index delivery_recipient on delivery (recipient, id);
create index delivery_request on delivery (request_id);

create table attempt (
  delivery_id uuid not null references delivery (id),
  number integer not null,
  lane text not null,
  started_at {ts} not null,
  ended_at {ts} not null,
  outcome text not null,
  status integer,
  error text,
  response text,
  primary key (delivery_id, number)
);
create index attempt_lane on attempt (lane, started_at, delivery_id);

create table inbox_item (
  root text not null,
  user_id text not null,
  seq bigint not null,
  delivery_id uuid not null,
  org text not null,
  workflow text not null,
  ticket_id uuid,
  title text not null,
  body text not null,
  created_at {ts} not null,
  read_at {ts},
  primary key (root, user_id, seq)
);
create index inbox_item_unread on inbox_item (root, user_id) where read_at is null;
