-- Since when a customer is forgotten: what is told about him later is kept without words.
alter table customer add column erased_at {ts};
