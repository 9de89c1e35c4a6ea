import { readFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { JOBS } from '../jobs/index.ts';
import { type App, openApp } from './app.ts';
import { addMonths, dayIn, parseCycle } from './calendar.ts';
import { nearest, readSettings, VERSION } from './config.ts';
import { stopEmbedded } from './db/embedded.ts';
import { demo, demoText } from './demo.ts';
import { assembleDirectory } from './directory/assemble.ts';
import { showBatch, showDirectory } from './directory/show.ts';
import { submitDirectory } from './directory/submit.ts';
import { candidateProfiles } from './invoice/profile.ts';
import { ingestAll } from './invoice/sweep.ts';
import { LkpError } from './job.ts';
import { refresh, type RefreshOptions } from './kpi/refresh.ts';
import { writeReports } from './kpi/report.ts';
import { parseRules, rulesInForce, useRules } from './kpi/rules.ts';
import { recordManual } from './ledger.ts';
import { runMonth } from './month.ts';
import { KIND_NAMES, type KindName } from './reference/kinds.ts';
import { loadReference } from './reference/load.ts';
import { batchText, directoryText, ingestText, loadText, refreshText, table } from './show.ts';
import { calendarOf, runsOf, statusOf, statusText } from './status.ts';

/** What a command leaves behind: the JSON object, its text for people, and the exit code (0 done, 3 asks a person). */
interface Result {
  readonly json: object;
  readonly text: string;
  readonly code?: 0 | 3;
}

const program = new Command('lkp')
  .description('Learning Partner KPIs and the partner directory: a whole month from invoices to reports and the submission')
  .version(VERSION)
  .option('--json', 'print one JSON object on stdout')
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) });

/** A command that needs the database. */
function command(usage: string, description: string, configure: (command: Command) => Command, act: (app: App, args: string[], options: Record<string, string | true>) => Promise<Result>, parent: Command = program): void {
  configure(parent.command(usage).description(description).option('--json', 'print one JSON object on stdout')).action(
    async (...given: unknown[]) => {
      const self = given.at(-1) as Command;
      const app = await openApp({ progress });
      try {
        finish(await act(app, self.args, self.optsWithGlobals()));
      } finally {
        await app.close();
      }
    },
  );
}

/** Long work shows on a terminal how far it is; a pipe stays quiet. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function finish({ json, text, code = 0 }: Result): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  process.stdout.write(program.opts().json || process.argv.includes('--json') ? `${JSON.stringify(json)}\n` : `${text}\n`);
  process.exitCode = code;
}

const today = (app: App): string => dayIn(app.now(), app.settings.LKP_TIME_ZONE);
const cycleOf = (app: App, text: string | undefined): string => parseCycle(text ?? '', today(app));
const flag = (name: string, given: Record<string, string | true>): string | undefined => (typeof given[name] === 'string' ? given[name] : undefined);

program
  .command('demo')
  .description('a whole month on sample files with the embedded database')
  .option('--json', 'print one JSON object on stdout')
  .action(async () => {
    const result = await demo({ progress });
    finish({ json: result, text: demoText(result) });
  });

command(
  'load <kind> <files...>', `load reference data: ${KIND_NAMES.join(', ')}`,
  (self) => self.option('--dry-run', 'check the files and store nothing'),
  async (app, [kind = '', ...files], options) => {
    if (!KIND_NAMES.includes(kind as KindName)) {
      throw new LkpError('request', `"${kind}" is not a kind of reference data. Did you mean ${nearest(kind, KIND_NAMES)}? Known are ${KIND_NAMES.join(', ')}.`);
    }
    const results = [];
    for (const file of files) results.push(await loadReference(app, kind as KindName, file, { dryRun: options.dryRun === true }));
    const asks = results.some(({ status, rejected }) => status === 'refused' || (status === 'loaded' && rejected > 0));
    return { json: { files: results }, text: loadText(results), code: asks ? 3 : 0 };
  },
);

command(
  'ingest <paths...>', 'take in invoice files, or the files of a folder',
  (self) => self.option('--profile <name>', 'the import profile, by name or path').option('--dry-run', 'say what would become of the rows and store nothing'),
  async (app, paths, options) => {
    const profile = flag('profile', options);
    const report = await ingestAll(app, paths, { ...(profile ? { profile } : {}), dryRun: options.dryRun === true });
    const asks = report.files.some(
      ({ status, dispositions }) => status === 'refused' || (status === 'ingested' && dispositions.rejected + dispositions.quarantined > 0),
    );
    if (!options.dryRun) {
      const says = report.files.map(({ name, status }) => `${name}: ${status}`).join('; ');
      await recordManual(app, 'ingest', null, asks ? 'asks' : 'done', says);
    }
    return { json: report, text: ingestText(report, options.dryRun === true), code: asks ? 3 : 0 };
  },
);

command(
  'refresh <cycle>', 'recompute the KPIs of a cycle and write its reports',
  (self) =>
    self
      .option('--plan', 'show what a refresh would change and write nothing')
      .option('--restate', 'write the next revision of a cycle that has one')
      .option('--reason <text>', 'why it is restated')
      .option('--as-of <instant>', 'compute as known at this instant'),
  async (app, [cycleText], options) => {
    const cycle = cycleOf(app, cycleText);
    const reason = flag('reason', options);
    const asOf = flag('asOf', options);
    if (asOf !== undefined && Number.isNaN(Date.parse(asOf))) {
      throw new LkpError('request', `"${asOf}" is not an instant. Write it as 2020-01-20T12:00:00Z.`);
    }
    const how: RefreshOptions = {
      plan: options.plan === true,
      restate: options.restate === true,
      ...(reason === undefined ? {} : { reason }),
      ...(asOf === undefined ? {} : { asOf }),
    };
    const result = await refresh(app, cycle, how);
    const written = result.outcome === 'refreshed' || result.outcome === 'unchanged';
    const reports = written ? (await writeReports(app, cycle)).files : [];
    const code = result.outcome === 'differs' ? 3 : 0;
    if (!how.plan) await recordManual(app, 'refresh', cycle, code === 3 ? 'asks' : 'done', `revision ${result.revision} ${result.outcome}`);
    return { json: { ...result, reports }, text: refreshText(result, reports.length), code };
  },
);

command(
  'report [mpn-id] [cycle]', 'write the workbook of one partner, or of the program',
  (self) => self.option('--program', 'the program workbook').option('--out <file>', 'where it goes').option('--revision <number>', 'an earlier revision'),
  async (app, args, options) => {
    const [cycleText, partner] = options.program ? [args[0]] : [args[1], args[0]];
    if (options.program ? args.length !== 1 : args.length !== 2) {
      throw new LkpError('request', 'A report needs a partner and a cycle (lkp report 1234567 2020-01), or --program and a cycle (lkp report --program 2020-01).');
    }
    const cycle = cycleOf(app, cycleText);
    const revision = flag('revision', options);
    if (revision !== undefined && !/^[1-9]\d*$/.test(revision)) throw new LkpError('request', `"${revision}" is not a revision. Revisions are 1, 2, 3, ...`);
    const out = flag('out', options);
    const report = await writeReports(app, cycle, {
      only: partner === undefined ? 'program' : { partner },
      ...(revision === undefined ? {} : { revision: Number(revision) }),
      ...(out === undefined ? {} : { out }),
    });
    return { json: { cycle, ...report }, text: report.files.map(({ path }) => path).join('\n') };
  },
);

const directory = program.command('directory').description('the public partner directory');
command('assemble <cycle>', 'assemble the batch of a cycle', (self) => self, async (app, [cycleText]) => {
  const batch = await assembleDirectory(app, cycleOf(app, cycleText));
  return { json: batch, text: directoryText(batch) };
}, directory);
command('submit <cycle>', 'write the one submission of a cycle', (self) => self, async (app, [cycleText]) => {
  const cycle = cycleOf(app, cycleText);
  const submission = await submitDirectory(app, cycle);
  await recordManual(app, 'directory-submit', cycle, 'done', submission.status);
  return { json: submission, text: [`${submission.status}. ${directoryText(submission)}`, ...submission.files.map(({ path }) => path), ...submission.notes].join('\n') };
}, directory);
command('show <cycle>', 'the batch of a cycle, or why a partner is not listed', (self) => self.option('--partner <mpn-id>', 'one partner'), async (app, [cycleText], options) => {
  const cycle = cycleOf(app, cycleText);
  const partner = flag('partner', options);
  if (partner === undefined) {
    const batch = await showBatch(app, cycle);
    return { json: batch, text: batchText(batch) };
  }
  const answer = await showDirectory(app, cycle, partner);
  return { json: answer, text: `${answer.answer}: ${answer.says}` };
}, directory);

const rules = program.command('rules').description('rule sets: what a unit is worth and what a level asks for');
rules.command('check <file>').description('say whether a rule set can be used').option('--json', 'print one JSON object on stdout').action(async (file: string) => {
  const set = parseRules(await readText(file), file);
  finish({ json: { file, name: set.name, valid: true }, text: `${file} is a valid rule set: ${set.title}` });
});
command('use <file>', 'put a rule set in force', (self) => self.option('--reason <text>', 'why'), async (app, [file = ''], options) => {
  const used = await useRules(app, await readText(file), file, flag('reason', options));
  return { json: { file, used }, text: used ? `${file} is in force.` : `${file} was in force already; nothing changed.` };
}, rules);
command('list', 'the rule sets in force', (self) => self, async (app) => {
  const sets = await app.db.transaction('rules', rulesInForce);
  return { json: { rule_sets: sets }, text: table(['name', 'basis', 'valid from', 'before', 'title'], sets.map((set) => [set.name, set.basis, set.valid_from, set.valid_to ?? 'open', set.title])) };
}, rules);
command('show <name>', 'a rule set as it was written', (self) => self, async (app, [name = '']) => {
  const found = await app.db.transaction('rules', (tx) => tx.maybe<{ body: string }>('select body from rule_set where name = $1 and ended_no is null', [name]));
  if (!found) throw new LkpError('request', `No rule set "${name}" is in force. lkp rules list shows those that are.`);
  return { json: { name, body: found.body }, text: found.body.trimEnd() };
}, rules);

command('cycle <cycle>', 'run the jobs of a cycle that are due, through the queue', (self) => self.option('--all', 'also the jobs that fall due later in the month'), async (app, [cycleText], options) => {
  const cycle = cycleOf(app, cycleText);
  const occurrences = await runMonth(app, cycle, {
    reason: cycle === today(app).slice(0, 7) ? 'manual' : 'backfill',
    until: options.all ? 'everything' : app.now(),
    onState: ({ job, state, says }) => progress(`${job}: ${state}${says ? ` (${says})` : ''}`),
  });
  const failed = occurrences.find(({ state }) => state === 'failed');
  if (failed) throw new LkpError('machine', `The job ${failed.job} of ${cycle} failed: ${failed.says}. Repair it and run lkp cycle ${cycle} again; what is done stays done.`);
  const asks = occurrences.some(({ state }) => state === 'waiting');
  return {
    json: { cycle, occurrences },
    text: table(['job', 'state', 'says'], occurrences.map(({ job, state, says, due_at }) => [job, state, says ?? (state === 'due' ? `due ${due_at}` : '')])),
    code: asks ? 3 : 0,
  };
});

command('calendar [cycle]', 'the dates of the coming twelve months, or of one cycle', (self) => self, async (app, [cycleText]) => {
  const month = today(app).slice(0, 7);
  const cycles = cycleText === undefined ? Array.from({ length: 12 }, (_, index) => addMonths(month, index)) : [parseCycle(cycleText)];
  const calendar = await calendarOf(app, JOBS, cycles);
  const rows = calendar.cycles.flatMap(({ cycle, occurrences }) => occurrences.map(({ job, due_at, deadline, state, why }) => [cycle, job, due_at, deadline ?? '', state, why]));
  return { json: calendar, text: table(['cycle', 'job', 'due', 'deadline', 'state', 'why'], rows) };
});
command('runs [cycle]', 'what was tried, and how it ended', (self) => self, async (app, [cycle]) => {
  const runs = await runsOf(app, cycle === undefined ? undefined : parseCycle(cycle));
  return { json: { runs }, text: runs.length === 0 ? 'Nothing has run yet.' : table(['started', 'job', 'cycle', 'attempt', 'reason', 'by', 'outcome', 'says'], runs.map((run) => [run.started_at, run.job, run.cycle ?? '', String(run.attempt), run.reason, run.actor, run.outcome ?? 'running', run.says ?? ''])) };
});
command('status', 'what is next, what is late, what waits for whom', (self) => self, async (app) => {
  const status = await statusOf(app, JOBS);
  return { json: status, text: statusText(status) };
});
command('migrate', 'bring the database to this version', (self) => self, async () => ({ json: { migrated: true }, text: 'The database is up to date.' }));
command('check', 'validate the whole configuration', (self) => self, async (app) => {
  const profiles = await candidateProfiles(app.settings.profiles);
  const sets = await app.db.transaction('check', rulesInForce);
  const text = `The configuration is valid. Profiles: ${profiles.map(({ name }) => name).join(', ')}. Rule sets in force: ${sets.map(({ name }) => name).join(', ')}.`;
  return { json: { valid: true, profiles: profiles.map(({ name }) => name), rule_sets: sets.map(({ name }) => name) }, text };
});

program.command('stop').description('end the embedded server').option('--json', 'print one JSON object on stdout').action(async () => {
  const settings = readSettings();
  const stopped = await stopEmbedded(settings.home);
  finish({ json: { stopped }, text: stopped ? 'The embedded server is stopped.' : 'No embedded server is running here.' });
});

const readText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new LkpError('request', `The file ${file} cannot be read (${cause.code}). Check the path and repeat.`, { cause });
  });

/** One clear sentence on stderr, the right exit code; with --json also one object on stdout. */
function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  const known = error instanceof LkpError;
  const message = known ? error.message : `Something unexpected happened: ${error instanceof Error ? error.message : String(error)}`;
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  process.stderr.write(`${message}\n`);
  if (!known && error instanceof Error && process.argv.includes('--debug')) process.stderr.write(`${error.stack}\n`);
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ error: { code: known ? error.code : 'machine', message } })}\n`);
  process.exitCode = known && error.code === 'request' ? 2 : 1;
}

await program.parseAsync().catch(fail);
