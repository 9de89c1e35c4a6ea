import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Sql } from '../src/ports.ts';
import { clock } from './mutate/acting.ts';
import { type Ground, openGround } from './mutate/ground.ts';
import { allMutants, Judge } from './mutate/judge.ts';
import { isSql, type Mutant, mutantsOf } from './mutate/mutants.ts';
import { SCENES } from './mutate/scenes.ts';
import { Survivors } from './mutate/survivors.ts';

/** `npm run mutate` looks at every mutant of every SQL file; here are a few. */
const changes = (text: string, file = 'sql/marts/x.sql'): string[] =>
  mutantsOf(file, text).map(({ line, change, was, now }) => `${line} ${change}: ${was} -> ${now}`);

describe('the mutants of a text', () => {
  test('conditions of joins and filters, one at a time; what a string or a comment says is none', () => {
    expect(
      changes(`-- where a = b and c
select 'where x and y', /* on z */ é.a
from é
join b on b.id = é.id and (b.x or b.y)
left join c using (k, l)
where é.name = 'and' and not exists (select from d where d.id = é.id)
group by 1
having count(*) filter (where é.b) = 2`),
    ).toEqual([
      '4 condition: b.id = é.id -> true',
      '4 condition: (b.x or b.y) -> true',
      '4 condition: b.x -> false',
      '4 condition: b.y -> false',
      '5 using: k, -> ',
      '5 using: , l -> ',
      "6 condition: é.name = 'and' -> true",
      '6 negation: not -> ',
      '6 condition: not exists (select from d where d.id = é.id) -> true',
      '6 condition: d.id = é.id -> true',
      '8 condition: count(*) filter (where é.b) = 2 -> true',
      '8 condition: é.b -> true',
    ]);
  });

  test('signs, borders, distinct and what a coalesce falls back to', () => {
    expect(
      changes(`select distinct -1, a - b, c + 1, d * e.unit_sign, coalesce(f, g, 0)
from h where i <= j or k > l and m is distinct from n`),
    ).toEqual([
      '1 distinct: distinct -> ',
      '1 sign: - -> +',
      '1 sign: - -> +',
      '1 sign: + -> -',
      '1 sign: * e.unit_sign -> ',
      '1 fallback: , 0 -> ',
      '2 condition: i <= j -> false',
      '2 border: <= -> <',
      '2 condition: k > l -> true',
      '2 condition: k > l and m is distinct from n -> false',
      '2 border: > -> >=',
      '2 condition: m is distinct from n -> true',
    ]);
  });

  test('of a migration only its functions and views: a table is no figure', () => {
    const text = `create table t (a int check (a > 0));
create index on t (a) where a > 1;
create function f(a int) returns int language sql return case when a > 2 and a < 9 then -a end;`;
    expect(changes(text, 'sql/migrations/x.sql')).toEqual([
      '3 condition: a > 2 -> true',
      '3 border: > -> >=',
      '3 condition: a < 9 -> true',
      '3 border: < -> <=',
      '3 sign: - -> +',
    ]);
  });

  test('of all our SQL: several hundred, each of which PostgreSQL parses, no two of them alike', () => {
    const mutants = allMutants();
    expect(mutants.length).toBeGreaterThan(1000);
    expect(mutants.filter(({ text }) => !isSql(text))).toEqual([]);
    expect(new Set(mutants.map(({ file, text }) => file + text)).size).toBe(mutants.length);
    const words = mutants.map(({ file, at, was, now, nth }) => JSON.stringify([file, at, was, now, nth]));
    expect(new Set(words).size).toBe(words.length);
    // Every reason is one of a mutant that there is.
    expect(new Survivors().gone(mutants)).toEqual([]);
  });
});

describe('the scenes', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround(inject('server').url);
  });
  afterAll(() => ground.close());

  const find = (file: string, was: string, now: string): Mutant =>
    allMutants([file]).find((mutant) => mutant.was === was && mutant.now === now)!;

  test('tell what is gone, let pass what changes nothing, and set apart what PostgreSQL refuses', async () => {
    const sign = find('sql/marts/25_placed_line.sql', '* document.amount_sign', '');
    const text = readFileSync(sign.file, 'utf8');
    const told = [
      sign,
      find(sign.file, 'located.customer_number = usable.customer_number', 'true'),
      find(
        'sql/marts/30_kpi_line.sql',
        "day_rate.currency = current_setting('lkp.reporting_currency')",
        'true',
      ),
      find('sql/marts/months.sql', 'not', ''),
    ];
    const same = { ...sign, text: text.replace('* document.amount_sign', '* 1 * document.amount_sign') };
    const refused = { ...sign, text: text.replace('document.amount_sign', 'document.no_such_column') };
    const judge = new Judge([...told, same, refused], true);
    const scene = SCENES.find(({ name }) => name === 'the worked example')!;
    await ground.on(scene.from, (app, folder) => scene.play(app, folder), {
      ...clock(scene),
      watch: (tx) => judge.watched(tx, scene),
    });
    expect(told.map((mutant) => judge.fates.get(mutant)?.fate)).toEqual(told.map(() => 'killed'));
    expect(judge.fates.get(same)).toMatchObject({ fate: 'survived', calls: expect.any(Number) });
    expect(judge.fates.get(refused)).toMatchObject({ fate: 'stillborn' });
    expect([...judge.unsteady]).toEqual([]);
  });

  test('what one scene told stays told, whatever one beside it says later', async () => {
    const mutant = find('sql/marts/12_rate_day.sql', "day.day < current_setting('lkp.to')::date", 'true');
    const judge = new Judge([mutant]);
    const QUESTION = 'select count(*)::int as days from rate_day where rate_day.day < $1';
    // Asked only of days before lkp.to, the mutant does the same.
    const play = (until: string, onAsk?: (nth: number) => Promise<void>) => {
      let asked = 0;
      return ground.on(
        '',
        (app) =>
          app.db.transaction('look', async (tx) => {
            await tx.set({ from: '2020-01-01', to: '2020-02-01', cutoff: 1 });
            await tx.rows(QUESTION, [until]);
          }),
        {
          watch: (tx) => {
            const rows = async (text: string, parameters?: readonly unknown[]) => {
              if (text === QUESTION) await onAsk?.(++asked);
              return tx.rows(text, parameters);
            };
            const between = { ...bound(tx), rows: rows as Sql['rows'] };
            return judge.watched(between, { ...SCENES[0]!, name: until, isDrawn: true });
          },
        },
      );
    };
    // As it is, by other plans, and then with the mutant: in the middle of that trial the other scene is played.
    await play('2020-01-15', async (nth) => {
      if (nth === 3) await play('2020-03-01');
    });
    expect(judge.fates.get(mutant)).toMatchObject({ fate: 'killed', by: '2020-03-01, rate_day' });
  });
});

/** Its functions, to put others in the place of some. */
const bound = (tx: Sql): Sql => ({
  rows: (...given) => tx.rows(...given),
  one: (...given) => tx.one(...given),
  maybe: (...given) => tx.maybe(...given),
  set: (settings) => tx.set(settings),
  file: (...given) => tx.file(...given),
  copyIn: (...given) => tx.copyIn(...given),
  stream: (...given) => tx.stream(...given),
});
