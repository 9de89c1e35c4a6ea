import type { Decision, InvoiceFile, Reference, World } from '../../samples/truth.ts';
import type { Ask } from '../chaos/audit.ts';
import type { Load } from './story.ts';

type Kind = Exclude<keyof Reference, 'ecb'>;

/** What a row is about: a later file that names it says everything about it anew. */
const KEYS: Readonly<Record<Kind, readonly string[]>> = {
  partners: ['mpn_id'],
  locations: ['location_mpn_id'],
  customers: ['program', 'customer_number'],
  enrolments: ['partner_mpn_id', 'competency'],
  attainments: ['partner_mpn_id', 'competency', 'measure'],
  products: ['sku'],
  manualRates: ['currency', 'rate_date'],
  listings: ['partner_mpn_id', 'country'],
};
const KINDS = Object.keys(KEYS) as Kind[];

type Said = { readonly no: number } & (
  | { readonly what: 'load'; readonly says: Load['says'] }
  | {
      readonly what: 'decision';
      readonly sha256: string;
      readonly row: number;
      readonly verdict: Decision['verdict'];
    }
);

interface Stored {
  readonly sha256: string;
  readonly no: number;
  readonly ended: number | null;
}

/**
 * What was known at each change: what this world said and when, against the change numbers that the ledger gave it. The
 * auditor is asked about the world at a revision's cut-off.
 */
export class Known {
  readonly #ask: Ask;
  readonly #said: Said[] = [];
  /** By sha256: every whole file that ever lay in the inbox. */
  readonly #delivered = new Map<string, InvoiceFile>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  deliver(sha256: string, file: InvoiceFile): void {
    if (!this.#delivered.has(sha256)) this.#delivered.set(sha256, file);
  }

  /** What a person just said; it has the newest change's number. */
  async load(says: Load['says']): Promise<void> {
    this.#said.push({ no: await this.#newest(), what: 'load', says });
  }

  async decide(sha256: string, row: number, verdict: Decision['verdict']): Promise<void> {
    this.#said.push({ no: await this.#newest(), what: 'decision', sha256, row, verdict });
  }

  async #newest(): Promise<number> {
    const [row] = await this.#ask<{ no: string }>('select max(no) as no from change');
    return Number(row!.no);
  }

  async stored(): Promise<Stored[]> {
    const rows = await this.#ask<{ sha256: string; no: string; ended: string | null }>(
      `select sha256, change_no as no, ended_no as ended from file where kind = 'invoices' order by change_no, id`,
    );
    return rows.map(({ sha256, no, ended }) => ({
      sha256,
      no: Number(no),
      ended: ended === null ? null : Number(ended),
    }));
  }

  /** Files that are known although nobody delivered them whole. */
  async strangers(): Promise<string[]> {
    return (await this.stored())
      .filter(({ sha256 }) => !this.#delivered.has(sha256))
      .map(({ sha256 }) => sha256);
  }

  fileOf(sha256: string): InvoiceFile | undefined {
    return this.#delivered.get(sha256);
  }

  /** The world as it was known when `cutoff` was the newest change. */
  async worldAt(cutoff: number): Promise<World> {
    const stored = (await this.stored()).filter(({ no }) => no <= cutoff);
    const files = stored.map(({ sha256, ended }): InvoiceFile => {
      const file = this.#delivered.get(sha256);
      if (!file) throw new Error(`a file ${sha256} is known that nobody delivered`);
      return ended !== null && ended <= cutoff ? { ...file, withdrawn: true } : file;
    });
    const said = this.#said.filter(({ no }) => no <= cutoff);
    const decisions = said.flatMap((one): Decision[] => {
      if (one.what !== 'decision') return [];
      const known = stored.filter(({ no }) => no < one.no);
      // The newest of the same bytes: those that stood when it was decided.
      const file = known.findLastIndex(({ sha256 }) => sha256 === one.sha256);
      return [{ known: known.length, file, row: one.row, verdict: one.verdict }];
    });
    const loads = said.flatMap((one) => (one.what === 'load' ? [one.says] : []));
    return { reference: together(loads), files, decisions };
  }
}

/** What loads say together: of what a row is about, the last file that names it. */
function together(loads: ReadonlyArray<Load['says']>): Reference {
  const found = Object.fromEntries(
    KINDS.map((kind) => {
      const keyOf = (row: object): string =>
        JSON.stringify(KEYS[kind].map((column) => (row as Record<string, string>)[column]));
      const held = new Map<string, object[]>();
      for (const says of loads) {
        const rows: readonly object[] = says[kind] ?? [];
        for (const row of rows) held.delete(keyOf(row));
        for (const row of rows) held.set(keyOf(row), [...(held.get(keyOf(row)) ?? []), row]);
      }
      return [kind, [...held.values()].flat()];
    }),
  );
  const [header = '', ...lines] = loads
    .map(({ ecb }) => ecb ?? '')
    .flatMap((ecb) => ecb.split('\n'))
    .filter((line) => line !== '');
  const ecb = [header, ...lines.filter((line) => line !== header)].join('\n');
  return { ...(found as unknown as Omit<Reference, 'ecb'>), ecb };
}
