import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { JOBS } from '../../jobs/index.ts';
import type { App } from '../../src/app.ts';
import { sha256Of } from '../../src/files.ts';
import { summarise } from '../../src/kpi/refresh.ts';
import { audit, auditLevels } from '../auditor/audit.ts';
import { compare, compareLevels } from '../auditor/compare.ts';
import { shippedRuleSets } from '../auditor/rule-set.ts';
import { type Ask, Auditor } from '../chaos/audit.ts';
import { frozen, unbalanced } from '../property/engine.ts';
import type { Inbox } from './inbox.ts';
import type { Known } from './known.ts';

/** How the roles stand when the promises are looked at. */
export interface Moment {
  /** The latest instant that anybody's clock has shown so far. */
  readonly latest: string;
  readonly now: string;
  /** A scheduler is up, and has looked. */
  readonly isUp: boolean;
  /** Schedulers are up and not paused: what is due has been done. */
  readonly isWatched: boolean;
  /** The time zones of the program so far, and when they changed: what was due between two of them is due then. */
  readonly zones: readonly string[];
  readonly edits: readonly number[];
  /** The month's last look: everything is looked at. */
  readonly isLast: boolean;
}

/** A revision that was found for the first time. */
export interface Revised {
  readonly cycle: string;
  readonly revision: number;
  readonly kpi_value: string;
  readonly lines_in: number;
}

const MOST = 8;
const CLOCKS_MS = 120_000;

/** `2022-08-15 00:00`: what a clock of that zone shows. */
const readIn = (timeZone: string, instant: string): string =>
  new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(
    new Date(instant),
  );

/** The promises of DESIGN, section 8, looked at in the tables and folders. Broken ones are sentences. */
export class Promises {
  readonly #ask: Ask;
  readonly #known: Known;
  readonly #inbox: Inbox;
  readonly #home: string;
  readonly #auditor: Auditor;
  readonly #audited = new Set<string>();
  readonly #swept = new Map<string, string>();
  readonly #ruleSets = shippedRuleSets();
  #seen = '';
  /** As it was after the step before: the newest change, and the refreshes of which an attempt is to be repeated. */
  #before: { readonly newest: number; readonly begun: ReadonlySet<string> } = { newest: 0, begun: new Set() };
  checks = 0;

  constructor(given: { ask: Ask; known: Known; inbox: Inbox; home: string }) {
    this.#ask = given.ask;
    this.#known = given.known;
    this.#inbox = given.inbox;
    this.#home = given.home;
    this.#auditor = new Auditor(given.ask, given.home, { restates: true });
  }

  /** After each step. `revised` hears of new revisions. */
  async look(app: App, moment: Moment, revised: (one: Revised) => void): Promise<string[]> {
    // What was done and known since the last look; without any, tables and folders are as they were.
    const [now] = await this.#ask<{ done: string }>(
      `select concat_ws(' ', (select count(*) from run), (select count(*) from run where ended_at is null),
                        (select max(change_no) from file), (select max(ended_no) from file), (select count(*) from snapshot)) as done`,
    );
    const isSame = now!.done === this.#seen && !moment.isLast;
    this.#seen = now!.done;
    return [
      ...(isSame ? [] : this.#told(1, await this.#auditor.anyMoment())),
      ...this.#told(2, await this.#wholeFiles()),
      ...this.#told(3, await this.#figures(app, revised)),
      ...this.#told(5, await this.#due(moment)),
      ...this.#told(7, await this.#running(moment)),
      ...(await this.#untold(moment)),
    ];
  }

  /** A deadline that passed without success is an alert, whatever it waits for; none is told twice. */
  async #untold({ now, isUp }: Moment): Promise<string[]> {
    this.checks += 1;
    if (!isUp) return [];
    const untold = await this.#ask<{ job: string; cycle: string; state: string; deadline: string }>(
      `select distinct job, cycle, state, deadline::text from occurrence
       where state not in ('done', 'cancelled') and deadline < $1::timestamptz - interval '2 minutes'
         and not exists (
           select from alert where alert.cycle = occurrence.cycle and (alert.job = occurrence.job or alert.job is null))`,
      [now],
    );
    return untold.map(
      ({ job, cycle, state, deadline }) =>
        `${job} of ${cycle} is ${state} past ${deadline}, and nobody was told`,
    );
  }

  #told(promise: number, found: readonly string[]): string[] {
    this.checks += 1;
    return found.slice(0, MOST).map((sentence) => `promise ${promise}: ${sentence}`);
  }

  /** What is whole and was swept is known; what is no invoice or still arrives is not. */
  async #wholeFiles(): Promise<string[]> {
    const broken = (await this.#known.strangers()).map(
      (sha256) => `a file ${sha256} is known that nobody sent whole`,
    );
    const stored = new Set(
      (await this.#known.stored()).filter(({ ended }) => ended === null).map(({ sha256 }) => sha256),
    );
    const all = await this.#ask<{ sha256: string }>('select sha256 from file');
    for (const { sha256 } of all)
      if (this.#inbox.never.has(sha256))
        broken.push(`${this.#inbox.never.get(sha256)} is known, and is no invoice file`);
    const sweeps = await this.#ask<{ cycle: string; key: string }>(
      `select cycle, attempt || ' ' || state as key from occurrence where job = 'ingest' and state in ('done', 'waiting')`,
    );
    const isNew = sweeps.some(({ cycle, key }) => this.#swept.get(cycle) !== key);
    for (const { cycle, key } of sweeps) this.#swept.set(cycle, key);
    // Steps are short: what lies there at the end of a step lay there at its beginning.
    if (isNew)
      for (const [name, sha256] of this.#inbox.whole)
        if (!stored.has(sha256))
          broken.push(`${name} lay in the inbox, whole, and is not known after the sweep`);
    return broken;
  }

  /** Each new revision is what the auditor says of what was known at its cut-off. */
  async #figures(app: App, revised: (one: Revised) => void): Promise<string[]> {
    const found = await this.#ask<{ cycle: string; revision: number; cutoff: string }>(
      'select cycle, revision, cutoff from snapshot order by made_no',
    );
    const broken: string[] = [];
    for (const { cycle, revision, cutoff } of found) {
      const key = `${cycle} revision ${revision}`;
      if (this.#audited.has(key)) continue;
      this.#audited.add(key);
      if (!this.#before.begun.has(cycle) && Number(cutoff) < this.#before.newest)
        broken.push(
          `${key} knows nothing after change ${cutoff}; ${this.#before.newest} was known before it was begun`,
        );
      const world = await this.#known.worldAt(Number(cutoff));
      const said = await app.db.transaction('look', (tx) =>
        summarise(tx, 'snapshot', {
          cycle,
          revision,
          outcome: 'unchanged',
          currency: 'USD',
          differences: [],
          changes: null,
        }),
      );
      const actual = await frozen(app, said);
      const options = { cycle, ruleSet: this.#ruleSets };
      this.checks += 2;
      broken.push(
        ...[
          ...compare(audit(world, options), actual),
          // The forecast judges all rows thirteen times: once a cycle.
          ...(revision === 1 ? compareLevels(auditLevels(world, options), actual) : []),
          ...(await unbalanced(app)),
        ].map((told) => `${key}: ${told}`),
      );
      revised({ cycle, revision, kpi_value: said.kpi_value, lines_in: said.conservation.lines_in });
    }
    const [change] = await this.#ask<{ no: string }>('select max(no) as no from change');
    const begun = await this.#ask<{ cycle: string }>(
      `select cycle from occurrence where job = 'refresh' and attempt > 0 and state in ('enqueued', 'running', 'failed')`,
    );
    this.#before = { newest: Number(change!.no), begun: new Set(begun.map((one) => one.cycle)) };
    return broken;
  }

  /** Nothing is done before it is due, and nothing that a person need not look at is given up. */
  async #due({ latest, isWatched, zones, edits }: Moment): Promise<string[]> {
    const early = await this.#ask<{ job: string; cycle: string; due_at: string }>(
      `select occurrence.job, occurrence.cycle, occurrence.due_at::text from occurrence
       where (state not in ('due', 'cancelled', 'missed') or attempt > 0) and due_at > $1`,
      [latest],
    );
    const twice = await this.#ask<{ job: string; cycle: string; part: number; times: string }>(
      `select occurrence.job, occurrence.cycle, occurrence.part, count(*) as times
       from occurrence
       join run on run.occurrence_id = occurrence.id and run.outcome = 'done'
       group by 1, 2, 3 having count(*) > 1`,
    );
    // Outages are shorter than the window of what is caught up.
    const missed = await this.#ask<{ job: string; cycle: string; says: string }>(
      `select job, cycle, says from occurrence where state = 'missed' and not job = any($1)`,
      [JOBS.filter(({ when }) => when.catchUp?.policy).map(({ name }) => name)],
    );
    const dues = await this.#ask<{ job: string; cycle: string; due_at: string }>(
      `select distinct job, cycle, due_at::text from occurrence where job in ('ingest', 'refresh', 'report')`,
    );
    const stuck = isWatched
      ? await this.#ask<{ job: string; cycle: string; says: string }>(
          `select job, cycle, says from occurrence where state = 'failed'`,
        )
      : [];
    return [
      ...early.map(
        ({ job, cycle, due_at }) => `${job} of ${cycle} was begun before ${due_at}; it is ${latest}`,
      ),
      ...twice.map(({ job, cycle, part, times }) => `${job} ${part} of ${cycle} was done ${times} times`),
      ...missed.map(({ job, cycle, says }) => `${job} of ${cycle} is missed: ${says}`),
      ...dues
        .filter(({ cycle, due_at }) => !zones.some((zone) => readIn(zone, due_at) === `${cycle}-15 00:00`))
        .filter(({ due_at }) => !edits.some((edit) => Math.abs(Date.parse(due_at) - edit) <= CLOCKS_MS))
        .map(
          ({ job, cycle, due_at }) =>
            `${job} of ${cycle} is due at ${due_at}, in none of ${zones.join()} the 15th`,
        ),
      ...stuck.map(({ job, cycle, says }) => `${job} of ${cycle} failed for good: ${says}`),
    ];
  }

  /** No attempt is left running, and every run has ended. */
  async #running({ isWatched }: Moment): Promise<string[]> {
    if (!isWatched) return [];
    const left = await this.#ask<{ job: string; cycle: string; attempt: number }>(
      `select job, cycle, attempt from run where ended_at is null
       union all select job, cycle, attempt from occurrence where state in ('running', 'enqueued')`,
    );
    return left.map(({ job, cycle, attempt }) => `attempt ${attempt} of ${job} of ${cycle} is left running`);
  }

  /** Every frozen row, workbook and submitted file, a line each: the same for a seed, whatever the queue. */
  async made(): Promise<string[]> {
    const lines: string[] = [];
    const tables = await this.#ask<{ name: string }>(
      `select table_name as name from information_schema.tables
       where table_schema = 'public' and starts_with(table_name, 'snapshot') order by 1`,
    );
    // Repeated attempts may take change numbers more; what was known at them is the same. Why a revision was made says
    // who was the first to send its job: a scheduler, or the command that asked for it.
    for (const { name } of tables) {
      const rows = await this.#ask<{ row: string }>(
        `select (to_jsonb(${name}) - 'cutoff' - 'change_no' - 'made_no' - 'build' - 'reason')::text as row from ${name} order by 1`,
      );
      for (const { row } of rows) lines.push(`${name} ${row}`);
    }
    for (const folder of ['reports', 'outbox']) {
      const root = join(this.#home, folder);
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
      const paths = files.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort();
      for (const path of paths) lines.push(`${folder}/${path} ${await sha256Of(join(root, path))}`);
    }
    return lines;
  }
}
