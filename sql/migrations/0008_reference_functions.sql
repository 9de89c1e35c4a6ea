-- A day written as YYYY-MM-DD, or null. Unlike the table `day` it also reads the far ends that validity uses:
-- 1900-01-01 (always was) and 9999-12-31 (always will be). The nested case keeps make_date from seeing a 31 June.
create function iso_day(value text) returns date language sql immutable parallel safe
return case
  when tidy(value) ~ '^(19|[2-9]\d)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$'
  then case
    when right(tidy(value), 2)::int
         <= extract(day from make_date(left(tidy(value), 4)::int, substr(tidy(value), 6, 2)::int, 1)
                             + interval '1 month' - interval '1 day')
    then make_date(left(tidy(value), 4)::int, substr(tidy(value), 6, 2)::int, right(tidy(value), 2)::int)
  end
end;
