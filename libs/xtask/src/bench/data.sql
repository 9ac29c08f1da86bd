create temp table phrase (n int primary key, txt text, tok text[]);
insert into phrase values
{rows};
analyze phrase;
select setseed(0.42);
-- Phrase numbers are skewed: a few words are in every third ticket, most in few.
create temp table draw as
select g, timestamptz '2026-11-01Z' - interval '1096 days' + (g - 1 + random()) * (interval '1096 days' / {n}) as at,
  random() a, random() b, random() c, random() d, random() e,
  floor({phrases} * power(random(), 2.5))::int p1, floor({phrases} * power(random(), 2.5))::int p2,
  floor({phrases} * power(random(), 2.5))::int p3, md5(g::text) h
from generate_series(1, {n}) g;
create temp table made as
select g, at, p1, p2, p3, b, c, d, e,
  (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid id,
  case when a < 0.04 then '/globex' when a < 0.06 then '/acme'
    else '/acme/r' || floor(4 * power(b, 1.5)) || case when a < 0.12 then '' else '/c' || floor(5 * c)
      || case when a < 0.25 then '' else '/s' || floor(20 * power(d, 2)) end end end org,
  -- What is young is at work; of the old, a few never ended.
  case when g > {n} * 0.97 then (array['new', 'open', 'open', 'open', 'pending', 'on_hold', 'resolved', 'resolved', 'closed', 'cancelled'])[1 + floor(10 * e)::int]
    when e < 0.01 then (array['open', 'pending', 'on_hold'])[1 + floor(300 * e)::int % 3]
    when e < 0.03 then 'resolved' when e < 0.06 then 'cancelled' else 'closed' end status,
  (array['repair', 'repair', 'complaint', 'inquiry', 'inquiry', 'demand', 'praise'])[1 + floor(7 * power(c, 1.3))::int] kind
from draw;
insert into ticket (id, org, root, number, kind, category, priority, status, subject, channel, locale, customer_id, queue,
  first_responder, handler, external_ref, opened_by, opened_at, first_responded_at, resolved_at, closed_at, resolution,
  reopen_count, transfer_count, urge_count, escalation_level, breached, resolution_attained, updated_at, version)
select r.id, org, case when org like '/acme%' then '/acme' else org end,
  'T' || extract(year from at) || '-' || lpad(g::text, greatest(6, length(g::text)), '0'), kind,
  case when e < 0.7 then 'cat' || floor(40 * power(d, 2)) end,
  (array['low', 'normal', 'normal', 'normal', 'normal', 'normal', 'normal', 'high', 'high', 'urgent'])[1 + floor(10 * d)::int],
  status, x.txt || '，' || y.txt, (array['api', 'web', 'email', 'phone', 'chat', 'counter'])[1 + floor(6 * b)::int],
  case when b < 0.7 then 'zh-CN' else 'en' end,
  case when c < 0.9 then ('00000000-0000-7000-8000-' || lpad(to_hex(floor({n} / 15 * power(e * 7 - floor(e * 7), 1.5))::bigint), 12, '0'))::uuid end,
  'q' || floor(12 * power(d, 1.5)), 'agent' || floor({agents} * power(c, 1.5)),
  case when status <> 'new' then 'agent' || floor({agents} * power(c, 1.5)) end,
  case when g % 10 = 0 then 'SN' || g end, 'agent' || floor({agents} * power(c, 1.5)), at, at + interval '20 min',
  case when status in ('closed', 'resolved') then at + interval '1 day' end,
  case when status = 'closed' then at + interval '4 days' end,
  case when status in ('closed', 'resolved') then 'done' end,
  0, 0, 0, 0, d * 13 - floor(d * 13) < 0.08, case when status = 'closed' then true end, at + interval '4 days', 5
from made r join phrase x on x.n = p1 join phrase y on y.n = p2 order by g;
insert into article (id, ticket_id, direction, public, author_kind, author, channel, body, written_at)
select r.id, r.id, 'inbound', true, 'user', 'agent1', 'api', z.txt, at from made r join phrase z on z.n = p3 where g % 4 = 0 order by g;
-- Tickets at work have a timer.
insert into timer (id, ticket_id, metric, cycle, state, calendar, calendar_version, target_us, terms, fired, pause_count, started_at, due_at, next_fire_at)
select r.id, r.id, 'resolution', 1, 'running', 'always', 1, 86400000000, '{}', '[]', 0, at, at + interval '100 years', at + interval '100 years'
from made r where status in ('new', 'open') order by g;
insert into ticket_fts (id, tokens)
select r.id, x.tok || y.tok || case when g % 4 = 0 then z.tok else '{}' end || o.tok
  || array['t' || extract(year from at), lpad(g::text, greatest(6, length(g::text)), '0'),
    '@0.' || (extract(epoch from at)::bigint >> 14), '@1.' || (extract(epoch from at)::bigint >> 18), '@2.' || (extract(epoch from at)::bigint >> 22),
    '@k' || t.kind, '@p' || t.priority, '@r' || t.first_responder]
  || case when g % 10 = 0 then array['sn' || g] else '{}' end
  || case when t.category is not null then array['@c' || t.category] else '{}' end
from made r join ticket t on t.id = r.id
  join (select org, array(select '@o' || array_to_string((string_to_array(org, '/'))[1:n], '/')
        from generate_series(2, cardinality(string_to_array(org, '/'))) n) tok
      from (select distinct org from made) d) o on o.org = t.org
  join phrase x on x.n = p1 join phrase y on y.n = p2 join phrase z on z.n = p3 order by g;
