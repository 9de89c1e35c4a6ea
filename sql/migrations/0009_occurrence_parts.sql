-- An occurrence may be one of several parts of its job, each with its own attempts, so that workers can share it.
--
-- What was planned before is part 1 of 1, and that means the whole job: a finished cycle stays finished, and one that is
-- under way is ended by the one attempt that it was planned for. Parts are planned only for a job of a cycle that has no
-- occurrence yet.
alter table occurrence
  add column part  smallint not null default 1,
  add column parts smallint not null default 1,
  add constraint occurrence_part_check check (part >= 1 and part <= parts),
  drop constraint occurrence_job_cycle_key,
  add constraint occurrence_job_cycle_part_key unique (job, cycle, part);
