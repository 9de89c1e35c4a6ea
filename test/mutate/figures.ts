import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ingestFile } from '../../src/invoice/ingest.ts';
import { withdrawFile } from '../../src/invoice/withdraw.ts';
import { changesBetween, type Point } from '../../src/kpi/changes-between.ts';
import { explain } from '../../src/kpi/explain.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import { writeReports } from '../../src/kpi/report.ts';
import { useAllRules } from '../../src/kpi/rules.ts';
import { planRules } from '../../src/kpi/rules-plan.ts';
import { solve } from '../../src/reconcile/solve.ts';
import { KIND_NAMES } from '../../src/reference/kinds.ts';
import { loadReference } from '../../src/reference/load.ts';
import { BETWEEN, CYCLES, KINDS } from '../property/month.ts';
import { programOf } from '../property/program.ts';
import { draw } from '../reconcile/check.ts';
import { CYCLE } from '../reconcile/world.ts';
import {
  answer,
  CASES,
  CLAIMANTS,
  change,
  clockOf,
  learn,
  loadAll,
  MAY,
  numbersOf,
  reading,
  type Scene,
  tables,
} from './acting.ts';
import { DRAWN_LOOKS } from './drawn-looks.ts';
import { lookAt } from './looks.ts';

/** What people ask of the figures: refreshes, reports, explanations, differences, answers to claims. */
export const FIGURES: readonly Scene[] = [
  {
    name: 'refresh of months',
    from: 'taken',
    async play(app, _, say) {
      for (const cycle of [...CYCLES, BETWEEN, '2022-09']) say(await answer(() => refresh(app, cycle)));
      say(await tables(app));
    },
  },
  {
    name: 'refresh of the sample',
    from: 'sample',
    now: MAY,
    async play(app, _, say) {
      say(await answer(() => refresh(app, '2020-05')));
      say(await tables(app));
      say(await answer(() => refresh(app, '2020-05')));
    },
  },
  {
    name: 'explain months',
    from: 'taken',
    async play(app, _, say) {
      await refresh(app, CYCLES[1]);
      for (const number of await numbersOf(app, 2)) say(await answer(() => explain(app, { number })));
    },
  },
  {
    name: 'reports of months',
    from: 'taken',
    async play(app, _, say) {
      for (const cycle of CYCLES) await refresh(app, cycle);
      say(await answer(() => writeReports(reading(app, say), CYCLES[1])));
    },
  },
  {
    name: 'what came later',
    from: 'refreshed',
    now: MAY,
    async play(app, folder, say) {
      await learn(app, folder, async (loaded) => {
        say(loaded);
        say(await answer(() => refresh(app, '2020-05')));
      });
      say(await answer(() => withdrawFile(app, 'marketplace-2019-08.csv', 'wrong')));
      say(await answer(() => refresh(app, '2020-05', { plan: true })));
      for (const cycle of ['2020-05', '2020-04'])
        say(await answer(() => refresh(app, cycle, { restate: true, reason: 'facts changed' })));
      say(await tables(app));
      say(await answer(() => writeReports(reading(app, say), '2020-05', { only: { partner: '4100118' } })));
    },
  },
  {
    name: 'explain the sample',
    from: 'refreshed',
    now: MAY,
    async play(app, _, say) {
      for (const number of await numbersOf(app, 1)) say(await answer(() => explain(app, { number })));
      for (let row = 2; row < 40; row += 9)
        say(await answer(() => explain(app, { file: 'marketplace-2020-05.csv', row })));
    },
  },
  {
    name: 'reports of the sample',
    from: 'refreshed',
    now: MAY,
    async play(app, folder, say) {
      const reader = reading(app, say);
      say(await answer(() => writeReports(reader, '2020-05')));
      for (const only of [{ share: 1, shares: 3 }, { partner: '4100118' }])
        say(await answer(() => writeReports(reader, '2020-05', { only })));
      await learn(app, folder, async (loaded) => say(loaded));
      say(await answer(() => refresh(app, '2020-05', { restate: true, reason: 'facts changed' })));
      say(await answer(() => writeReports(reader, '2020-05', { only: 'program' })));
      say(await answer(() => writeReports(reader, '2020-05', { revision: 1, only: 'program' })));
    },
  },
  {
    name: 'the worked example',
    from: '',
    now: '2024-07-15T08:00:00Z',
    async play(app, _, say) {
      const folder = join(CASES, 'kpi/worked-example');
      await loadAll(app, join(folder, 'reference'), [...KINDS, 'rates']);
      say(await answer(() => ingestFile(app, join(folder, 'invoices/fy20.csv'))));
      for (const cycle of ['2020-05', '2020-06']) say(await answer(() => refresh(app, cycle)));
      say(await answer(() => ingestFile(app, join(folder, 'invoices/fy24.csv'))));
      say(await answer(() => refresh(app, '2024-07')));
      for (const cycle of ['2020-05', '2020-06', '2024-07'])
        say(await answer(() => writeReports(reading(app, say), cycle)));
      say(await tables(app));
    },
  },
  {
    name: 'refresh under other rules',
    from: 'taken under other rules',
    async play(app, folder, say) {
      for (const cycle of CYCLES) say(await answer(() => refresh(app, cycle)));
      say(await tables(app));
      await change(app, folder, 'MONTHS', async (told) => say(told));
      say(await answer(() => refresh(app, CYCLES[1], { plan: true })));
      say(await answer(() => writeReports(reading(app, say), CYCLES[1], { only: 'program' })));
    },
  },
  {
    name: 'what changed in the months',
    from: 'taken in between',
    async play(app, folder, say) {
      const point = (no: number) => ({ instant: clockOf(no), label: `change ${no}` });
      const compared = async (asked: { from?: Point; to?: Point }) =>
        say(await answer(() => changesBetween(app, BETWEEN, { ...asked, first: 100_000 })));
      await compared({ from: { revision: 1 } });
      await compared({ from: point(20), to: point(26) });
      say(await answer(() => refresh(app, BETWEEN, { restate: true, reason: 'facts changed' })));
      await change(app, folder, 'MONTHS', async (told) => say(told));
      await compared({ from: { revision: 2 } });
      say(await answer(() => refresh(app, BETWEEN, { restate: true, reason: 'once more' })));
      say(
        await answer(() =>
          writeReports(reading(app, say), BETWEEN, { asKnownOn: point(24), only: 'program' }),
        ),
      );
      say(await answer(() => writeReports(reading(app, say), BETWEEN)));
      say(await tables(app));
    },
  },
  {
    name: 'rules that are only tried',
    from: 'taken in between',
    async play(app, _, say) {
      const levels = programOf('levels').texts.map((text, index) => ({ text, shown: `rules ${index + 1}` }));
      const tried = levels.map(({ text, shown }) => ({
        shown,
        text: text.replaceAll('at_least: 1,', 'at_least: 2,').replaceAll('weight: 2,', 'weight: 3,'),
      }));
      for (const cycle of [BETWEEN, ...CYCLES]) {
        say(await answer(() => planRules(app, cycle, levels)));
        say(await answer(() => planRules(app, cycle, tried)));
      }
      say(await answer(() => useAllRules(app, tried)));
      for (const cycle of CYCLES) say(await answer(() => refresh(app, cycle)));
      say(await answer(() => changesBetween(app, BETWEEN, { from: { revision: 1 }, first: 100_000 })));
      say(await tables(app));
    },
  },
  {
    name: 'answers to claims',
    from: 'claimed',
    async play(app, _, say) {
      for (const { claim, partner } of draw(CLAIMANTS).drawn) {
        const question = { partner: partner.mpnId, cycle: CYCLE };
        say(await answer(() => app.db.transaction('reconcile', (tx) => solve(tx, app, claim, question))));
      }
    },
  },
  ...DRAWN_LOOKS.map(
    ({ file }): Scene => ({
      name: `drawn ${file}`,
      from: 'drawn',
      play: (app, _, say) => lookAt(app, [file], say, DRAWN_LOOKS),
    }),
  ),
  ...readdirSync(join(CASES, 'kpi'))
    .filter((name) => existsSync(join(CASES, 'kpi', name, 'story.json')))
    .map(
      (name): Scene => ({
        name: `worked example ${name}`,
        from: '',
        now: '2024-12-15T08:00:00Z',
        async play(app, _, say) {
          const folder = join(CASES, 'kpi', name);
          const { rules = [], cycles } = JSON.parse(readFileSync(join(folder, 'story.json'), 'utf8')) as {
            rules?: string[];
            cycles: string[];
          };
          // In the place of the set that is in force.
          const texts = rules.map((shown) => ({
            shown,
            text: readFileSync(join(CASES, '../..', shown), 'utf8').replace(
              /^name: .*$/m,
              'name: sample-silver-gold',
            ),
          }));
          if (texts.length > 0) say(await answer(() => useAllRules(app, texts, { leaveGap: true })));
          for (const kind of KIND_NAMES)
            if (existsSync(join(folder, `${kind}.csv`)))
              say(await answer(() => loadReference(app, kind, join(folder, `${kind}.csv`))));
          say(await answer(() => ingestFile(app, join(folder, 'invoices.csv'))));
          for (const cycle of cycles) {
            say(await answer(() => refresh(app, cycle)));
            say(await answer(() => writeReports(reading(app, say), cycle)));
          }
          say(await tables(app));
        },
      }),
    ),
];
