import { ARTICLES, RETIRED } from './catalogue.ts';
import { day, mondays, monthAfter } from './months.ts';
import { PARTNERS } from './partners.ts';
import type { Draw } from './random.ts';
import type { Attainment, Customer, Enrolment, Listing, Location, ManualRate, Reference } from './truth.ts';

/** How a partner buys and what it is enrolled in; partner number i has plan i modulo the number of plans. */
export interface Plan {
  readonly option: '' | 'Gold' | 'Silver' | 'Action Pack';
  /** Quantities drawn per line, from and to; [0, 0] = never buys. */
  readonly quantity: readonly [number, number];
  readonly examVouchers: boolean;
  /** Attainments by measure; an absent one is "no data". */
  readonly attained: Readonly<Record<string, string>>;
  /** Enrolled only from, or only until, the second half of the months. */
  readonly enrolled?: 'late' | 'ended';
}

const PLANS: readonly Plan[] = [
  {
    option: 'Gold',
    quantity: [4, 20],
    examVouchers: true,
    attained: { mct: '3', exam: '4', 'survey-score': '4.62', 'survey-count': '240' },
  },
  {
    option: 'Silver',
    quantity: [3, 9],
    examVouchers: true,
    attained: { mct: '1', exam: '1', 'survey-score': '4.31' },
  },
  { option: 'Action Pack', quantity: [1, 3], examVouchers: true, attained: { mct: '1' } },
  // Enrolled for Gold and reaching Silver: no exam vouchers.
  { option: 'Gold', quantity: [5, 12], examVouchers: false, attained: { mct: '2', exam: '2' } },
  // Enrolled for Gold, bought long before that.
  {
    option: 'Gold',
    quantity: [6, 18],
    examVouchers: true,
    attained: { mct: '2', exam: '3' },
    enrolled: 'late',
  },
  // Enrolled for Silver and reaching the Action Pack: no exams passed.
  { option: 'Silver', quantity: [2, 6], examVouchers: true, attained: { mct: '1' } },
  // Enrolled for Silver and reaching nothing: no trainer.
  { option: 'Silver', quantity: [3, 8], examVouchers: true, attained: { exam: '1' } },
  { option: '', quantity: [1, 4], examVouchers: true, attained: {} },
  { option: 'Action Pack', quantity: [1, 2], examVouchers: true, attained: { mct: '0' } },
  {
    option: 'Silver',
    quantity: [1, 5],
    examVouchers: true,
    attained: { mct: '1', exam: '1' },
    enrolled: 'ended',
  },
  { option: 'Action Pack', quantity: [0, 0], examVouchers: false, attained: { mct: '2' } },
  // Enrolled for Gold and reaching the Action Pack: too little of everything.
  { option: 'Gold', quantity: [1, 2], examVouchers: false, attained: { mct: '1' } },
];

const COMPETENCIES = ['Cloud Platform', 'Data Platform', 'Cloud Productivity', 'Cloud Business Applications'];

/** A location as the invoices see it: where it is and which customer numbers it buys under, at any time. */
export interface Site {
  readonly id: string;
  readonly partner: number;
  readonly plan: Plan;
  readonly currency: string;
  readonly american: boolean;
  readonly customers: readonly string[];
  /** First day on which it buys no more; empty = it goes on. */
  readonly closed: string;
}

export interface Stage {
  readonly reference: Reference;
  readonly sites: readonly Site[];
  /** A customer number that moves from the first site to the second on `movesOn`. */
  readonly mover: { readonly customer: string; readonly on: string };
  /** A customer number of a location that changes partner in the middle of the window. */
  readonly merged: string;
}

export interface Shape {
  readonly partners: number;
  readonly locations: number;
  readonly from: string;
  readonly months: number;
}

const LONG_AGO = '2015-01-01';
const FIRST_PARTNER = 4_100_101;
const FIRST_LOCATION = 5_200_003;

/** One partner's ID begins with a zero: it is a text. */
const partnerId = (index: number): string => (index === 4 ? '0410105' : String(FIRST_PARTNER + index * 17));
const locationId = (index: number): string => String(FIRST_LOCATION + index * 11);
const details = (index: number) => {
  const [name, country, currency, slug] = PARTNERS[index % PARTNERS.length]!;
  const round = Math.floor(index / PARTNERS.length);
  return round === 0
    ? { name, country, currency, slug }
    : { name: `${name} (${round + 1})`, country, currency, slug: `${slug}-${round + 1}` };
};
const planOf = (index: number): Plan => PLANS[index % PLANS.length]!;
const countryOf = (index: number): string => details(index).country.replace('UK', 'GB');

/** Makes the reference data and, for the invoices, who buys where. */
export function makeReference(shape: Shape, draw: Draw, ecb: string): Stage {
  if (shape.partners < 2 || shape.locations < shape.partners) {
    throw new Error(
      `A sample has at least 2 partners and a location for each; ${shape.partners} and ${shape.locations} were asked for.`,
    );
  }
  const partners = Array.from({ length: shape.partners }, (_, index) => index);
  const middle = monthAfter(shape.from, Math.floor(shape.months / 2));
  const closed = day(monthAfter(shape.from, Math.max(1, shape.months - 4)), 1);
  const owners = Array.from({ length: shape.locations }, (_, index) =>
    index < shape.partners ? index : draw.integer(0, shape.partners - 1),
  );
  // The last three locations: one closes, one changes partner in the window, one just after it.
  const last = shape.locations - 1;
  const closing = shape.locations >= shape.partners + 3 ? last : -1;
  if (closing > 0) owners[last] = owners[last - 1] = owners[last - 2] = 1;
  const merging = closing > 0 ? last - 1 : -1;
  const leaving = closing > 0 ? last - 2 : -1;

  const sites = owners.map((owner, index): Site => {
    const { currency, country } = details(owner);
    const first = `CM${100_200 + index * 7}`;
    return {
      id: locationId(index),
      partner: owner,
      plan: planOf(owner),
      currency,
      american: country === 'US' || country === 'BR',
      customers: index % 5 === 1 ? [first, `CM${700_200 + index * 7}`] : [first],
      closed: index === closing ? closed : '',
    };
  });

  const locations = sites.flatMap((site, index): Location[] => {
    const base = {
      location_mpn_id: site.id,
      partner_mpn_id: partnerId(site.partner),
      name: `${details(site.partner).name}, site ${index + 1}`,
      country: countryOf(site.partner),
      valid_from: LONG_AGO,
      valid_to: site.closed,
    };
    const moved =
      index === merging
        ? day(middle, 1)
        : index === leaving
          ? day(monthAfter(shape.from, shape.months - 1), 1)
          : '';
    if (moved === '') return [base];
    return [
      { ...base, valid_to: moved },
      { ...base, partner_mpn_id: partnerId(0), valid_from: moved },
    ];
  });

  const mover = { customer: `CM${900_001}`, on: day(monthAfter(middle, -1), 15) };
  const customers: Customer[] = sites.flatMap((site) =>
    site.customers.map((customer_number) => ({
      customer_number,
      location_mpn_id: site.id,
      program: '',
      valid_from: LONG_AGO,
      valid_to: '',
    })),
  );
  customers.push(
    {
      customer_number: mover.customer,
      location_mpn_id: sites[0]!.id,
      program: '',
      valid_from: LONG_AGO,
      valid_to: mover.on,
    },
    {
      customer_number: mover.customer,
      location_mpn_id: sites[1]!.id,
      program: '',
      valid_from: mover.on,
      valid_to: '',
    },
    // The same number in the other channel is somebody else.
    {
      customer_number: sites[0]!.customers[0]!,
      location_mpn_id: sites[1]!.id,
      program: 'certification-provider',
      valid_from: LONG_AGO,
      valid_to: '',
    },
  );

  return {
    sites,
    mover,
    merged: sites[Math.max(0, merging)]!.customers[0]!,
    reference: {
      partners: partners.map((index) => ({
        mpn_id: partnerId(index),
        name: details(index).name,
        country: details(index).country,
        valid_from: LONG_AGO,
        valid_to: '',
      })),
      locations,
      customers,
      enrolments: partners.flatMap((index) => enrolmentsOf(index, middle)),
      attainments: partners.flatMap((index) => attainmentsOf(index, middle)),
      products: [...ARTICLES, RETIRED].map(({ product }) => product),
      manualRates: manualRates(shape),
      listings: partners.flatMap((index) => listingsOf(index, shape)),
      ecb,
    },
  };
}

/** Some Gold partners are enrolled for Silver in a second competency, and every third one for the Action Pack too. */
function enrolmentsOf(index: number, middle: string): Enrolment[] {
  const plan = planOf(index);
  if (plan.option === '') return [];
  const base = {
    partner_mpn_id: partnerId(index),
    anniversary_date: day(monthAfter(middle, ((index + 7) % 12) + 4), 1 + ((index * 5) % 28)),
    valid_from: plan.enrolled === 'late' ? day(monthAfter(middle, 3), 10) : '2018-01-01',
    valid_to: plan.enrolled === 'ended' ? day(monthAfter(middle, 2), 1) : '',
  };
  const actionPack = { ...base, learning_option: 'Action Pack', competency: '' };
  if (plan.option === 'Action Pack') return [actionPack];
  const competency = COMPETENCIES[index % COMPETENCIES.length]!;
  const first = { ...base, learning_option: plan.option, competency };
  const second = {
    ...base,
    learning_option: 'Silver',
    competency: COMPETENCIES[(index + 1) % COMPETENCIES.length]!,
  };
  const enrolments = index % 24 === 0 ? [first, second] : [first];
  return index % 3 === 0 ? [...enrolments, actionPack] : enrolments;
}

/** Trainers hold for the whole partner; a Gold partner's exams for its first competency too, where they are more. */
function attainmentsOf(index: number, middle: string): Attainment[] {
  const plan = planOf(index);
  const base = { partner_mpn_id: partnerId(index), competency: '', valid_from: '2018-01-01', valid_to: '' };
  const found: Attainment[] = Object.entries(plan.attained).map(([measure, value]) => ({
    ...base,
    measure,
    value,
  }));
  if (index % 24 === 0) {
    const competency = COMPETENCIES[index % COMPETENCIES.length]!;
    found.push({ ...base, competency, measure: 'exam', value: '9', valid_to: day(middle, 1) });
    found.push({ ...base, competency, measure: 'exam', value: '11', valid_from: day(middle, 1) });
  }
  return found;
}

/** KWD is not published by the ECB. One TRY rate overrides the ECB's of its day. All figures are made up. */
function manualRates(shape: Shape): ManualRate[] {
  const to = day(monthAfter(shape.from, shape.months - 1), 28);
  const dinars = mondays(day(monthAfter(shape.from, -1), 24), to).map((rate_date, index) => ({
    currency: 'KWD',
    rate_date,
    per_euro: `0.3${String(3000 + ((index * 37) % 900)).padStart(4, '0')}`,
  }));
  return [...dinars, { currency: 'TRY', rate_date: '2020-02-14', per_euro: '6.6000' }];
}

/** Most partners asked to be listed in good time; a few ask after the last month's 15th and roll over. */
function listingsOf(index: number, shape: Shape): Listing[] {
  const lastMonth = monthAfter(shape.from, shape.months - 1);
  const unlisted = index % 8 === 6;
  // One partner that is not enrolled asks all the same.
  if (unlisted || (planOf(index).option === '' && index >= PLANS.length)) return [];
  const isLate = index % 13 === 11;
  const requested_on = isLate
    ? day(lastMonth, 16 + (index % 5))
    : day(monthAfter(lastMonth, -(index % 12)), 1 + (index % 15));
  const listing: Listing = {
    partner_mpn_id: partnerId(index),
    country: countryOf(index),
    name: details(index).name,
    url: `https://learn.${details(index).slug}.example/`,
    requested_on,
    valid_from: requested_on,
    valid_to: '',
  };
  return index % 10 === 4 ? [listing, { ...listing, country: 'BE', url: `${listing.url}be/` }] : [listing];
}
