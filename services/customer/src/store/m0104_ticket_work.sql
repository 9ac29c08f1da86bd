-- Who works on which ticket of which customer, as ticketing tells it: these people may see how the
-- customer is reached. The newest version wins; a finished ticket stays, so that an older event that
-- comes late does not open it again.
create table ticket_work (
  ticket_id uuid primary key,
  customer_id uuid,
  handler text,
  first_responder text,
  unfinished boolean not null,
  version bigint not null
);
create index ticket_work_customer on ticket_work (customer_id) where customer_id is not null;
-- Open department tasks with who answers for them.
create table ticket_work_task (
  task_id uuid primary key,
  ticket_id uuid not null,
  holder text not null
);
create index ticket_work_task_ticket on ticket_work_task (ticket_id);
alter table pii_access_log add column ticket_id uuid;
