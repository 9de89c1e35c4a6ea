import { difference, negative, sum } from '../money.ts';
import type { AnswerLine, OurLine, Place } from './answer.ts';
import type { Cause } from './causes.ts';
import { causeOf, type Figures } from './compare.ts';
import type { Asked, ClaimedLine, HiddenRow, Proof, ShownLine } from './known.ts';
import { type Matched, matchInvoice } from './match.ts';
import { tellHidden, tellMissing, tellNameless, tellOurs, tellPair, tellRefused, tellTwice } from './says.ts';
import { total } from './sums.ts';

/** An answer line before it is handed out, with what the claim leaves empty of it: that is neither claimed nor a gap. */
export interface Settled {
  readonly answer: AnswerLine;
  readonly notStated: { readonly kpi: string; readonly revenue: string };
  /** Where it stands in the answer: claimed lines in their order, then ours in theirs. */
  readonly place: readonly [row: number, position: number];
}

export type Invoice = Matched<ClaimedLine, ShownLine, HiddenRow>;

/** The lines of one invoice number, matched. */
export const matched = (
  claimed: readonly ClaimedLine[],
  ours: readonly ShownLine[],
  hidden: readonly HiddenRow[],
): Invoice => matchInvoice(claimed, ours, hidden);

/** Whether every claimed line has the line of ours that it means: nothing else needs to be looked for. */
export const isPlain = ({ pairs, twice, alone }: Invoice, asked: Asked): boolean =>
  alone.claimed.length === 0 &&
  twice.length === 0 &&
  pairs.every((pair) => ['matched', 'rounding'].includes(causeOf(pair, asked.reporting_currency)));

const NONE = { kpi: '0', revenue: '0' };
const placeOf = ({ line }: ClaimedLine): Settled['place'] => [line.row, 0];
const afterAll = ({ position }: ShownLine): Settled['place'] => [Number.MAX_SAFE_INTEGER, position];

/** What lines add to claimed - ours in their month, and what the claim leaves empty of them. */
function gapOf(claimed: readonly Figures[], ours: readonly Figures[]) {
  const of = (name: 'kpi' | 'revenue'): { gap: string; notStated: string } => {
    const stated = claimed.map((line) => line[name]).filter((figure) => figure !== null);
    const shown = sum(ours.map((line) => line[name] ?? '0'));
    const rest = difference(shown, sum(stated));
    if (stated.length === claimed.length) return { gap: negative(rest), notStated: '0' };
    return ours.length === 0 ? { gap: sum(stated), notStated: '0' } : { gap: '0', notStated: rest };
  };
  const [kpi, revenue] = [of('kpi'), of('revenue')];
  return {
    gaps: { kpiGap: kpi.gap, revenueGap: revenue.gap },
    notStated: { kpi: kpi.notStated, revenue: revenue.notStated },
  };
}

/** The answer to the claimed lines of one invoice number, in no order. `isAsked`: whether the claim names a month. */
export function settledOf(
  invoice: Invoice,
  proofs: readonly Proof[],
  asked: Asked,
  isAsked: (month: string) => boolean,
): Settled[] {
  const { pairs, sums, found, twice, alone } = invoice;
  const isHere = pairs.length + sums.length > 0;
  const passing = proofs.filter(({ treatment }) => treatment !== 'refuse');
  const taken = passing.find(({ isKnown }) => !isKnown) ?? passing[0];
  return [
    ...pairs.flatMap((pair) => settledPair(pair, asked, isAsked)),
    ...sums.flatMap((group) => settledSum(group, asked)),
    ...found.map(({ claimed, hidden }) => settledHidden(claimed, hidden, taken, asked)),
    ...twice.map((claimed) => only(claimed, 'duplicate', tellTwice(claimed.line), null)),
    ...alone.claimed.map((claimed) => settledMissing(claimed, isHere, proofs, taken, asked)),
  ];
}

/** A claimed line of which the report shows nothing: all of it is gap. */
function only(
  claimed: ClaimedLine,
  cause: Cause,
  told: ReturnType<typeof tellNameless>,
  evidence: Place | null,
  ours: OurLine | null = null,
): Settled {
  const { gaps } = gapOf([claimed], []);
  return {
    answer: { month: claimed.month, claimed: claimed.line, ours, cause, ...told, ...gaps, evidence },
    notStated: NONE,
    place: placeOf(claimed),
  };
}

function settledPair(
  { claimed, ours }: { readonly claimed: ClaimedLine; readonly ours: ShownLine },
  asked: Asked,
  isAsked: (month: string) => boolean,
): Settled[] {
  const cause = causeOf({ claimed, ours }, asked.reporting_currency);
  const told = tellPair(cause, claimed.line, ours.line, asked);
  const evidence = ours.line.places[0] ?? null;
  if (claimed.month !== ours.kpiMonth) {
    // It is missing in one month and more than claimed in the other.
    const here = only(claimed, cause, told, evidence, ours.line);
    return isAsked(ours.kpiMonth) ? [here, moved(claimed, ours, cause, told)] : [here];
  }
  const { gaps, notStated } = gapOf([claimed], [ours]);
  return [
    {
      answer: {
        month: claimed.month,
        claimed: claimed.line,
        ours: ours.line,
        cause,
        ...told,
        ...gaps,
        evidence,
      },
      notStated,
      place: placeOf(claimed),
    },
  ];
}

/** The line of ours, in its own month, that the claim has in another one. What the claim does not state of it is no gap. */
function moved(
  claimed: ClaimedLine,
  ours: ShownLine,
  cause: Cause,
  told: ReturnType<typeof tellNameless>,
): Settled {
  const [kpi, revenue] = [ours.kpi ?? '0', ours.revenue ?? '0'];
  return {
    answer: {
      month: ours.kpiMonth,
      claimed: null,
      ours: ours.line,
      cause,
      ...told,
      kpiGap: claimed.kpi === null ? '0' : negative(kpi),
      revenueGap: claimed.revenue === null ? '0' : negative(revenue),
      evidence: ours.line.places[0] ?? null,
    },
    notStated: {
      kpi: claimed.kpi === null ? kpi : '0',
      revenue: claimed.revenue === null ? revenue : '0',
    },
    place: afterAll(ours),
  };
}

/** One claimed line beside several of ours, or several beside one: the gap, a rounding at most, stands with the first. */
function settledSum(
  { claimed, ours }: { readonly claimed: readonly ClaimedLine[]; readonly ours: readonly ShownLine[] },
  asked: Asked,
): Settled[] {
  const { gaps, notStated } = gapOf(claimed, ours);
  const whole = summed(ours);
  const isExact = gaps.kpiGap === '0' && gaps.revenueGap === '0';
  return claimed.map((line, index) => {
    const cause = isExact || index > 0 ? 'matched' : 'rounding';
    return {
      answer: {
        month: line.month,
        claimed: line.line,
        ours: whole,
        cause,
        ...tellPair(cause, line.line, whole, asked),
        ...(index === 0 ? gaps : { kpiGap: '0', revenueGap: '0' }),
        evidence: whole.places[0] ?? null,
      },
      notStated: index === 0 ? notStated : NONE,
      place: placeOf(line),
    };
  });
}

/** Several lines of ours as one: what they have in common, and their sums. */
function summed(lines: readonly ShownLine[]): OurLine {
  const [first] = lines;
  if (lines.length === 1) return first!.line;
  const common = <Name extends keyof OurLine>(name: Name): OurLine[Name] | null =>
    lines.every(({ line }) => line[name] === first!.line[name]) ? first!.line[name] : null;
  const { units, kpi, revenue } = total(lines);
  const currency = common('currency');
  return {
    ...first!.line,
    issueDate: common('issueDate'),
    class: common('class'),
    omlpType: common('omlpType'),
    sku: common('sku'),
    purchaseUnit: units,
    weight: common('weight'),
    kpiValue: kpi,
    revenueValue: revenue,
    amount: currency === null ? null : sum(lines.map(({ amount }) => amount ?? '0')),
    currency,
    rate: common('rate'),
    rateDate: common('rateDate'),
    location: common('location'),
    places: lines.flatMap(({ line }) => line.places),
  };
}

function settledHidden(
  claimed: ClaimedLine,
  hidden: HiddenRow,
  proof: Proof | undefined,
  asked: Asked,
): Settled {
  // Another partner's line is shown to nobody else.
  const isTheirs = hidden.whose === 'other';
  const told = tellHidden(hidden, claimed.line, proof, asked);
  return only(
    claimed,
    hidden.cause,
    told,
    isTheirs ? null : hidden.line.places[0]!,
    isTheirs ? null : hidden.line,
  );
}

function settledMissing(
  claimed: ClaimedLine,
  isHere: boolean,
  proofs: readonly Proof[],
  taken: Proof | undefined,
  asked: Asked,
): Settled {
  if (claimed.invoiceKey === '') return only(claimed, 'no-invoice-number', tellNameless(), null);
  const refused = proofs.find(({ treatment }) => treatment === 'refuse');
  if (!isHere && !taken && refused) {
    const cause = [null, 'not-an-invoice'].includes(refused.rule) ? 'not-an-invoice' : 'rejected';
    return only(claimed, cause, tellRefused(cause, claimed.line, refused), { file: refused.file, row: null });
  }
  const evidence = taken ? { file: taken.file, row: null } : null;
  return only(claimed, 'not-received', tellMissing(claimed.line, isHere, taken, asked), evidence);
}

/** A line of ours that the claim lacks. */
export function settledOurs(ours: ShownLine, cause: Cause, asked: Asked): Settled {
  const { gaps } = gapOf([], [ours]);
  return {
    answer: {
      month: ours.kpiMonth,
      claimed: null,
      ours: ours.line,
      cause,
      ...tellOurs(cause, ours.line, asked),
      ...gaps,
      evidence: ours.line.places[0] ?? null,
    },
    notStated: NONE,
    place: afterAll(ours),
  };
}
