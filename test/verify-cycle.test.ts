import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { assembleDirectory } from '../src/directory/assemble.ts';
import { submitDirectory } from '../src/directory/submit.ts';
import { storedPath } from '../src/files.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { decide } from '../src/invoice/quarantine.ts';
import { ingestAll } from '../src/invoice/sweep.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import { acceptGaps } from '../src/kpi/completeness.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { reportFolder, writeReports } from '../src/kpi/report.ts';
import { useAllRules } from '../src/kpi/rules.ts';
import { fromBundle } from '../src/proof/bundle.ts';
import { spoken } from '../src/proof/inputs.ts';
import { fromDatabase } from '../src/proof/source.ts';
import { BrokenBundle, END, headerOf, paddingOf } from '../src/proof/tar.ts';
import { type VerifiedCycle, verifyCycle } from '../src/proof/verify.ts';
import { loadReference } from '../src/reference/load.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { lkp } from './harness/lkp.ts';

const CASES = fileURLToPath(new URL('cases/', import.meta.url));
const HEADER = `Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Preceding Invoice reference,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier`;
const PROFILE =
  'name: latin\nseller: S\ndelimiter: ";"\ncurrency: EUR\n' +
  'columns: {invoice_number: [Nr], issue_date: [Datum], customer_number: [Kunde], quantity: [Menge], net_amount: [Betrag], sku: [Artikel]}\n' +
  'document_type: {otherwise: "380"}\n';
const CYCLE = '2019-07';
/** Each verification starts a database of its own. */
vi.setConfig({ testTimeout: 180_000 });

let it: TestContext;
let folder: string;
/** The bundle of the cycle, and what packing it said. */
let bundle: Buffer;
let packed: VerifiedCycle & { bundle: { sha256: string } };

const line = (number: string, no: number, units: number, more: Record<string, string> = {}): string => {
  const { date = '2019-05-02', type = '380', refers = '', customer = 'C100', amount = `${units}0.00` } = more;
  return [number, date, type, 'EUR', refers, customer, no, units, amount, 'MOC-1'].join(',');
};
const take = async (name: string, ...lines: string[]) =>
  ingestFile(it.context, await it.write(name, [HEADER, ...lines, ''].join('\n')));
const load = async (kind: Parameters<typeof loadReference>[1], text: string) =>
  loadReference(it.context, kind, await it.write(`${kind}.csv`, text));

/**
 * A cycle with everything there is to one: small e-invoices together, an own profile, conflicts decided, a file withdrawn,
 * a corrected invoice, a row that came back corrected, a gap that was accepted, a restatement, a submission; and afterwards more
 * that it does not know. Each change a minute after the one before.
 */
beforeAll(async () => {
  let minutes = 0;
  it = await testContext({
    now: () => new Date(Date.parse('2019-07-15T06:00:00Z') + 60_000 * ++minutes).toISOString(),
    settings: { LKP_TIME_ZONE: 'Europe/Madrid' },
  });
  folder = await mkdtemp(join(tmpdir(), 'lkp-verifying-'));
  await chmod(folder, 0o755);
  for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
    await loadReference(it.context, kind, join(CASES, `ingest/reference/${kind}.csv`));
  await load(
    'enrolments',
    'partner_mpn_id,learning_option,competency,anniversary_date,valid_from\n4001,Gold,Cloud Platform,2019-09-01,2018-01-01\n',
  );
  await load(
    'listings',
    'partner_mpn_id,country,name,url,requested_on\n4001,US,Harbor,https://harbor.example/,2019-07-01\n',
  );
  // Two at once, after a month that nobody has the numbers of.
  const set = async (name: string, from: string, to: string) => ({
    shown: name,
    text: (await readFile(new URL('../src/kpi/rules/fy24.yaml', import.meta.url), 'utf8'))
      .replace('name: fy24', `name: ${name}`)
      .replaceAll('2024-07-01', to)
      .replaceAll('2023-07-01', from),
  });
  await useAllRules(
    it.context,
    [await set('fy25', '2024-08-01', '2025-07-01'), await set('fy26', '2025-07-01', '2026-07-01')],
    { leaveGap: true },
  );
  await load('rates', 'Date,USD\n2019-06-03,1.1\n2019-05-31,1.1\n2019-05-02,1.12\n');
  await refresh(it.context, '2019-06');

  const ubl = await readFile(join(CASES, 'einvoice/one-invoice/invoice.ubl.xml'), 'utf8');
  for (const number of ['E-1', 'E-2']) await it.write(`xml/${number}.xml`, ubl.replace('E-1001', number));
  await ingestAll(it.context, [join(await it.write('xml/.x', ''), '..')]);
  const profile = await it.write('latin.yaml', PROFILE);
  await ingestFile(
    it.context,
    await it.write('own.csv', 'Nr;Datum;Kunde;Menge;Betrag;Artikel\nL1;2019-05-02;C100;1;10,00;MOC-1\n'),
    { profile },
  );
  await take('one.csv', line('A-1', 1, 2), line('A-2', 1, 3), line('A-3', 1, 4, { date: 'soon' }));
  await take('two.csv', line('A-1', 1, 5));
  await take('wrong.csv', line('A-8', 1, 50));
  const found = await acceptGaps(it.context, CYCLE, 'the rest comes later');
  expect(found.length).toBeGreaterThan(0);
  await refresh(it.context, CYCLE, { lateBy: '3 days' });
  await writeReports(it.context, CYCLE);

  await decide(it.context, 'A-1', 'release', { file: 'two.csv', reason: 'the sender said so' });
  await withdrawFile(it.context, 'wrong.csv', 'a test file');
  await take(
    'late.csv',
    line('A-9', 1, 1, { type: '384', refers: 'A-2', date: '2019-06-03' }),
    line('A-10', 1, 7, { type: '386' }),
  );
  await decide(it.context, 'A-10', 'refuse', { reason: 'no invoice' });
  await decide(it.context, 'A-10', 'reopen', { reason: 'it is one' });
  const [one] = await it.rows<{ sha256: string }>(`select sha256 from file where name = 'one.csv'`);
  const fixed = [`${HEADER},lkp file,lkp row`, `${line('A-3', 1, 4)},${one!.sha256.slice(0, 12)},4`, ''].join(
    '\n',
  );
  expect((await ingestFile(it.context, await it.write('fixed.csv', fixed))).warnings).toEqual([]);
  expect(await refresh(it.context, CYCLE, { restate: true, reason: 'late files' })).toMatchObject({
    revision: 2,
  });
  await writeReports(it.context, CYCLE);
  await assembleDirectory(it.context, CYCLE);
  await submitDirectory(it.context, CYCLE);

  await take('after.csv', line('A-2', 1, 6), line('A-11', 1, 1));
  await load('customers', 'customer_number,location_mpn_id\nC100,5002\n');
});
afterAll(async () => {
  await it.drop();
  await rm(folder, { recursive: true, force: true });
});

const verify = async (): Promise<VerifiedCycle> =>
  (await verifyCycle(it.context, () => fromDatabase(it.context, CYCLE))).verified;
const things = ({ problems }: VerifiedCycle): string[] =>
  problems.map(({ what, thing }) => `${what}: ${thing}`);

async function flip(path: string, at?: number): Promise<() => Promise<void>> {
  const before = await readFile(path);
  const after = Buffer.from(before);
  const place = at ?? Math.floor(before.length / 2);
  after[place] = after[place]! ^ 1;
  await writeFile(path, after);
  return () => writeFile(path, before);
}

/** Alters the database past what protects it, as only its superuser can; returns the way back. */
async function alter(table: string, where: string, set: string): Promise<() => Promise<void>> {
  const forced = (statement: string) =>
    it.context.db.transaction('alter', async (tx) => {
      await tx.rows('set local session_replication_role = replica');
      return tx.rows(statement);
    });
  await forced(`create table kept_${table} as select * from ${table} where ${where}`);
  const changed = await forced(`update ${table} set ${set} where ${where} returning 1`);
  expect(changed, `${table} where ${where}`).toHaveLength(1);
  const column = set.split(' ')[0];
  return async () => {
    await forced(`update ${table} set ${column} = (select ${column} from kept_${table}) where ${where}`);
    await forced(`drop table kept_${table}`);
  };
}

test('a restated cycle with decisions, a withdrawal, a 384 and a corrected row is proven, and packed', async () => {
  const path = join(folder, 'cycle.lkp');
  const ran = await lkp(['verify', CYCLE, '--bundle', path, '--json'], {
    home: it.home,
    env: { DATABASE_URL: it.url, LKP_TIME_ZONE: 'Asia/Tokyo' },
  });
  expect(ran.code, ran.stderr + ran.stdout).toBe(0);
  packed = ran.json();
  expect(packed).toMatchObject({
    cycle: CYCLE,
    outcome: 'proven',
    revisions: [{ revision: 1 }, { revision: 2 }],
    problems: [],
    notes: [],
    files: 15,
    workbooks: 6,
    submission_files: 4,
  });
  bundle = await readFile(path);
  expect(packed.bundle.sha256).toBe(createHash('sha256').update(bundle).digest('hex'));
  expect((await readdir(tmpdir())).filter((name) => name.startsWith('lkp-verify-'))).toEqual([]);
});

test('a cycle that was not refreshed, and words that are no cycle', async () => {
  await expect(verifyCycle(it.context, () => fromDatabase(it.context, '2019-08'))).rejects.toThrow(
    'Cycle 2019-08 has not been refreshed. Run lkp refresh 2019-08 first.',
  );
  const env = { DATABASE_URL: it.url };
  expect((await lkp(['verify', join(it.home, 'no.lkp')], { home: it.home, env })).code).toBe(2);
  expect((await lkp(['verify', '--bundle', 'x'], { home: it.home, env })).code).toBe(2);
});

test('one flipped byte of any input, rule set, profile or row of the ledger is named, and nothing else', async () => {
  const files = await it.rows<{ name: string; sha256: string }>(
    `select distinct name, sha256 from file where change_no <= (select change_no from directory_submission) order by name`,
  );
  expect(files).toHaveLength(packed.files);
  const back: Array<() => Promise<void>> = [];
  for (const { sha256 } of files) back.push(await flip(storedPath(it.home, sha256)));
  back.push(await alter('rule_set', `name = 'fy24'`, `body = replace(body, '1000', '1001')`));
  back.push(await alter('import_profile', `name = 'latin'`, `body = body || '#'`));
  const [withdrawn] = await it.rows<{ no: string }>(`select no from change where kind = 'withdraw'`);
  back.push(await alter('change', `no = ${withdrawn!.no}`, `actor = 'somebody else'`));
  const found = await verify();
  for (const undo of back.reverse()) await undo();
  expect(things(found).sort()).toEqual(
    [
      ...files.map(({ name }) => `input: ${name}`),
      `ledger: change ${withdrawn!.no}`,
      'profile: latin',
      'rule set: fy24',
    ].sort(),
  );
  expect(found.problems.find(({ thing }) => thing === 'one.csv')!.reason).toMatch(
    /its bytes in the store are altered\. Put a copy with this sha256 at /,
  );
});

test('of rule sets that were put in force together, one that is gone is missed', async () => {
  const [both] = await it.rows<Parameters<typeof spoken>[0]>(
    `select * from change where no = (select change_no from rule_set where name = 'fy25')`,
  );
  const undo = await alter('rule_set', `name = 'fy26'`, 'change_no = change_no + 1');
  const found = await verify();
  await undo();
  expect(things(found)).toEqual([`rule set: ${spoken(both!)}`]);
});

test('one altered row, workbook or submitted file is named, and nothing else', async () => {
  const reports = reportFolder(it.home, CYCLE, 2);
  const outbox = join(it.context.settings.outbox, CYCLE);
  const back: Array<() => Promise<void>> = [];
  const submitted = (await readdir(outbox)).sort();
  for (const name of submitted) back.push(await flip(join(outbox, name)));
  back.push(await flip(join(reports, 'partner-4001.xlsx')));
  const moved = join(reportFolder(it.home, CYCLE, 1), `program-${CYCLE}.xlsx`);
  const book = await readFile(moved);
  await rm(moved);
  back.push(() => writeFile(moved, book));
  // When a revision was due is printed in each of its workbooks, and kept nowhere else.
  const printed = await it.rows<{ name: string }>(
    `select name from report_file where cycle = $1 and revision = 1 order by name`,
    [CYCLE],
  );
  back.push(
    await alter('snapshot', `cycle = '${CYCLE}' and revision = 1`, `due_at = due_at + interval '1 day'`),
  );
  back.push(
    await alter(
      'snapshot_cell',
      `cycle = '${CYCLE}' and revision = 1 and kpi_class = 'courseware-advanced' and location_mpn_id = '5001'`,
      'revenue = revenue + 1',
    ),
    await alter(
      'rule_weight',
      `kpi_class = 'exam-advanced' and rule_set_id = (select id from rule_set where name = 'sample-silver-gold')`,
      'weight = weight + 1',
    ),
    await alter('product', `sku = 'KIT'`, `units_per_sku = 2`),
    await alter(
      'line',
      `file_id = (select id from file where name = 'two.csv') and row_no = 2`,
      'net_amount = 51',
    ),
    await alter(
      'directory_entry',
      `cycle = '${CYCLE}' and partner_mpn_id = '4001'`,
      `url = 'https://x.example/'`,
    ),
  );
  const found = await verify();
  for (const undo of back.reverse()) await undo();
  expect(things(found).sort()).toEqual(
    [
      ...submitted.map((name) => `submission: ${join(outbox, name)}`),
      `workbook: ${join(reports, 'partner-4001.xlsx')}`,
      ...printed.map(({ name }) => `workbook: ${join(reportFolder(it.home, CYCLE, 1), name)}`),
      `revision: ${CYCLE} revision 1, snapshot_cell: location_mpn_id 5001, kpi_month 2019-05-01, omlp_type MOC, kpi_class courseware-advanced`,
      'fact: line: document_id invoice A-1 of 2019-05-02 (seller MARKETPLACE, marketplace), line_no 1, version 1',
      'fact: product: file_id products.csv (sha256 b4b2800a6782, change 6), row_no 4',
      'fact: rule_weight: rule_set_id sample-silver-gold (change 2), kpi_class exam-advanced',
      'submission: directory_entry: partner_mpn_id 4001, country US',
    ].sort(),
  );
  expect(found.problems.find(({ thing }) => thing.startsWith('line'))!.reason).toBe(
    'net_amount is 51 in the database; derived anew it is 50.',
  );
  const saysOf = (ending: string) => found.problems.find(({ thing }) => thing.endsWith(ending))?.reason;
  expect(saysOf('partner-4001.xlsx')).toMatch(
    new RegExp(`lkp report 4001 ${CYCLE} --revision 2 writes it again\\.$`),
  );
  expect(saysOf(submitted[0]!)).toMatch(/Ask the directory team for the file that they received/);
  expect(found.notes).toEqual([`${moved} is not there; what was recorded of it is compared.`]);
});

describe('a bundle', () => {
  const write = async (name: string, bytes: Buffer): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  };
  let opened = 0;
  const open = (path: string) => fromBundle(path, join(folder, `open-${++opened}`), () => undefined);
  const refusal = async (bytes: Buffer): Promise<BrokenBundle> => {
    const error = await open(await write('altered.lkp', bytes)).then(
      () => undefined,
      (found: unknown) => found,
    );
    expect(error).toBeInstanceOf(BrokenBundle);
    return error as BrokenBundle;
  };
  /** Name, place of the header and of the bytes, size. */
  const members = (): Array<{ name: string; at: number; bytes: number }> => {
    const found = [];
    for (let at = 0; at < bundle.length - END.length; ) {
      const name = bundle.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
      const bytes = Number.parseInt(bundle.toString('latin1', at + 124, at + 135), 8);
      found.push({ name, at, bytes });
      at += 512 + bytes + paddingOf(bytes).length;
    }
    return found;
  };
  const flipped = (at: number): Buffer => {
    const bytes = Buffer.from(bundle);
    bytes[at] = bytes[at]! ^ 1;
    return bytes;
  };
  /** Packs members as lkp does, under a manifest that fits them. */
  const forge = (
    alterations: Readonly<Record<string, (text: string) => string>>,
    rename = (name: string) => name,
  ): Buffer => {
    const all = members().map(({ name, at, bytes }) => {
      const content = bundle.subarray(at + 512, at + 512 + bytes);
      const alteration = alterations[name];
      return {
        name: rename(name),
        content: alteration ? Buffer.from(alteration(content.toString())) : content,
      };
    });
    const manifest = JSON.parse(all[0]!.content.toString());
    for (const member of manifest.members) {
      member.name = rename(member.name);
      const content = all.find(({ name }) => name === member.name)!.content;
      member.bytes = content.length;
      member.sha256 = createHash('sha256').update(content).digest('hex');
    }
    all[0]!.content = Buffer.from(JSON.stringify(manifest));
    all[1]!.content = Buffer.from(`${createHash('sha256').update(all[0]!.content).digest('hex')}\n`);
    const header = (name: string, bytes: number): Buffer => {
      try {
        return headerOf(name, bytes);
      } catch {
        // As another program would write it.
        const made = headerOf('x'.repeat(name.length), bytes);
        made.write(name, 0, 'latin1');
        made.write('        ', 148);
        made.write(
          `${made
            .reduce((sum, byte) => sum + byte, 0)
            .toString(8)
            .padStart(6, '0')}\0 `,
          148,
        );
        return made;
      }
    };
    return Buffer.concat([
      ...all.flatMap(({ name, content }) => [
        header(name, content.length),
        content,
        paddingOf(content.length),
      ]),
      END,
    ]);
  };

  test('holds everything: proven elsewhere, with an empty LKP_HOME and no database', async () => {
    const home = join(folder, 'elsewhere');
    const ran = await lkp(['verify', await write('whole.lkp', bundle), '--json'], { home });
    expect(ran.code, ran.stderr + ran.stdout).toBe(0);
    const { bundle: _, rows, ...rest } = packed;
    expect(ran.json()).toEqual({ ...rest, bundle: null, rows: expect.any(Number) });
    expect(ran.json<VerifiedCycle>().rows).toBeLessThan(rows);
    await expect(stat(home)).rejects.toThrow('ENOENT');
  });

  test('a flipped byte in any member names that member', async () => {
    const all = members();
    expect(all.length).toBeGreaterThan(packed.files + 10);
    for (const { name, at, bytes } of all.filter((member) => member.bytes > 0)) {
      const { member, message } = await refusal(flipped(at + 512 + Math.floor(bytes / 2)));
      expect(member).toBe(name === 'manifest.sha256' ? 'manifest.json' : name);
      expect(message).toMatch(/^In the bundle .*altered\.lkp .* sha256 /);
    }
  });

  test('so does one anywhere else: in headers, between members, at the end; a cut one and a longer one', async () => {
    const all = members();
    const { at, bytes } = all.find((member) => member.bytes % 512 > 0)!;
    const places = [0, 100, 257, at + 3, at + 130, at + 500, at + 512 + bytes, bundle.length - 1];
    for (const place of places)
      expect((await refusal(flipped(place))).message).toContain('no whole bundle of lkp');
    expect((await refusal(bundle.subarray(0, bundle.length - 1))).message).toContain('it ends at byte');
    expect((await refusal(Buffer.concat([bundle, Buffer.alloc(512)]))).message).toContain('there is more');
  });

  test('a hostile one is refused before anything of it is used', async () => {
    const climbs = forge({}, (name) =>
      name === 'outbox/manifest-2019-07.json' ? '../../../../tmp/climbs' : name,
    );
    expect((await refusal(climbs)).message).toMatch(
      /the manifest is not one that this lkp reads \(members\.\d+\.name/,
    );
    const named = forge({
      'record.json': (text) => text.replaceAll('"name": "one.csv"', '"name": "../one.csv"'),
    });
    expect((await refusal(named)).message).toMatch(
      /record\.json is not one that this lkp reads \(files\.\d+\.name is not the name of a file/,
    );
    const swapped = forge({ 'manifest.json': (text) => text.replace(/,\s*\{[^{}]*\}\s*\]\s*\}\s*$/, ']}') });
    expect((await refusal(swapped)).message).toMatch(/there is more|lacks/);
    const extra = Buffer.concat([
      bundle.subarray(0, -1024),
      headerOf('extra.txt', 0),
      bundle.subarray(-1024),
    ]);
    expect((await refusal(extra)).message).toContain('there is more: "extra.txt"');
    const moved = bundle.subarray(members()[1]!.at);
    expect((await refusal(moved)).message).toMatch(
      /no whole bundle of lkp: manifest\.json .* a member was moved/,
    );
    const huge = Buffer.from(bundle);
    headerOf('manifest.json', 2 ** 32).copy(huge);
    expect((await refusal(huge)).message).toContain('at most');
    await expect(open(await write('text.lkp', Buffer.from('no bundle')))).rejects.toThrow(
      /text\.lkp is no bundle of lkp/,
    );
  });

  test('one that was packed anew, with sums that fit, does not follow from its inputs', async () => {
    const cells = members().find(({ name }) => name === `rows/${CYCLE}/1/snapshot_cell.jsonl`)!.name;
    const path = await write(
      'forged.lkp',
      forge({ [cells]: (text) => text.replace(/"[\d.]+", "0", "0"\]\n/, '"999", "0", "0"]\n') }),
    );
    const { verified } = await verifyCycle(it.context, (at) =>
      fromBundle(path, join(at, 'bundle'), () => undefined),
    );
    expect(verified.problems.length).toBeGreaterThan(0);
    for (const { what, thing } of verified.problems) {
      expect(what).toBe('revision');
      expect(thing).toContain(`${CYCLE} revision 1, snapshot_cell: `);
    }
  });
});

test('what an earlier version did not keep is told, not guessed', async () => {
  const back = [
    await alter('change', `kind = 'release'`, 'asked = null'),
    await alter('import_profile', `name = 'latin'`, `sha256 = 'none'`),
  ];
  const found = await verify();
  for (const undo of back.reverse()) await undo().catch(() => undefined);
  expect(found.problems.map(({ what, reason }) => [what, reason])).toEqual(
    expect.arrayContaining([
      ['change', expect.stringContaining('was not kept then')],
      ['profile', expect.stringContaining('own.csv was taken in under this import profile')],
    ]),
  );
});

test('a database of an earlier version: proven as far as it was kept', async () => {
  const old = await testContext();
  try {
    for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
      await loadReference(old.context, kind, join(CASES, `ingest/reference/${kind}.csv`));
    await ingestFile(old.context, await old.write('one.csv', [HEADER, line('A-1', 1, 2), ''].join('\n')));
    await refresh(old.context, '2019-06');
    await writeReports(old.context, '2019-06');
    const migration = await readFile(
      fileURLToPath(new URL('../sql/migrations/0018_verify.sql', import.meta.url)),
      'utf8',
    );
    const chains = /do \$\$[\s\S]*?\n\$\$;/.exec(migration)![0];
    await old.context.db.transaction('age', async (tx) => {
      await tx.rows('set local session_replication_role = replica');
      await tx.rows('update change set asked = null, chain = null');
      await tx.rows('update snapshot set time_zone = null, build = null');
      await tx.rows('delete from import_profile; delete from report_file');
      await tx.rows(chains);
    });
    const { verified } = await verifyCycle(old.context, () => fromDatabase(old.context, '2019-06'));
    expect(verified.problems).toEqual([]);
    expect(verified).toMatchObject({
      outcome: 'proven',
      workbooks: 3,
      notes: ['2019-06 revision 1: 3 workbooks that are on no record equal what is written anew.'],
    });
  } finally {
    await old.drop();
  }
});
