import { readFileSync } from 'node:fs';
import { openApp } from '../src/app.ts';
import { readSettings } from '../src/config.ts';
import type { Claim } from '../src/reconcile/answer.ts';
import { solve } from '../src/reconcile/solve.ts';
import { peakOf } from './ground.ts';

/** Answers one claim in a process of its own, so that its memory is its own: prints seconds, answer lines, peak memory. */
const [partner, cycle, path] = process.argv.slice(2) as [string, string, string];
const app = await openApp({ settings: readSettings(process.env), now: () => '2020-06-15T06:00:00.000Z' });
try {
  const claim = JSON.parse(readFileSync(path, 'utf8')) as Claim;
  const started = performance.now();
  const answer = await app.db.transaction('reconcile', (tx) => solve(tx, app, claim, { partner, cycle }));
  const seconds = (performance.now() - started) / 1000;
  const causes = answer.totals.lines;
  console.log(
    JSON.stringify({ seconds, lines: answer.lines.length, causes, megabytes: peakOf(process.pid) }),
  );
} finally {
  await app.close();
}
