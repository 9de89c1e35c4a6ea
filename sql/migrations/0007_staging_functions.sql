-- The two casts of staging, as functions that the planner inlines.

-- Takes off white space of every kind at both ends (incl. no-break and zero-width space, byte order mark).
create function tidy(value text) returns text language sql immutable parallel safe
return coalesce(btrim(value, E' \t\n\r\f\v\u00a0\u200b\u2007\u202f\u3000\ufeff'), '');

-- A plain decimal such as -1234.50, or null: digits, at most one point, a minus in front only, 24 characters.
-- Taking the digits away and looking at the rest costs a fifth of a regular expression; numeric's own input
-- would also accept NaN, 1e5, 0x1F and 1_000.
create function plain_number(value text) returns numeric language sql immutable parallel safe
return case
  when translate(tidy(value), '0123456789', '') in ('', '.')
   and length(tidy(value)) between 1 and 24
   and tidy(value) <> '.'
  then tidy(value)::numeric
  when translate(tidy(value), '0123456789', '') in ('-', '-.')
   and left(tidy(value), 1) = '-'
   and length(tidy(value)) between 2 and 24
   and tidy(value) <> '-.'
  then tidy(value)::numeric
end;
