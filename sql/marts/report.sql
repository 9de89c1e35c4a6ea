-- The rows of a revision's detail sheets, as known at its cut-off, in temporary tables:
--   report_line       one row is one counted or reversed line of the reporting window;
--   report_uncounted  one row is one input row that is in no KPI of this cycle, with its rule and what was seen;
--   partner_name      one row is one partner of the report: valid on the window's last day, or with a row to show.
-- All rows, or only those of some partners: of lkp.partner, when it is set, and of share lkp.share of lkp.shares (1 of 1
-- is everybody). A partner's share is a hash of its MPN ID that no server version and no other partner changes.
-- Settings beside these: those of kpi_line for [one month before the window, the newest month], lkp.window_from,
-- lkp.window_to, lkp.cycle_start, lkp.cycle, lkp.revision. Lines older than one month before the window are in the
-- control totals only.
create temporary table known_partner on commit drop as
select distinct on (partner.mpn_id) partner.mpn_id, partner.name, partner.country,
       partner.valid_from <= current_setting('lkp.window_to')::date
         and coalesce(partner.valid_to, 'infinity'::date) > current_setting('lkp.window_to')::date as holds
from partner
where partner.change_no <= current_setting('lkp.cutoff')::bigint
  and (partner.ended_no is null or partner.ended_no > current_setting('lkp.cutoff')::bigint)
-- the name on the window's last day, else the last one before it, else a later one
order by partner.mpn_id, partner.valid_from > current_setting('lkp.window_to')::date, partner.valid_from desc;

set local enable_nestloop = off;

-- one row is one MPN ID whose rows are wanted; '' where rows that lead to nobody are wanted too
create temporary table wanted on commit drop as
with named as (
  select known_partner.mpn_id from known_partner
  union
  select partner_of.partner_mpn_id from partner_of
  union
  select snapshot_cell.partner_mpn_id
  from snapshot_cell
  where snapshot_cell.cycle = current_setting('lkp.cycle')
    and snapshot_cell.revision = current_setting('lkp.revision')::int
  union
  select snapshot_level.partner_mpn_id
  from snapshot_level
  where snapshot_level.cycle = current_setting('lkp.cycle')
    and snapshot_level.revision = current_setting('lkp.revision')::int
  union
  select ''
)
select named.mpn_id
from named
where current_setting('lkp.partner') in ('', named.mpn_id)
  and (current_setting('lkp.shares') = '1'
    or ('x' || left(md5(named.mpn_id), 7))::bit(28)::int % current_setting('lkp.shares')::int + 1
       = current_setting('lkp.share')::int and named.mpn_id <> '');

-- The customer numbers that ever led to a wanted partner: known of a line before anything is joined to it.
select set_config('lkp.customers', coalesce(array_agg(distinct customer.customer_number), '{}')::text, true)
from wanted
join partner_of on partner_of.partner_mpn_id = wanted.mpn_id
join customer on customer.location_mpn_id = partner_of.location_mpn_id
having not exists (select from wanted as everybody where everybody.mpn_id = '');

create temporary table known_line on commit drop as
select shown_line.*
from shown_line
where shown_line.partner_mpn_id in (select wanted.mpn_id from wanted);

create temporary table report_line on commit drop as
-- position: the order of every workbook; the rows are sorted once, not once for the partners and once for the program
select row_number() over (order by known_line.partner_mpn_id collate "C", known_line.kpi_month,
                                   known_line.omlp_type collate "C", known_line.number collate "C",
                                   file.name collate "C", file.sha256 collate "C", known_line.row_no) as position,
       known_line.partner_mpn_id,
       coalesce(known_partner.name, '')                         as partner_name,
       known_line.shows,
       extract(month from known_line.kpi_month)::int::text      as month,
       extract(year from known_line.kpi_month)::int::text       as year,
       known_line.kpi_month,
       known_line.omlp_type, known_line.kpi_class,
       trim_scale(known_line.units)::text                       as units,
       known_line.number,
       trim_scale(known_line.kpi_value)::text                   as kpi_value,
       known_line.revenue::text                                 as revenue,
       known_line.location_mpn_id,
       known_line.issue_date::text                              as issue_date,
       known_line.sku,
       trim_scale(known_line.quantity)::text                    as quantity,
       known_line.currency,
       round(known_line.amount, greatest(scale(trim_scale(known_line.amount)), currency.minor_unit))::text as amount,
       trim_scale(round(known_line.rate, 8))::text              as rate,
       case when known_line.rate is not null then known_line.rate_date::text end as rate_date,
       case when known_line.rate is not null then case known_line.rate_origin when 'ecb' then 'ECB' else known_line.rate_origin end end
                                                                as rate_source,
       file.name                                                as file_name,
       file.sha256                                              as file_sha256,
       known_line.row_no::text                                  as row_no,
       concat_ws(', ',
         case when known_line.shows = 'reversal'    then 'reversal' end,
         case when known_line.amount = 0            then '$0 purchase' end,
         case when known_line.revenue is null       then 'no rate' end) as note
from known_line
join file on file.id = known_line.file_id
left join currency      on currency.code = known_line.currency
left join known_partner on known_partner.mpn_id = known_line.partner_mpn_id
where known_line.shows in ('counted', 'reversal');

create temporary table report_uncounted on commit drop as
with bought as (
  -- whose row it was, where it can be told: the customer number's location at the issue date, or at the window's end
  select customer.source, customer.customer_number, customer.valid_from, customer.valid_to, partner_of.partner_mpn_id
  from customer
  join partner_of on partner_of.location_mpn_id = customer.location_mpn_id
  where customer.change_no <= current_setting('lkp.cutoff')::bigint
    and (customer.ended_no is null or customer.ended_no > current_setting('lkp.cutoff')::bigint)
), uncounted as (
  select known_line.partner_mpn_id, known_line.shows as disposition,
         case when known_line.shows in ('not-yet-visible', 'outside-window') then known_line.shows
              when known_line.shows = 'superseded'                           then 'invoice-corrected'
              else known_line.rule end as rule,
         case when known_line.shows = 'not-yet-visible' then to_char(known_line.issue_month + interval '1 month', 'YYYY-MM')
              when known_line.shows = 'superseded'      then known_line.corrected_by
              else known_line.seen end as seen,
         known_line.number, known_line.issue_date::text as issue_date, known_line.customer_number, known_line.sku,
         trim_scale(known_line.quantity)::text as quantity, known_line.currency, known_line.amount,
         known_line.file_id, known_line.row_no
  from known_line
  where known_line.shows not in ('counted', 'reversal')
  union all
  select coalesce(bought.partner_mpn_id, ''), rejection.held, rejection.rule, rejection.seen,
         rejection.document_number, rejection.issue_date::text, rejection.customer_number, null, null,
         rejection.currency, rejection.amount, rejection.file_id, rejection.row_no
  from rejection
  join file on file.id = rejection.file_id and file.kind = 'invoices'
  left join bought on bought.source = file.source
                  and bought.customer_number = rejection.customer_number
                  and coalesce(rejection.issue_date, current_setting('lkp.window_to')::date) >= bought.valid_from
                  and coalesce(rejection.issue_date, current_setting('lkp.window_to')::date)
                      < coalesce(bought.valid_to, 'infinity'::date)
  where rejection.change_no <= current_setting('lkp.cutoff')::bigint
    and (rejection.ended_no is null or rejection.ended_no > current_setting('lkp.cutoff')::bigint)
    and coalesce(rejection.issue_date, current_setting('lkp.window_to')::date) >= current_setting('lkp.from')::date
  union all
  select coalesce(bought.partner_mpn_id, ''), set_aside.held, set_aside.rule, coalesce(by_file.name || ', row ' || set_aside.by_row_no, set_aside.seen),
         set_aside.document_number, set_aside.issue_date::text, set_aside.customer_number, null, null,
         set_aside.currency, set_aside.amount, set_aside.file_id, set_aside.row_no
  from set_aside
  join file on file.id = set_aside.file_id
  left join file as by_file on by_file.id = set_aside.by_file_id
  left join bought on bought.source = file.source
                  and bought.customer_number = set_aside.customer_number
                  and coalesce(set_aside.issue_date, current_setting('lkp.window_to')::date) >= bought.valid_from
                  and coalesce(set_aside.issue_date, current_setting('lkp.window_to')::date)
                      < coalesce(bought.valid_to, 'infinity'::date)
  where set_aside.change_no <= current_setting('lkp.cutoff')::bigint
    and (set_aside.ended_no is null or set_aside.ended_no > current_setting('lkp.cutoff')::bigint)
    and coalesce(set_aside.issue_date, current_setting('lkp.window_to')::date) >= current_setting('lkp.from')::date
  union all
  select coalesce(bought.partner_mpn_id, ''), 'duplicate', 'duplicate', original.name || ', row ' || duplicate.of_row_no,
         duplicate.document_number, duplicate.issue_date::text, duplicate.customer_number, null, null,
         duplicate.currency, duplicate.amount, duplicate.file_id, duplicate.row_no
  from duplicate
  join file on file.id = duplicate.file_id
  join file as original on original.id = duplicate.of_file_id
  left join bought on bought.source = file.source
                  and bought.customer_number = duplicate.customer_number
                  and duplicate.issue_date >= bought.valid_from
                  and duplicate.issue_date <  coalesce(bought.valid_to, 'infinity'::date)
  where duplicate.change_no <= current_setting('lkp.cutoff')::bigint
    and (duplicate.ended_no is null or duplicate.ended_no > current_setting('lkp.cutoff')::bigint)
    and duplicate.issue_date >= current_setting('lkp.from')::date
)
select uncounted.partner_mpn_id, coalesce(known_partner.name, '') as partner_name,
       uncounted.disposition, uncounted.rule, uncounted.seen, uncounted.number, uncounted.issue_date,
       uncounted.customer_number, uncounted.sku, uncounted.quantity, uncounted.currency,
       round(uncounted.amount, greatest(scale(trim_scale(uncounted.amount)), currency.minor_unit))::text as amount,
       file.name as file_name, file.sha256 as file_sha256, uncounted.row_no::text as row_no
from uncounted
join file on file.id = uncounted.file_id
left join currency      on currency.code = uncounted.currency
left join known_partner on known_partner.mpn_id = uncounted.partner_mpn_id
where uncounted.partner_mpn_id in (select wanted.mpn_id from wanted);

create temporary table partner_name on commit drop as
with shown as (
  select known_partner.mpn_id from known_partner where known_partner.holds
  union
  select snapshot_cell.partner_mpn_id
  from snapshot_cell
  where snapshot_cell.cycle = current_setting('lkp.cycle')
    and snapshot_cell.revision = current_setting('lkp.revision')::int
  union
  select snapshot_level.partner_mpn_id
  from snapshot_level
  where snapshot_level.cycle = current_setting('lkp.cycle')
    and snapshot_level.revision = current_setting('lkp.revision')::int
  union
  select report_uncounted.partner_mpn_id from report_uncounted
)
select shown.mpn_id, coalesce(known_partner.name, '') as name, coalesce(known_partner.country, '') as country
from shown
left join known_partner on known_partner.mpn_id = shown.mpn_id
where shown.mpn_id <> '' and shown.mpn_id in (select wanted.mpn_id from wanted);

set local enable_nestloop = on;
set local lkp.customers = '';
drop table known_line;

create index on report_line (partner_mpn_id collate "C", position);
create index on report_uncounted (partner_mpn_id collate "C");
analyze report_line (partner_mpn_id, position);
analyze report_uncounted (partner_mpn_id);
