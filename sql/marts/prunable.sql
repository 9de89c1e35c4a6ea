-- One row of the temporary table `prunable` is one thing that only cycles before lkp.before refer to and that may go: the
-- bytes of invoices in the store, or a workbook. What the files brought stays in the tables. The only row of the result: how much
-- it is, and the first change whose files go.
-- Settings: lkp.before (a cycle), lkp.before_instant (when that month began) and lkp.floor, the first month that kept cycles,
-- or those that they are compared with, or a renewal window of theirs, may look at.
create temporary table prunable on commit drop as
with needed as (
  select file.sha256
  from file
  join change on change.no = file.change_no
  where file.kind <> 'invoices'
     or change.known_at >= current_setting('lkp.before_instant')::timestamptz
  union
  select file.sha256
  from file
  join file_total on file_total.file_id = file.id
  where file_total.issue_month >= current_setting('lkp.floor')::date
  union
  -- waits for a decision or a correction: its rows may still come into a window, and lkp rejects reads the bytes
  select file.sha256
  from file
  join quarantine on quarantine.file_id = file.id
  where quarantine.ended_no is null and file.ended_no is null
  union
  select file.sha256
  from file
  join rejection on rejection.file_id = file.id
  where rejection.ended_no is null and file.ended_no is null
), bytes_gone as (
  select file.sha256, min(file.name collate "C") as name, max(file.bytes) as bytes, min(file.change_no) as change_no
  from file
  where not exists (select from needed where needed.sha256 = file.sha256)
  group by file.sha256
  having not exists (select from pruned
                     where pruned.kind = 'bytes' and pruned.sha256 = file.sha256
                       and pruned.change_no > max(file.change_no))
)
select 'bytes' as kind, bytes_gone.sha256, bytes_gone.name, null as cycle, bytes_gone.bytes, bytes_gone.change_no
from bytes_gone
union all
select 'workbook', report_file.sha256, format('revision-%s/%s', report_file.revision, report_file.name),
       report_file.cycle, report_file.bytes, null
from report_file
where report_file.cycle collate "C" < current_setting('lkp.before')
  and not exists (select from pruned
                  where pruned.kind = 'workbook' and pruned.cycle = report_file.cycle
                    and pruned.name = format('revision-%s/%s', report_file.revision, report_file.name));

select count(*) filter (where prunable.kind = 'bytes')::int                                  as files,
       coalesce(sum(prunable.bytes) filter (where prunable.kind = 'bytes'), 0)::text         as bytes,
       count(*) filter (where prunable.kind = 'workbook')::int                               as workbooks,
       min(prunable.change_no)::text                                                         as first_change
from prunable;
