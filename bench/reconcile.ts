import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { App } from '../src/app.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { refresh } from '../src/kpi/refresh.ts';
import type { Sql } from '../src/ports.ts';
import type { Claim, ClaimLine } from '../src/reconcile/answer.ts';
import { type Figure, type Ground, largeFile, median, openOn, prepare, shown } from './ground.ts';

const CYCLE = '2020-05';
const WINDOW = { window_from: '2019-05-01', window_to: '2020-04-30' };
const CLAIMED = 5_000;
/** So that one partner has more lines than the claim. */
const PARTNERS = 100;

const run = promisify(execFile);
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Solved {
  readonly seconds: number;
  readonly lines: number;
  readonly causes: ReadonlyArray<{ readonly cause: string; readonly lines: number }>;
  readonly megabytes: number;
}

/**
 * A claim of 5,000 lines answered against `lines` lines of history, beside a full join by hand of the same claim with the
 * same partner's lines; in alternating pairs. One line in ten has other units, one in twenty-five an invoice that never
 * came, and one in fifty is another partner's.
 */
export async function benchReconcile(
  ground: Ground,
  lines: number,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  const history = await largeFile(ground, 'reconcile', {
    lines,
    partners: PARTNERS,
    locations: 2 * PARTNERS,
  });
  const url = await ground.database('reconcile');
  await prepare(ground, url, history.folder);
  const app = await openOn(ground, url);
  const solved: Solved[] = [];
  const byHand: number[] = [];
  try {
    await ingestFile(app, history.path);
    await refresh(app, CYCLE);
    const { partner, claim } = await claimOf(app);
    const path = join(ground.folder, 'claim.json');
    writeFileSync(path, JSON.stringify(claim));
    say(`reconcile: ${lines} lines are there, ${claim.lines.length} are claimed by ${partner}`);
    for (let pair = 1; pair <= pairs; pair++) {
      await ground.settle();
      byHand.push(await joinedByHand(app, partner, claim.lines));
      const { stdout } = await run(
        process.execPath,
        ['--import', 'tsx', script('solve-claim.ts'), partner, CYCLE, path],
        {
          env: { PATH: process.env.PATH, DATABASE_URL: url, LKP_HOME: join(ground.folder, 'store') },
        },
      );
      solved.push(JSON.parse(stdout) as Solved);
      say(
        `reconcile ${pair} of ${pairs}: by hand ${shown([byHand.at(-1)!])} s, lkp ${shown([solved.at(-1)!.seconds])} s, ${Math.round(solved.at(-1)!.megabytes)} MB`,
      );
    }
  } finally {
    await app.close();
    await ground.drop('reconcile');
  }
  say(`reconcile: ${solved[0]!.causes.map(({ cause, lines: count }) => `${count} ${cause}`).join(', ')}`);
  return [
    {
      bench: 'reconcile',
      atMost: 3,
      figure: `time to answer a claim of ${CLAIMED.toLocaleString('en')} lines among ${lines.toLocaleString('en')} / a full join by hand`,
      value: median(solved.map(({ seconds }, index) => seconds / byHand[index]!)),
      madeOf: `lkp ${shown(solved.map(({ seconds }) => seconds))} s; by hand ${shown(byHand)} s`,
    },
    {
      bench: 'reconcile',
      atMost: 300,
      figure: 'peak memory of the process that answers, MB',
      value: Math.max(...solved.map(({ megabytes }) => megabytes)),
      madeOf: solved.map(({ megabytes }) => Math.round(megabytes)).join(', '),
    },
  ];
}

/** The partner with the most lines, and a claim of its first ones. */
export async function claimOf(app: App): Promise<{ partner: string; claim: Claim }> {
  return app.db.transaction('claim', async (tx) => {
    const { partner, lines } = await tx.one<{ partner: string; lines: string }>(
      `select partner_mpn_id as partner, sum(lines) as lines from snapshot_cell where cycle = $1
       group by 1 order by sum(lines) desc, 1 limit 1`,
      [CYCLE],
    );
    await tx.set({ ...(await shownSettings(tx)), ...WINDOW });
    await tx.rows('set local enable_nestloop = off');
    if (Number(lines) < CLAIMED) throw new Error(`${partner} has ${lines} lines; ${CLAIMED} are wanted`);
    const found = await tx.rows<Omit<ClaimLine, 'row'> & { other: string }>(
      `select to_char(shown_line.kpi_month, 'YYYY-MM') as "kpiMonth", shown_line.omlp_type as "omlpType",
              trim_scale(shown_line.units)::text as "purchaseUnit", shown_line.number as invoice,
              trim_scale(shown_line.kpi_value)::text as "kpiValue", shown_line.revenue::text as "revenueValue",
              (select near.number from document as near where near.id = shown_line.document_id + 1) as other
       from shown_line
       where shown_line.partner_mpn_id = $1 and shown_line.shows in ('counted', 'reversal')
       order by shown_line.number, shown_line.line_no
       limit $2`,
      [partner, CLAIMED],
    );
    await tx.rows('set local enable_nestloop = on');
    const claimed = found.map(({ other, ...line }, index): ClaimLine => {
      const row = index + 2;
      if (index % 50 === 7) return { ...line, row, invoice: other };
      if (index % 25 === 3) return { ...line, row, invoice: `X-${line.invoice}` };
      if (index % 10 === 1) return { ...line, row, purchaseUnit: `${Number(line.purchaseUnit) + 1}` };
      return { ...line, row, invoice: line.invoice.toLowerCase() };
    });
    const claim = {
      name: 'claim.csv',
      sha256: '',
      partners: [],
      lines: claimed,
      leftOut: [],
      unreadable: [],
    };
    return { partner, claim };
  });
}

/** What the view of the report's lines is asked with: all that is known, the window, and the month before it. */
const shownSettings = async (tx: Sql) => ({
  cutoff: (await tx.one<{ no: string }>('select max(no) as no from change')).no,
  lookback: 7,
  reporting_currency: 'USD',
  cycle_start: `${CYCLE}-01`,
  from: '2019-04-01',
  to: `${CYCLE}-01`,
});

/** Seconds: the claim copied in, joined, and every row brought out. Numbers as the invoices have them. */
async function joinedByHand(app: App, partner: string, lines: readonly ClaimLine[]): Promise<number> {
  const text = readFileSync(script('by-hand-reconcile.sql'), 'utf8');
  const started = performance.now();
  await app.db.transaction('by hand', async (tx) => {
    await tx.set({ ...WINDOW, partner });
    await tx.rows(
      `create temporary table claim on commit drop as
       select given.* from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[])
         as given (row_no, month, omlp_type, invoice, units, kpi_value, revenue)`,
      [
        lines.map(({ row }) => row),
        lines.map(({ kpiMonth }) => kpiMonth),
        lines.map(({ omlpType }) => omlpType),
        lines.map(({ invoice }) => invoice.toUpperCase()),
        lines.map(({ purchaseUnit }) => purchaseUnit),
        lines.map(({ kpiValue }) => kpiValue),
        lines.map(({ revenueValue }) => revenueValue),
      ],
    );
    await tx.rows('analyze claim');
    await tx.rows('set local enable_nestloop = off');
    const joined = await tx.rows(text);
    if (joined.length < lines.length) throw new Error(`${joined.length} rows were joined`);
  });
  return (performance.now() - started) / 1000;
}
