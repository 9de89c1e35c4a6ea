import { join } from 'node:path';
import { csvTable } from '../../samples/csv.ts';
import { ingestAll } from '../../src/invoice/sweep.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import { loadReference } from '../../src/reference/load.ts';
import { KINDS, referenceOf } from '../property/month.ts';
import {
  CASES,
  loadAll,
  MAY,
  MONTHS,
  SAMPLE_FILES,
  SAMPLES,
  type Scene,
  silent,
  takeMonths,
  write,
} from './acting.ts';

/** What scenes begin with: made by the unchanged SQL, each on top of another one. */
export const STATES: readonly Scene[] = [
  {
    name: 'known',
    from: '',
    play: (app) =>
      loadAll(app, join(CASES, 'ingest/reference'), ['partners', 'locations', 'customers', 'products']),
  },
  {
    name: 'months',
    from: '',
    async play(app, folder) {
      const reference = referenceOf(MONTHS);
      for (const kind of KINDS)
        await write(folder, `${kind}.csv`, csvTable(reference[kind], Object.keys(reference[kind][0]!)));
      await write(folder, 'rates.csv', reference.ecb);
      await loadAll(app, folder, [...KINDS, 'rates']);
    },
  },
  { name: 'taken', from: 'months', play: (app, folder) => takeMonths(app, folder, 0, silent) },
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
