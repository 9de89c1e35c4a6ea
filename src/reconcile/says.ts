import { addMonths, refreshDay } from '../calendar.ts';
import { readable } from '../money.ts';
import { explainRule } from '../rejections.ts';
import type { AnswerLine, ClaimLine, OurLine } from './answer.ts';
import { type Cause, entryOf } from './causes.ts';
import { cut } from './claim-headers.ts';
import { notCompared } from './compare.ts';
import type { Asked, HiddenRow, Proof } from './known.ts';

/** What an answer line says, and to whom. */
type Told = Pick<AnswerLine, 'says' | 'whatToDo' | 'date' | 'support'>;

type Values = Readonly<Record<string, string | null | undefined>>;

const filled = (text: string, values: Values): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');

function told(cause: Cause, values: Values): Told {
  const { says, whatToDo } = entryOf(cause);
  return { says: filled(says, values).trim(), whatToDo: filled(whatToDo, values), date: null, support: null };
}

/** A cell may hold a whole text. */
const numberOf = ({ invoice }: ClaimLine): string => cut(invoice.trim(), 100);

/** Money with two decimals at least, as everywhere; the rest with those that it has. */
const figure = (text: string | null | undefined, decimals = 2): string | undefined =>
  text === null || text === undefined ? undefined : readable(text, decimals);

const ofClaim = (claimed: ClaimLine | null): Values => ({
  invoice: claimed ? numberOf(claimed) : undefined,
  claimedMonth: claimed?.kpiMonth,
  claimedType: claimed ? cut(claimed.omlpType, 100) : undefined,
  claimedUnits: figure(claimed?.purchaseUnit, 0) ?? 'nothing',
  claimedKpi: figure(claimed?.kpiValue, 0) ?? 'nothing',
  claimedRevenue: figure(claimed?.revenueValue) ?? 'nothing',
});

/** The number as on the invoice goes before the number as claimed. */
const ofOurs = (ours: OurLine | null): Values => ({
  ...(ours ? { invoice: ours.invoice } : {}),
  kpiMonth: ours?.kpiMonth,
  issueDate: ours?.issueDate,
  issueMonth: ours?.issueDate?.slice(0, 7),
  omlpType: ours?.omlpType,
  sku: ours?.sku,
  units: unitsText(ours?.purchaseUnit ?? null),
  weight: figure(ours?.weight, 0),
  kpiValue: figure(ours?.kpiValue, 0),
  amount: figure(ours?.amount),
  currency: ours?.currency,
  revenue: figure(ours?.revenueValue) ?? 'an unknown amount of',
  rate: ours?.rate ? ` (${ours.rate} on ${ours.rateDate})` : '',
  file: ours?.places[0]?.file,
});

const ofAsked = (asked: Asked): Values => ({
  reportingCurrency: asked.reporting_currency,
  windowFrom: asked.window_from.slice(0, 7),
  windowTo: asked.window_to.slice(0, 7),
});

const unitsText = (units: string | null): string =>
  units === null
    ? 'an unknown number of purchase units'
    : `${readable(units, 0)} purchase unit${units === '1' ? '' : 's'}`;

/** What of a claimed line was compared: nothing else is called as claimed. */
function ofCompared(claimed: ClaimLine): Values {
  const empty = notCompared(claimed);
  if (empty.length === 0) return { asClaimed: ' as claimed', notCompared: '' };
  const all = `${empty.slice(0, -1).join(', ')}${empty.length > 1 ? ' and ' : ''}${empty.at(-1)}`;
  const were = empty.length > 1 || empty[0] === 'purchase units' ? 'were' : 'was';
  return {
    asClaimed: empty.length === 3 ? '' : ' with the figures that were compared',
    notCompared: ` The ${all} of the claimed line ${were} left empty or cannot be read, and ${were} not compared.`,
  };
}

/** Of a claimed line beside one or several of ours. */
export function tellPair(cause: Cause, claimed: ClaimLine, ours: OurLine, asked: Asked): Told {
  const several = ours.places.length > 1 ? `, as the sum of ${ours.places.length} lines` : '';
  return told(cause, {
    ...ofClaim(claimed),
    ...ofOurs(ours),
    ...ofAsked(asked),
    ...ofCompared(claimed),
    group: several,
  });
}

/** Of a line of ours that the claim lacks. */
export function tellOurs(cause: Cause, ours: OurLine, asked: Asked): Told {
  const values = { ...ofClaim(null), ...ofOurs(ours), ...ofAsked(asked), invoice: ours.invoice };
  if (cause === 'superseded') {
    return {
      ...told('not-claimed', values),
      says: `Invoice ${ours.invoice} corrects an invoice that the claim has, and counts instead of it.`,
    };
  }
  return told(cause, values);
}

/** Of a claimed line and the row that explains why the report does not show it; `proof`: its invoice, sent anew. */
export function tellHidden(row: HiddenRow, claimed: ClaimLine, proof: Proof | undefined, asked: Asked): Told {
  const reason = row.rule === null ? undefined : explainRule(row.rule, row.seen);
  const date =
    row.cause === 'not-yet-visible' ? refreshDay(addMonths(row.line.issueDate!.slice(0, 7), 1)) : null;
  const near = row.near === null ? '' : `, but looks like your ${row.near}`;
  const values = {
    ...ofClaim(claimed),
    ...ofOurs(row.line),
    ...(row.whose === 'other' ? { invoice: numberOf(claimed) } : {}),
    ...ofAsked(asked),
    date,
    near,
    seen: row.seen,
    reason: reason?.reason,
    customerNumber: row.customerNumber,
  };
  const base = {
    ...told(row.cause, values),
    ...byRule(row.rule, values.invoice ?? ''),
    date,
    support: supportOf(row, reason?.hint),
  };
  return proof && isAnsweredBy(row, proof) ? withProof(base, proof) : base;
}

/** Whether the partner would be asked for what it sent. A proof with a rule may be rejected again. */
const isAnsweredBy = ({ cause, rule }: HiddenRow, proof: Proof): boolean =>
  !proof.isKnown &&
  (rule === 'file-withdrawn' || (proof.rule === null && ['rejected', 'not-an-invoice'].includes(cause)));

/** Where a cause has several rules, and its general words do not fit one of them. */
function byRule(rule: string | null, invoice: string): Partial<Told> {
  switch (rule) {
    case 'customer-number-absent':
      return { says: `Invoice ${invoice} bears no customer number, so that it leads to nobody.` };
    case 'sku-absent':
    case 'sku-unknown':
      return { whatToDo: 'Nothing to do now: we look at the product, and the line then counts by itself.' };
    case 'file-withdrawn':
      return { whatToDo: 'Please send the invoice again if it should count.' };
    default:
      return {};
  }
}

/** What stays in the house: whose it is, and our own next step. */
function supportOf(row: HiddenRow, hint: string | undefined): string {
  const { file, row: no } = row.line.places[0]!;
  const place = `${file}, row ${no}`;
  if (row.cause === 'other-partner') {
    const owner = row.partner === '' ? 'no partner at the end of the window' : `partner ${row.partner}`;
    return `Customer number ${row.customerNumber} leads to location ${row.line.location}, which belongs to ${owner} (${place}).`;
  }
  if (row.cause === 'received-since') return `${place}. lkp refresh --restate brings it into the report.`;
  return row.rule === null ? `${place}.` : `${row.rule}: ${hint} (${place})`;
}

/** Of a claimed line that nothing is known of; `isHere`: its invoice is, and all of its lines are another claimed line's. */
export function tellMissing(
  claimed: ClaimLine,
  isHere: boolean,
  proof: Proof | undefined,
  asked: Asked,
): Told {
  const invoice = numberOf(claimed);
  const missing = told('not-received', { invoice });
  if (!isHere && proof?.isKnown) {
    return {
      ...missing,
      says: `Invoice ${invoice} is in the file ${proof.file} that you sent, which we have; no line of it is like this one and yours.`,
      whatToDo: 'Please compare the line with the invoice.',
    };
  }
  const base = isHere
    ? { ...missing, says: `Invoice ${invoice} is in the report, but has no further line like this one.` }
    : { ...missing, says: `${missing.says}${outOfReach(claimed.kpiMonth, asked)}` };
  return proof && !proof.isKnown ? withProof(base, proof) : base;
}

/** The invoice came with the claim, in a file that passes the gate: it is for us to take it in. */
function withProof(base: Told, proof: Proof): Told {
  const waits = proof.rule === null ? '' : ` ${explainRule(proof.rule, proof.seen).reason}`;
  return {
    ...base,
    says: `${base.says} The file ${proof.file} that you sent has it.${waits}`,
    whatToDo: 'Nothing to do: we take the file in, and the line then counts with the next report.',
    support: `lkp ingest ${proof.path}`,
  };
}

/** An invoice of such a month could not be in the report, were it here. */
function outOfReach(month: string, asked: Asked): string {
  if (month < asked.window_from.slice(0, 7)) return ` This report does not go back to ${month} in any case.`;
  if (month <= asked.window_to.slice(0, 7)) return '';
  return ` Invoices of ${month} first show on ${refreshDay(addMonths(month, 1))} in any case.`;
}

/** Of a claimed line whose only trace is a document that never counts, in a file that the partner sent. */
export function tellRefused(cause: 'not-an-invoice' | 'rejected', claimed: ClaimLine, proof: Proof): Told {
  const seen = proof.seen ?? proof.typeCode;
  const base = told(cause, { ...ofClaim(claimed), seen, file: proof.file });
  if (cause === 'not-an-invoice') return base;
  const says = `Invoice ${claimed.invoice.trim()} is in the file ${proof.file} that you sent, and cannot be taken. ${proof.reason ?? ''}`;
  return { ...base, says: says.trim() };
}

export const tellNameless = (): Told => told('no-invoice-number', {});

export const tellTwice = (claimed: ClaimLine): Told => told('duplicate', ofClaim(claimed));
