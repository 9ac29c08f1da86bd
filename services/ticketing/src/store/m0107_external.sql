-- Named source of an external reference.
alter table ticket add column external_source text;
