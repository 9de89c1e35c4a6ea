import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { assembleDirectory } from '../../src/directory/assemble.ts';
import { showDirectory } from '../../src/directory/show.ts';
import { submitDirectory } from '../../src/directory/submit.ts';
import { ingestFile } from '../../src/invoice/ingest.ts';
import { decide, waitingRows } from '../../src/invoice/quarantine.ts';
import { ingestAll } from '../../src/invoice/sweep.ts';
import { withVerdicts } from '../../src/invoice/verdicts.ts';
import { withdrawFile } from '../../src/invoice/withdraw.ts';
import { acceptGaps, gapsOf } from '../../src/kpi/completeness.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import type { KindName } from '../../src/reference/kinds.ts';
import { loadReference } from '../../src/reference/load.ts';
import {
  answer,
  CASES,
  MAY,
  reading,
  SAMPLES,
  type Scene,
  settle,
  stories,
  tables,
  takeMonths,
  tell,
  write,
} from './acting.ts';
import { DIRECTORY_PARTNERS, DIRECTORY_STORY } from './directory-story.ts';
import { FIGURES } from './figures.ts';
import { BROKEN, correcting, TOGETHER } from './invoice-story.ts';
import { lookAt } from './looks.ts';
import { REFERENCE_STORY } from './reference-story.ts';

const STORIES = stories();
/** Stories in which decisions and withdrawals say most. */
const TOLD = [
  'cell-without-value',
  'conflict',
  'corrected-twice',
  'document-type-unknown',
  'three-versions',
  'unnumbered-conflict',
];

const INVOICES: readonly Scene[] = [
  ...([0, 1] as const).map(
    (which): Scene => ({
      name: `months ${'AB'[which]}`,
      from: 'months',
      async play(app, folder, say) {
        await takeMonths(app, folder, which, say);
        say(await settle(app));
      },
    }),
  ),
  {
    name: 'every story, one behind the other',
    from: 'known',
    async play(app, _, say) {
      for (const { files, profile } of STORIES)
        for (const file of files) say(await answer(() => ingestFile(app, file, profile)));
      say(await settle(app));
      for (const cycle of ['2019-06', '2019-08']) say(await answer(() => refresh(app, cycle)));
      say(await tables(app));
    },
  },
  ...STORIES.filter(({ name }) => TOLD.includes(name)).map(
    (story): Scene => ({
      name: `story ${story.name}`,
      from: 'known',
      play: (app, _, say) => tell(app, story, say),
    }),
  ),
  {
    name: 'decisions about months',
    from: 'taken',
    async play(app, _, say) {
      const waiting = await waitingRows(app);
      const rules = new Map<string, Set<string>>();
      for (const { rule, number } of waiting)
        if (number) rules.set(rule, (rules.get(rule) ?? new Set()).add(number));
      const numbers = [...rules.values()].flatMap((found) => [...found].sort().slice(0, 3));
      for (const verdict of ['release', 'reopen', 'refuse'] as const) {
        for (const number of new Set(numbers)) {
          const files = [
            ...new Set(waiting.filter((row) => row.number === number).map(({ file }) => file)),
          ].sort();
          for (const file of verdict === 'reopen' ? [undefined] : [undefined, files.at(-1)!]) {
            const options = { reason: 'so it is', ...(file ? { file } : {}) };
            say(await answer(() => decide(app, number, verdict, options)));
          }
        }
        say(await settle(app));
      }
    },
  },
  {
    name: 'rows that come back corrected',
    from: 'known',
    async play(app, folder, say) {
      const take = async (files: typeof BROKEN) => {
        for (const [name, content] of files) {
          const path = await write(folder, name, content);
          say(await answer(() => ingestFile(app, path)));
        }
        say(await settle(app));
      };
      await take(BROKEN);
      const shas = Object.fromEntries(
        BROKEN.map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]),
      );
      const corrections = correcting(shas['broken.csv']!, shas['other.csv']!);
      await take(corrections.slice(0, 1));
      await take(corrections.slice(1));
      say(await answer(() => refresh(app, '2019-08')));
      for (const [name] of [...corrections].reverse()) {
        say(await answer(() => withdrawFile(app, name, 'typed in haste')));
        say(await settle(app));
      }
      await take(corrections);
      say(await answer(() => withdrawFile(app, 'broken.csv', 'wrong')));
      say(await settle(app));
    },
  },
  {
    name: 'e-invoices together',
    from: 'known',
    async play(app, folder, say) {
      for (const [name, content] of TOGETHER) await write(join(folder, 'in'), name, content);
      const alone = [...BROKEN.map(([name]) => name), ...TOGETHER.map(([name]) => join('in', name))];
      for (const [name, content] of BROKEN) await write(folder, name, content);
      const look = async () => {
        for (const name of alone) {
          const path = join(folder, name);
          say(await answer(() => ingestFile(app, path, { dryRun: true })));
        }
      };
      await look();
      say(await answer(() => ingestAll(app, [join(folder, 'in')])));
      say(await settle(app));
      await look();
      say(await answer(() => refresh(app, '2019-08')));
      say(await tables(app));
    },
  },
  {
    name: 'the newest file of the sample again',
    from: 'sample',
    now: MAY,
    async play(app, _, say) {
      const path = join(SAMPLES, 'invoices/marketplace-2020-05.csv');
      say(await answer(() => withdrawFile(app, basename(path), 'wrong')));
      say(await answer(async () => withVerdicts(app, path, await ingestFile(app, path, { dryRun: true }))));
      say(await answer(() => ingestFile(app, path)));
      say(await settle(app));
    },
  },
];

const OTHERS: readonly Scene[] = [
  {
    name: 'completeness',
    from: 'sample',
    now: MAY,
    async play(app, _, say) {
      const look = async () => {
        for (const cycle of ['2019-04', '2019-05', '2019-09', '2020-05', '2020-06', '2020-07'])
          say(await answer(() => gapsOf(app, cycle)));
      };
      await look();
      await withdrawFile(app, 'marketplace-2020-04.csv', 'wrong');
      await look();
      say(await answer(() => acceptGaps(app, '2020-05', 'so it is')));
      await look();
      await lookAt(app, ['checks/completeness'], say);
      say(await tables(app));
    },
  },
  {
    name: 'figures that do not balance',
    from: 'refreshed',
    now: MAY,
    play: (app, _, say) =>
      lookAt(app, ['checks/conservation', 'checks/file_conservation', 'checks/report_equals_snapshot'], say),
  },
  {
    name: 'the directory',
    from: 'refreshed',
    now: MAY,
    async play(app, folder, say) {
      const reader = reading(app, say);
      const show = async (cycle: string) => {
        say(await answer(() => showDirectory(reader, cycle)));
        for (const partner of DIRECTORY_PARTNERS)
          say(await answer(() => showDirectory(reader, cycle, partner)));
      };
      let loaded = 0;
      const load = async ([kind, text]: readonly [KindName, string]) => {
        loaded += 1;
        const path = await write(folder, `${loaded}.csv`, text);
        say(await answer(() => loadReference(app, kind, path)));
      };
      await refresh(app, '2020-03');
      for (const { cycle, loads, after = [] } of DIRECTORY_STORY) {
        for (const each of loads) await load(each);
        await show(cycle);
        say(await answer(() => assembleDirectory(reader, cycle)));
        await show(cycle);
        if (cycle === '2020-05') break;
        say(await answer(() => submitDirectory(reader, cycle)));
        for (const each of after) await load(each);
        await show(cycle);
      }
      say(await tables(app));
      await lookAt(
        app,
        ['marts/directory_entries', 'marts/directory_enrolments', 'marts/directory_requests'],
        say,
      );
    },
  },
  {
    name: 'reference data',
    from: 'known',
    async play(app, folder, say) {
      for (const name of ['plain-month', 'unnumbered-equal', 'blank-and-unknown-customer'])
        say(await answer(() => ingestFile(app, join(CASES, 'ingest', name, 'input.csv'))));
      for (const [index, [kind, text]] of REFERENCE_STORY.entries()) {
        const path = await write(folder, `${index}.csv`, text);
        say(await answer(() => loadReference(app, kind, path)));
        say(await tables(app));
      }
      // The first files once more, which take back what later ones changed.
      for (const index of [0, 3, 7, 9]) {
        const [kind] = REFERENCE_STORY[index]!;
        say(await answer(() => loadReference(app, kind, join(folder, `${index}.csv`))));
        say(await tables(app));
      }
    },
  },
];

export const SCENES: readonly Scene[] = [...FIGURES, ...OTHERS, ...INVOICES];
