-- One row is a file that says of a document figures which contradict each other (BR-CO-10, 13, 15): the document waits for a
-- person while that file stands. `seen` has both figures.
create table document_doubt (
  document_id bigint not null,
  file_id     int    not null references file,
  seen        text   not null,
  primary key (document_id, file_id)
);
