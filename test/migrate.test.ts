import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../src/db/connection.ts';
import { migrate } from '../src/db/migrate.ts';
import { type Fresh, freshDatabase } from './harness/database.ts';

let fresh: Fresh;
let folder: string;
beforeEach(async () => {
  fresh = await freshDatabase('empty');
  folder = await mkdtemp(join(tmpdir(), 'lkp-migrate-'));
  await mkdir(join(folder, 'migrations'));
  await mkdir(join(folder, 'marts'));
});
afterEach(async () => {
  await fresh.drop();
  await rm(folder, { recursive: true });
});

const schema = () => ({ migrations: join(folder, 'migrations'), views: join(folder, 'marts') });
const put = (name: string, text: string) => writeFile(join(folder, name), text);
const take = (name: string) => rm(join(folder, name));
const ask = (text: string) => fresh.db.transaction('ask', (tx) => tx.rows(text));
const run = () => migrate(fresh.db, schema());

test('files run once, in order of their names; question marks and several statements are taken as they are', async () => {
  await put('migrations/0002_second.sql', "insert into thing values ('second? \\? yes');");
  await put(
    'migrations/0001_first.sql',
    'create table thing (t text);\ninsert into thing values ($$first$$);',
  );
  expect(await run()).toEqual({ applied: ['0001_first.sql', '0002_second.sql'], views: true });
  expect(await run()).toEqual({ applied: [], views: false });
  expect(await ask('select t from thing')).toEqual([{ t: 'first' }, { t: 'second? \\? yes' }]);
  await put('migrations/0003_third.sql', 'alter table thing add column n int;');
  expect(await run()).toEqual({ applied: ['0003_third.sql'], views: true });
});

test('nothing to do costs one query', async () => {
  await put('migrations/0001_first.sql', 'create table thing (t text);');
  await run();
  let queries = 0;
  const connection = await fresh.db.knex.client.acquireConnection();
  const query = connection.query.bind(connection);
  connection.query = (...args: unknown[]) => {
    queries += 1;
    return query(...args);
  };
  await fresh.db.knex.client.releaseConnection(connection);
  await run();
  expect(queries).toBe(1);
});

test('a file that fails leaves nothing of itself, keeps those before it, and is named with its line', async () => {
  await put('migrations/0001_first.sql', 'create table thing (t text);');
  await put('migrations/0002_bad.sql', 'create table half (t text);\n\ncreate table oops (t nosuchtype);');
  await expect(run()).rejects.toThrow('sql/migrations/0002_bad.sql:3: type "nosuchtype" does not exist');
  expect(await ask("select to_regclass('thing') is not null as kept, to_regclass('half') as half")).toEqual([
    { kept: true, half: null },
  ]);
  await put('migrations/0002_bad.sql', 'create table half (t text);');
  expect((await run()).applied).toEqual(['0002_bad.sql']);
});

test('a database that is newer than the code is refused with the next step', async () => {
  await put('migrations/0001_first.sql', 'create table thing (t text);');
  await put('migrations/0002_later.sql', 'create table later (t text);');
  await run();
  await take('migrations/0002_later.sql');
  await expect(run()).rejects.toMatchObject({
    name: 'LkpError',
    code: 'request',
    message: expect.stringMatching(/0002_later\.sql.*Update lkp/),
  });
});

test('views follow their files: made in order, changed, dropped; a view of nobody is left alone', async () => {
  await put(
    'migrations/0001_first.sql',
    'create table thing (n int); create view theirs as select 1 as one;',
  );
  await put(
    'marts/a_base.sql',
    '-- view: base. One row is a thing.\ncreate view base as select n from thing;',
  );
  await put('marts/b_top.sql', '-- view: top\ncreate view top as select n + 1 as m from base;');
  await put('marts/c_not_a_view.sql', '-- One row is nothing.\nselect broken syntax here;');
  expect((await run()).views).toBe(true);
  await ask('insert into thing values (1)');
  expect(await ask('select m from top')).toEqual([{ m: 2 }]);

  await put(
    'marts/a_base.sql',
    '-- view: base\ncreate view base as select n * 10 as n, 1 as extra from thing;',
  );
  expect(await run()).toEqual({ applied: [], views: true });
  expect(await ask('select m from top')).toEqual([{ m: 11 }]);

  await take('marts/b_top.sql');
  expect((await run()).views).toBe(true);
  expect(await ask("select to_regclass('top') as top, to_regclass('base')::text as base")).toEqual([
    { top: null, base: 'base' },
  ]);
  expect(await ask('select one from theirs')).toEqual([{ one: 1 }]);
});

test('a migration may change a column that a view reads', async () => {
  await put('migrations/0001_first.sql', 'create table thing (n int); insert into thing values (1);');
  await put('marts/a_base.sql', '-- view: base\ncreate view base as select n from thing;');
  await run();
  await put('migrations/0002_wider.sql', 'alter table thing alter column n type numeric;');
  await run();
  expect(await ask('select n from base')).toEqual([{ n: '1' }]);
});

test('a view that fails keeps the old ones and is named', async () => {
  await put('marts/a_base.sql', '-- view: base\ncreate view base as select 1 as n;');
  await run();
  await put('marts/b_bad.sql', '-- view: bad\ncreate view bad as\nselect nowhere;');
  await expect(run()).rejects.toThrow('sql/marts/b_bad.sql:3: column "nowhere" does not exist');
  expect(await ask('select n from base')).toEqual([{ n: 1 }]);
});

test('two at once: both end well and each file ran once', async () => {
  for (const n of [1, 2, 3]) {
    await put(`migrations/000${n}_t.sql`, `create table t${n} (n int); select pg_sleep(0.05);`);
  }
  await put('marts/a_base.sql', '-- view: base\ncreate view base as select n from t1;');
  const other = await openDatabase(fresh.url);
  try {
    const both = await Promise.all([run(), migrate(other, schema())]);
    expect(both.flatMap(({ applied }) => applied).sort()).toEqual(['0001_t.sql', '0002_t.sql', '0003_t.sql']);
    expect(both.filter(({ views }) => views)).toHaveLength(1);
  } finally {
    await other.close();
  }
});

test('the real migrations and views: a second time there is nothing to do', async () => {
  const first = await migrate(fresh.db);
  expect(first.applied.length).toBeGreaterThan(0);
  expect(await migrate(fresh.db)).toEqual({ applied: [], views: false });
});
