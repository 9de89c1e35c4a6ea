import type { Look } from './looks.ts';

/** A function of the database, asked of values on both sides of its borders. */
const asked = (file: string, ...asks: string[]): Look => ({
  file: `migrations/${file}`,
  from: '',
  settings: {},
  ground: [],
  looks: [''],
  asks,
});

/** Values, by what a function makes of each. */
const each = (values: readonly string[], makes: string): string =>
  `select value, ${makes} as made from (values ${values.map((value) => `(${value})`).join(', ')}) as given (value) order by 1, 2`;
/** One row a value, so that one which stops does not hide the others. */
const oneByOne = (values: readonly string[], makes: string): string[] =>
  values.map((value) => each([value], makes));

const LONG = [23, 24, 25].map((length) => `repeat('1', ${length})`);
const NUMBERS = ["''", "'abc'", "'-'", "'.'", "'-.'", "'-5'", "'5-'", "'1-2'", "'1.5'", ...LONG];

export const FUNCTION_LOOKS: readonly Look[] = [
  asked(
    '0007_staging_functions',
    each(["' a '", 'null', "'b'"], 'tidy(value)'),
    `select value, bare, tidy(value, bare) as made from (values (' a '), (null), ('b')) as given (value) cross join unnest(array[true, false]) as bare order by 1, 2`,
    ...oneByOne([...NUMBERS, ...NUMBERS.map((value) => `' ' || ${value}`)], 'plain_number(value)'),
  ),
  asked(
    '0008_reference_functions',
    each(
      [
        "'2020-02-29'",
        "'2020-02-30'",
        "'2020-04-30'",
        "'2020-04-31'",
        "'2020-03-31'",
        "'1900-01-01'",
        "'9999-12-31'",
        "'2020-13-01'",
      ],
      'iso_day(value)',
    ),
  ),
  asked(
    '0010_corrections',
    `select one, other, is_transposed(one, other) as made from unnest(array['1234', '1324', '2134', '1243', '3214', '123', '4']) as one
     cross join unnest(array['1234', '123', '4']) as other order by 1, 2`,
  ),
  // Sixty-four characters, and one more.
  asked(
    '0012_notations',
    each(["'(' || repeat('1', 62) || ')'", "'(' || repeat('1', 63) || ')'", "'12'"], 'undecorated(value)'),
    each(["'#N/A'", "'N/A'"], "without_value('1', value, '2')"),
  ),
  asked(
    '0015_levels',
    `select day, year, recurs(day, year) as made from unnest(array['2020-02-29', '2019-02-28', '2019-03-29', '2019-12-31']::date[]) as day
     cross join unnest(array[2019, 2020]) as year order by 1, 2`,
    // The days around a year's end and around a recurrence, from which on it is at hand.
    `select day::date as day, of::date as of, since::date as since, anniversary_at_hand(day::date, of::date, since::date) as made
     from unnest(array['2018-01-01', '2018-01-10', '2018-06-15', '2018-12-10', '2016-02-29', '2018-12-31']::date[]) as day
     cross join (select generate_series(timestamp '2019-10-25', timestamp '2020-03-05', interval '1 day') as of union values (timestamp '2020-07-14'), ('2020-07-15'), ('2020-07-16')) as starts
     cross join unnest(array['2000-01-01', '2019-12-30', '2019-12-31', '2020-01-01', '2020-01-09', '2020-01-10', '2020-02-28', '2020-02-29']::date[]) as since
     order by 1, 2, 3`,
    each(["'Action Pack'", "'Learning Action Pack'", "'Gold'"], 'hangs_on_partner(value)'),
  ),
  asked(
    '0017_claims',
    each(
      ["'0042'", "'INV-42'", "'INV42'", "'NO7'", "'L0042'", "'A-1'", "'INVERNESS-1'", "'A1'"],
      'invoice_key(value)',
    ),
  ),
  asked(
    '0019_odd_numbers',
    each(["'0042'", "'INV42'", "'NO7'", "'L0042'", "'a1'", "'A-1'"], 'is_own_key(value)'),
  ),
];
