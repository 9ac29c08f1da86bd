-- Invitations are looked up by their ticket with every event of one, and listed by customer; the
-- partial index over tickets serves neither.
create index invitation_ticket on invitation (ticket_id);
create index invitation_customer on invitation (customer_id);
