import { csvTable } from '../../samples/csv.ts';
import { day, lastDay, monthAfter } from '../../samples/months.ts';
import type { Draw } from '../../samples/random.ts';
import type { Attainment, Listing, Reference } from '../../samples/truth.ts';
import { monthOf, referenceOf } from '../property/month.ts';
import { type Load, type LoadKind, morning, type StoryEvent } from './story.ts';

/** How reference data is loaded at the beginning, and changes from then on. */

const loadOf = (kind: LoadKind, name: string, rows: readonly object[], says: Partial<Reference>): Load => ({
  kind,
  name,
  content: csvTable(rows, Object.keys(rows[0]!)),
  says,
});

/** Customer numbers that are made known in these cycles only; until then their rows are unmapped. */
const LATE_CUSTOMERS = [1, 4, 8];

export function changesOf(
  reference: Reference,
  cycles: readonly string[],
  draw: Draw,
): { opening: Load[]; events: StoryEvent[] } {
  const products = [...reference.products, ...referenceOf([{ id: 1, month: monthOf(1) }]).products];
  const late = reference.customers
    .filter(({ program, valid_to }) => program === '' && valid_to === '')
    .filter((_, index) => index % 4 === 3)
    .map(({ customer_number }) => customer_number)
    .slice(0, LATE_CUSTOMERS.length);
  const customers = reference.customers.filter(({ customer_number }) => !late.includes(customer_number));
  const { partners, locations, enrolments, attainments, manualRates } = reference;
  const opening = [
    loadOf('partners', 'partners.csv', partners, { partners }),
    loadOf('locations', 'locations.csv', locations, { locations }),
    loadOf('customers', 'customers.csv', customers, { customers }),
    loadOf('enrolments', 'enrolments.csv', enrolments, { enrolments }),
    loadOf('attainments', 'attainments.csv', attainments, { attainments }),
    loadOf('products', 'products.csv', products, { products }),
    loadOf('rates', 'rates-manual.csv', manualRates, { manualRates }),
  ];
  const events = LATE_CUSTOMERS.flatMap((index, place): StoryEvent[] => {
    const [cycle, number] = [cycles[index], late[place]];
    const rows = reference.customers.filter(({ customer_number }) => customer_number === number);
    if (!cycle || rows.length === 0) return [];
    const load = loadOf('customers', `customers-${cycle}.csv`, rows, { customers: rows });
    return [{ at: morning(day(cycle, 18)), what: 'load', load }];
  });
  return {
    opening,
    events: [...events, ...attained(reference.attainments, cycles, draw), ...listed(reference, cycles, draw)],
  };
}

/** Each cycle one figure of a partner goes up on the first of the month. */
function attained(all: readonly Attainment[], cycles: readonly string[], draw: Draw): StoryEvent[] {
  const keyOf = (row: Attainment): string =>
    JSON.stringify([row.partner_mpn_id, row.competency, row.measure]);
  const known = new Map<string, Attainment[]>();
  for (const row of all) known.set(keyOf(row), [...(known.get(keyOf(row)) ?? []), row]);
  const isSteady = (rows: readonly Attainment[]) => rows.length === 1 && rows[0]!.valid_to === '';
  const counted = [...known]
    .filter(([key, rows]) => /"(exam|mct)"/.test(key) && isSteady(rows))
    .map(([key]) => key);
  return cycles.map((cycle) => {
    const key = draw.pick(counted);
    const rows = known.get(key)!;
    const last = rows.at(-1)!;
    const from = day(cycle, 1);
    const next = [
      ...rows.slice(0, -1),
      { ...last, valid_to: from },
      { ...last, value: String(Number(last.value) + 1), valid_from: from, valid_to: '' },
    ];
    known.set(key, next);
    const load = loadOf('attainments', `attainments-${cycle}.csv`, next, { attainments: next });
    return { at: morning(day(cycle, draw.integer(2, 24))), what: 'load', load };
  });
}

/** Each cycle a partner asks to be listed or changes its page, in time for the cycle's batch or after it. */
function listed({ partners }: Reference, cycles: readonly string[], draw: Draw): StoryEvent[] {
  const listing = (index: number, requested_on: string, serial: number): Listing => {
    const { mpn_id, name, country } = partners[index % partners.length]!;
    const url = `https://learn.${mpn_id}.example/${serial}/`;
    const code = country.replace('UK', 'GB');
    return {
      partner_mpn_id: mpn_id,
      country: code,
      name,
      url,
      requested_on,
      valid_from: requested_on,
      valid_to: '',
    };
  };
  return cycles.map((cycle, index) => {
    const asked = day(cycle, index === 0 ? 2 : draw.integer(2, 20));
    const rows =
      index === 0
        ? [0, 1, 2].map((partner) => listing(partner, asked, 0))
        : [listing(index + 2, asked, index)];
    const load = loadOf('listings', `listings-${cycle}.csv`, rows, { listings: rows });
    return { at: morning(asked), what: 'load', load };
  });
}

const CURRENCIES = { USD: 1.08, JPY: 140, GBP: 0.86, TRY: 20, INR: 88, BRL: 5.4, PLN: 4.5 } as const;

/** The ECB's file, a month at a time: each weekday's rates, newest first, as they are published; now and then after the 15th. */
export function ratesOf(from: string, cycles: readonly string[], draw: Draw): StoryEvent[] {
  const header = `Date,${Object.keys(CURRENCIES).join(',')},HRK,`;
  const rateOn = (date: string): string => {
    const drift = (Date.parse(`${date}T00:00:00Z`) / 86_400_000) % 97;
    const rates = Object.values(CURRENCIES).map((rate) =>
      ((rate * (10_000 + drift * 7)) / 10_000).toFixed(4),
    );
    return `${date},${rates.join(',')},N/A,`;
  };
  const linesOf = (month: string): string[] =>
    Array.from({ length: Number(lastDay(month).slice(8)) }, (_, index) => day(month, index + 1))
      .filter((date) => ![0, 6].includes(new Date(`${date}T00:00:00Z`).getUTCDay()))
      .map(rateOn)
      .reverse();
  const load = (name: string, months: readonly string[]): Load => {
    const lines = [...months].reverse().flatMap(linesOf);
    const ecb = `${[header, ...lines].join('\n')}\n`;
    return { kind: 'rates', name, content: ecb, says: { ecb } };
  };
  // The tangled months reach back more than a year.
  const past = Array.from({ length: 24 }, (_, index) => monthAfter(cycles[0]!, index - 24)).filter(
    (month) => month >= monthAfter(from, -18),
  );
  return [
    { at: morning(day(cycles[0]!, 1)), what: 'load', load: load('ecb-until-now.csv', past) },
    ...cycles.slice(1).map((cycle): StoryEvent => {
      const date = day(cycle, draw.chance(1, 6) ? draw.integer(16, 24) : draw.integer(1, 5));
      return { at: morning(date), what: 'load', load: load(`ecb-${cycle}.csv`, [monthAfter(cycle, -1)]) };
    }),
  ];
}
