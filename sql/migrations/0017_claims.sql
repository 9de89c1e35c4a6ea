-- How a partner writes an invoice number or an OMLP type, and how we have it, are compared (docs/cli.md, lkp reconcile).

-- Letters and digits alone, in capitals: full-width forms are what they look like, and white space and punctuation do not
-- count. Capitals of ASCII only, so that the result depends on no language of the database.
create function bare_word(value text) returns text language sql immutable parallel safe
return regexp_replace(upper(normalize(value, nfkc) collate "C"),
                      E'[[:space:][:punct:]\u2010-\u2015\u2018-\u201f\u2212\u200b\u3001\u3002\u30fb\ufeff]+', '', 'g');

-- What an invoice number is matched by: `#00 42`, `INV-42`, `Invoice No. 42` and `42` are one. A word in front and leading
-- zeros go only where digits follow: `INVERNESS-1` and `L0042` stay.
-- The first case leaves most numbers as they are without a regular expression, which every stored document would pay for.
create function invoice_key(value text) returns text language sql immutable parallel safe
return case
  when translate(value, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', '') = '' and left(value, 1) not in ('0', 'I', 'N') then value
  else regexp_replace(bare_word(value), '^(?:INVOICE|INV)?(?:NUMBER|NO|NR)?0*(?=[0-9])', '')
end;

-- Everything that is known of an invoice number is found by it, whoever bought and whatever became of it.
create index document_key on document (invoice_key(number));
create index rejection_key on rejection (invoice_key(document_number)) where document_number is not null;
create index set_aside_key on set_aside (invoice_key(document_number)) where document_number is not null;
