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
  tried,
} from './acting.ts';

/** What people ask of the figures: refreshes, reports, explanations, differences, answers to claims. */
export const FIGURES: readonly Scene[] = [
  {
    name: 'refresh of months',
    from: 'taken',
    async play(app) {
      for (const cycle of [...CYCLES, BETWEEN, '2022-09']) await tried(() => refresh(app, cycle));
    },
  },
  {
    name: 'refresh of the sample',
    from: 'sample',
    now: MAY,
    async play(app) {
      await tried(() => refresh(app, '2020-05'));
      await tried(() => refresh(app, '2020-05'));
    },
  },
  {
    name: 'explain months',
    from: 'taken',
    async play(app) {
      await refresh(app, CYCLES[1]);
      for (const number of await numbersOf(app, 2)) await tried(() => explain(app, { number }));
    },
  },
  {
    name: 'reports of months',
    from: 'taken',
    async play(app) {
      for (const cycle of CYCLES) await refresh(app, cycle);
      await tried(() => writeReports(reading(app), CYCLES[1]));
    },
  },
  {
    name: 'what came later',
    from: 'refreshed',
    now: MAY,
    async play(app, folder) {
      await learn(app, folder, async () => {
        await tried(() => refresh(app, '2020-05'));
      });
      await tried(() => withdrawFile(app, 'marketplace-2019-08.csv', 'wrong'));
      await tried(() => refresh(app, '2020-05', { plan: true }));
      for (const cycle of ['2020-05', '2020-04'])
        await tried(() => refresh(app, cycle, { restate: true, reason: 'facts changed' }));
      await tried(() => writeReports(reading(app), '2020-05', { only: { partner: '4100118' } }));
    },
  },
  {
    name: 'explain the sample',
    from: 'refreshed',
    now: MAY,
    async play(app) {
      for (const number of await numbersOf(app, 1)) await tried(() => explain(app, { number }));
      for (let row = 2; row < 40; row += 9)
        await tried(() => explain(app, { file: 'marketplace-2020-05.csv', row }));
    },
  },
  {
    name: 'reports of the sample',
    from: 'refreshed',
    now: MAY,
    async play(app, folder) {
      const reader = reading(app);
      await tried(() => writeReports(reader, '2020-05'));
      for (const only of [{ share: 1, shares: 3 }, { partner: '4100118' }])
        await tried(() => writeReports(reader, '2020-05', { only }));
      await learn(app, folder);
      await tried(() => refresh(app, '2020-05', { restate: true, reason: 'facts changed' }));
      await tried(() => writeReports(reader, '2020-05', { only: 'program' }));
      await tried(() => writeReports(reader, '2020-05', { revision: 1, only: 'program' }));
    },
  },
  {
    name: 'the worked example',
    from: '',
    now: '2024-07-15T08:00:00Z',
    async play(app) {
      const folder = join(CASES, 'kpi/worked-example');
      await loadAll(app, join(folder, 'reference'), [...KINDS, 'rates']);
      await tried(() => ingestFile(app, join(folder, 'invoices/fy20.csv')));
      for (const cycle of ['2020-05', '2020-06']) await tried(() => refresh(app, cycle));
      await tried(() => ingestFile(app, join(folder, 'invoices/fy24.csv')));
      await tried(() => refresh(app, '2024-07'));
      for (const cycle of ['2020-05', '2020-06', '2024-07'])
        await tried(() => writeReports(reading(app), cycle));
    },
  },
  {
    name: 'refresh under other rules',
    from: 'taken under other rules',
    async play(app, folder) {
      for (const cycle of CYCLES) await tried(() => refresh(app, cycle));
      await change(app, folder);
      await tried(() => refresh(app, CYCLES[1], { plan: true }));
      await tried(() => writeReports(reading(app), CYCLES[1], { only: 'program' }));
    },
  },
  {
    name: 'what changed in the months',
    from: 'taken in between',
    async play(app, folder) {
      const point = (no: number) => ({ instant: clockOf(no), label: `change ${no}` });
      const compared = async (asked: { from?: Point; to?: Point }) =>
        await tried(() => changesBetween(app, BETWEEN, { ...asked, first: 100_000 }));
      await compared({ from: { revision: 1 } });
      await compared({ from: point(20), to: point(26) });
      await tried(() => refresh(app, BETWEEN, { restate: true, reason: 'facts changed' }));
      await change(app, folder);
      await compared({ from: { revision: 2 } });
      await tried(() => refresh(app, BETWEEN, { restate: true, reason: 'once more' }));
      await tried(() => writeReports(reading(app), BETWEEN, { asKnownOn: point(24), only: 'program' }));
      await tried(() => writeReports(reading(app), BETWEEN));
    },
  },
  {
    name: 'rules that are only tried',
    from: 'taken in between',
    async play(app) {
      const levels = programOf('levels').texts.map((text, index) => ({ text, shown: `rules ${index + 1}` }));
      const others = levels.map(({ text, shown }) => ({
        shown,
        text: text.replaceAll('at_least: 1,', 'at_least: 2,').replaceAll('weight: 2,', 'weight: 3,'),
      }));
      for (const cycle of [BETWEEN, ...CYCLES]) {
        await tried(() => planRules(app, cycle, levels));
        await tried(() => planRules(app, cycle, others));
      }
      await tried(() => useAllRules(app, others));
      for (const cycle of CYCLES) await tried(() => refresh(app, cycle));
      await tried(() => changesBetween(app, BETWEEN, { from: { revision: 1 }, first: 100_000 }));
    },
  },
  {
    name: 'answers to claims',
    from: 'claimed',
    async play(app) {
      for (const { claim, partner } of draw(CLAIMANTS).drawn) {
        const question = { partner: partner.mpnId, cycle: CYCLE };
        await tried(() => app.db.transaction('reconcile', (tx) => solve(tx, app, claim, question)));
      }
    },
  },
  ...readdirSync(join(CASES, 'kpi'))
    .filter((name) => existsSync(join(CASES, 'kpi', name, 'story.json')))
    .map(
      (name): Scene => ({
        name: `worked example ${name}`,
        from: '',
        now: '2024-12-15T08:00:00Z',
        async play(app) {
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
          if (texts.length > 0) await tried(() => useAllRules(app, texts, { leaveGap: true }));
          for (const kind of KIND_NAMES)
            if (existsSync(join(folder, `${kind}.csv`)))
              await tried(() => loadReference(app, kind, join(folder, `${kind}.csv`)));
          await tried(() => ingestFile(app, join(folder, 'invoices.csv')));
          for (const cycle of cycles) {
            await tried(() => refresh(app, cycle));
            await tried(() => writeReports(reading(app), cycle));
          }
        },
      }),
    ),
];
