import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { firstDay, startOfDay } from '../calendar.ts';
import { leftOversIn, namesIn, namesInStore, unlessAbsent } from '../files.ts';
import { type Context, onlyAsked } from '../job.ts';
import type { Sql } from '../ports.ts';
import { oneAtATime } from '../staging.ts';
import { unknownOf } from './store.ts';

/** What went, or would go, that nothing refers to. */
export interface Removed {
  /** The first month that is kept. */
  readonly before: string;
  /** Attempts at what is done, but for the last of each. */
  readonly runs: number;
  /** Alerts that are over, and told or given up. */
  readonly alerts: number;
  /** Paths in the store that no file has which was taken in. */
  readonly left_over: readonly string[];
  /** Paths of half-written files that are a day old. */
  readonly temporary: readonly string[];
  /** What was left alone, and why. */
  readonly notes: readonly string[];
}

const DAY = 86_400_000;
/** What an ingest that was killed leaves; anything else in the store is somebody else's. */
const OURS = /^([0-9a-f]{2})\/\1[0-9a-f]{62}$/;

/**
 * The part of retention that needs nobody's word: what ended before the month `before` and what nothing refers to. No bytes of a
 * file that was taken in are among it: every revision, also one to come, is derived anew from all that came before it
 * (decision 0024), withdrawn files too. With `dryRun` the same is found, and nothing goes.
 */
export async function removeUnreferenced(
  context: Context,
  { before, dryRun = false }: { readonly before: string; readonly dryRun?: boolean },
): Promise<Removed> {
  const instant = startOfDay(firstDay(before), context.schedule.timeZone);
  const work = (tx: Sql) => deleteRows(tx, instant);
  const rows = await (dryRun ? onlyAsked(context, 'prune', work) : context.db.transaction('prune', work));
  const stray = await strays(context, Date.parse(instant), dryRun);
  const temporary = await halfWritten(context, dryRun);
  return { before, ...rows, ...stray, temporary };
}

async function deleteRows(tx: Sql, instant: string): Promise<Pick<Removed, 'runs' | 'alerts'>> {
  const count = async (statement: string) =>
    (
      await tx.one<{ gone: number }>(
        `with gone as (${statement} returning 1) select count(*)::int as gone from gone`,
        [instant],
      )
    ).gone;
  return {
    runs: await count(
      `delete from run using occurrence
       where occurrence.id = run.occurrence_id and occurrence.state = 'done' and run.ended_at < $1
         and run.attempt < occurrence.attempt`,
    ),
    alerts: await count(
      `delete from alert
       where alert.ended_at < $1
         and not exists (select from alert_delivery
                         where alert_delivery.alert_id = alert.id and alert_delivery.delivered_at is null
                           and alert_delivery.next_at < 'infinity')`,
    ),
  };
}

/**
 * Left-overs of ingests that were killed long ago. Looked for and removed while no ingest runs, for that one's bytes have no
 * row yet. A store that the database hardly knows is another database's, or one that a back-up brought back: all of it stays.
 */
async function strays(
  context: Context,
  before: number,
  dryRun: boolean,
): Promise<Pick<Removed, 'left_over' | 'notes'>> {
  const { home } = context.settings;
  const found: string[] = [];
  let all = 0;
  for await (const paths of namesInStore(home)) {
    all += paths.length;
    const unknown = await context.db.transaction('prune', (tx) => unknownOf(tx, paths));
    found.push(...unknown);
  }
  if (found.length > all / 2)
    return {
      left_over: [],
      notes: [
        `${found.length} of the ${all} files in ${join(home, 'store')} are of no file that this database took in, so it may not be the database of this LKP_HOME. All of them stay.`,
      ],
    };
  const left_over: string[] = [];
  for (const path of found.filter((name) => OURS.test(name))) {
    const at = join(home, 'store', path);
    const file = await stat(at).catch(unlessAbsent);
    if (!file?.isFile() || file.mtimeMs >= before) continue;
    left_over.push(path);
    if (!dryRun) await context.db.transaction('prune', (tx) => removeUnknown(tx, path, at));
  }
  return { left_over, notes: [] };
}

async function removeUnknown(tx: Sql, path: string, at: string): Promise<void> {
  await oneAtATime(tx);
  if ((await unknownOf(tx, [path])).length > 0) await rm(at, { force: true });
}

/** Files and folders that a killed process was writing, below the folders that we write to. */
async function halfWritten(context: Context, dryRun: boolean): Promise<string[]> {
  const { home, outbox } = context.settings;
  const { now } = await context.db.transaction('prune', (tx) =>
    tx.one<{ now: string }>('select floor(extract(epoch from now()) * 1000)::text as now'),
  );
  const old = Number(now) - DAY;
  const found: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    for (const { path, at } of await leftOversIn(folder)) if (at < old) found.push(path);
    if (depth === 0) return;
    const entries = (await readdir(folder, { withFileTypes: true }).catch(unlessAbsent)) ?? [];
    for (const entry of entries) if (entry.isDirectory()) await look(join(folder, entry.name), depth - 1);
  };
  await look(join(home, 'store', 'tmp'), 0);
  await look(join(home, 'rejects'), 0);
  for (const folder of [join(home, 'reports'), join(home, 'reconcile'), outbox]) await look(folder, 2);
  for (const name of (await namesIn(home)).filter((one) => /^bundle-.{6}$/.test(one))) {
    const folder = join(home, name);
    const at = await stat(folder).catch(unlessAbsent);
    if (at && at.mtimeMs < old) found.push(folder);
  }
  if (!dryRun) for (const path of found) await rm(path, { recursive: true, force: true });
  return found.sort();
}
