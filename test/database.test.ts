import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../src/db/connection.ts';
import { runScript, SqlError } from '../src/db/script.ts';
import { type Fresh, freshDatabase } from './harness/database.ts';
import { databaseUrl, withAdmin } from './harness/server.ts';

let fresh: Fresh;
beforeAll(async () => {
  fresh = await freshDatabase('empty');
});
afterAll(() => fresh.drop());

const bytes = async function* (...parts: string[]) {
  for (const part of parts) yield Buffer.from(part);
};

describe('values', () => {
  test('numbers, dates and instants come back as text, exactly', async () => {
    const row = await fresh.db.transaction('values', (tx) =>
      tx.one(`select 12345678901234567890.10::numeric as numeric, 9007199254740993::bigint as bigint,
                     sum(n) as sum, count(*) as count, date '2026-02-28' as date,
                     timestamptz '2026-07-15 08:00:00.123456+02' as instant, 'infinity'::timestamptz as never,
                     array[0.10, null]::numeric[] as numerics, array[date '2026-01-01'] as dates,
                     array[timestamptz '2026-01-01 00:00+00'] as instants, array[9007199254740993]::bigint[] as bigints
              from generate_series(1, 3) as n`),
    );
    expect(row).toEqual({
      numeric: '12345678901234567890.10',
      bigint: '9007199254740993',
      sum: '6',
      count: '3',
      date: '2026-02-28',
      instant: '2026-07-15T06:00:00.123456Z',
      never: 'infinity',
      numerics: ['0.10', null],
      dates: ['2026-01-01'],
      instants: ['2026-01-01T00:00:00Z'],
      bigints: ['9007199254740993'],
    });
  });

  test('settings are there within their transaction and only there; null reads as empty', async () => {
    const read =
      "select current_setting('lkp.cycle', true) as cycle, current_setting('lkp.none', true) as none";
    const within = await fresh.db.transaction('settings', async (tx) => {
      await tx.set({ cycle: '2026-07', none: null });
      return tx.one(read);
    });
    expect(within).toEqual({ cycle: '2026-07', none: '' });
    const after = await fresh.db.transaction('settings', (tx) => tx.one<{ cycle: string | null }>(read));
    expect(after.cycle || '').toBe('');
  });

  test('one() and maybe() refuse the wrong number of rows', async () => {
    await fresh.db.transaction('rows', async (tx) => {
      expect(await tx.maybe('select 1 where false')).toBeUndefined();
      await expect(tx.one('select 1 where false')).rejects.toThrow('wanted one row, got none');
      await expect(tx.one('select generate_series(1, 2)')).rejects.toThrow('wanted at most one row, got 2');
    });
  });
});

describe('transactions', () => {
  const table = async (name: string) => {
    await fresh.db.transaction('table', (tx) => tx.rows(`create table ${name} (n int primary key)`));
    return () =>
      fresh.db.transaction('count', (tx) => tx.one<{ n: number }>(`select count(*)::int as n from ${name}`));
  };

  test('what throws leaves nothing', async () => {
    const count = await table('thrown');
    const work = fresh.db.transaction('throws', async (tx) => {
      await tx.rows('insert into thrown values (1)');
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    expect(await count()).toEqual({ n: 0 });
  });

  test('a failed statement that the caller ignores is not taken for success', async () => {
    const count = await table('ignored');
    const work = fresh.db.transaction('ignores', async (tx) => {
      await tx.rows('insert into ignored values (1)');
      await tx.rows('select 1 / 0').catch(() => undefined);
    });
    await expect(work).rejects.toThrow('ignores: a statement failed and was ignored');
    expect(await count()).toEqual({ n: 0 });
  });

  test('the name shows in pg_stat_activity', async () => {
    const shown = await fresh.db.transaction('recompute 2026-07', (tx) =>
      tx.one('select application_name as name from pg_stat_activity where pid = pg_backend_pid()'),
    );
    expect(shown).toEqual({ name: 'lkp recompute 2026-07' });
  });

  test('a transaction that has ended cannot be used', async () => {
    const kept = await fresh.db.transaction('ended', async (tx) => tx);
    await expect(kept.rows('select 1')).rejects.toThrow('this transaction has ended');
  });

  test('a connection that is cut fails its transaction only', async () => {
    const cut = fresh.db.transaction('cut', (tx) => tx.rows('select pg_terminate_backend(pg_backend_pid())'));
    await expect(cut).rejects.toThrow();
    expect(await fresh.db.transaction('next', (tx) => tx.one('select 1 as n'))).toEqual({ n: 1 });
  });
});

describe('copy and stream', () => {
  test('copy takes bytes split anywhere and counts the rows', async () => {
    const { copied, rows } = await fresh.db.transaction('copy', async (tx) => {
      await tx.rows('create temp table copied (n int, t text) on commit drop');
      const copied = await tx.copyIn('copy copied from stdin', bytes('1\tñ', '\n2', '\tb\n'));
      return { copied, rows: await tx.rows('select n, t from copied order by n') };
    });
    expect(copied).toBe(2);
    expect(rows).toEqual([
      { n: 1, t: 'ñ' },
      { n: 2, t: 'b' },
    ]);
  });

  test('a bad row or a source that breaks off stores nothing, and the pool goes on', async () => {
    await fresh.db.transaction('make', (tx) => tx.rows('create table half (n int)'));
    const into = (source: AsyncIterable<Uint8Array>) =>
      fresh.db.transaction('copy', (tx) => tx.copyIn('copy half from stdin', source));
    await expect(into(bytes('1\n', 'x\n'))).rejects.toThrow('invalid input syntax');
    const broken = async function* () {
      yield Buffer.from('1\n');
      throw new Error('the disk is gone');
    };
    await expect(into(broken())).rejects.toThrow('the disk is gone');
    expect(await into(bytes('7\n'))).toBe(1);
    expect(await fresh.db.transaction('read', (tx) => tx.rows('select n from half'))).toEqual([{ n: 7 }]);
  });

  test('a stream gives every row once, in batches, with parameters', async () => {
    const sizes: number[] = [];
    let sum = 0;
    await fresh.db.transaction('stream', async (tx) => {
      for await (const rows of tx.stream<{ n: number }>(
        'select n from generate_series(1, $1) as n',
        [2500],
        1000,
      )) {
        sizes.push(rows.length);
        for (const { n } of rows) sum += n;
      }
    });
    expect(sizes).toEqual([1000, 1000, 500]);
    expect(sum).toBe((2500 * 2501) / 2);
  });

  test('a reader may stop early and go on with the transaction; two streams may interleave', async () => {
    const seen = await fresh.db.transaction('early', async (tx) => {
      for await (const _ of tx.stream('select generate_series(1, 100000) as n', [], 10)) break;
      const left = tx.stream<{ n: number }>('select generate_series(1, 2) as n', [], 1);
      const right = tx.stream<{ n: number }>('select generate_series(3, 4) as n', [], 1);
      const turns = [await left.next(), await right.next(), await left.next(), await right.next()];
      const open = await tx.one<{ n: number }>(
        "select count(*)::int as n from pg_cursors where name like 'lkp%'",
      );
      return { turns: turns.flatMap((turn) => turn.value ?? []), open };
    });
    expect(seen).toEqual({ turns: [{ n: 1 }, { n: 3 }, { n: 2 }, { n: 4 }], open: { n: 2 } });
  });
});

describe('errors', () => {
  test('a statement of a file that fails names the file and the line, and keeps the cause', async () => {
    const text = '-- one row is a test\nselect 1;\n\nselect missing\nfrom pg_class;\n';
    const failure = await withAdmin(fresh.url, (client) =>
      runScript(client, 'sql/marts/odd.sql', text),
    ).catch((e) => e);
    expect(failure).toBeInstanceOf(SqlError);
    expect(failure.message).toBe('sql/marts/odd.sql:4: column "missing" does not exist');
    expect(failure.code).toBe('42703');
    expect(failure.cause.code).toBe('42703');
  });

  test('a file gives the rows of its last statement', async () => {
    const rows = await withAdmin(fresh.url, (client) =>
      runScript(client, 'x', 'select 1 as a; select 2 as b;'),
    );
    expect(rows).toEqual([{ b: 2 }]);
  });

  test('a file that does not exist is named', async () => {
    const work = fresh.db.transaction('none', (tx) => tx.file('marts/no-such-file'));
    await expect(work).rejects.toThrow(/there is no .*sql\/marts\/no-such-file\.sql/);
  });

  test('no server: says where it looked, without the password, and what to do', async () => {
    const failure = await openDatabase('postgres://me:secret@127.0.0.1:1/lkp').catch((error) => error);
    expect(failure).toMatchObject({ name: 'LkpError', code: 'machine' });
    expect(failure.message).toMatch(/No database answers at 127\.0\.0\.1:1\/lkp .*ECONNREFUSED/);
    expect(failure.message).not.toContain('secret');
  });

  test('a server that accepts and says nothing is given up within 12 s', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const began = Date.now();
    const failure = await openDatabase(`postgres://me@127.0.0.1:${port}/lkp`).catch((error) => error);
    silent.close();
    expect(failure).toMatchObject({ name: 'LkpError', code: 'machine' });
    expect(Date.now() - began).toBeLessThan(12_000);
  });

  test('a database that does not exist is a matter of configuration', async () => {
    const failure = await openDatabase(databaseUrl(fresh.url, 'no_such')).catch((error) => error);
    expect(failure).toMatchObject({ name: 'LkpError', code: 'request' });
  });

  test('clocks that differ by more than 5 s are refused', async () => {
    const real = Date.now;
    Date.now = () => real() + 6_000;
    try {
      await expect(openDatabase(fresh.url)).rejects.toMatchObject({
        code: 'machine',
        message: expect.stringContaining('differ by 6 s'),
      });
    } finally {
      Date.now = real;
    }
  });
});
