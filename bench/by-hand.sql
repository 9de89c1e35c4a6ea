-- What somebody would write who had to do the ingest's durable work once, by hand: the file as text, then documents and
-- lines into logged tables whose unique keys are there already, duplicates removed. COPY comes between the two parts.
create table document (
  id         bigint generated always as identity primary key,
  source     text   not null,
  seller     text   not null,
  class      text   not null,
  number     text   not null,
  issue_date date   not null,
  type_code  text   not null,
  unique (number, issue_date, class, seller, source)
);
create table line (
  document_id     bigint  not null,
  line_no         text    not null,
  issue_date      date    not null,
  customer_number text    not null,
  sku             text    not null,
  quantity        numeric not null,
  net_amount      numeric not null,
  currency        text    not null,
  primary key (document_id, line_no)
);
-- from here on the time counts
begin;
create unlogged table raw (
  number text, issue_date text, type_code text, currency text, reference_number text, seller text,
  customer_number text, line_number text, quantity text, price text, net_amount text, item_name text, sku text
);
copy raw from stdin (format csv, header);
insert into document (source, seller, class, number, issue_date, type_code)
select distinct 'marketplace', raw.seller, case raw.type_code when '381' then 'credit note' else 'invoice' end,
       raw.number, raw.issue_date::date, raw.type_code
from raw
on conflict do nothing;

insert into line (document_id, line_no, issue_date, customer_number, sku, quantity, net_amount, currency)
select document.id, raw.line_number, document.issue_date, raw.customer_number, raw.sku, raw.quantity::numeric,
       raw.net_amount::numeric, raw.currency
from raw
join document on document.number = raw.number
             and document.issue_date = raw.issue_date::date
             and document.class = case raw.type_code when '381' then 'credit note' else 'invoice' end
             and document.seller = raw.seller
             and document.source = 'marketplace'
on conflict do nothing;

drop table raw;
commit;
