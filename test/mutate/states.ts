import { join } from 'node:path';
import { csvTable } from '../../samples/csv.ts';
import { ingestAll } from '../../src/invoice/sweep.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import { useAllRules } from '../../src/kpi/rules.ts';
import { loadReference } from '../../src/reference/load.ts';
import { KINDS, referenceOf } from '../property/month.ts';
import { type ProgramName, programOf } from '../property/program.ts';
import { takeIn } from '../reconcile/check.ts';
import {
  CASES,
  CLAIMANTS,
  clockOf,
  loadAll,
  MAY,
  MONTHS,
  SAMPLE_FILES,
  SAMPLES,
  type Scene,
  takeMonths,
  write,
} from './acting.ts';
import { DRAWN_FACTS } from './drawn-facts.ts';

/** Reference data of the small months, and the rules that they are played under. */
const months = (name: string, program: ProgramName): Scene => ({
  name,
  from: '',
  async play(app, folder) {
    const rules = programOf(program).texts.map((text, index) => ({ text, shown: `rules ${index + 1}` }));
    await useAllRules(app, rules);
    const reference = referenceOf(MONTHS);
    for (const kind of KINDS)
      await write(folder, `${kind}.csv`, csvTable(reference[kind], Object.keys(reference[kind][0]!)));
    await write(folder, 'rates.csv', reference.ecb);
    await loadAll(app, folder, [...KINDS, 'rates']);
  },
});

/** What scenes begin with: made by the unchanged SQL, each on top of another one. */
export const STATES: readonly Scene[] = [
  {
    name: 'known',
    from: '',
    play: (app) =>
      loadAll(app, join(CASES, 'ingest/reference'), ['partners', 'locations', 'customers', 'products']),
  },
  months('months', 'levels'),
  { name: 'taken', from: 'months', play: (app, folder) => takeMonths(app, folder, 0) },
  months('under other rules', 'varied'),
  {
    name: 'taken under other rules',
    from: 'under other rules',
    play: (app, folder) => takeMonths(app, folder, 0),
  },
  // Each change with a moment of its own, and a refresh in between.
  {
    name: 'taken in between',
    from: 'months',
    now: clockOf,
    play: (app, folder) => takeMonths(app, folder, 1),
  },
  {
    name: 'drawn',
    from: '',
    play: (app) =>
      app.db.transaction('drawn', async (tx) => {
        for (const facts of DRAWN_FACTS) await tx.rows(facts);
      }),
  },
  { name: 'claimed', from: '', play: (app, folder) => takeIn(app, folder, CLAIMANTS) },
  {
    name: 'sample',
    from: '',
    now: MAY,
    async play(app) {
      for (const [kind, name] of SAMPLE_FILES) {
        const { status } = await loadReference(app, kind, join(SAMPLES, 'reference', name));
        if (status !== 'loaded') throw new Error(`${name} ${status}`);
      }
      await ingestAll(app, [join(SAMPLES, 'invoices')]);
    },
  },
  {
    name: 'refreshed',
    from: 'sample',
    now: MAY,
    async play(app) {
      for (const cycle of ['2020-04', '2020-05']) await refresh(app, cycle);
    },
  },
];
