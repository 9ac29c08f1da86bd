-- Lists are read newest first from an index that begins with what they are filtered by; those whose
-- rows mostly lack the column hold only the rows that have it.
drop index ticket_opened;
drop index ticket_org;
drop index ticket_handler;
drop index ticket_parent;
drop index ticket_external;
drop index ticket_origin;
drop index ticket_import;
create index ticket_newest on ticket (root, opened_at, id);
create index ticket_status on ticket (root, status, opened_at, id);
create index ticket_queue on ticket (root, queue, status, opened_at, id);
create index ticket_handler on ticket (root, handler, status, opened_at, id) where handler is not null;
create index ticket_breached on ticket (root, opened_at, id) where breached;
create index ticket_parent on ticket (parent_id) where parent_id is not null;
create unique index ticket_external on ticket (root, external_ref, channel) where external_ref is not null;
create unique index ticket_origin on ticket (root, origin_kind, origin_id) where origin_kind is not null;
create unique index ticket_import on ticket (root, import_number, import_source) where import_number is not null;
-- Search reads slices of time, newest first: every row says in its tokens when it was opened, at
-- three resolutions, and what else rarely changes (see finding.rs).
--pg update ticket_fts f set tokens = f.tokens || array(select '@0.' || (extract(epoch from t.opened_at)::bigint >> 14) union all select '@1.' || (extract(epoch from t.opened_at)::bigint >> 18) union all select '@2.' || (extract(epoch from t.opened_at)::bigint >> 22) union all select '@o' || array_to_string((string_to_array(t.org, '/'))[1:n], '/') from generate_series(2, cardinality(string_to_array(t.org, '/'))) n union all select '@k' || t.kind union all select '@p' || t.priority union all select '@c' || t.category where t.category is not null union all select '@r' || t.first_responder where t.first_responder is not null) from ticket t where t.id = f.id;
-- Without a list of pending entries, which every look into a slice would have to read.
--pg drop index ticket_fts_tokens;
--pg create index ticket_fts_tokens on ticket_fts using gin (tokens) with (fastupdate = off);
