-- Policies that together gave a timer its terms; null where `policy` alone did, or none.
alter table timer add column policies {json};
