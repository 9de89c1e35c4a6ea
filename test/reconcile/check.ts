import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { csvRecord, csvTable } from '../../samples/csv.ts';
import { COLUMNS, type InvoiceFile, type Reference } from '../../samples/truth.ts';
import type { App } from '../../src/app.ts';
import { ingestFile } from '../../src/invoice/ingest.ts';
import { withdrawFile } from '../../src/invoice/withdraw.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import { shortest, sum } from '../../src/money.ts';
import type { Answer, AnswerLine } from '../../src/reconcile/answer.ts';
import { solve } from '../../src/reconcile/solve.ts';
import { loadReference } from '../../src/reference/load.ts';
import { audit, type Cell } from '../auditor/audit.ts';
import { reportedLines } from '../auditor/reported.ts';
import { shippedRuleSets } from '../auditor/rule-set.ts';
import { type Drawn, drawClaim } from './claims.ts';
import { CYCLE, drawPartner, filesOf, type Partner, referenceOf, strangerOf, worldOf } from './world.ts';

/**
 * Claims against the engine: everything that is known of all partners is taken in once, and each claim is then answered on
 * its own. What the report shows is the auditor's; what is wrong is the generator's.
 */

const KINDS = ['partners', 'locations', 'customers', 'enrolments', 'attainments', 'products'] as const;

/** Takes in what is known of the partners: reference data, files, a report, and what came after it. */
export async function takeIn(context: App, folder: string, partners: readonly Partner[]): Promise<void> {
  await load(context, folder, referenceOf(partners.map(({ seed }) => seed)));
  const { before, wrong, since } = filesOf(partners);
  await ingest(context, folder, before);
  const { sha256 } = await ingest(context, folder, wrong);
  if (wrong.rows.length > 0) await withdrawFile(context, sha256, 'the wrong file');
  await refresh(context, CYCLE);
  await ingest(context, folder, since);
}

async function load(context: App, folder: string, reference: Reference): Promise<void> {
  const tables: Array<readonly [(typeof KINDS)[number] | 'rates', string]> = [
    ...KINDS.map((kind) => [kind, csvTable(reference[kind], Object.keys(reference[kind][0]!))] as const),
    ['rates', reference.ecb],
  ];
  for (const [kind, content] of tables) {
    const path = join(folder, `${kind}.csv`);
    await writeFile(path, content);
    const { status, rejected } = await loadReference(context, kind, path);
    if (status !== 'loaded' || rejected > 0)
      throw new Error(`${kind} were not loaded: ${status}, ${rejected}`);
  }
}

async function ingest(context: App, folder: string, file: InvoiceFile): Promise<{ sha256: string }> {
  if (file.rows.length === 0) return { sha256: '' };
  const path = join(folder, file.name);
  await writeFile(path, [COLUMNS, ...file.rows.map(({ cells }) => cells)].map(csvRecord).join(''));
  const said = await ingestFile(context, path);
  if (said.status !== 'ingested') throw new Error(`${file.name} is ${said.status}: ${said.reason}`);
  return said;
}

/** The claims of the partners, drawn from what the auditor says that the report shows of them, and its cells. */
export function draw(partners: readonly Partner[]): { drawn: Drawn[]; cells: readonly Cell[] } {
  const world = worldOf(partners);
  const ruleSets = shippedRuleSets();
  const places = new Map(
    reportedLines(world, { cycle: CYCLE, ruleSets }).map((line) => [`${line.file} ${line.row}`, line]),
  );
  const written = partners.flatMap((partner) => partner.written.filter(({ file }) => file === 'before'));
  const shown = new Map(written.map((line, index) => [line, places.get(`before.csv ${index + 2}`)]));
  return {
    drawn: partners.map((partner) =>
      drawClaim(partner, (line) => {
        const report = shown.get(line);
        return report?.partner === partner.mpnId ? report : undefined;
      }),
    ),
    cells: audit(world, { cycle: CYCLE, ruleSet: ruleSets }).cells,
  };
}

export interface Failure {
  readonly seed: number;
  readonly differences: readonly string[];
}

/** Answers every claim, and says of each what is not as planted. */
export async function* failuresOf(
  context: App,
  drawn: readonly Drawn[],
  cells: readonly Cell[],
): AsyncGenerator<Failure> {
  for (const one of drawn) {
    if (one.claim.lines.length === 0) continue;
    const question = { partner: one.partner.mpnId, cycle: CYCLE };
    const differences = await context.db
      .transaction('reconcile', (tx) => solve(tx, context, one.claim, question))
      .then((answer) => differencesIn(one, answer, cells))
      // Whatever stops the engine is a finding too.
      .catch((error: Error) => [`it stops: ${error.message}`]);
    if (differences.length > 0) yield { seed: one.partner.seed, differences };
  }
}

export const partnersOf = (first: number, count: number): Partner[] =>
  Array.from({ length: count }, (_, index) => drawPartner(first + index));

function differencesIn(drawn: Drawn, answer: Answer, cells: readonly Cell[]): string[] {
  return [
    ...causesIn(drawn, answer.lines),
    ...answer.months.flatMap((month) => sumsIn(drawn, month, cells)),
    ...gapsIn(drawn, answer),
    ...leaksIn(drawn, answer),
  ];
}

/** Every claimed line is answered once, with the planted cause. */
function causesIn({ claim, causes }: Drawn, lines: readonly AnswerLine[]): string[] {
  const wordsOf = (row: number): string => {
    const { row: _, ...words } = claim.lines.find((line) => line.row === row)!;
    const plain = words.invoice.toUpperCase().replace(/[^A-Z0-9]/g, '');
    return JSON.stringify({ ...words, invoice: plain, omlpType: words.omlpType.toUpperCase() });
  };
  const said = lines.flatMap(({ claimed, cause }) => (claimed ? [`${wordsOf(claimed.row)}: ${cause}`] : []));
  const planted = [...causes].map(([row, cause]) => `${wordsOf(row)}: ${cause}`);
  return [
    ...without(planted, said).map((one) => `planted, and not said: ${one}`),
    ...without(said, planted).map((one) => `said, and not planted: ${one}`),
  ];
}

function without(some: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return some.filter((one) => {
    const at = left.indexOf(one);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

const same = (one: string, other: string): boolean => shortest(one) === shortest(other);
const minus = (text: string): string => (text.startsWith('-') ? text.slice(1) : `-${text}`);

/** A month's sums: claimed is the claim's, ours the auditor's, and the causes add up to what lies between. */
function sumsIn(
  { claim, partner }: Drawn,
  answer: Answer['months'][number],
  cells: readonly Cell[],
): string[] {
  const { month } = answer;
  const stated = claim.lines.filter(({ kpiMonth }) => kpiMonth === month);
  const shown = cells.filter(
    (cell) => cell.partner_mpn_id === partner.mpnId && cell.kpi_month === `${month}-01`,
  );
  const expected = {
    kpi: {
      claimed: sum(stated.map(({ kpiValue }) => kpiValue ?? '0')),
      ours: sum(shown.map((cell) => cell.kpi_value)),
    },
    revenue: {
      claimed: sum(stated.map(({ revenueValue }) => revenueValue ?? '0')),
      ours: sum(shown.map((cell) => cell.revenue)),
    },
  };
  return (['kpi', 'revenue'] as const).flatMap((name) => {
    const { claimed, ours, notStated, gap, byCause } = answer[name];
    const between = sum([expected[name].claimed, notStated, minus(expected[name].ours)]);
    return [
      ...(same(claimed, expected[name].claimed)
        ? []
        : [`${month}: claimed ${name} ${claimed}, not ${expected[name].claimed}`]),
      ...(same(ours, expected[name].ours)
        ? []
        : [`${month}: our ${name} ${ours}, not ${expected[name].ours}`]),
      ...(same(gap, between) ? [] : [`${month}: a gap in ${name} of ${gap}, not ${between}`]),
      ...(same(sum(byCause.map((entry) => entry.gap)), gap)
        ? []
        : [`${month}: the causes in ${name} are not the gap`]),
    ];
  });
}

/** By month and cause, exactly what was planted. */
function gapsIn({ gaps }: Drawn, { months }: Answer): string[] {
  const said = months.flatMap(({ month, kpi, revenue }) => {
    const causes = new Set([...kpi.byCause, ...revenue.byCause].map(({ cause }) => cause));
    const of = (entries: typeof kpi.byCause, cause: string): string =>
      entries.find((entry) => entry.cause === cause)?.gap ?? '0';
    return [...causes].map(
      (cause) => `${month} ${cause}: KPI ${of(kpi.byCause, cause)}, revenue ${of(revenue.byCause, cause)}`,
    );
  });
  const planted = [...gaps].map(
    ([key, { kpi, revenue }]) => `${key}: KPI ${shortest(kpi)}, revenue ${shortest(revenue)}`,
  );
  return [
    ...without(planted, said).map((one) => `planted, and no such gap: ${one}`),
    ...without(said, planted).map((one) => `a gap, and not planted: ${one}`),
  ];
}

/** What a partner reads names no other partner and none of its numbers. */
function leaksIn({ partner }: Drawn, { lines }: Answer): string[] {
  const theirs = strangerOf(partner.seed).slice(2);
  return lines
    .map(({ support: _, ...line }) => line)
    .filter(({ cause }) => cause === 'other-partner')
    .filter((line) => JSON.stringify(line).match(new RegExp(`6[2]${theirs}|72${theirs}|K${theirs}76`)))
    .map((line) => `it tells of another partner: ${JSON.stringify(line)}`);
}

/** A failure as a sentence for whoever has to find the fault. */
export const told = ({ seed, differences }: Failure): string =>
  [
    `Claim ${seed}: npm run claims -- --claims 1 --seed ${seed}`,
    ...differences.slice(0, 12).map((one) => `  ${one}`),
  ].join('\n');
