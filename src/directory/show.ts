import { addMonths, refreshDay, requestDeadline, visibleBy } from '../calendar.ts';
import type { Context } from '../job.ts';
import type { Sql } from '../ports.ts';
import { type Batch, type Counts, countsOf, type Entry, readBatch } from './batch.ts';
import { confirmationOf } from './confirm.ts';

export type Answer =
  | 'listed'
  | 'not-requested'
  | 'not-eligible'
  | 'rolled-over'
  | 'unknown-partner'
  | 'not-assembled';

/** Why a partner appears in the directory, or does not. `says`: plain sentences with the dates. */
export interface PartnerView {
  readonly cycle: string;
  readonly partner: string;
  readonly answer: Answer;
  readonly says: string;
}

export interface BatchView extends Counts {
  readonly cycle: string;
  readonly state: 'not-assembled' | 'assembled' | 'sending' | 'submitted' | 'unknown';
  readonly compared_with: string | null;
  readonly visible_by: string;
  /** Who looked at the directory last, and when; null while that is awaited, and before the submission. */
  readonly confirmed: { readonly at: string; readonly by: string } | null;
  /** Entries that it did not show as they were submitted: they are submitted again with the next batch. */
  readonly reopened: ReadonlyArray<{ readonly partner_mpn_id: string; readonly country: string }>;
  readonly list: readonly Entry[];
}

interface Request {
  readonly country: string;
  readonly country_name: string;
  readonly name: string;
  readonly url: string;
  readonly requested_on: string;
  readonly valid_to: string | null;
  /** The day from which it can be listed: the later of the request and the start of its validity. */
  readonly joins_on: string;
  readonly is_late: boolean;
  readonly is_over: boolean;
  readonly learned_later: boolean | null;
  readonly known_at: string;
}

interface Enrolment {
  readonly learning_option: string;
  readonly competency: string;
  readonly valid_from: string;
  readonly valid_to: string | null;
  readonly holds: boolean;
  readonly begins_later: boolean;
  readonly learned_later: boolean | null;
}

interface Found {
  readonly answer: Exclude<Answer, 'unknown-partner'>;
  readonly says: string;
}

/** The batch of a cycle and its entries. */
async function showBatch(context: Context, cycle: string): Promise<BatchView> {
  return context.db.transaction('directory show', async (tx) => {
    const batch = await readBatch(tx, cycle);
    const begun = await tx.maybe<{ status: BatchView['state'] }>(
      'select status from directory_submission where cycle = $1',
      [cycle],
    );
    return {
      cycle,
      state: begun?.status ?? batch?.state ?? 'not-assembled',
      compared_with: batch?.comparedWith ?? null,
      visible_by: visibleBy(cycle),
      ...(await confirmationOf(tx, cycle)),
      ...countsOf(batch?.entries ?? []),
      list: batch?.entries ?? [],
    };
  });
}

/**
 * Answers "why don't I appear in the directory?" for one partner and cycle (DOMAIN, The directory); without a partner,
 * shows the whole batch.
 */
export async function showDirectory(context: Context, cycle: string): Promise<BatchView>;
export async function showDirectory(context: Context, cycle: string, partner: string): Promise<PartnerView>;
export async function showDirectory(
  context: Context,
  cycle: string,
  partner?: string,
): Promise<PartnerView | BatchView>;
export async function showDirectory(
  context: Context,
  cycle: string,
  partner?: string,
): Promise<PartnerView | BatchView> {
  return partner === undefined ? showBatch(context, cycle) : showPartner(context, cycle, partner);
}

async function showPartner(context: Context, cycle: string, partner: string): Promise<PartnerView> {
  return context.db.transaction('directory show', async (tx) => {
    const batch = await readBatch(tx, cycle);
    const entries = batch?.entries.filter(({ partner_mpn_id }) => partner_mpn_id === partner) ?? [];
    const settings = {
      partner,
      day: refreshDay(cycle),
      deadline: requestDeadline(cycle),
      cutoff: batch?.cutoff ?? null,
    };
    const requests = await tx.file<Request>('marts/directory_requests', settings);
    const stranger = entries.length + requests.length > 0 ? undefined : await unknownPartner(tx, partner);
    if (stranger) return { cycle, partner, answer: 'unknown-partner', says: stranger };
    const enrolments = await tx.file<Enrolment>('marts/directory_enrolments', settings);
    return { cycle, partner, ...answerFor(cycle, partner, batch, entries, requests, enrolments) };
  });
}

async function unknownPartner(tx: Sql, partner: string): Promise<string | undefined> {
  const known = await tx.maybe('select from partner where mpn_id = $1 and ended_no is null limit 1', [
    partner,
  ]);
  if (known) return undefined;
  const site = await tx.maybe<{ partner_mpn_id: string }>(
    `select partner_mpn_id from location where location_mpn_id = $1 and ended_no is null order by valid_from desc limit 1`,
    [partner],
  );
  return site
    ? `${partner} is a location of partner ${site.partner_mpn_id}; the directory lists partners. Ask for ${site.partner_mpn_id}.`
    : `No partner with MPN ID ${partner} is known. Check the ID, or load the partner with lkp load partners FILE.`;
}

const RANK: readonly Found['answer'][] = [
  'listed',
  'not-assembled',
  'rolled-over',
  'not-eligible',
  'not-requested',
];

/** One answer for the partner: the best of its countries; one sentence or more for each of them. */
function answerFor(
  cycle: string,
  partner: string,
  batch: Batch | undefined,
  entries: readonly Entry[],
  requests: readonly Request[],
  enrolments: readonly Enrolment[],
): Found {
  const found: Found[] = [];
  const countries = [...new Set([...entries, ...requests].map(({ country }) => country))].sort();
  for (const country of countries) {
    const entry = entries.find((one) => one.country === country);
    const here = requests.filter((one) => one.country === country);
    if (entry && entry.action !== 'removed') {
      found.push(listed(cycle, batch!, entry, here));
      continue;
    }
    const why = here.length > 0 ? waiting(cycle, batch, best(here), enrolments) : withdrawn(cycle, entry!);
    const down = entry
      ? `The entry for ${entry.country_name} (${entry.country}) is taken down in cycle ${cycle}. `
      : '';
    found.push({ answer: why.answer, says: down + why.says });
  }
  if (found.length === 0) {
    found.push({
      answer: 'not-requested',
      says: `Partner ${partner} has asked for no listing. To be in cycle ${nextOpen(cycle, batch)}, the request must be loaded (lkp load listings FILE) and dated ${requestDeadline(nextOpen(cycle, batch))} or before.`,
    });
  }
  found.sort((a, b) => RANK.indexOf(a.answer) - RANK.indexOf(b.answer));
  const says = found.map((one) => one.says).join(' ');
  return batch
    ? { answer: found[0]!.answer, says }
    : { answer: 'not-assembled', says: `The directory batch of ${cycle} is not assembled yet. ${says}` };
}

const nextOpen = (cycle: string, batch: Batch | undefined): string =>
  batch?.state === 'submitted' ? addMonths(cycle, 1) : cycle;

/** Of several requests of one country, the one that says most: open before late before over. */
const best = (requests: readonly Request[]): Request =>
  requests.find((one) => !one.is_late && !one.is_over) ??
  requests.find((one) => one.is_late) ??
  requests.at(-1)!;

function listed(cycle: string, batch: Batch, entry: Entry, requests: readonly Request[]): Found {
  const state =
    batch.state === 'submitted'
      ? `submitted and visible by ${visibleBy(cycle)}`
      : `assembled; once submitted, it is visible by ${visibleBy(cycle)}`;
  const late = requests.find((one) => one.is_late && !one.is_over);
  const change = late
    ? ` The request of ${late.requested_on} came after ${requestDeadline(cycle)} and joins cycle ${joins(late)}, visible by ${visibleBy(joins(late))}; until then the entry stays as it is.`
    : '';
  return {
    answer: 'listed',
    says: `Listed in ${entry.country_name} (${entry.country}) as "${entry.name}", ${entry.url} (${entry.action}). The batch of ${cycle} is ${state}.${change}`,
  };
}

/** The first cycle whose deadline is on or after the day from which the request can be listed. */
function joins({ joins_on }: Request): string {
  const month = joins_on.slice(0, 7);
  return joins_on <= requestDeadline(month) ? month : addMonths(month, 1);
}

/** Why a request is not in the batch, or what would become of it where there is no batch yet. */
function waiting(
  cycle: string,
  batch: Batch | undefined,
  request: Request,
  enrolments: readonly Enrolment[],
): Found {
  const asked = `The listing for ${request.country_name} (${request.country}), requested on ${request.requested_on},`;
  if (request.is_over) {
    return {
      answer: 'not-requested',
      says: `${asked} ended on ${request.valid_to}, so cycle ${cycle} does not show it. A new request is needed.`,
    };
  }
  if (request.is_late) {
    const from =
      request.joins_on === request.requested_on ? 'was made' : `holds from ${request.joins_on}, which is`;
    return {
      answer: 'rolled-over',
      says: `${asked} ${from} after ${requestDeadline(cycle)}, the last day for cycle ${cycle}. It joins cycle ${joins(request)}, visible by ${visibleBy(joins(request))}.`,
    };
  }
  if (!enrolments.some(({ holds }) => holds)) {
    return { answer: 'not-eligible', says: `${asked} is not shown: ${notEnrolled(cycle, enrolments)}` };
  }
  if (!batch) {
    return { answer: 'not-assembled', says: `${asked} will be in it, visible by ${visibleBy(cycle)}.` };
  }
  const learned = request.learned_later
    ? `the request was loaded on ${request.known_at.slice(0, 10)}`
    : 'the enrolment was loaded';
  return batch.state === 'submitted'
    ? {
        answer: 'rolled-over',
        says: `${asked} is not in cycle ${cycle}: ${learned} after its batch was assembled. It joins cycle ${addMonths(cycle, 1)}, visible by ${visibleBy(addMonths(cycle, 1))}.`,
      }
    : {
        answer: 'not-assembled',
        says: `${asked} is not in the batch: ${learned} after it was assembled. Run lkp directory assemble ${cycle} again.`,
      };
}

function notEnrolled(cycle: string, enrolments: readonly Enrolment[]): string {
  const day = refreshDay(cycle);
  const name = (one: Enrolment) =>
    one.competency === '' ? one.learning_option : `${one.learning_option} (${one.competency})`;
  const ended = enrolments.find((one) => !one.begins_later && !one.holds);
  const coming = enrolments.findLast((one) => one.begins_later);
  const says = [
    ended ? `its enrolment in ${name(ended)} ended on ${ended.valid_to}` : '',
    coming ? `its enrolment in ${name(coming)} begins on ${coming.valid_from}` : '',
  ].filter((part) => part !== '');
  if (says.length === 0) says.push('no enrolment of it is known');
  return `on ${day} the partner was enrolled in no Learning option; ${says.join(', and ')}. It is listed from the first cycle on whose 15th it is enrolled.`;
}

/** An entry that was shown before and that no request backs any more. */
const withdrawn = (cycle: string, entry: Entry): Found => ({
  answer: 'not-requested',
  says: `No request for ${entry.country_name} (${entry.country}) holds on ${refreshDay(cycle)}.`,
});
