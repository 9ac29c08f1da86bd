-- Enterprises that have got their built-in survey and trigger.
create table enterprise (
  root text primary key,
  created_at {ts} not null
);

create table survey (
  id uuid primary key,
  org text not null,
  root text not null,
  key text not null,
  title text not null,
  -- Draft: SurveyJS JSON as text, so that nothing about it is changed by the database.
  draft text not null,
  metrics {json} not null,
  current_version integer,
  version bigint not null,
  created_at {ts} not null,
  updated_at {ts} not null
);
create unique index survey_key on survey (root, key);
create index survey_org on survey (org, id);

-- Immutable.
create table survey_version (
  survey_id uuid not null references survey (id),
  version integer not null,
  definition text not null,
  metrics {json} not null,
  hash text not null,
  report {json} not null,
  published_at {ts} not null,
  published_by text not null,
  primary key (survey_id, version)
);

create table survey_trigger (
  id uuid primary key,
  org text not null,
  root text not null,
  name text not null,
  survey_id uuid not null references survey (id),
  event text not null,
  filters {json} not null,
  delay_minutes integer not null,
  cool_down_days integer not null,
  cool_down_across_days integer not null,
  low_score_question text,
  low_score_max integer,
  expires_days integer not null,
  enabled boolean not null,
  version bigint not null,
  created_at {ts} not null,
  updated_at {ts} not null
);
create index survey_trigger_root on survey_trigger (root, event);
create index survey_trigger_org on survey_trigger (org, id);

-- One row per candidate: invited, waiting to be, or skipped with its reason.
create table invitation (
  id uuid primary key,
  org text not null,
  root text not null,
  survey_id uuid not null references survey (id),
  survey_version integer not null,
  trigger_id uuid not null,
  ticket_id uuid not null,
  -- How often the ticket had been reopened: each cycle may be asked about once.
  cycle integer not null,
  customer_id uuid,
  handler text,
  kind text,
  tier text,
  subject {json} not null,
  locale text not null,
  -- waiting, sent, answered, skipped
  state text not null,
  skip_reason text,
  -- SHA-256 of the token; the token itself is kept nowhere.
  token_hash text,
  low_score_question text,
  low_score_max integer,
  expires_days integer not null,
  send_at {ts} not null,
  invited_at {ts},
  expires_at {ts},
  delivered_at {ts},
  bounced_at {ts},
  bounce_reason text,
  answered_at {ts},
  -- Event that told of the invitation; notices refer to it.
  event_id uuid,
  correlation_id uuid,
  traceparent text,
  tracestate text,
  version bigint not null,
  created_at {ts} not null
);
create unique index invitation_once on invitation (ticket_id, trigger_id, cycle) where skip_reason is null or skip_reason <> 'duplicate';
create unique index invitation_token on invitation (token_hash);
create unique index invitation_event on invitation (event_id);
create index invitation_org on invitation (org, id);
create index invitation_due on invitation (send_at) where state = 'waiting';
create index invitation_survey on invitation (survey_id, invited_at);

-- One row per customer, locked while a decision about him is made.
create table customer (
  root text not null,
  customer_id uuid not null,
  opted_out_at {ts},
  opted_out_by text,
  touched_at {ts} not null,
  primary key (root, customer_id)
);

-- Contact ledger: who was asked what and when.
create table contact (
  invitation_id uuid primary key references invitation (id),
  root text not null,
  customer_id uuid not null,
  survey_id uuid not null,
  at {ts} not null
);
create index contact_customer on contact (root, customer_id, at);

create table response (
  id uuid primary key,
  org text not null,
  root text not null,
  survey_id uuid not null references survey (id),
  survey_version integer not null,
  invitation_id uuid not null unique references invitation (id),
  -- complete, partial
  state text not null,
  ticket_id uuid,
  customer_id uuid,
  handler text,
  kind text,
  tier text,
  subject {json} not null,
  locale text not null,
  csat integer,
  nps integer,
  settled boolean,
  -- Sealed.
  comment text,
  low boolean not null,
  follow_up_id uuid,
  follow_up_number text,
  -- Status of the follow-up ticket: open, resolved, closed.
  follow_up_state text,
  follow_up_at {ts},
  answered_at {ts} not null
);
create index response_org on response (org, id);
create index response_survey on response (survey_id, answered_at);
create unique index response_follow_up on response (follow_up_id);

create table answer (
  response_id uuid not null references response (id),
  name text not null,
  -- JSON as text; sealed where it is the respondent's own words.
  value text not null,
  sealed boolean not null,
  primary key (response_id, name)
);
