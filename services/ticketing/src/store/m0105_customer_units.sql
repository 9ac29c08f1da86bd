-- Units that may see a customer, as their events tell; where it is null only `org` is known.
alter table customer add column orgs {json};
