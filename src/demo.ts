import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JOBS } from '../jobs/index.ts';
import { type App, openApp } from './app.ts';
import { visibleBy } from './calendar.ts';
import { readSettings } from './config.ts';
import { sha256Of } from './files.ts';
import { LkpError } from './job.ts';
import { latest, type RefreshResult } from './kpi/refresh.ts';
import { nameOf } from './ledger.ts';
import { readable } from './money.ts';
import { runMonth } from './month.ts';
import type { KindName } from './reference/kinds.ts';
import { loadReference } from './reference/load.ts';
import { scheduleOf } from './schedule/schedule.ts';
import { table } from './show/text.ts';

const SAMPLES = fileURLToPath(new URL('../samples/data/', import.meta.url));
const CYCLE = '2020-05';
/** The demo lives on the last day of the sample cycle's third week, so that its outputs do not depend on today. */
const NOW = '2020-05-21T08:00:00.000Z';

const REFERENCE: ReadonlyArray<readonly [kind: KindName, file: string]> = [
  ['partners', 'partners.csv'],
  ['locations', 'locations.csv'],
  ['customers', 'customers.csv'],
  ['enrolments', 'enrolments.csv'],
  ['attainments', 'attainments.csv'],
  ['products', 'products.csv'],
  ['rates', 'eurofxref-2019-04-2020-05.csv'],
  ['rates', 'rates-manual.csv'],
  ['listings', 'listings.csv'],
];

export interface DemoResult {
  readonly cycle: string;
  readonly reference_files: number;
  readonly refresh: RefreshResult;
  readonly waiting: {
    readonly quarantined_rows: number;
    readonly rejected_rows: number;
    readonly unmapped_rows: number;
  };
  readonly directory: { readonly entries: number; readonly visible_by: string };
  readonly files: Array<{ readonly path: string; readonly sha256: string }>;
}

/** A whole month on the sample files: load, ingest, refresh, report, assemble, submit. Twice gives the same bytes. */
export async function demo({ progress }: { progress: (text: string) => void }): Promise<DemoResult> {
  const settings = readSettings();
  if (settings.DATABASE_URL) {
    throw new LkpError(
      'request',
      'DATABASE_URL is set, and the demo would fill that database with sample data. Unset it: the demo runs on the embedded server.',
    );
  }
  const opened = await openApp({
    // Nobody writes the samples: no second look is needed.
    settings: { ...settings, inbox: join(SAMPLES, 'invoices'), LKP_INBOX_STABLE_SECONDS: 0 },
    now: () => NOW,
    progress,
  });
  // Its one day, 2020-05-21, is the program's last of the third week: on an edited schedule the submission may be due later.
  const app: App = { ...opened, schedule: scheduleOf(settings.LKP_TIME_ZONE, JOBS) };
  try {
    for (const [kind, name] of REFERENCE) {
      progress(`loading ${name}`);
      const loaded = await loadReference(app, kind, join(SAMPLES, 'reference', name));
      if (loaded.status === 'refused')
        throw new Error(`The sample file ${name} was refused: ${loaded.reason}`);
    }
    const occurrences = await runMonth(app, CYCLE, {
      reason: 'manual',
      again: true,
      until: NOW,
      onState: (occurrence) => progress(`${nameOf(occurrence)}: ${occurrence.state}`),
    });
    // What falls due next month, a look at the directory, is for a person.
    const stopped = occurrences.find(
      ({ state, due_at }) => state !== 'done' && Date.parse(due_at) <= Date.parse(NOW),
    );
    if (stopped) {
      const next =
        stopped.state === 'waiting'
          ? `Other data lies in ${settings.home}; set LKP_HOME to an empty folder for the demo.`
          : 'Repair it and run the demo again.';
      throw new LkpError(
        'machine',
        `The job ${stopped.job} of ${CYCLE} is ${stopped.state} (${stopped.says}). ${next}`,
      );
    }
    return await result(app);
  } finally {
    await app.close();
  }
}

async function result(app: App): Promise<DemoResult> {
  const refreshed = await latest(app, CYCLE);
  const entries = await app.db.transaction('demo', (tx) =>
    tx.one<{ entries: string }>(
      `select count(*) as entries from directory_entry where cycle = $1 and action <> 'removed'`,
      [CYCLE],
    ),
  );
  const { dispositions } = refreshed.conservation;
  const folders = [
    join(app.settings.home, 'reports', CYCLE, `revision-${refreshed.revision}`),
    join(app.settings.outbox, CYCLE),
  ];
  const files = [];
  for (const folder of folders) {
    // A name that begins with a dot is a left-over of a killed run, not an output.
    for (const name of (await readdir(folder)).filter((found) => !found.startsWith('.')).sort()) {
      const path = join(folder, name);
      files.push({ path, sha256: await sha256Of(path) });
    }
  }
  return {
    cycle: CYCLE,
    reference_files: REFERENCE.length,
    refresh: refreshed,
    waiting: {
      quarantined_rows: dispositions.quarantined,
      rejected_rows: dispositions.rejected,
      unmapped_rows: dispositions.unmapped,
    },
    directory: { entries: Number(entries.entries), visible_by: visibleBy(CYCLE) },
    files,
  };
}

/** The short table that the demo ends with. */
export function demoText({ cycle, refresh, waiting, directory, files }: DemoResult): string {
  const { conservation, window } = refresh;
  const rows: string[][] = [
    ['lines in', readable(String(conservation.lines_in), 0)],
    ...Object.entries(conservation.dispositions).map(([word, count]) => [
      `  ${word}`,
      readable(String(count), 0),
    ]),
    ['KPI value', readable(refresh.kpi_value, 0)],
    [`revenue value (${refresh.currency})`, readable(refresh.revenue_value)],
    ['partners with KPI', String(refresh.partners)],
    ['directory entries', String(directory.entries)],
  ];
  const folders = new Map<string, number>();
  for (const { path } of files) {
    const folder = relative(process.cwd(), join(path, '..')) || '.';
    folders.set(folder, (folders.get(folder) ?? 0) + 1);
  }
  return [
    `Cycle ${cycle}, revision ${refresh.revision}, reporting window ${window.from} to ${window.to}`,
    '',
    table(['what', 'how many'], rows),
    '',
    `Waiting for a person: ${waiting.quarantined_rows} quarantined rows to decide, ${waiting.rejected_rows} rejected rows to correct.`,
    `Waiting for reference data: ${waiting.unmapped_rows} unmapped rows.`,
    '',
    'Files written:',
    ...[...folders].map(([folder, count]) => `  ${String(count).padStart(3)} in ${folder}`),
    `The directory shows the submission by ${directory.visible_by}.`,
  ].join('\n');
}
