-- Units that may see a customer, as customer events tell them: what a caller says of a customer is
-- checked against it. Version 0: known only from being asked there, until an event tells more.
create table customer_unit (
  root text not null,
  customer_id uuid not null,
  org text not null,
  version bigint not null,
  primary key (root, customer_id, org)
);
insert into customer_unit (root, customer_id, org, version)
  select distinct root, customer_id, org, 0 from invitation where customer_id is not null;

-- What a settled ticket was about, sealed, for the answer page; and whose it is, so that it can be
-- forgotten.
alter table ticket add column customer_id uuid;
alter table ticket add column subject text;
create index ticket_customer on ticket (customer_id);
