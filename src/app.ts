import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JOBS } from '../jobs/index.ts';
import { addressesOf, readSettings, type Settings } from './config.ts';
import { type OpenDatabase, openDatabase } from './db/connection.ts';
import { openEmbedded, stopEmbedded } from './db/embedded.ts';
import { migrate } from './db/migrate.ts';
import { identify, openInvoice } from './einvoice/table.ts';
import { openSheet } from './excel/table.ts';
import { createWorkbooks } from './excel/write.ts';
import { type Context, LkpError } from './job.ts';
import { putShippedRulesInForce } from './kpi/rules.ts';
import { mailTargets } from './notify/mail.ts';
import { webhookTarget } from './notify/webhook.ts';
import type { Tables, Target } from './ports.ts';
import { readSchedule } from './schedule/schedule.ts';
import { openCsv } from './tabular/csv.ts';
import { formatOf } from './tabular/format.ts';

/** The running application: the subjects' context, and what the command line and the workers need beside it. */
export interface App extends Context {
  readonly db: OpenDatabase;
  /** URL of the database, for the queue that lives in it. */
  readonly databaseUrl: string;
  /** Where people hear of alerts. */
  readonly targets: readonly Target[];
  close(): Promise<void>;
}

export interface AppOptions {
  readonly settings?: Settings;
  /** A simulation's clock; the machine's by default. */
  readonly now?: () => string;
  readonly progress?: (text: string) => void;
  /** False: a new database stays without the rule sets that we ship. */
  readonly shippedRules?: boolean;
}

/** The one place that wires the adapters to the subjects: opens the database, brings it up to date, builds the context. */
export async function openApp(options: AppOptions = {}): Promise<App> {
  const settings = options.settings ?? readSettings();
  const schedule = await readSchedule(settings, JOBS);
  await makeFolder(settings.home).catch((cause: NodeJS.ErrnoException) => {
    throw new LkpError(
      'machine',
      `The folder ${settings.home} cannot be made (${cause.code}). Choose another with LKP_HOME, or make it writable.`,
      { cause },
    );
  });
  const embedded = settings.DATABASE_URL ? undefined : await openEmbedded(settings.home);
  const databaseUrl = settings.DATABASE_URL ?? embedded!.url;
  let db: OpenDatabase | undefined;
  const close = async () => {
    await db?.close();
    await embedded?.release();
  };
  try {
    db = await openDatabase(databaseUrl);
    const app: App = {
      db,
      databaseUrl,
      targets: targetsOf(settings),
      settings,
      schedule,
      tables,
      workbooks: createWorkbooks(),
      now: options.now ?? (() => new Date().toISOString()),
      simulated: options.now !== undefined,
      progress: options.progress ?? (() => undefined),
      close,
    };
    await migrate(db);
    if (options.shippedRules !== false) await putShippedRulesInForce(app);
    return app;
  } catch (error) {
    await close();
    throw error;
  }
}

/** The targets of alerts: an e-mail for each address, and the webhook. */
export function targetsOf({
  LKP_SMTP_URL,
  LKP_ALERT_FROM,
  LKP_ALERT_WEBHOOK,
  ...settings
}: Settings): Target[] {
  return [
    ...(LKP_SMTP_URL && LKP_ALERT_FROM
      ? mailTargets(LKP_SMTP_URL, LKP_ALERT_FROM, addressesOf(settings))
      : []),
    ...(LKP_ALERT_WEBHOOK ? [webhookTarget(LKP_ALERT_WEBHOOK)] : []),
  ];
}

/** Ends the embedded server of a home that nobody uses any more. */
export const stopServer = (home: string): Promise<boolean> => stopEmbedded(home);

/** Like mkdir with `recursive`, which never returns where a file system takes no folders (/proc): Node 20 to 24. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/** Opens a CSV file, a workbook or an e-invoice, whichever it is; everything else is refused by what it is. */
export const tables: Tables = {
  async identify(path, name) {
    return (await formatOf(path)) === 'xml' ? identify(path, name) : undefined;
  },
  async open(path, hints = {}) {
    const name = hints.name ?? path;
    const format = await formatOf(path);
    if (format === 'zip') return openSheet(path, { ...hints, name });
    if (format === 'text') return openCsv(path, name, hints);
    if (format === 'xml') return openInvoice(path, name);
    throw new LkpError(
      'request',
      `${name} is ${format.refused}. A CSV file, an Excel workbook (.xlsx) or an e-invoice (UBL or CII) was wanted. Ask its sender for one.`,
    );
  },
};
