import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { World } from '../../samples/truth.ts';
import { openWorkbook } from '../../src/excel/read.ts';
import { sha256Of } from '../../src/files.ts';
import { audit } from '../auditor/audit.ts';
import { type Actual, compare } from '../auditor/compare.ts';
import { shippedRuleSets } from '../auditor/rule-set.ts';

export type Ask = <T extends object>(text: string, parameters?: readonly unknown[]) => Promise<T[]>;

/**
 * What must hold at every moment, also in the middle of things: looked at in the tables and folders, never through the
 * software. Remembers what it saw, because some things must never change again.
 */
export class Auditor {
  readonly #ask: Ask;
  readonly #home: string;
  /** Whether people restate here: then a cycle may have a second revision. */
  readonly #restates: boolean;
  /** sha256 of every visible output and of every revision at the first sight of it. */
  readonly #seen = new Map<string, string>();
  readonly #whole = new Set<string>();

  constructor(ask: Ask, home: string, { restates = false }: { readonly restates?: boolean } = {}) {
    this.#ask = ask;
    this.#home = home;
    this.#restates = restates;
  }

  /** Broken promises, a sentence each; empty = none. */
  async anyMoment(): Promise<string[]> {
    // A process that died before the schema was whole left nothing to look at.
    const [schema] = await this.#ask<{ whole: boolean }>(
      `select to_regclass('directory_file') is not null as whole`,
    );
    if (!schema!.whole) return [];
    return [
      ...(await this.#rows()),
      ...(await this.#store()),
      ...(await this.#outputs()),
      ...(await this.#submissions()),
      ...(await this.#revisions()),
      ...(await this.#done()),
    ];
  }

  /** What must hold when a cycle's jobs are done: every figure is the independent auditor's. */
  async endOf(world: World, cycle: string): Promise<string[]> {
    const expected = audit(world, { cycle, ruleSet: shippedRuleSets() });
    const differences = compare(expected, await this.#actual(cycle));
    const files = await this.#ask<{ name: string }>(`select name from file where kind = 'invoices'`);
    const lost = world.files.filter(({ name }) => !files.some((file) => file.name === name));
    const state = await this.#ask<{ job: string; state: string }>(
      // Whether the submission is visible only a person can say.
      `select job, state from occurrence
       where cycle = $1 and state <> 'done' and not (job = 'directory-visible' and state = 'waiting')`,
      [cycle],
    );
    const [submission] = await this.#ask<{ status: string }>(
      'select status from directory_submission where cycle = $1',
      [cycle],
    );
    return [
      ...differences.slice(0, 10),
      ...(files.length > world.files.length
        ? [`${files.length} files are known; ${world.files.length} came`]
        : []),
      ...lost.map(({ name }) => `${name} came and is not known`),
      ...state.map((found) => `${found.job} of ${cycle} is ${found.state}`),
      ...(submission?.status === 'submitted' ? [] : [`the submission is ${submission?.status ?? 'absent'}`]),
    ].map((sentence) => `${cycle}: ${sentence}`);
  }

  /** Every row of every known file is held exactly once. */
  async #rows(): Promise<string[]> {
    const files = await this.#ask<Record<'name' | 'lines_in' | 'rows' | 'distinct_rows', string>>(
      `select file.name, file.lines_in, count(held.row_no) as rows, count(distinct held.row_no) as distinct_rows
       from file
       left join (
         select file_id, row_no from line where ended_no is null
         union all select file_id, row_no from rejection where ended_no is null
         union all select file_id, row_no from duplicate where ended_no is null
         -- A conflict's versions are lines too.
         union all select quarantine.file_id, quarantine.row_no from quarantine
           where quarantine.ended_no is null
             and not exists (select from line where line.file_id = quarantine.file_id and line.row_no = quarantine.row_no)
         -- Superseded: a line once, and nothing since.
         union all (
           select file_id, row_no from line where ended_no is not null
           except select file_id, row_no from line where ended_no is null
           except select file_id, row_no from duplicate where ended_no is null
           except select file_id, row_no from rejection where ended_no is null)
       ) as held on held.file_id = file.id
       -- A withdrawn file's rows are all superseded.
       where file.kind = 'invoices' and file.ended_no is null
       group by file.id
       having count(held.row_no) <> file.lines_in or count(distinct held.row_no) <> file.lines_in`,
    );
    const strays = await this.#ask<{ file_id: number }>(
      `select file_id from line where not exists (select from file where file.id = line.file_id)
       union select file_id from duplicate where not exists (select from file where file.id = duplicate.file_id)
       union select file_id from document where not exists (select from file where file.id = document.file_id)`,
    );
    return [
      ...files.map(
        ({ name, lines_in, rows, distinct_rows }) =>
          `${name}: ${lines_in} lines in, ${rows} held, ${distinct_rows} of them distinct`,
      ),
      ...strays.map(({ file_id }) => `rows are held of file ${file_id}, which is not known`),
    ];
  }

  /** Every stored file hashes to its name; the bytes of every known file are there. */
  async #store(): Promise<string[]> {
    const root = join(this.#home, 'store');
    const stored = (await visible(root)).filter((path) => !path.startsWith(join(root, 'tmp')));
    const wrong: string[] = [];
    for (const path of stored) {
      if (this.#seen.get(path) === undefined) this.#seen.set(path, await sha256Of(path));
      if (this.#seen.get(path) !== basename(path)) wrong.push(`${path} does not hold the bytes of its name`);
    }
    const names = new Set(stored.map((path) => basename(path)));
    const known = await this.#ask<{ name: string; sha256: string }>('select name, sha256 from file');
    const missing = known.filter(({ sha256 }) => !names.has(sha256));
    return [...wrong, ...missing.map(({ name }) => `${name} is known, and its bytes are not in the store`)];
  }

  /** Every file that a person sees under reports and outbox is whole, and never changes. */
  async #outputs(): Promise<string[]> {
    const broken: string[] = [];
    for (const folder of ['reports', 'outbox']) {
      for (const path of await visible(join(this.#home, folder))) {
        const name = relative(this.#home, path);
        const sha256 = await sha256Of(path);
        const before = this.#seen.get(name) ?? sha256;
        this.#seen.set(name, before);
        if (before !== sha256) broken.push(`${name} changed under its name`);
        if (!name.endsWith('.xlsx') || this.#whole.has(sha256)) continue;
        const fault = await unreadable(path);
        if (fault) broken.push(`${name} is visible and half: ${fault}`);
        else this.#whole.add(sha256);
      }
    }
    return broken;
  }

  /** The intent comes before the first byte; what is submitted is there, to the byte, and is all there is. */
  async #submissions(): Promise<string[]> {
    const outbox = join(this.#home, 'outbox');
    const submissions = await this.#ask<{ cycle: string; status: string }>(
      'select cycle, status from directory_submission',
    );
    const status = new Map(submissions.map((found) => [found.cycle, found.status]));
    const paths = (await visible(outbox)).map((path) => relative(outbox, path));
    const broken = paths
      .filter((path) => !status.has(path.split('/')[0]!))
      .map((path) => `outbox/${path} was written before its intent`);
    for (const [cycle, found] of status) {
      const names = paths.filter((path) => path.startsWith(`${cycle}/`)).map((path) => basename(path));
      if (found === 'unknown')
        broken.push(`the submission of ${cycle} is unknown, and nobody else writes there`);
      if (found === 'submitted') broken.push(...(await this.#submitted(cycle, names)));
    }
    return broken;
  }

  async #submitted(cycle: string, names: readonly string[]): Promise<string[]> {
    const files = await this.#ask<{ name: string; sha256: string }>(
      'select name, sha256 from directory_file where cycle = $1 order by name collate "C"',
      [cycle],
    );
    const listed = files.map(({ name }) => name);
    if (files.length !== 4 || names.join() !== listed.join())
      return [`${cycle} is submitted with ${listed.join()}; the outbox has ${names.join() || 'nothing'}`];
    const path = (name: string) => join(this.#home, 'outbox', cycle, name);
    const manifest = await readFile(path(`manifest-${cycle}.json`), 'utf8');
    const broken: string[] = [];
    for (const { name, sha256 } of files) {
      if ((await sha256Of(path(name))) !== sha256)
        broken.push(`outbox/${cycle}/${name} is not what was submitted`);
      if (!name.startsWith('manifest') && !manifest.includes(sha256))
        broken.push(`the manifest of ${cycle} does not name the sha256 of ${name}`);
    }
    return broken;
  }

  /** A revision that was seen once never changes; each cycle has the first one only. */
  async #revisions(): Promise<string[]> {
    const tables = await this.#ask<{ name: string }>(
      `select table_name as name from information_schema.tables
       where table_schema = 'public' and starts_with(table_name, 'snapshot') order by 1`,
    );
    const digests = await this.#ask<{ key: string; digest: string }>(
      `select cycle || ' revision ' || revision as key, md5(string_agg(row, ' ' order by row)) as digest
       from (${tables.map(({ name }) => `select cycle, revision, '${name}' || ${name}::text as row from ${name}`).join(' union all ')}) as rows
       group by 1`,
    );
    const broken: string[] = [];
    for (const { key, digest } of digests) {
      const before = this.#seen.get(key) ?? digest;
      this.#seen.set(key, before);
      if (before !== digest) broken.push(`${key} changed after it was final`);
      if (!this.#restates && !key.endsWith(' 1')) broken.push(`${key}: nobody asked for a restatement`);
    }
    const now = new Set(digests.map(({ key }) => key));
    const gone = [...this.#seen.keys()].filter((key) => key.includes(' revision ') && !now.has(key));
    return [...broken, ...gone.map((key) => `${key} is gone`)];
  }

  /** What the ledger calls done has had its effect, once. */
  async #done(): Promise<string[]> {
    const done = await this.#ask<{ job: string; cycle: string; parts: string; says: string; times: string }>(
      `select occurrence.job, occurrence.cycle, occurrence.parts, occurrence.says,
              (select count(*) from run where run.occurrence_id = occurrence.id and run.outcome = 'done') as times
       from occurrence where occurrence.state = 'done'`,
    );
    const broken = done
      .filter(({ times }) => Number(times) !== 1)
      .map(({ job, cycle, times }) => `${job} of ${cycle} was done ${times} times`);
    const refreshed = await this.#ask<{ cycle: string }>('select distinct cycle from snapshot');
    const submitted = await this.#ask<{ cycle: string }>(
      `select cycle from directory_submission where status = 'submitted'`,
    );
    const has = (rows: Array<{ cycle: string }>, cycle: string) => rows.some((row) => row.cycle === cycle);
    for (const { job, cycle } of done) {
      if (job === 'refresh' && !has(refreshed, cycle))
        broken.push(`refresh of ${cycle} is done without a revision`);
      if (job === 'directory-submit' && !has(submitted, cycle))
        broken.push(`directory-submit of ${cycle} is done without a submission`);
    }
    const reports = done.filter(({ job }) => job === 'report');
    for (const cycle of new Set(reports.map((report) => report.cycle))) {
      const parts = reports.filter((report) => report.cycle === cycle);
      // Parts that were done before and after a restatement are of different revisions.
      const revisions = new Set(parts.map(({ says }) => /revision (\d+)/.exec(says)?.[1]));
      if (revisions.size > 1) continue;
      const workbooks = await visible(join(this.#home, 'reports', cycle, `revision-${[...revisions][0]}`));
      const said = parts.reduce((sum, { says }) => sum + Number.parseInt(says, 10), 0);
      const isWhole = parts.length === Number(parts[0]!.parts);
      if (isWhole ? said !== workbooks.length : said > workbooks.length)
        broken.push(`the parts of report of ${cycle} say ${said} workbooks; there are ${workbooks.length}`);
    }
    return broken;
  }

  async #actual(cycle: string): Promise<Actual> {
    const of = [cycle];
    const [snapshot] = await this.#ask<Record<string, string>>(
      `select to_char(window_from, 'YYYY-MM') as from, to_char(window_to, 'YYYY-MM') as to, reporting_currency
       from snapshot where cycle = $1`,
      of,
    );
    const cells = await this.#ask<Record<string, string>>(
      `select *, kpi_month::text as kpi_month from snapshot_cell where cycle = $1`,
      of,
    );
    const [sums] = await this.#ask<Record<string, string>>(
      `select count(distinct location_mpn_id) as locations, count(distinct nullif(partner_mpn_id, '')) as partners,
              coalesce(sum(kpi_value), 0) as kpi_value, coalesce(sum(revenue), 0) as revenue
       from snapshot_cell where cycle = $1`,
      of,
    );
    const controls = await this.#ask<Record<'disposition' | 'currency' | 'rows' | 'amount', string>>(
      'select disposition, currency, rows, amount from snapshot_control where cycle = $1',
      of,
    );
    const dispositions: Record<string, number> = {};
    const amounts: Record<string, Record<string, string>> = {};
    for (const { disposition, currency, rows, amount } of controls) {
      dispositions[disposition] = (dispositions[disposition] ?? 0) + Number(rows);
      if (currency === '') continue;
      amounts[disposition] ??= {};
      amounts[disposition][currency] = amount;
    }
    return {
      cycle,
      window: { from: snapshot?.from ?? '', to: snapshot?.to ?? '' },
      currency: snapshot?.reporting_currency ?? '',
      locations: sums!.locations!,
      partners: sums!.partners!,
      kpi_value: sums!.kpi_value!,
      revenue_value: sums!.revenue!,
      conservation: {
        lines_in: Object.values(dispositions).reduce((total, rows) => total + rows, 0),
        dispositions,
      },
      amounts,
      cells: cells as unknown as NonNullable<Actual['cells']>,
      classes: await this.#ask('select * from snapshot_class where cycle = $1', of),
      levels: await this.#ask(
        'select *, anniversary_date::text as anniversary_date from snapshot_level where cycle = $1',
        of,
      ),
    };
  }
}

/** Files below a folder, sorted; what begins with a dot is a left-over and is not counted. */
async function visible(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found: string[] = [];
  for (const entry of entries.filter(({ name }) => !name.startsWith('.'))) {
    const path = join(folder, entry.name);
    found.push(...(entry.isDirectory() ? await visible(path) : [path]));
  }
  return found.sort();
}

async function unreadable(path: string): Promise<string | undefined> {
  try {
    const book = await openWorkbook(path);
    let rows = 0;
    try {
      for (const index of book.sheets.keys()) for await (const _row of book.rows(index)) rows += 1;
    } finally {
      book.close();
    }
    return rows === 0 ? 'it has no row' : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
