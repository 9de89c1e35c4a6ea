import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { LkpError } from '../job.ts';
import { readText } from '../written.ts';
import { lineOf, readYaml } from '../yaml.ts';
import { type Day, SHIFTS, THIRD_WEEKS, WEEKDAYS, type When, type WorkingDays } from './dates.ts';
import { dayFrom, faultOfRule, faultOfTime } from './day.ts';
import { faultsOf } from './faults.ts';
import { type Holidays, holidaysIn } from './holidays.ts';
import type { Plan, Planned } from './plan.ts';

/** The schedule file: what is otherwise than `jobs/` says. */

const day = z.unknown().transform((value, context): Day => {
  const read = dayFrom(value);
  if ('day' in read) return read.day;
  context.addIssue({ code: 'custom', message: read.fault });
  return z.NEVER;
});

const time = z.unknown().transform((value, context): string => {
  const fault = faultOfTime(value);
  if (fault === undefined) return value as string;
  context.addIssue({ code: 'custom', message: fault });
  return z.NEVER;
});

const deadline = z.unknown().transform((value, context): Day | null => {
  if (value === 'none') return null;
  const read = dayFrom(value);
  if ('day' in read) return read.day;
  context.addIssue({ code: 'custom', message: `${read.fault}; or none` });
  return z.NEVER;
});

/** The settings of a job. docs/cli.md has each. */
export const JOB_SHAPE = {
  /** 1 to 28, `last day`, `third monday`, `day 2 of the third week`. */
  day: day.optional(),
  /** `HH:MM` in the program's time zone. */
  at: time.optional(),
  /** Where to when the day is no working day. */
  shift: z.enum([...SHIFTS, 'none']).optional(),
  /** The day at whose end it is late, of the month in which it is due; or `none`. */
  deadline: deadline.optional(),
  /** Which missed cycles are run when the scheduler comes back. */
  catch_up: z.enum(['none', 'last', 'all']).optional(),
  /** So many days after it was due a cycle is still run. */
  window_days: z.number().int().min(1).max(366).optional(),
};

/** The settings of the file. docs/cli.md has each. */
export const FILE_SHAPE = {
  working_days: z
    .strictObject({
      weekend: z.array(z.enum(WEEKDAYS)).default(['saturday', 'sunday']),
      /** Path of a list of holidays, beside this file. */
      holidays: z.string().min(1).optional(),
    })
    .default({ weekend: ['saturday', 'sunday'] }),
  third_week: z.enum(THIRD_WEEKS).default('days 15-21'),
};

const WORKING = ['weekend', 'holidays'];
const KEYS = ['jobs', ...Object.keys(FILE_SHAPE), ...Object.keys(JOB_SHAPE), ...WORKING];

type Rule = z.infer<z.ZodObject<typeof JOB_SHAPE>>;
type Rules = Readonly<Record<string, Rule | undefined>>;

/** Names that other schedulers have for what would be due more than once a month. */
const OTHERS = ['cron', 'every', 'interval', 'days', 'schedule'];

function shapeOf(jobs: readonly Planned[]) {
  const rule = z
    .unknown()
    .superRefine((value, context) => {
      const add = (message: string, path: string[] = []) =>
        context.addIssue({ code: 'custom', message, path });
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        add(faultOfRule(value));
        return;
      }
      for (const key of OTHERS)
        if (key in value)
          add(
            'is no setting: a job is due once a month, on a day that every engine reads alike; write the day alone, such as day: 15, and the time as at: "06:00"',
            [key],
          );
    })
    .pipe(z.strictObject(JOB_SHAPE));
  return z.strictObject({
    ...FILE_SHAPE,
    time_zone: z
      .unknown()
      .refine(() => false, 'is no setting of this file; the time zone is the setting LKP_TIME_ZONE')
      .optional(),
    jobs: z.strictObject(Object.fromEntries(jobs.map(({ name }) => [name, rule.optional()]))).default({}),
  });
}

/**
 * Reads a schedule file and the holidays that it names, and tries it on 28 years of cycles. Throws LkpError('request') with
 * each fault and its line.
 */
export async function readScheduleFile(
  path: string,
  jobs: readonly Planned[],
): Promise<{ changed: readonly Planned[]; plan: Plan }> {
  const refuse = (faults: string) =>
    new LkpError('request', `The schedule ${path} cannot be used: ${faults}. Correct it and repeat.`);
  const read = await readText(path);
  if ('fault' in read) throw refuse(`it ${read.fault}`);
  const {
    working_days,
    third_week,
    jobs: rules,
  } = readYaml(read.text, 'schedule', path, shapeOf(jobs), [...KEYS, ...jobs.map(({ name }) => name)]);
  const lines = (place: readonly string[]) => `line ${lineOf(read.text, place)}: `;
  const faults: string[] = [];
  const listed: Holidays =
    working_days.holidays === undefined
      ? { days: new Map(), faults: [] }
      : await readHolidays(resolve(dirname(path), working_days.holidays));
  faults.push(...listed.faults.map((fault) => `${working_days.holidays} ${fault}`));
  const working: WorkingDays = { weekend: new Set(working_days.weekend), holidays: listed.days };
  if (working.weekend.size === WEEKDAYS.length)
    throw refuse(
      [
        `${lines(['working_days', 'weekend'])}working_days.weekend leaves no working day in the week; name the days on which nobody works`,
        ...faults,
      ].join('; '),
    );
  const changed = jobs.map((job) => ({ ...job, when: changedBy(job.when, rules[job.name]) }));
  const plan: Plan = { file: path, thirdWeek: third_week, working, fixed: fixedBy(rules) };
  for (const { place, says } of faultsOf(changed, plan)) faults.push(`${lines(place)}${says}`);
  if (faults.length > 0) throw refuse(faults.join('; '));
  return { changed, plan };
}

async function readHolidays(path: string): Promise<Holidays> {
  const read = await readText(path);
  return 'fault' in read ? { days: new Map(), faults: [`(${path}) ${read.fault}`] } : holidaysIn(read.text);
}

/** Jobs of which the file says when they are due. */
const fixedBy = (rules: Rules): Set<string> =>
  new Set(
    Object.entries(rules).flatMap(([name, rule]) =>
      rule?.day !== undefined || rule?.at !== undefined || rule?.shift !== undefined ? [name] : [],
    ),
  );

function changedBy(when: When, rule: Rule = {}): When {
  const { shift: own, ...rest } = when;
  const shift = rule.shift ?? own;
  return {
    ...rest,
    ...(rule.day !== undefined && rule.day !== when.day && { day: rule.day, why: whyOf(rule.day) }),
    ...(rule.at !== undefined && { at: rule.at }),
    ...(shift !== undefined && shift !== 'none' && { shift }),
    ...(rule.deadline === null && { deadline: null }),
    ...(rule.deadline != null && {
      deadline: { day: rule.deadline, ...(when.month && { month: when.month }) },
    }),
    catchUp: {
      ...when.catchUp,
      ...(rule.catch_up !== undefined && { policy: rule.catch_up }),
      ...(rule.window_days !== undefined && { windowDays: rule.window_days }),
    },
  };
}

const whyOf = (day: Day): string => `${typeof day === 'number' ? `day ${day}` : day}, by the schedule file`;
