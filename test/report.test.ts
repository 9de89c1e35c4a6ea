import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { directorySubmit } from '../jobs/directory-submit.ts';
import { report } from '../jobs/report.ts';
import type { App } from '../src/app.ts';
import { parseInstant } from '../src/calendar.ts';
import type { Definition, Options } from '../src/commands/command.ts';
import { DATA_COMMANDS } from '../src/commands/data.ts';
import { DIRECTORY_COMMANDS } from '../src/commands/directory.ts';
import { KPI_COMMANDS } from '../src/commands/kpi.ts';
import { RULES_COMMANDS } from '../src/commands/rules.ts';
import { sha256Of } from '../src/files.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { WHOLE } from '../src/job.ts';
import { type Difference, refresh } from '../src/kpi/refresh.ts';
import { writeReports } from '../src/kpi/report.ts';
import { useRules } from '../src/kpi/rules.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { type LoadResult, loadReference } from '../src/reference/load.ts';
import { explainRule } from '../src/rejections.ts';
import { readAll } from './excel-fixtures.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { computedIn, differences, hasSoffice, recalculate } from './recalculated.ts';

const REFERENCE = fileURLToPath(new URL('cases/ingest/reference/', import.meta.url));
const CYCLE = '2019-12';
const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";

let known: string;
let it: TestContext;
beforeAll(async () => {
  const first = await testContext();
  for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
    await loadReference(first.context, kind, join(REFERENCE, `${kind}.csv`));
  known = await first.keep();
});
beforeEach(async () => {
  it = await testContext({ from: known });
});
afterEach(() => it.drop());

let serial = 0;
const load = async (kind: KindName, content: string): Promise<LoadResult> =>
  loadReference(it.context, kind, await it.write(`${kind}-${++serial}.csv`, content));
const ingest = async (...rows: string[]) =>
  ingestFile(
    it.context,
    await it.write(`${++serial}.csv`, `${HEADER}${rows.map((row) => `${row}\n`).join('')}`),
  );
/** One counted line of a customer number. */
const bought = (customer: string, quantity = 1, date = '2019-05-02') =>
  ingest(`A-${++serial},${date},380,USD,${customer},1,${quantity},10.00,MOC-1`);

/** The cells of a sheet of one workbook of the newest revision. */
async function sheetOf(file: string, sheet: string): Promise<(string | null)[][]> {
  const { files } = await writeReports(it.context, CYCLE);
  const found = files.find(({ path }) => basename(path) === file);
  expect(found, file).toBeDefined();
  return (await readAll(found!.path)).get(sheet)!.map(({ cells }) => cells);
}

describe('the partners of a report', () => {
  test('are those valid on the last day, and whoever a location, a line or an enrolment names', async () => {
    await load('locations', 'location_mpn_id,partner_mpn_id,country\n5003,4999,US\n5004,4003,US\n');
    await load(
      'partners',
      'mpn_id,name,country,valid_from,valid_to\n4003,Gone With Rows,US,2015-01-01,2019-08-01\n4004,Gone,US,2015-01-01,2019-08-01\n',
    );
    await load('customers', 'customer_number,location_mpn_id\nC400,5003\nC500,5004\n');
    await load(
      'enrolments',
      'partner_mpn_id,learning_option,competency,anniversary_date\n4998,Action Pack,,2020-03-01\n',
    );
    await bought('C400', 3);
    await bought('C500', 2);
    await refresh(it.context, CYCLE);
    const { files } = await writeReports(it.context, CYCLE);
    expect(files.map(({ path }) => basename(path))).toEqual([
      ...['4001', '4002', '4003', '4998', '4999'].map((id) => `partner-${id}.xlsx`),
      `program-${CYCLE}.xlsx`,
    ]);
    const partners = await sheetOf(`program-${CYCLE}.xlsx`, 'Partners');
    const kpiOf = (id: string) => partners.find(([first]) => first === id)?.[7];
    expect([kpiOf('4999'), kpiOf('4003'), kpiOf('4004')]).toEqual(['6', '4', undefined]);
    expect((await sheetOf('partner-4999.xlsx', 'Summary'))[0]![0]).toBe('Partner 4999');
    expect((await sheetOf('partner-4003.xlsx', 'Summary'))[0]![0]).toBe('Gone With Rows');
  });

  test.each([
    '../../etc',
    'a/b',
    '.hidden',
    '-x',
    'a b',
    'x'.repeat(65),
  ])('an MPN ID %j, which would name a file, is rejected in every kind that has one', async (id) => {
    const files: Partial<Record<KindName, string>> = {
      partners: `mpn_id,name,country\n${id},Name,US\n`,
      locations: `location_mpn_id,partner_mpn_id,country\n5009,${id},US\n${id},4001,US\n`,
      customers: `customer_number,location_mpn_id\nC9,${id}\n`,
      enrolments: `partner_mpn_id,learning_option,anniversary_date\n${id},Gold,2020-01-01\n`,
      attainments: `partner_mpn_id,measure,value\n${id},mct,1\n`,
      listings: `partner_mpn_id,country,name,url,requested_on\n${id},US,Name,https://a.example/,2020-01-01\n`,
    };
    for (const [kind, content] of Object.entries(files)) {
      const { loaded, rejected, rejections } = await load(kind as KindName, content);
      expect({ kind, loaded, rejected }).toEqual({ kind, loaded: 0, rejected: kind === 'locations' ? 2 : 1 });
      for (const { rule, seen } of rejections) expect([rule, seen]).toEqual(['mpn-id-unusable', id]);
    }
  });
});

describe('the parts of the report job', () => {
  /** File name -> sha256 of everything that parts wrote. */
  async function written(...parts: Array<Parameters<typeof report.run>[2]>): Promise<Record<string, string>> {
    const folder = join(it.home, 'reports', CYCLE, 'revision-1');
    await rm(folder, { recursive: true, force: true });
    for (const part of parts)
      expect(await report.run(it.context, CYCLE, part)).toMatchObject({ outcome: 'done' });
    const names = await readdir(folder);
    return Object.fromEntries(
      await Promise.all(
        names.sort().map(async (name) => [name, await sha256Of(join(folder, name))] as const),
      ),
    );
  }

  test('write together what the whole writes, byte for byte, and each partner once', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => String(4100 + index));
    await load('partners', `mpn_id,name,country\n${ids.map((id) => `${id},Partner ${id},US\n`).join('')}`);
    await load(
      'locations',
      `location_mpn_id,partner_mpn_id,country\n${ids.map((id) => `5${id},${id},US\n`).join('')}`,
    );
    // A number that moves from one partner to another, and rows that count nowhere or lead to nobody.
    await load(
      'customers',
      `customer_number,location_mpn_id,valid_from,valid_to\n${ids.map((id) => `N${id},5${id},2015-01-01,\n`).join('')}` +
        'MOVES,54100,2015-01-01,2019-06-01\nMOVES,54101,2019-06-01,\n',
    );
    for (const id of ids) await bought(`N${id}`, 2);
    await bought('MOVES', 3, '2019-05-10');
    await bought('MOVES', 5, '2019-07-10');
    await bought('NOBODY', 7);
    await ingest(
      'X-1,2019-05-02,380,USD,N4103,1,oops,10.00,MOC-1',
      'X-1,2019-05-02,380,USD,N4104,2,1,10.00,NONE',
    );
    await refresh(it.context, CYCLE);
    const whole = await written(WHOLE);
    expect(Object.keys(whole).length).toBeGreaterThan(14);
    for (const parts of [2, report.parts!, 40])
      expect(
        await written(...Array.from({ length: parts }, (_, index) => ({ part: index + 1, parts }))),
      ).toEqual(whole);
    const shares = [];
    for (let part = 2; part <= 5; part += 1) shares.push(Object.keys(await written({ part, parts: 5 })));
    expect(shares.flat().sort()).toEqual(Object.keys(whole).filter((name) => name.startsWith('partner')));
    expect(shares.filter((names) => names.length > 0).length).toBeGreaterThan(1);
  });

  test('refuse, each for its own partners, lines that do not add up to the frozen cells', async () => {
    await bought('C100', 3);
    await bought('C200', 3);
    await refresh(it.context, CYCLE);
    const partners = ['4001', '4002'];
    await it.rows(`alter table snapshot_cell disable trigger user`);
    await it.rows(`update snapshot_cell set lines = lines + 1 where partner_mpn_id = '4001'`);
    await it.rows(`alter table snapshot_cell enable trigger user`);
    const only = (partner: string) => writeReports(it.context, CYCLE, { only: { partner } });
    await expect(only(partners[0]!)).rejects.toThrow(/do not add up to its frozen cells/);
    await expect(only(partners[1]!)).resolves.toMatchObject({ revision: 1 });
    await expect(writeReports(it.context, CYCLE, { only: 'program' })).rejects.toThrow(/do not add up/);
    const outcomes = await Promise.allSettled(
      [1, 2].map((share) => writeReports(it.context, CYCLE, { only: { share, shares: 2 } })),
    );
    expect(outcomes.map(({ status }) => status)).toContain('rejected');
  });
});

describe('levels', () => {
  const enrolled = async (option: string, competency: string) => {
    await load(
      'enrolments',
      `partner_mpn_id,learning_option,competency,anniversary_date\n4001,${option},${competency},2020-03-01\n`,
    );
    await load('attainments', 'partner_mpn_id,measure,value\n4001,mct,5\n4001,exam,5\n');
    await bought('C100', 1000);
    await refresh(it.context, CYCLE);
    const [found] = await it.rows<{ level: string; asked: string }>(
      `select level, (select count(*) from snapshot_requirement) as asked from snapshot_level`,
    );
    return found;
  };

  test.each([
    ['Learning Action Pack', '', 'Action Pack'],
    ['learning  silver', 'Data', 'Silver'],
    ['SILVER', 'Data', 'Silver'],
  ])('the option %s is asked what the rule set asks of it', async (option, competency, level) => {
    expect(await enrolled(option, competency)).toMatchObject({ level });
  });

  test('an option that the rule set does not know reaches no level and is asked nothing', async () => {
    expect(await enrolled('Platinum', 'Data')).toEqual({ level: '', asked: '0' });
    const summary = await sheetOf('partner-4001.xlsx', 'Summary');
    expect(summary.flat()).toContainEqual(expect.stringMatching(/does not know this Learning option/));
  });
});

describe('a revision', () => {
  test('never changes: the database itself refuses', async () => {
    await load(
      'enrolments',
      'partner_mpn_id,learning_option,competency,anniversary_date\n4001,Gold,Data,2020-03-01\n',
    );
    await bought('C100');
    await refresh(it.context, CYCLE);
    for (const table of ['', '_rule_set', '_cell', '_class', '_level', '_requirement', '_control']) {
      expect((await it.rows(`select from snapshot${table}`)).length, table).toBeGreaterThan(0);
      for (const statement of [
        `update snapshot${table} set revision = revision`,
        `delete from snapshot${table}`,
        `truncate snapshot${table} cascade`,
      ])
        await expect(it.rows(statement), statement).rejects.toThrow(/A final revision never changes/);
    }
  });

  test('says which classes took a sample number', async () => {
    await bought('C100');
    await refresh(it.context, CYCLE);
    expect(await it.rows('select kpi_class, sample from snapshot_class')).toEqual([
      { kpi_class: 'courseware-advanced', sample: true },
    ]);
    expect((await sheetOf('partner-4001.xlsx', 'Summary')).flat()).toContainEqual(
      expect.stringMatching(/SAMPLE/),
    );
    await bought('C100', 1, '2023-08-01');
    await refresh(it.context, '2024-07');
    expect(await it.rows(`select sample from snapshot_class where cycle = '2024-07'`)).toEqual([
      { sample: false },
    ]);
  });

  const differences = async (): Promise<Difference[]> => (await refresh(it.context, CYCLE)).differences;

  test('that differs names the month and type, and who is not enrolled from who reaches nothing', async () => {
    await bought('C100');
    await refresh(it.context, CYCLE);
    await bought('C100', 2);
    await load(
      'enrolments',
      'partner_mpn_id,learning_option,competency,anniversary_date\n4001,Gold,Data,2020-03-01\n',
    );
    expect(await differences()).toEqual([
      { what: 'kpi', partner: '4001', before: '2', after: '6' },
      { what: 'revenue', partner: '4001', before: '10', after: '20' },
      { what: 'level', partner: '4001', before: 'Data not enrolled', after: 'Data none' },
      {
        what: 'cells',
        partner: '4001',
        before: '2019-05 MOC: 1 lines, 1 units, 2 KPI, 10 revenue',
        after: '2019-05 MOC: 2 lines, 3 units, 6 KPI, 20 revenue',
      },
    ]);
  });

  test('that differs only within a partner says so', async () => {
    await load('locations', 'location_mpn_id,partner_mpn_id,country\n5003,4001,US\n');
    await bought('C100');
    await refresh(it.context, CYCLE);
    await load('customers', 'customer_number,location_mpn_id\nC100,5003\n');
    expect(await differences()).toEqual([
      {
        what: 'cells',
        partner: '4001',
        before: '2019-05 MOC: 5001 courseware-advanced: 1 lines, 1 units, 2 KPI, 10 revenue',
        after: '2019-05 MOC: 5003 courseware-advanced: 1 lines, 1 units, 2 KPI, 10 revenue',
      },
    ]);
  });
});

describe('the sums of a workbook', () => {
  /** Lines of four products, the types of which a criterion would take for each other. */
  const boughtOfEach = async (amount: string) => {
    const types = ['MOC', 'moc', 'M*', '=M?C'];
    await load(
      'products',
      `sku,omlp_type,kpi_class\n${types.map((type, index) => `T-${index},${type},courseware-advanced\n`).join('')}`,
    );
    await ingest(
      ...types.map(
        (_, index) => `S-${index},2019-0${index + 3}-02,380,USD,C100,1,${index + 1},10.10,T-${index}`,
      ),
      `S-9,2019-03-02,380,USD,C100,1,1,${amount},T-0`,
    );
    await refresh(it.context, CYCLE);
    const { files } = await writeReports(it.context, CYCLE, { only: { partner: '4001' } });
    return files[0]!.path;
  };
  const verdicts = async (path: string) => {
    const summary = (await readAll(path)).get('Summary')!.map(({ cells }) => cells);
    const start = summary.findIndex(([first]) => first === 'KPI lines');
    return summary.slice(start, start + 4).map(([, frozen, , verdict]) => [frozen, verdict]);
  };

  test('agree with what was frozen, and with what LibreOffice makes of them', async () => {
    const path = await boughtOfEach('0.30');
    expect(await verdicts(path)).toEqual([
      ['5', 'agrees'],
      ['22', 'agrees'],
      ['11', 'agrees'],
      ['40.7', 'agrees'],
    ]);
    if (!hasSoffice) return;
    recalculate([path], join(it.home, 'recalculated'));
    const { computed, differ } = await differences(path, join(it.home, 'recalculated', basename(path)));
    expect({ computed, differ }).toEqual({ computed: 3 * 13 * 5 + 24, differ: [] });
  });

  test('are values where an amount has more digits than a cell can hold', async () => {
    const path = await boughtOfEach('99999999999999.99');
    expect((await verdicts(path)).map(([, verdict]) => verdict)).toEqual([
      'agrees',
      'agrees',
      'agrees',
      'too long',
    ]);
    expect((await computedIn(path)).filter(({ formula }) => formula.includes('$G'))).toEqual([]);
  });
});

test('rows that are equal but for their file keep one order', async () => {
  const row = (number: string) => `${number},2019-05-02,380,USD,C999,1,1,10.00,MOC-1\n`;
  for (const folder of ['b', 'a', 'c'])
    await ingestFile(it.context, await it.write(`${folder}/same.csv`, HEADER + row(`A-${folder}`)));
  await refresh(it.context, CYCLE);
  const hashes = (
    await it.rows<{ number: string }>(
      `select right(number, 1) as number from document join line on line.document_id = document.id
       join file on file.id = line.file_id order by file.sha256 collate "C"`,
    )
  ).map(({ number }) => `A-${number}`);
  const sheet = await sheetOf(`program-${CYCLE}.xlsx`, 'Not counted');
  expect(sheet.slice(1).map((cells) => cells[5])).toEqual(hashes);
});

test('what was seen is shown as it is, also where it looks like a pattern', () => {
  expect(explainRule('sku-unknown', "$& $1 $' $$").reason).toContain(`"$& $1 $' $$"`);
});

describe('an instant as typed', () => {
  test.each([
    ['2020-01-20T12:00:00Z', 'UTC', '2020-01-20T12:00:00.000Z'],
    ['2020-01-20T12:00+01:00', 'UTC', '2020-01-20T11:00:00.000Z'],
    ['2020-01-20', 'UTC', '2020-01-20T23:59:59.999Z'],
    ['2020-01-20', 'Europe/Madrid', '2020-01-20T22:59:59.999Z'],
    ['2020-02-29', 'America/New_York', '2020-03-01T04:59:59.999Z'],
  ])('%s in %s', (text, zone, instant) => {
    expect(parseInstant(text, zone)).toBe(instant);
  });

  test.each([
    '2020-02-30',
    '2020-02-30T12:00:00Z',
    '2020-13-01',
    '2020-01-20T12:00:00',
    '2020-01-20 12:00:00Z',
    '2020-01-20T25:00:00Z',
    '2020-01-20junk',
    '',
  ])('"%s" is refused', (text) => {
    expect(() => parseInstant(text, 'UTC')).toThrow(/is not an instant\. Write a day/);
  });
});

describe('commands', () => {
  const run = (definitions: readonly Definition[], name: string, args: string[], options: Options = {}) =>
    definitions.find(({ usage }) => usage.split(' ')[0] === name)!.act!(it.context, args, options);
  const runs = () => it.rows('select job, cycle, reason, outcome, says from run order by id');

  test('lkp load looks at every path first: a mistyped one changes nothing', async () => {
    const good = await it.write('good.csv', 'mpn_id,name,country\n4010,New,US\n');
    await expect(run(DATA_COMMANDS, 'load', ['partners', good, `${good}x`])).rejects.toMatchObject({
      code: 'request',
      message: expect.stringContaining('good.csvx'),
    });
    expect(await it.rows(`select from partner where mpn_id = '4010'`)).toEqual([]);
    expect(await runs()).toEqual([]);
  });

  test('that a person gives are recorded; a dry run is not', async () => {
    const good = await it.write('good.csv', 'mpn_id,name,country\n4010,New,US\n4011,,US\n');
    await run(DATA_COMMANDS, 'load', ['partners', good], { dryRun: true });
    await run(DATA_COMMANDS, 'load', ['partners', good]);
    await bought('C100');
    await refresh(it.context, CYCLE);
    await run(KPI_COMMANDS, 'report', [CYCLE], { program: true });
    await run(DIRECTORY_COMMANDS, 'assemble', [CYCLE]);
    const [set] = await it.rows<{ body: string }>(`select body from rule_set where name = 'fy24'`);
    const file = await it.write('fy24.yaml', `${set!.body}# the same, said again\n`);
    await run(RULES_COMMANDS, 'use', [file]);
    expect(await runs()).toEqual([
      { job: 'load', cycle: null, reason: 'manual', outcome: 'asks', says: 'partners: good.csv: loaded' },
      { job: 'report', cycle: CYCLE, reason: 'manual', outcome: 'done', says: '1 workbook of revision 1' },
      {
        job: 'directory-assemble',
        cycle: CYCLE,
        reason: 'manual',
        outcome: 'done',
        says: expect.stringContaining(`Directory batch of ${CYCLE}`),
      },
      { job: 'rules use', cycle: null, reason: 'manual', outcome: 'done', says: `${file} is in force.` },
    ]);
  });
});

test('a submission over files of somebody else asks a person, and goes on once they are gone', async () => {
  await load(
    'enrolments',
    'partner_mpn_id,learning_option,competency,anniversary_date\n4001,Gold,Data,2020-03-01\n',
  );
  await load(
    'listings',
    'partner_mpn_id,country,name,url,requested_on\n4001,US,Harbor,https://harbor.example/,2019-12-01\n',
  );
  await refresh(it.context, CYCLE);
  await DIRECTORY_COMMANDS[0]!.act!(it.context, [CYCLE], {});
  // An outbox beside the home, in which a stranger's file has the name of ours.
  const stranger = await it.write(`outbox/${CYCLE}/directory-${CYCLE}.csv`, 'not ours\n');
  const outbox = join(stranger, '..', '..');
  const context: App = { ...it.context, settings: { ...it.context.settings, outbox } };
  expect(await directorySubmit.run(context, CYCLE, WHOLE)).toEqual({
    outcome: 'asks',
    says: expect.stringMatching(/stopped: directory-2019-12\.csv .* Nothing was overwritten/),
  });
  const elsewhere = { ...context, settings: { ...context.settings, outbox: join(it.home, 'outbox') } };
  expect(await directorySubmit.run(elsewhere, CYCLE, WHOLE)).toMatchObject({ outcome: 'done' });
});

test('a rule set in force says of each number that it is a sample, or none is', async () => {
  const [set] = await it.rows<{ body: string }>(
    `select body from rule_set where name = 'sample-silver-gold'`,
  );
  await expect(
    useRules(it.context, set!.body.replace('basis: sample', 'basis: published'), 'x.yaml'),
  ).rejects.toThrow(/basis says published/);
});
