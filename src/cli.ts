import { Command, CommanderError } from 'commander';
import { CALENDAR_COMMANDS } from './commands/calendar.ts';
import { addCommands, addGroup, progress } from './commands/command.ts';
import { CONTROL_COMMANDS } from './commands/control.ts';
import { DATA_COMMANDS, QUARANTINE_COMMANDS } from './commands/data.ts';
import { DIRECTORY_COMMANDS } from './commands/directory.ts';
import { KPI_COMMANDS } from './commands/kpi.ts';
import { MONTH_COMMANDS } from './commands/month.ts';
import { RECONCILE_COMMANDS } from './commands/reconcile.ts';
import { RULES_COMMANDS } from './commands/rules.ts';
import { SERVICE_COMMANDS } from './commands/service.ts';
import { STATUS_COMMANDS } from './commands/status.ts';
import { VERSION } from './config.ts';
import { LkpError } from './job.ts';
import { oneLine, printable } from './show/text.ts';

const wantsJson = process.argv.includes('--json');

const program = new Command('lkp')
  .description('Learning Partner KPIs and the partner directory: from invoices to reports and the submission')
  .version(VERSION)
  .option('--json', 'print one JSON object on stdout')
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(printable(text.replace(/^error: /, ''))) });

addCommands(program, MONTH_COMMANDS);
addCommands(program, CALENDAR_COMMANDS);
addCommands(program, CONTROL_COMMANDS);
addCommands(program, STATUS_COMMANDS);
addCommands(program, SERVICE_COMMANDS);
addCommands(program, DATA_COMMANDS);
addGroup(program, 'quarantine', 'what waits for a decision by a person', QUARANTINE_COMMANDS);
addCommands(program, KPI_COMMANDS);
addCommands(program, RECONCILE_COMMANDS);
addGroup(program, 'directory', 'the public partner directory', DIRECTORY_COMMANDS);
addGroup(program, 'rules', 'rule sets: what a unit is worth and what a level asks for', RULES_COMMANDS);

/** One clear sentence on stderr and the right exit code; with --json also one object on stdout. */
function fail(error: unknown): void {
  progress('');
  // The parser has printed its own sentence; help and version are no failures.
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    if (wantsJson && error.exitCode !== 0) printError('request', error.message.replace(/^error: /, ''));
    return;
  }
  const { code, message } =
    error instanceof LkpError
      ? error
      : {
          code: 'machine',
          message: `Something unexpected happened: ${error instanceof Error ? error.message : error}`,
        };
  process.stderr.write(`${oneLine(message)}\n`);
  if (wantsJson) printError(code, message);
  process.exitCode = code === 'request' ? 2 : 1;
}

const printError = (code: string, message: string): void => {
  process.stdout.write(`${printable(JSON.stringify({ error: { code, message } }))}\n`);
};

await program.parseAsync().catch(fail);
