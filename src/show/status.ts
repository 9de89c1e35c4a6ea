import type { Undelivered } from '../alerts/deliver.ts';
import { headlineOf } from '../alerts/kinds.ts';
import type { Look, Shown } from '../alerts/look.ts';
import { localTime } from '../calendar.ts';
import { nameOf } from '../ledger.ts';
import { type Held, type Status, stateText } from '../status.ts';
import { linesOf, table } from './text.ts';

/** `lkp status` and `lkp status --alert` for people: plain words, no line wider than WIDTH where words allow it. */

const WIDTH = 100;
const DIRECTORY_TEAM = /^directory-visible$/;

/** Text broken between words; every line but the first begins `indent` deep, the first after `lead`. */
const wrapped = (text: string, lead = '', indent = lead.length): string =>
  linesOf(text, (line) => WIDTH - (line === 0 ? lead.length : indent))
    .map((line, index) => (index === 0 ? lead : ' '.repeat(indent)) + line)
    .join('\n');

/** A heading with what stands under it, or one line where nothing does. */
const section = (heading: string, lines: readonly string[], none?: string): string[] =>
  lines.length > 0 ? ['', `${heading}:`, ...lines] : none === undefined ? [] : ['', none];

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');

export function statusText(status: Status): string {
  const { today, time_zone: zone, paused, next, late, waiting, missed, alerts, undelivered } = status;
  const theirs = waiting.failed_or_waiting_jobs.filter(({ job }) => DIRECTORY_TEAM.test(job));
  const ours = waiting.failed_or_waiting_jobs.filter(({ job }) => !DIRECTORY_TEAM.test(job));
  return [
    `Today is ${today} (${zone}).`,
    ...(paused === null
      ? []
      : [
          '',
          wrapped(
            `The calendar is paused since ${localTime(paused.since, zone)} by ${paused.by}: ${paused.reason}. ` +
              "Nothing is sent until: lkp resume --reason '...'",
          ),
        ]),
    ...section(
      'Next',
      next.length === 0
        ? []
        : [
            indented(
              table(
                ['job', 'cycle', 'due'],
                next.map(({ job, cycle, due_at }) => [job, cycle, localTime(due_at, zone)]),
              ),
            ),
          ],
      'Nothing is next.',
    ),
    ...section(
      'Late',
      late.length === 0
        ? []
        : [
            indented(
              table(
                ['job', 'cycle', 'deadline', 'state'],
                late.map((job) => [job.job, job.cycle, localTime(job.deadline, zone), stateText(job)]),
              ),
            ),
          ],
      'Nothing is late.',
    ),
    ...section('Missed, and not done by itself any more', heldLines(missed)),
    ...section(
      'Waiting for operations',
      [
        ...heldLines(ours),
        ...rowsText(waiting.quarantined_rows, 'to decide', 'quarantined', 'lkp quarantine list'),
        ...rowsText(waiting.rejected_rows, 'to correct', 'rejected', 'lkp rejects <file>'),
      ],
      'Nothing waits for operations.',
    ),
    ...section(
      'Waiting for the directory team',
      [
        ...waiting.directory_team.map(({ cycle, outbox, visible_by }) =>
          wrapped(`the submission of ${cycle} in ${outbox}, to be visible by ${visible_by}`, '  '),
        ),
        ...heldLines(theirs),
      ],
      'Nothing waits for the directory team.',
    ),
    ...section(
      'Alerts that are open',
      alerts.flatMap((alert) => alertLines(alert, zone)),
    ),
    ...section(
      'Alerts that could not be delivered',
      undelivered.map((one) => undeliveredText(one, zone)),
    ),
  ].join('\n');
}

/** A line for those of a cycle that say the same: parts of a job, jobs that were missed together. */
function heldLines(all: readonly Held[]): string[] {
  const groups = new Map<string, Held[]>();
  for (const one of all) {
    const key = JSON.stringify([one.cycle, one.state, one.says]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((held) => {
    const [{ cycle, state, says }] = held as [Held];
    const jobs = [...new Set(held.map(({ job }) => job))].map((job) =>
      namesOf(held.filter((one) => one.job === job)),
    );
    return wrapped(
      `${jobs.join(', ')} of ${cycle} ${STATE_WORDS[state] ?? state}: ${says ?? ''}`.trim(),
      '  ',
      4,
    );
  });
}

const STATE_WORDS: Partial<Record<Held['state'], string>> = { waiting: 'waits', missed: 'not run' };

/** Of one job: `refresh`, `report 2 of 5`, `report (3 of 5 parts)`. */
function namesOf(held: readonly Held[]): string {
  const [first] = held as [Held];
  if (held.length === 1) return nameOf(first);
  return held.length === first.parts ? first.job : `${first.job} (${held.length} of ${first.parts} parts)`;
}

const rowsText = (rows: number, what: string, disposition: string, command: string): string[] =>
  rows === 0 ? [] : [`  ${rows} ${disposition} ${rows === 1 ? 'row' : 'rows'} ${what}: ${command}`];

const alertLines = (alert: Shown, zone: string): string[] => [
  wrapped(`${localTime(alert.raised_at, zone)}  ${headlineOf(alert)}`, '  ', 4),
  wrapped(alert.next_step, '    '),
];

const undeliveredText = ({ target, alerts, since, last_error, next_at }: Undelivered, zone: string): string =>
  wrapped(
    `${target}: ${alerts} ${alerts === 1 ? 'alert' : 'alerts'} since ${localTime(since, zone)}, because ${last_error}. ` +
      (next_at === null ? 'Given up.' : `Next try: ${localTime(next_at, zone)}.`),
    '  ',
    4,
  );

/** What a look raised and what else is open; nothing where nothing is new and no target failed, so that a cron stays quiet. */
export function alertText(look: Look, zone: string): string {
  if (look.new.length === 0 && look.failed.length === 0) return '';
  return [
    ...section(
      look.new.length === 1 ? 'New alert' : 'New alerts',
      look.new.flatMap((alert) => [
        wrapped(headlineOf(alert), '  ', 4),
        wrapped(alert.says, '    '),
        wrapped(alert.next_step, '    '),
      ]),
    ),
    ...section(
      'Still open',
      look.open.flatMap((alert) => alertLines(alert, zone)),
    ),
    ...section(
      'Not delivered',
      look.failed.map(({ target, error }) => wrapped(`${target}: ${error}. It is tried again.`, '  ', 4)),
    ),
  ]
    .slice(1)
    .join('\n');
}
