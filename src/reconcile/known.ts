import { addMonths, firstDay, monthSpans } from '../calendar.ts';
import { shortest } from '../money.ts';
import type { Sql } from '../ports.ts';
import type { Claim, EvidenceDocument, EvidenceFile, OurLine } from './answer.ts';
import type { Cause } from './causes.ts';
import { type Digits, digitsOf, type Figures } from './compare.ts';
import type { Claimed, Hidden, Ours } from './match.ts';

/** What is known of a claim's lines, read through `sql/marts/reconcile_*.sql`. */

/** The revision that an answer is about, and what it is asked with. */
export interface Asked {
  readonly partner: string;
  readonly cycle: string;
  readonly revision: number;
  readonly cutoff: string;
  readonly known_at: string;
  readonly window_from: string;
  readonly window_to: string;
  readonly reporting_currency: string;
  readonly lookback: number;
  /** Decimals of the reporting currency. */
  readonly minor_unit: number;
}

/** A claimed line with what it is matched by. */
export interface ClaimedLine extends Claimed {
  readonly digits: Digits;
  readonly invoiceKey: string;
}

/** A line of the report. */
export interface ShownLine extends Ours {
  readonly invoiceKey: string;
  /** Its place among the lines of the report. */
  readonly position: number;
  readonly line: OurLine;
  readonly amount: string | null;
  readonly currency: string | null;
  /** The number of the invoice that it replaces, as a key; '' for most. */
  readonly replacesKey: string;
}

/** A row that the report does not show. */
export interface HiddenRow extends Hidden {
  readonly invoiceKey: string;
  readonly line: OurLine;
  readonly typeCode: string | null;
  readonly rule: string | null;
  readonly seen: string | null;
  readonly partner: string;
  readonly customerNumber: string | null;
  /** The partner's customer numbers that look like it. */
  readonly near: string | null;
}

/** Brings the claim into the temporary table `claimed`, and returns its lines with their keys, in the claim's order. */
export async function readClaimed(tx: Sql, claim: Claim, asked: Asked): Promise<ClaimedLine[]> {
  await tx.rows(
    `create temporary table claimed on commit drop as
     select given.at, given.month, invoice_key(given.invoice) as invoice_key, bare_word(given.omlp_type) as type_key
     from unnest($1::text[], $2::text[], $3::text[]) with ordinality as given (month, invoice, omlp_type, at)`,
    [
      claim.lines.map(({ kpiMonth }) => kpiMonth),
      claim.lines.map(({ invoice }) => invoice),
      claim.lines.map(({ omlpType }) => omlpType),
    ],
  );
  await tx.rows('analyze claimed');
  const keys = await tx.rows<{ invoiceKey: string; typeKey: string }>(
    'select invoice_key as "invoiceKey", type_key as "typeKey" from claimed order by at',
  );
  const plain = (figure: string | null): string | null => (figure === null ? null : shortest(figure));
  return claim.lines.map((line, index) => ({
    line,
    month: line.kpiMonth,
    ...keys[index]!,
    units: plain(line.purchaseUnit),
    kpi: plain(line.kpiValue),
    revenue: plain(line.revenueValue),
    digits: digitsOf(
      { units: line.purchaseUnit, kpi: line.kpiValue, revenue: line.revenueValue },
      asked.minor_unit,
    ),
  }));
}

interface FoundLine extends Omit<OurLine, 'places'> {
  readonly file: string;
  readonly row: number;
  readonly invoice_key: string;
  readonly type_key: string | null;
}

const figuresOf = ({ purchaseUnit, kpiValue, revenueValue }: OurLine): Figures => ({
  units: purchaseUnit,
  kpi: kpiValue,
  revenue: revenueValue,
});

const lineOf = ({ file, row, invoice_key: _, type_key: __, ...line }: FoundLine): OurLine => ({
  invoice: line.invoice,
  kpiMonth: line.kpiMonth,
  issueDate: line.issueDate,
  class: line.class,
  omlpType: line.omlpType,
  sku: line.sku,
  purchaseUnit: line.purchaseUnit,
  weight: line.weight,
  kpiValue: line.kpiValue,
  revenueValue: line.revenueValue,
  amount: line.amount,
  currency: line.currency,
  rate: line.rate,
  rateDate: line.rateDate,
  location: line.location,
  places: [{ file, row }],
});

const settingsOf = (asked: Asked) => ({
  partner: asked.partner,
  cycle: asked.cycle,
  revision: asked.revision,
  lookback: asked.lookback,
  reporting_currency: asked.reporting_currency,
  window_from: asked.window_from,
  window_to: asked.window_to,
  cycle_start: firstDay(asked.cycle),
});

/** What the report shows the partner in the claimed months and under the claimed invoice numbers. */
export async function readOurs(tx: Sql, asked: Asked): Promise<ShownLine[]> {
  const broken = await tx.file('marts/reconcile_ours', {
    ...settingsOf(asked),
    cutoff: asked.cutoff,
    from: firstDay(addMonths(asked.window_from.slice(0, 7), -1)),
    to: firstDay(asked.cycle),
  });
  if (broken.length > 0) {
    throw new Error(
      `The lines of partner ${asked.partner} do not add up to the frozen cells of ${asked.cycle} revision ${asked.revision}: ${JSON.stringify(broken.slice(0, 3))}`,
    );
  }
  const rows = await tx.rows<FoundLine & { replaces_key: string }>(
    `select ours.invoice_key, ours.type_key, ours.number as invoice, to_char(ours.kpi_month, 'YYYY-MM') as "kpiMonth",
            ours.issue_date::text as "issueDate", ours.class, ours.omlp_type as "omlpType", ours.sku,
            trim_scale(ours.units)::text as "purchaseUnit", trim_scale(ours.weight)::text as weight,
            trim_scale(ours.kpi_value)::text as "kpiValue", trim_scale(ours.revenue)::text as "revenueValue",
            trim_scale(ours.amount)::text as amount, ours.currency, trim_scale(round(ours.rate, 8))::text as rate,
            case when ours.rate is not null then ours.rate_date::text end as "rateDate", ours.location_mpn_id as location,
            file.name as file, ours.row_no as row,
            case when ours.class = 'corrected invoice' then coalesce(invoice_key(document.reference_number), '')
                 else '' end as replaces_key
     from ours
     join file on file.id = ours.file_id
     join document on document.id = ours.document_id
     order by ours.kpi_month, ours.omlp_type collate "C", ours.number collate "C", file.name collate "C",
              file.sha256 collate "C", ours.row_no`,
  );
  return rows.map((row, position) => {
    const line = lineOf(row);
    return {
      position,
      line,
      invoiceKey: row.invoice_key,
      typeKey: row.type_key!,
      kpiMonth: row.kpiMonth!,
      amount: row.amount,
      currency: row.currency,
      replacesKey: row.replaces_key,
      ...figuresOf(line),
    };
  });
}

interface FoundRow extends FoundLine {
  readonly typeCode: string | null;
  readonly shows: string;
  readonly rule: string | null;
  readonly seen: string | null;
  readonly whose: HiddenRow['whose'];
  readonly partner: string;
  readonly customerNumber: string | null;
  readonly near: string | null;
}

/** Every row under these invoice numbers that the report does not show and that could explain a line, as of now. */
export async function readHidden(tx: Sql, keys: readonly string[], asked: Asked): Promise<HiddenRow[]> {
  if (keys.length === 0) return [];
  const { no } = await tx.one<{ no: string }>('select max(no) as no from change');
  const settings = { ...settingsOf(asked), cutoff: no };
  await tx.rows(
    'create temporary table asked_key on commit drop as select distinct unnest($1::text[]) as invoice_key',
    [keys],
  );
  await tx.rows('analyze asked_key');
  const months = await tx.file<{ month: string }>('marts/reconcile_asked', {
    ...settings,
    from: 'infinity',
    to: 'infinity',
  });
  for (const span of monthSpans(months.map(({ month }) => month)))
    await tx.file('marts/reconcile_worth', { from: firstDay(span.from), to: firstDay(span.to) });
  const rows = await tx.file<FoundRow>('marts/reconcile_hidden');
  return rows.flatMap((row): HiddenRow[] => {
    const cause = causeOfRow(row);
    const line = lineOf(row);
    if (cause === undefined) return [];
    return [
      {
        line,
        cause,
        invoiceKey: row.invoice_key,
        typeKey: row.type_key,
        kpiMonth: row.kpiMonth,
        typeCode: row.typeCode,
        rule: row.rule,
        seen: row.seen,
        whose: row.whose,
        partner: row.partner,
        customerNumber: row.customerNumber,
        near: row.near,
        ...figuresOf(line),
      },
    ];
  });
}

/** Why the report does not show a row; undefined for what explains nothing: what another partner's file row was before. */
function causeOfRow({ shows, rule, whose }: FoundRow): Cause | undefined {
  if (whose === 'other')
    return ['rejected', 'superseded', 'duplicate'].includes(shows) ? undefined : 'other-partner';
  if (rule === 'not-an-invoice') return 'not-an-invoice';
  if (rule?.startsWith('customer-number-')) return 'other-customer-number';
  if (shows === 'unmapped' || shows === 'no-kpi-value') return 'no-kpi-value';
  if (shows === 'counted' || shows === 'reversal') return 'received-since';
  return shows as Cause;
}

/** A document of an evidence file, with its key. */
export interface Proof extends EvidenceDocument {
  readonly file: string;
  readonly path: string;
  readonly isKnown: boolean;
  readonly invoiceKey: string;
}

export async function readProofs(tx: Sql, evidence: readonly EvidenceFile[]): Promise<Proof[]> {
  const proofs = evidence.flatMap(({ file, path = file, isKnown = false, documents }) =>
    documents.map((document) => ({ ...document, file, path, isKnown })),
  );
  const keys = await tx.rows<{ key: string }>(
    `select coalesce(invoice_key(given.number), '') as key
     from unnest($1::text[]) with ordinality as given (number, at) order by given.at`,
    [proofs.map(({ number }) => number)],
  );
  return proofs.map((proof, index) => ({ ...proof, invoiceKey: keys[index]!.key }));
}
