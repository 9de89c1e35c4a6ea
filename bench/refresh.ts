import { addMonths } from '../src/calendar.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { type Figure, type Ground, largeFile, median, openOn, prepare, renumbered, shown } from './ground.ts';

const CYCLE = '2020-06';
const LAST = '2020-05';
const SHORT = 10;
const LONG = 100;

/**
 * Refresh (compute and snapshot, no workbooks) after `lines` new lines in the last two months: 100 months of history
 * against 10, at half as many lines a month. Each round brings new lines to both and restates the cycle.
 */
export async function benchRefresh(
  ground: Ground,
  lines: number,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  const times: Record<number, number[]> = { [SHORT]: [], [LONG]: [] };
  const fresh = await largeFile(ground, 'fresh', { lines, from: addMonths(LAST, -1), months: 2, seed: 9 });
  const apps = [];
  try {
    for (const months of [SHORT, LONG]) {
      const from = addMonths(LAST, 1 - months);
      const history = await largeFile(ground, `months${months}`, {
        lines: (lines / 2) * months,
        from,
        months,
      });
      const url = await ground.database(`months${months}`);
      await prepare(ground, url, history.folder);
      const app = await openOn(ground, url);
      apps.push({ months, app });
      await ingestFile(app, history.path);
      await refresh(app, CYCLE);
      say(`refresh: ${months} months of history are there`);
    }
    for (let pair = 1; pair <= pairs; pair++) {
      const more = await renumbered(fresh.path, `N${pair}X`);
      for (const { months, app } of apps) {
        await ingestFile(app, more);
        await ground.settle();
        const started = performance.now();
        const { outcome } = await refresh(app, CYCLE, { restate: true, reason: 'bench' });
        times[months]!.push((performance.now() - started) / 1000);
        if (outcome !== 'refreshed') throw new Error(`the refresh of ${months} months was ${outcome}`);
      }
      say(
        `refresh ${pair} of ${pairs}: ${SHORT} months ${times[SHORT]!.at(-1)!.toFixed(2)} s, ${LONG} months ${times[LONG]!.at(-1)!.toFixed(2)} s`,
      );
    }
  } finally {
    for (const { app } of apps) await app.close();
    for (const months of [SHORT, LONG]) await ground.drop(`months${months}`);
  }
  return [
    {
      bench: 'refresh',
      atMost: 1.3,
      figure: `time of a refresh after ${lines.toLocaleString('en')} new lines, ${LONG} months of history / ${SHORT}`,
      value: median(times[LONG]!.map((seconds, index) => seconds / times[SHORT]![index]!)),
      madeOf: `${LONG} months ${shown(times[LONG]!)} s; ${SHORT} months ${shown(times[SHORT]!)} s`,
    },
  ];
}
