-- Parties. Columns hold the golden record; what the sources said stands in source_record.
create table customer (
  id uuid primary key,
  root_org text not null,
  org text not null,
  number text not null,
  kind text not null,
  name text not null,
  latin_name text,
  locale text not null,
  phone_sealed text,
  phone_valid boolean not null,
  email_sealed text,
  email_valid boolean not null,
  address_sealed text,
  tier text,
  tier_version bigint not null,
  tier_until {ts},
  account_manager text,
  version bigint not null,
  created_at {ts} not null,
  updated_at {ts} not null,
  created_by text not null
);
create unique index customer_number on customer (root_org, number);
create index customer_enterprise on customer (root_org, id);
create index customer_tier on customer (root_org, tier, tier_version);
create index customer_tier_until on customer (tier_until) where tier_until is not null;
create index customer_manager on customer (account_manager, id) where account_manager is not null;

-- Units that brought a customer in, and therefore see him.
create table customer_org (
  org text not null,
  customer_id uuid not null references customer (id),
  primary key (org, customer_id)
);
create index customer_org_customer on customer_org (customer_id);

-- Former ids; they resolve for ever.
create table customer_alias (
  alias_id uuid primary key,
  customer_id uuid not null references customer (id),
  created_at {ts} not null
);
create index customer_alias_customer on customer_alias (customer_id);

-- What a source said, as received and as normalised, both sealed.
create table source_record (
  id uuid primary key,
  root_org text not null,
  org text not null,
  source text not null,
  source_key text not null,
  received text not null,
  normalised text not null,
  fingerprint text not null,
  created_at {ts} not null,
  updated_at {ts} not null
);
create unique index source_record_key on source_record (root_org, source, source_key);

-- Which party a source record belongs to: the only thing that merge and unmerge change.
create table membership (
  source_record_id uuid primary key references source_record (id),
  customer_id uuid not null references customer (id),
  reason text not null,
  since {ts} not null
);
create index membership_customer on membership (customer_id);

-- Identifiers as stated by source records, for lookup.
create table identifier (
  id uuid primary key,
  root_org text not null,
  source_record_id uuid not null references source_record (id),
  kind text not null,
  sealed text not null,
  blind text not null,
  valid boolean not null
);
create index identifier_record on identifier (source_record_id);
create index identifier_lookup on identifier (root_org, kind, blind);

-- Identifiers that tell who a party is: one holder each.
create table identity (
  root_org text not null,
  party_kind text not null,
  kind text not null,
  blind text not null,
  customer_id uuid not null,
  primary key (root_org, party_kind, kind, blind)
);
create index identity_customer on identity (customer_id);

create table contact (
  id uuid primary key,
  customer_id uuid not null references customer (id),
  role text not null,
  name text not null,
  phone_sealed text,
  phone_valid boolean not null,
  email_sealed text,
  email_valid boolean not null,
  locale text,
  version bigint not null,
  created_at {ts} not null,
  updated_at {ts} not null
);
create index contact_customer on contact (customer_id, id);

-- Tiers of an enterprise with their service standards. refreshed_version: up to which version the
-- customers of the tier have been told.
create table tier (
  root_org text not null,
  key text not null,
  rank integer not null,
  name_zh text not null,
  name_en text not null,
  sla_policy text,
  channel text,
  revisit_days integer,
  version bigint not null,
  refreshed_version bigint not null,
  updated_at {ts} not null,
  primary key (root_org, key)
);

-- History of tier and account manager. `until_at` is planned, `ended_at` happened.
create table assignment (
  id uuid primary key,
  customer_id uuid not null references customer (id),
  what text not null,
  value text,
  since {ts} not null,
  until_at {ts},
  ended_at {ts},
  reason text,
  assigned_by text not null
);
create index assignment_customer on assignment (customer_id, what, id);

-- Timeline. The id is the event's, so that an event that comes twice is one entry.
create table timeline (
  event_id uuid primary key,
  customer_id uuid not null,
  org text not null,
  type text not null,
  at {ts} not null,
  ticket_id uuid,
  actor text not null,
  summary {json} not null,
  trace_id text
);
create index timeline_customer on timeline (customer_id, at, event_id);

-- Who saw which personal data unmasked.
create table pii_access_log (
  id uuid primary key,
  customer_id uuid not null,
  actor text not null,
  actor_kind text not null,
  what text not null,
  purpose text,
  trace_id text,
  at {ts} not null
);
create index pii_access_customer on pii_access_log (customer_id, id);
