-- Since when a customer is forgotten: nothing said about him is taken over any more.
alter table customer add column erased_at {ts};
