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
  CASES,
  MAY,
  reading,
  SAMPLES,
  type Scene,
  stories,
  takeMonths,
  tell,
  tried,
  write,
} from './acting.ts';
import { DIRECTORY_PARTNERS, DIRECTORY_STORY } from './directory-story.ts';
import { DRAWN_LOOKS } from './drawn-looks.ts';
import { FIGURES } from './figures.ts';
import { BROKEN, correcting, TOGETHER } from './invoice-story.ts';
import { lookAt, looksOf } from './looks.ts';
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
      async play(app, folder) {
        await takeMonths(app, folder, which);
        await waitingRows(app);
      },
    }),
  ),
  {
    name: 'every story, one behind the other',
    from: 'known',
    async play(app) {
      for (const { files, profile } of STORIES)
        for (const file of files) await tried(() => ingestFile(app, file, profile));
      await waitingRows(app);
      for (const cycle of ['2019-06', '2019-08']) await tried(() => refresh(app, cycle));
    },
  },
  ...STORIES.filter(({ name }) => TOLD.includes(name)).map(
    (story): Scene => ({
      name: `story ${story.name}`,
      from: 'known',
      play: (app) => tell(app, story),
    }),
  ),
  {
    name: 'decisions about months',
    from: 'taken',
    async play(app) {
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
            await tried(() => decide(app, number, verdict, options));
          }
        }
        await waitingRows(app);
      }
    },
  },
  {
    name: 'rows that come back corrected',
    from: 'known',
    async play(app, folder) {
      const take = async (files: typeof BROKEN) => {
        for (const [name, content] of files) {
          const path = await write(folder, name, content);
          await tried(() => ingestFile(app, path));
        }
        await waitingRows(app);
      };
      await take(BROKEN);
      const shas = Object.fromEntries(
        BROKEN.map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]),
      );
      const corrections = correcting(shas['broken.csv']!, shas['other.csv']!);
      await take(corrections.slice(0, 1));
      await take(corrections.slice(1));
      await tried(() => refresh(app, '2019-08'));
      for (const [name] of [...corrections].reverse()) {
        await tried(() => withdrawFile(app, name, 'typed in haste'));
        await waitingRows(app);
      }
      await take(corrections);
      await tried(() => withdrawFile(app, 'broken.csv', 'wrong'));
      await waitingRows(app);
    },
  },
  {
    name: 'e-invoices together',
    from: 'known',
    async play(app, folder) {
      for (const [name, content] of TOGETHER) await write(join(folder, 'in'), name, content);
      const alone = [...BROKEN.map(([name]) => name), ...TOGETHER.map(([name]) => join('in', name))];
      for (const [name, content] of BROKEN) await write(folder, name, content);
      const look = async () => {
        for (const name of alone) {
          const path = join(folder, name);
          await tried(() => ingestFile(app, path, { dryRun: true }));
        }
      };
      await look();
      await tried(() => ingestAll(app, [join(folder, 'in')]));
      await waitingRows(app);
      await look();
      await tried(() => refresh(app, '2019-08'));
    },
  },
  {
    name: 'the newest file of the sample again',
    from: 'sample',
    now: MAY,
    async play(app) {
      const path = join(SAMPLES, 'invoices/marketplace-2020-05.csv');
      await tried(() => withdrawFile(app, basename(path), 'wrong'));
      await tried(async () => withVerdicts(app, path, await ingestFile(app, path, { dryRun: true })));
      await tried(() => ingestFile(app, path));
      await waitingRows(app);
    },
  },
];

const OTHERS: readonly Scene[] = [
  {
    name: 'completeness',
    from: 'sample',
    now: MAY,
    async play(app) {
      const look = async () => {
        for (const cycle of ['2019-04', '2019-05', '2019-09', '2020-05', '2020-06', '2020-07'])
          await tried(() => gapsOf(app, cycle));
      };
      await look();
      await withdrawFile(app, 'marketplace-2020-04.csv', 'wrong');
      await look();
      await tried(() => acceptGaps(app, '2020-05', 'so it is'));
      await look();
      await lookAt(app, looksOf('checks/completeness'));
    },
  },
  {
    name: 'figures that do not balance',
    from: 'refreshed',
    now: MAY,
    play: (app) =>
      lookAt(
        app,
        looksOf('checks/conservation', 'checks/file_conservation', 'checks/report_equals_snapshot'),
      ),
  },
  {
    name: 'the directory',
    from: 'refreshed',
    now: MAY,
    async play(app, folder) {
      const reader = reading(app);
      const show = async (cycle: string) => {
        await tried(() => showDirectory(reader, cycle));
        for (const partner of DIRECTORY_PARTNERS) await tried(() => showDirectory(reader, cycle, partner));
      };
      let loaded = 0;
      const load = async ([kind, text]: readonly [KindName, string]) => {
        loaded += 1;
        const path = await write(folder, `${loaded}.csv`, text);
        await tried(() => loadReference(app, kind, path));
      };
      await refresh(app, '2020-03');
      for (const { cycle, loads, after = [] } of DIRECTORY_STORY) {
        for (const each of loads) await load(each);
        await show(cycle);
        await tried(() => assembleDirectory(reader, cycle));
        await show(cycle);
        if (cycle === '2020-05') break;
        await tried(() => submitDirectory(reader, cycle));
        for (const each of after) await load(each);
        await show(cycle);
      }
      await lookAt(
        app,
        looksOf('marts/directory_entries', 'marts/directory_enrolments', 'marts/directory_requests'),
      );
    },
  },
  {
    name: 'reference data',
    from: 'known',
    async play(app, folder) {
      for (const name of ['plain-month', 'unnumbered-equal', 'blank-and-unknown-customer'])
        await tried(() => ingestFile(app, join(CASES, 'ingest', name, 'input.csv')));
      for (const [index, [kind, text]] of REFERENCE_STORY.entries()) {
        const path = await write(folder, `${index}.csv`, text);
        await tried(() => loadReference(app, kind, path));
      }
      // The first files once more, which take back what later ones changed.
      for (const index of [0, 3, 7, 9]) {
        const [kind] = REFERENCE_STORY[index]!;
        await tried(() => loadReference(app, kind, join(folder, `${index}.csv`)));
      }
    },
  },
];

/** Each file by itself, of facts that are put there by hand. */
const DRAWN: readonly Scene[] = [...new Set(DRAWN_LOOKS.map(({ file }) => file))].map((file): Scene => {
  const looks = DRAWN_LOOKS.filter((look) => look.file === file);
  return {
    name: `drawn ${file}`,
    from: looks[0]!.from ?? 'drawn',
    isDrawn: true,
    play: (app) => lookAt(app, looks),
  };
});

export const SCENES: readonly Scene[] = [...DRAWN, ...OTHERS, ...FIGURES, ...INVOICES];
