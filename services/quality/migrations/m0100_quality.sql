-- Scorecards and their numbered versions.
create table scorecard (
  id uuid primary key,
  org text not null,
  key text not null,
  title {json} not null,
  latest_published integer,
  created_at {ts} not null,
  created_by text not null,
  version bigint not null,
  unique (org, key)
);
create table scorecard_version (
  id uuid primary key,
  scorecard_id uuid not null references scorecard (id),
  number integer not null,
  state text not null,
  form {json} not null,
  published_at {ts},
  published_by text,
  unique (scorecard_id, number)
);
-- What ticketing and survey told: the newest version of each ticket, and the answers.
create table serviced_ticket (
  ticket_id uuid primary key,
  org text not null,
  number text not null,
  kind text not null,
  category text,
  priority text not null,
  channel text not null,
  status text not null,
  complaint_level text,
  customer_id uuid,
  tier text,
  parent_id uuid,
  agent text,
  opened_at {ts} not null,
  first_responded_at {ts},
  resolved_at {ts},
  closed_at {ts},
  reopen_count integer not null,
  urge_count integer not null,
  breached boolean not null,
  response_attained boolean,
  resolution_attained boolean,
  imported boolean not null,
  traceparent text,
  version bigint not null
);
create index serviced_ticket_opened on serviced_ticket (opened_at);
create index serviced_ticket_responded on serviced_ticket (first_responded_at);
create index serviced_ticket_resolved on serviced_ticket (resolved_at);
create index serviced_ticket_closed on serviced_ticket (closed_at);
create table survey_answer (
  response_id uuid primary key,
  org text not null,
  ticket_id uuid,
  agent text,
  csat integer,
  nps integer,
  answered_at {ts} not null
);
create index survey_answer_answered on survey_answer (answered_at);
-- Sampling.
create table sampling_plan (
  id uuid primary key,
  org text not null,
  title {json} not null,
  active boolean not null,
  scorecard_id uuid references scorecard (id),
  quota integer not null,
  kinds {json} not null,
  include_imported boolean not null,
  risk {json},
  inspectors {json} not null,
  created_at {ts} not null,
  created_by text not null,
  version bigint not null
);
create index sampling_plan_org on sampling_plan (org);
create table draw (
  id uuid primary key,
  plan_id uuid not null references sampling_plan (id),
  org text not null,
  period text not null,
  seed bigint not null,
  frame_hash text not null,
  frame {json} not null,
  items {json} not null,
  drawn_at {ts} not null,
  drawn_by text not null
);
create index draw_plan on draw (plan_id);
-- One inspection per ticket, whatever the reasons.
create table inspection (
  id uuid primary key,
  org text not null,
  ticket_id uuid unique,
  ticket_number text,
  customer_id uuid,
  kind text,
  tier text,
  complaint_level text,
  agent text,
  reasons {json} not null,
  plan_id uuid references sampling_plan (id),
  draw_id uuid references draw (id),
  period text,
  scorecard_id uuid references scorecard (id),
  inspector text,
  state text not null,
  traceparent text,
  created_at {ts} not null,
  version bigint not null
);
create index inspection_org on inspection (org);
create index inspection_inspector on inspection (inspector);
create index inspection_plan on inspection (plan_id, period);
create table evaluation (
  id uuid primary key,
  inspection_id uuid not null unique references inspection (id),
  org text not null,
  agent text,
  scorecard_id uuid not null references scorecard (id),
  scorecard_version integer not null,
  scorer text not null,
  state text not null,
  answers {json} not null,
  comment text,
  score double precision,
  fatal boolean not null,
  result {json} not null,
  published_at {ts},
  appeal_until {ts},
  final_at {ts},
  final_reason text,
  created_at {ts} not null,
  version bigint not null
);
create index evaluation_org on evaluation (org);
create index evaluation_published on evaluation (published_at);
create index evaluation_waiting on evaluation (state, appeal_until);
create table appeal (
  id uuid primary key,
  evaluation_id uuid not null unique references evaluation (id),
  inspection_id uuid not null references inspection (id),
  org text not null,
  appellant text not null,
  items {json} not null,
  state text not null,
  lodged_at {ts} not null,
  outcome text,
  reason text,
  changes {json},
  decided_by text,
  decided_at {ts},
  answers_before {json} not null,
  score_before double precision,
  score_after double precision,
  version bigint not null
);
create index appeal_org on appeal (org);
-- Rectification orders and every step of theirs.
create table rectification (
  id uuid primary key,
  org text not null,
  evaluation_id uuid references evaluation (id),
  ticket_id uuid,
  customer_id uuid,
  title text not null,
  cause text not null,
  owner text not null,
  required_evidence text,
  first_due_at {ts} not null,
  due_at {ts} not null,
  state text not null,
  evidence text,
  done_at {ts},
  verifier text,
  verified_at {ts},
  reopen_count integer not null,
  traceparent text,
  created_at {ts} not null,
  created_by text not null,
  version bigint not null
);
create index rectification_org on rectification (org);
create index rectification_due on rectification (first_due_at);
create index rectification_evaluation on rectification (evaluation_id);
create table rectification_step (
  id uuid primary key,
  rectification_id uuid not null references rectification (id),
  action text not null,
  actor text not null,
  note text,
  at {ts} not null
);
create index rectification_step_of on rectification_step (rectification_id);
create table service_report (
  id uuid primary key,
  org text not null,
  period text not null,
  number integer not null,
  figures {json} not null,
  published_at {ts} not null,
  published_by text not null,
  unique (org, period, number)
);
