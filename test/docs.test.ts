import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ALERT_KINDS } from '../src/alerts/kinds.ts';
import { CALENDAR_COMMANDS } from '../src/commands/calendar.ts';
import type { Definition } from '../src/commands/command.ts';
import { CONTROL_COMMANDS } from '../src/commands/control.ts';
import { DATA_COMMANDS, QUARANTINE_COMMANDS } from '../src/commands/data.ts';
import { DIRECTORY_COMMANDS } from '../src/commands/directory.ts';
import { KPI_COMMANDS } from '../src/commands/kpi.ts';
import { MONTH_COMMANDS } from '../src/commands/month.ts';
import { RECONCILE_COMMANDS } from '../src/commands/reconcile.ts';
import { RULES_COMMANDS } from '../src/commands/rules.ts';
import { SERVICE_COMMANDS } from '../src/commands/service.ts';
import { STATUS_COMMANDS } from '../src/commands/status.ts';
import { SETTINGS } from '../src/config.ts';
import { type Embedded, openEmbedded } from '../src/db/embedded.ts';
import { FIELDS, readProfile } from '../src/invoice/profile.ts';
import { CAUSES } from '../src/kpi/causes.ts';
import { KINDS } from '../src/reference/kinds.ts';
import { REFERENCE_RULES } from '../src/reference/rejections.ts';
import { INVOICE_RULES } from '../src/rejections.ts';
import { lkp } from './harness/lkp.ts';

const GROUPS = ['directory', 'rules', 'quarantine'];

/** Every command, by the words that are typed for it. */
const DEFINITIONS: ReadonlyMap<string, Definition> = new Map(
  [
    ...[
      ...MONTH_COMMANDS,
      ...CALENDAR_COMMANDS,
      ...CONTROL_COMMANDS,
      ...STATUS_COMMANDS,
      ...SERVICE_COMMANDS,
      ...DATA_COMMANDS,
      ...KPI_COMMANDS,
      ...RECONCILE_COMMANDS,
    ].map((one) => ['', one] as const),
    ...DIRECTORY_COMMANDS.map((one) => ['directory ', one] as const),
    ...RULES_COMMANDS.map((one) => ['rules ', one] as const),
    ...QUARANTINE_COMMANDS.map((one) => ['quarantine ', one] as const),
  ].map(([group, one]) => [group + one.usage.split(' ')[0], one]),
);
const optionsOf = ({ options = {} }: Definition): string[] => [
  ...Object.keys(options).map((flags) => /--[a-z-]+/.exec(flags)![0]),
  '--json',
];

/** What the pages say must be what the software does, both ways: nothing missing, nothing too much. */

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const cli = read('docs/cli.md');
const rejections = read('docs/rejections.md');

/** The text under a heading, up to the next heading of its rank or a higher one. */
function section(page: string, heading: string): string {
  const found = page.indexOf(`\n${heading}\n`);
  expect(found, `a heading "${heading}"`).toBeGreaterThan(-1);
  const rank = heading.indexOf(' ');
  const rest = page.slice(found + heading.length + 2);
  // A comment of YAML is no heading.
  const headings = rest.replace(/```[\s\S]*?```/g, (block) => block.replaceAll('#', '-'));
  const end = headings.search(new RegExp(`^#{1,${rank}} `, 'm'));
  return end === -1 ? rest : rest.slice(0, end);
}

/** The cells of a section's tables, header rows left out. */
const tableRows = (text: string): string[][] =>
  [...text.matchAll(/^\|(.*)\|$/gm)]
    .map(([, cells = '']) => cells.split('|').map((cell) => cell.trim()))
    .filter(
      (cells, index, all) => !/^-+:?$/.test(cells[0] ?? '') && !/^-+:?$/.test(all[index + 1]?.[0] ?? ''),
    );
const code = (cell = ''): string => /^`([^`]+)`/.exec(cell)?.[1] ?? '';
const codes = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

describe('docs/rejections.md', () => {
  test('has every rule of invoice rows, with its disposition', () => {
    const documented = tableRows(section(rejections, '## The rules of invoice rows'));
    expect(documented.map(([rule, disposition]) => [code(rule), code(disposition)]).sort()).toEqual(
      Object.entries(INVOICE_RULES)
        .map(([rule, { disposition }]) => [rule, disposition])
        .sort(),
    );
  });

  test('has every rule of reference rows', () => {
    const documented = tableRows(section(rejections, '## The rules of reference rows'));
    expect(documented.map(([rule]) => code(rule)).sort()).toEqual(Object.keys(REFERENCE_RULES).sort());
  });

  test('says what to do about each', () => {
    for (const cells of [
      ...tableRows(section(rejections, '## The rules of invoice rows')),
      ...tableRows(section(rejections, '## The rules of reference rows')),
    ]) {
      expect(cells).toHaveLength(4);
      expect(cells, cells.join(' | ')).not.toContain('');
    }
  });
});

describe('docs/cli.md', () => {
  /** The commands that a `--help` of the real command line names. */
  async function commandsOf(...words: string[]): Promise<string[]> {
    const { code: exit, stdout } = await lkp([...words, '--help']);
    expect(exit).toBe(0);
    return [...stdout.slice(stdout.indexOf('\nCommands:')).matchAll(/^ {2}([a-z]+)\b/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help');
  }
  const documented = () => [...cli.matchAll(/^### lkp (.+)$/gm)].map(([, name = '']) => name);

  test('has every command of --help, and no other', async () => {
    const [top, ...inner] = await Promise.all([commandsOf(), ...GROUPS.map((group) => commandsOf(group))]);
    const names = (top ?? []).filter((name) => !GROUPS.includes(name));
    expect(names.length + GROUPS.length).toBe(top?.length);
    GROUPS.forEach((group, index) => {
      names.push(...(inner[index] ?? []).map((name) => `${group} ${name}`));
    });
    expect(documented().sort()).toEqual(names.sort());
  });

  test('has every option of every command, and no other', () => {
    for (const [name, definition] of DEFINITIONS) {
      const text = section(cli, `### lkp ${name}`);
      const listed = [...text.matchAll(/^- `(--[a-z-]+)/gm)].map(([, option]) => option);
      expect(listed.sort(), `options of lkp ${name}`).toEqual(optionsOf(definition).sort());
    }
  });

  test('has every kind of alert, with what to do next', () => {
    const rows = tableRows(section(cli, '#### Alerts').replaceAll('\\|', '/'));
    expect(rows.map(([kind]) => code(kind))).toEqual(Object.keys(ALERT_KINDS));
    for (const cells of rows) {
      expect(cells).toHaveLength(4);
      expect(cells.at(-1)).toMatch(/`lkp [a-z]+|^decide/);
    }
  });

  test('has every setting with its default, as .env.example has', () => {
    const defaults = SETTINGS.parse({}) as Record<string, unknown>;
    const settings = Object.keys(SETTINGS.shape).map((name) => [name, String(defaults[name] ?? '')]);
    const inPage = tableRows(section(cli, '## Settings')).map(([name, value]) => [code(name), code(value)]);
    expect(inPage).toEqual(settings);
    const example = [...read('.env.example').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
      name,
      value,
    ]);
    expect(example).toEqual(settings);
    for (const [, comment] of read('.env.example').matchAll(/^(.*)\n[A-Z_]+=/gm)) {
      expect(comment, 'each setting has its line of why').toMatch(/^# \S/);
    }
  });

  test('has the canonical profile: every field, its term and its columns', () => {
    const { columns, optional } = parse(read('src/invoice/profiles/canonical.yaml')) as {
      columns: Record<string, string[]>;
      optional: string[];
    };
    const inPage = tableRows(section(cli, '### The canonical profile'));
    expect(inPage.map(([name, term, names, required]) => [code(name), term, codes(names), required])).toEqual(
      Object.entries(FIELDS).map(([name, term]) => [
        name,
        term,
        columns[name]!.filter((heading) => heading !== term),
        optional.includes(name) ? '' : 'yes',
      ]),
    );
  });

  test('has every setting of a profile, and each is one', async () => {
    const inPage = tableRows(section(cli, '### Own profiles')).map(([name]) => code(name));
    // The schema keeps its keys to itself; they are the lines of its object that stand two spaces in.
    const source = read('src/invoice/profile.ts');
    const object = /strictObject\(\{\n([\s\S]*?)\n\}\)/.exec(source)?.[1] ?? '';
    const settings = [...object.matchAll(/^ {2}([a-z_]+):/gm)].map(([, name = '']) => name);
    expect(settings.length).toBeGreaterThan(10);
    expect(inPage.sort()).toEqual(settings.sort());
  });

  test('shows the shipped profile as it is, and it can be used', async () => {
    const shipped = read('samples/profiles/online-retail.yaml').trimEnd();
    expect(section(cli, '### Own profiles')).toContain(`\`\`\`yaml\n${shipped}\n\`\`\``);
    const profile = await readProfile(join(ROOT, 'samples/profiles/online-retail.yaml'), 'online-retail');
    expect(profile.credit_quantities).toBe('negative');
  });

  test.each(Object.entries(KINDS))('has every column of %s', (name, { layouts }) => {
    const inPage = tableRows(section(cli, `### Kind: ${name}`)).map(([column, required, names]) => [
      code(column),
      required,
      codes(names),
    ]);
    expect(inPage).toEqual(
      layouts.flatMap(({ fields }) =>
        fields.map((field) => [field.name, field.required ? 'yes' : '', field.synonyms]),
      ),
    );
  });

  test('has every kind, and no other', () => {
    expect([...cli.matchAll(/^### Kind: (.+)$/gm)].map(([, name]) => name)).toEqual(Object.keys(KINDS));
  });
});

describe.each(['docs/operating.md', 'docs/month.md', 'README.md'])('%s', (page) => {
  /** In backticks, and the lines of blocks; what stands before the command (a setting, a cron's times) is not of it. */
  const typed = (text: string): string[] => {
    const blocks = [...text.matchAll(/```[a-z]*\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
      block.split('\n'),
    );
    const inline = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map(
      ([, words = '']) => words,
    );
    return [...blocks, ...inline].flatMap((line) => {
      const found = /^(?:[A-Z_]+=\S+ |[*/\d ]+)*(?:lkp|npm run lkp --|.*src\/cli\.ts) ([a-z].*)$/.exec(
        line.trim(),
      );
      return found ? [found[1]!.replace(/ +#.*$/, '')] : [];
    });
  };

  test('names commands and options that there are', () => {
    const all = typed(read(page));
    expect(all.length).toBeGreaterThan(5);
    for (const words of all) {
      const [first = '', second = ''] = words.split(' ');
      const name = GROUPS.includes(first) && second !== '' ? `${first} ${second}` : first;
      if (GROUPS.includes(name)) continue;
      const definition = DEFINITIONS.get(name);
      expect(definition, `lkp ${words}`).toBeDefined();
      for (const [option] of words.matchAll(/(?<= )--[a-z-]+/g))
        expect(optionsOf(definition!), `lkp ${words}`).toContain(option);
      const given = words
        .slice(name.length)
        .replace(/'[^']*'/g, 'text')
        .split(' --')[0]!
        .trim();
      const takes = definition!.usage.split(' ').slice(1);
      const most = takes.some((one) => one.includes('...')) ? Number.POSITIVE_INFINITY : takes.length;
      expect(given === '' ? 0 : given.split(' ').length, `arguments of lkp ${words}`).toBeLessThanOrEqual(
        most,
      );
    }
  });
});

describe('on the sample', () => {
  let folder: string;
  let server: Embedded;
  let told: string;
  const home = () => join(folder, '.lkp');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lkp-docs-'));
    // As root the server runs under another account, which must pass.
    await chmod(folder, 0o755);
    // One server for all the commands below, instead of one for each.
    server = await openEmbedded(home());
    const { code: exit, stdout, stderr } = await lkp(['demo'], { home: '.lkp', cwd: folder });
    expect(exit, stderr).toBe(0);
    told = stdout;
  });
  afterAll(async () => {
    await server.release();
    await rm(folder, { recursive: true, force: true });
  });

  test('README.md shows what the demo prints', () => {
    expect(/<!-- demo -->\n\n```\n([\s\S]*?)```/.exec(read('README.md'))?.[1]).toBe(told);
  });

  const example = (path: string) => join(ROOT, 'test/cases/kpi/worked-example', path);

  /** In an order in which each has something to show. */
  const COMMANDS: ReadonlyArray<readonly [name: string, ...rest: string[]]> = [
    ['load', 'partners', example('reference/partners.csv')],
    ['ingest', example('invoices/fy20.csv')],
    ['refresh', '2020-05'],
    ['report', '--program', '2020-05'],
    ['calendar', '2020-05'],
    ['cycle', '2020-05'],
    ['runs'],
    ['directory assemble', '2020-06'],
    ['directory submit', '2020-06'],
    ['directory show', '2020-06'],
    ['status'],
  ];

  test('docs/cli.md lists the keys that --json prints', { timeout: 180_000 }, async () => {
    await lkp(['refresh', '2020-06'], { home: home() });
    await lkp(['directory', 'confirm', '2020-05'], { home: home() });
    for (const [name, ...rest] of COMMANDS) {
      const ran = await lkp([...name.split(' '), ...rest, '--json'], { home: home() });
      expect(ran.code, `lkp ${name}: ${ran.stderr}`).toBe(0);
      const text = section(cli, `### lkp ${name}`);
      const block = /```json\n([\s\S]*?)```/.exec(text)?.[1];
      if (block !== undefined) {
        expect(shape(ran.json()), `keys of lkp ${name} --json`).toEqual(shape(JSON.parse(block)));
      } else {
        const line = /^- `--json`: (.*)$/m.exec(text)?.[1]?.split(';')[0];
        expect(Object.keys(ran.json()).sort(), `keys of lkp ${name} --json`).toEqual(codes(line).sort());
      }
    }
  });
});

/** The keys of a value, all the way down; of a list those of its first element. Currencies and dispositions are data. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape);
  if (value === null || typeof value !== 'object') return null;
  const keys = Object.entries(value).map(([key, inner]) => {
    if (/^amount(s|_in)$/.test(key)) return [key, 'by currency'];
    return [key, shape(inner)];
  });
  return Object.fromEntries(keys);
}

describe('links', () => {
  const pages = [
    'README.md',
    'CHANGELOG.md',
    'samples/README.md',
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  /** As GitHub makes them: lower case, punctuation dropped, spaces as hyphens. */
  const anchorsOf = (page: string): string[] =>
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );

  test.each(pages)('of %s lead somewhere', (name) => {
    const page = read(name).replace(/```[\s\S]*?```/g, '');
    for (const [, target = ''] of page.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const to = path === '' ? name : join(dirname(name), path);
      expect(existsSync(join(ROOT, to)), `${name} links to ${target}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(read(to)), `${name} links to ${target}`).toContain(anchor);
    }
  });

  test('every decision is a page with context, decision and consequences', () => {
    const names = pages.filter((name) => name.startsWith('docs/decisions/'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const number = /\/(\d{4})-/.exec(name)?.[1];
      expect(read(name)).toMatch(new RegExp(`^# ${number}: `));
      expect([...read(name).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual([
        'Context',
        'Decision',
        'Consequences',
      ]);
    }
  });
});

test('docs/kpis.md has every cause of a change, in the order in which the SQL decides', () => {
  const page = read('docs/kpis.md');
  const listed = tableRows(/<!-- causes -->\n\n((?:\|.*\n)+)/.exec(page)![1]!).map(([cause]) => code(cause));
  expect(listed).toEqual(Object.keys(CAUSES));
  const sql = read('sql/marts/line_changes.sql');
  const decided = [
    ...sql
      .slice(sql.indexOf('with named as'), sql.indexOf('end as cause'))
      .matchAll(/(?:then|else) '([a-z ]+)'/g),
  ];
  expect([...new Set(decided.map(([, cause]) => cause))]).toEqual(listed);
});
