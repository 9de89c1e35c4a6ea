-- The public partner directory: the batch of a cycle, and its one submission.

-- One row is the batch of a cycle: assembled any number of times until it is submitted.
create table directory_batch (
  cycle           text    primary key,
  state           text    not null check (state in ('assembled', 'submitted')),
  cutoff          bigint  not null references change,
  -- the last submitted batch this one was compared with; null = the first
  compared_with   text    references directory_batch,
  change_no       bigint  not null references change
);

-- One row is one listing of a batch. removed rows carry what was last shown.
create table directory_entry (
  cycle          text not null references directory_batch,
  partner_mpn_id text not null,
  country        text not null,
  name           text not null,
  url            text not null,
  action         text not null check (action in ('added', 'changed', 'removed', 'unchanged')),
  primary key (cycle, partner_mpn_id, country)
);

-- One row is the one submission of a cycle: the primary key is the promise. Intent is committed before the
-- first byte (sending); submitted once every file is in place.
create table directory_submission (
  cycle      text   primary key references directory_batch,
  status     text   not null check (status in ('sending', 'submitted', 'unknown')),
  content_hash text not null,
  change_no  bigint not null references change
);

-- One row is one file of a submission.
create table directory_file (
  cycle  text   not null references directory_submission,
  name   text   not null,
  sha256 text   not null,
  bytes  bigint not null,
  primary key (cycle, name)
);
