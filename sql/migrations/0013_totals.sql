-- One row is a file that says of a document figures which contradict each other (BR-CO-10, 13, 15): the document waits for a
-- person while a row of that file stands. `seen` has both figures.
create table document_doubt (
  document_id bigint not null,
  file_id     int    not null references file,
  seen        text   not null,
  primary key (document_id, file_id)
);

-- 'totals': a person lets it stand although its totals differ; whatever else there is to it stays.
alter table decision drop constraint decision_verdict_check,
  add constraint decision_verdict_check check (verdict in ('counts', 'rejected', 'superseded', 'totals'));
