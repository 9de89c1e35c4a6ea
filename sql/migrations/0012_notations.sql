-- How amounts and dates are written in files that say so in other ways than ours.

-- An amount without what dresses it: a currency sign, brackets or a trailing minus for less than nothing, and the many
-- spaces, apostrophes and minus signs there are. `(£9,999.90)` -> `-9,999.90`; what is no such thing is no number either.
-- A longer text than 64 characters is none.
create function undecorated(value text) returns text language sql immutable parallel safe
return case
  when length(value) > 64 then value
  when value ~ '^-?[0-9.,]*$' then value
  else regexp_replace(regexp_replace(regexp_replace(
         btrim(translate(value, E'\u00a0\u2009\u202f\u2019\u2212', '   ''-'), ' '),
         '^\( *[£$€¥₺]? *([0-9.,](?:[0-9., '']*[0-9.,])?) *[£$€¥₺]? *\)$', '-\1'),
         '^(?:- *[£$€¥₺]|[£$€¥₺] *-|-) *([0-9.,](?:[0-9., '']*[0-9.,])?)$|^- *([0-9.,](?:[0-9., '']*[0-9.,])?) *[£$€¥₺]$|^[£$€¥₺]? *([0-9.,](?:[0-9., '']*[0-9.,])?) *[£$€¥₺]? *-$', '-\1\2\3'),
         '^[£$€¥₺]? *([0-9.,](?:[0-9., '']*[0-9.,])?) *[£$€¥₺]?$', '\1')
end;

-- The two digits of a month's name, in full or short, in English, German or Turkish; null for any other word. lower() of
-- the database's language may leave letters beyond ASCII as they are.
create function month_of(name text) returns text language sql immutable parallel safe
return case lower(name)
  when 'jan' then '01' when 'january' then '01' when 'januar' then '01' when 'oca' then '01' when 'ocak' then '01'
  when 'feb' then '02' when 'february' then '02' when 'februar' then '02'
  when 'şub' then '02' when 'Şub' then '02' when 'şubat' then '02' when 'Şubat' then '02'
  when 'mar' then '03' when 'march' then '03' when 'mrz' then '03' when 'mär' then '03' when 'märz' then '03' when 'mart' then '03'
  when 'apr' then '04' when 'april' then '04' when 'nis' then '04' when 'nisan' then '04'
  when 'may' then '05' when 'mai' then '05' when 'mayıs' then '05'
  when 'jun' then '06' when 'june' then '06' when 'juni' then '06' when 'haz' then '06' when 'haziran' then '06'
  when 'jul' then '07' when 'july' then '07' when 'juli' then '07' when 'tem' then '07' when 'temmuz' then '07'
  when 'aug' then '08' when 'august' then '08' when 'ağu' then '08' when 'ağustos' then '08'
  when 'sep' then '09' when 'sept' then '09' when 'september' then '09' when 'eyl' then '09' when 'eylül' then '09'
  when 'oct' then '10' when 'october' then '10' when 'okt' then '10' when 'oktober' then '10' when 'eki' then '10' when 'ekim' then '10'
  when 'nov' then '11' when 'november' then '11' when 'kas' then '11' when 'kasım' then '11'
  when 'dec' then '12' when 'december' then '12' when 'dez' then '12' when 'dezember' then '12' when 'ara' then '12' when 'aralık' then '12'
end;

-- The first cell that has no value which could be read: an error of a spreadsheet, or a formula whose result was not stored.
create function without_value(variadic cells text[]) returns text language sql immutable parallel safe
return (select cell from unnest(cells) as cell
        where cell ~ '^#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|GETTING_DATA|SPILL!|CALC!|FIELD!|BLOCKED!|FORMULA!)$'
        limit 1);

-- Rows that only a person can read (an amount or date with two readings, a cell without a value) wait: they are stored with the rejected ones,
-- having no value that a line could hold.
alter table rejection
  add column held text not null generated always as
    (case when rule in ('ambiguous-date', 'ambiguous-amount', 'cell-without-value') then 'quarantined' else 'rejected' end) stored;

-- The publisher's own total rows: recognised, compared with the lines, never ingested.
alter table file add column total_rows int not null default 0;
