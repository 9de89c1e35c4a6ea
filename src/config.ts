import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { LkpError } from './job.ts';

/** A setting: its environment variable, what it is for, and the value when it is not set. */
const zone = z.string().refine((name) => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}, 'is not a time zone that this machine knows; use an IANA name such as Europe/Madrid');

const url = (...schemes: string[]) =>
  z.string().refine((text) => schemes.some((scheme) => text.startsWith(`${scheme}://`)), {
    message: `must start with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });

/** Of which the host must be readable too; a password in it has its special characters percent-encoded. */
const address = (...schemes: string[]) =>
  url(...schemes).refine((text) => URL.canParse(text) && isReadable(new URL(text)), {
    message: `is not an address; write it as ${schemes[0]}://user:password@host:port, the password percent-encoded`,
    when: ({ issues }) => issues.length === 0,
  });

const isReadable = ({ hostname, username, password }: URL): boolean => {
  try {
    decodeURIComponent(username + password);
    return hostname !== '';
  } catch {
    return false;
  }
};

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

const MAIL_ADDRESS = /^[^\s@,;:<>"()[\]\\]+@[^\s@,;:<>"()[\]\\]+$/;
const areAddresses = (all: readonly string[]): boolean =>
  all.length > 0 && all.every((one) => MAIL_ADDRESS.test(one));
const isSender = (text: string): boolean =>
  MAIL_ADDRESS.test(/^[^<>"\r\n]*<([^<>]*)>$/.exec(text)?.[1] ?? text);

/** Every setting there is. `.env.example` holds the same names and defaults; a test compares the two. */
export const SETTINGS = z.object({
  /** Folder of the embedded database, the content store and the outputs. */
  LKP_HOME: z.string().default('.lkp'),
  /** A PostgreSQL 15 or newer; unset starts the embedded one under LKP_HOME. */
  DATABASE_URL: url('postgres', 'postgresql').optional(),
  /** postgres:// or redis://; unset puts the queue in the database. */
  QUEUE_URL: url('postgres', 'postgresql', 'redis', 'rediss').optional(),
  /** Folder that the ingest job sweeps; unset is LKP_HOME/inbox. */
  LKP_INBOX: z.string().optional(),
  /** How long a file of the inbox must lie unchanged before it is taken in, in seconds; 0 takes it at once. */
  LKP_INBOX_STABLE_SECONDS: z.coerce.number().min(0).max(3600).default(10),
  /** How long the ingest job waits for files that still arrive, in seconds. */
  LKP_INBOX_WAIT_SECONDS: z.coerce.number().min(0).max(86_400).default(300),
  /** Folder that receives the directory submission; unset is LKP_HOME/outbox. */
  LKP_OUTBOX: z.string().optional(),
  /** Folder of import profiles (*.yaml); unset is LKP_HOME/profiles. */
  LKP_PROFILES: z.string().optional(),
  /** The program's time zone: when a day of the calendar begins and ends. */
  LKP_TIME_ZONE: zone.default('UTC'),
  /** ISO 4217 code that revenue is reported in. */
  LKP_REPORTING_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')
    .default('USD'),
  /** How many days back the last known exchange rate may lie. */
  LKP_RATE_LOOKBACK_DAYS: z.coerce.number().int().min(0).max(60).default(7),
  /** Of its usual lines, the share in percent below which a source has brought far less than usual. */
  LKP_COMPLETENESS_PERCENT: z.coerce.number().int().min(0).max(100).default(50),
  /** A YAML file that says otherwise than `jobs/` when jobs are due; unset is LKP_HOME/schedule.yaml, where there is one. */
  LKP_SCHEDULE: z.string().optional(),
  /** Where `lkp start` answers /health, /ready and /metrics: a port, or host:port; unset answers nowhere. */
  LKP_HTTP: z
    .string()
    .regex(/^([\w.-]+:|\[[\da-fA-F:]+\]:)?\d+$/, 'must be a port, or host:port')
    .refine((text) => isPort(Number(/\d+$/.exec(text)?.[0])), {
      message: 'must have a port from 1 to 65535',
      when: ({ issues }) => issues.length === 0,
    })
    .optional(),
  /** Who gets alerts by e-mail: addresses with commas between them. */
  LKP_ALERT_EMAIL: z
    .string()
    .refine((text) => areAddresses(addressesOf({ LKP_ALERT_EMAIL: text })), {
      message: 'must be addresses with commas between them, such as ada@example.com,bo@example.com',
    })
    .optional(),
  /** The sender of alerts by e-mail. */
  LKP_ALERT_FROM: z.string().refine(isSender, 'must be one address, such as lkp@example.com').optional(),
  /** The mail server for alerts: smtp://user:password@host:587 or smtps://host. */
  LKP_SMTP_URL: address('smtp', 'smtps').optional(),
  /** Where alerts are posted as JSON. */
  LKP_ALERT_WEBHOOK: address('https', 'http').optional(),
  /** How long alerts, runs and what nothing refers to any more are kept, in months. */
  LKP_RETENTION_MONTHS: z.coerce.number().int().min(13).max(1200).default(36),
  /** Who does this: recorded with every change and run. */
  LKP_ACTOR: z.string().min(1).default('operations'),
  /** trace, debug, info, warn, error or silent. */
  LKP_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('warn'),
});

export type Settings = z.infer<typeof SETTINGS> & {
  readonly home: string;
  readonly inbox: string;
  readonly outbox: string;
  readonly profiles: string;
};

/** Reads the settings from the environment, the one place that does. Throws LkpError('request') with every fault. */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const known = Object.keys(SETTINGS.shape);
  const given = Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) => value !== '' && (name.startsWith('LKP_') || known.includes(name)),
    ),
  );
  const strangers = Object.keys(given).filter(
    (name) => !known.includes(name) && !name.startsWith('LKP_TEST_'),
  );
  if (strangers.length > 0) {
    const name = strangers[0]!;
    throw new LkpError(
      'request',
      `${name} is not a setting of lkp.${meant(name, known, ' Did you mean')} Remove it or correct its name.`,
    );
  }
  const read = SETTINGS.safeParse(given);
  const faults = read.success
    ? missingFor(read.data)
    : read.error.issues.map((issue) => {
        const name = issue.path.join('.');
        return `${name}=${shown(name, String(given[name]))} ${wanted(issue)}`;
      });
  if (!read.success || faults.length > 0) {
    throw new LkpError(
      'request',
      `The configuration cannot be used: ${faults.join('; ')}. Correct the setting and repeat.`,
    );
  }
  const home = resolve(read.data.LKP_HOME);
  return {
    ...read.data,
    home,
    inbox: resolve(read.data.LKP_INBOX ?? `${home}/inbox`),
    outbox: resolve(read.data.LKP_OUTBOX ?? `${home}/outbox`),
    profiles: resolve(read.data.LKP_PROFILES ?? `${home}/profiles`),
  };
}

/** What was wanted, in words that follow the value. */
function wanted(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_type':
      return `must be a ${issue.expected === 'int' ? 'whole number' : issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    default:
      return issue.message;
  }
}

/** A value without what is not for a terminal or a log: a password in an address, and where a webhook is. */
const shown = (name: string, value: string): string =>
  name === 'LKP_ALERT_WEBHOOK' ? '***' : value.replace(/\/\/.*@/, '//***@');

/** What alerts by e-mail need beside who gets them. */
const missingFor = (settings: z.infer<typeof SETTINGS>): string[] =>
  settings.LKP_ALERT_EMAIL === undefined
    ? []
    : [
        ...(settings.LKP_SMTP_URL === undefined
          ? ['LKP_ALERT_EMAIL is set and LKP_SMTP_URL is not: name the mail server, such as smtp://host:587']
          : []),
        ...(settings.LKP_ALERT_FROM === undefined
          ? ['LKP_ALERT_EMAIL is set and LKP_ALERT_FROM is not: name the sender, such as lkp@example.com']
          : []),
      ];

/** Who gets alerts by e-mail, each once. */
export const addressesOf = ({
  LKP_ALERT_EMAIL = '',
}: {
  readonly LKP_ALERT_EMAIL?: string | undefined;
}): string[] => [
  ...new Set(
    LKP_ALERT_EMAIL.split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  ),
];

/**
 * The clock that a test gives a process of its own: LKP_TEST_NOW, an instant at which time stands still. No setting, and
 * in no list of settings: names that begin with LKP_TEST_ are for tests. Leases go by the database's clock regardless.
 */
export function testClock(environment: NodeJS.ProcessEnv = process.env): (() => string) | undefined {
  const given = environment.LKP_TEST_NOW;
  if (!given) return undefined;
  const now = new Date(given).toISOString();
  return () => now;
}

/**
 * Where a test wants this process killed: LKP_TEST_CRASH_AT=point or point:n, at the n-th pass (see src/crash.ts). No
 * setting either.
 */
export function crashAt(
  environment: NodeJS.ProcessEnv = process.env,
): { point: string; pass: number } | undefined {
  const given = environment.LKP_TEST_CRASH_AT;
  if (!given) return undefined;
  const [point = '', pass = '1'] = given.split(':');
  return { point, pass: Number(pass) };
}

/** The known word with the smallest edit distance to `word`. */
export const nearest = (word: string, known: readonly string[]): string =>
  [...known].sort((a, b) => distance(word, a) - distance(word, b))[0] ?? '';

/**
 * `; did you mean weights?` after `ask` (`; did you mean`), for the known word that was probably meant; nothing when more than
 * a third of the letters of the nearest differ: it is then another word.
 */
export function meant(word: string, known: readonly string[], ask: string): string {
  const near = nearest(word, known);
  const far = near === '' || 3 * distance(word, near) > Math.max(word.length, near.length);
  return far ? '' : `${ask} ${near}?`;
}

function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    above = row;
  }
  return above[b.length]!;
}

export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;
