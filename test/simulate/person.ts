import { setTimeout as sleep } from 'node:timers/promises';
import { type Draw, drawFrom } from '../../samples/random.ts';
import type { App } from '../../src/app.ts';
import { assembleDirectory } from '../../src/directory/assemble.ts';
import { confirmDirectory } from '../../src/directory/confirm.ts';
import { decide, waitingRows } from '../../src/invoice/quarantine.ts';
import { withdrawFile } from '../../src/invoice/withdraw.ts';
import { acceptGaps } from '../../src/kpi/completeness.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import { writeReports } from '../../src/kpi/report.ts';
import { cancel, pause, resume } from '../../src/ledger.ts';
import { runMonth } from '../../src/month.ts';
import type { Ask } from '../chaos/audit.ts';
import type { Crew } from './crew.ts';
import type { Inbox } from './inbox.ts';
import type { Known } from './known.ts';
import { hashOf } from './troubles.ts';

/** Longer than any cycle of such a small world takes. */
const HUNG_MS = 180_000;

/** What a person of operations or support does, by the functions behind the commands. */
export class Person {
  readonly #ask: Ask;
  readonly #known: Known;
  readonly #inbox: Inbox;
  readonly #seed: number;
  readonly #did: (what: string) => void;

  constructor(given: { ask: Ask; known: Known; inbox: Inbox; seed: number; did: (what: string) => void }) {
    this.#ask = given.ask;
    this.#known = given.known;
    this.#inbox = given.inbox;
    this.#seed = given.seed;
    this.#did = given.did;
  }

  #drawOf(what: string): Draw {
    return drawFrom(hashOf(`${this.#seed} ${what}`));
  }

  /** Looks at what waits, does what it says, and asks for those cycles again. */
  async answers(app: App, crew: Pick<Crew, 'rest' | 'work'>): Promise<void> {
    const waiting = await this.#ask<{ job: string; cycle: string }>(
      `select distinct job, cycle from occurrence where state in ('waiting', 'cancelled') order by cycle, job`,
    );
    for (const { job, cycle } of waiting) {
      if (job === 'refresh') await this.#letsPass(app, cycle);
      if (job === 'directory-visible') await this.#confirms(app, cycle);
      // What its sender is not done with stays as it is until the story says otherwise.
    }
    if (waiting.length === 0) return;
    // Which worker took a job, and with what trouble, would be a matter of luck: the command's own does.
    await crew.rest();
    for (const cycle of new Set(waiting.map((one) => one.cycle))) {
      this.#did('lkp cycle');
      const ran = runMonth(app, cycle, { reason: 'manual', until: app.now() });
      const hung = sleep(HUNG_MS, 'hung', { ref: false });
      if ((await Promise.race([ran, hung])) === 'hung')
        throw new Error(`lkp cycle ${cycle} did not end within ${HUNG_MS / 1000} s`);
    }
    await crew.work();
  }

  /** The directory shows the submission, now and then all but one entry. */
  async #confirms(app: App, cycle: string): Promise<void> {
    const draw = this.#drawOf(`confirms ${cycle}`);
    const entries = await this.#ask<{ entry: string }>(
      `select partner_mpn_id || '/' || country as entry from directory_entry
       where cycle = $1 and action <> 'removed' order by 1`,
      [cycle],
    );
    const later = await this.#ask('select from directory_submission where cycle > $1', [cycle]);
    const missing =
      later.length === 0 && entries.length > 1 && draw.chance(1, 4) ? [draw.pick(entries).entry] : [];
    const { assemble_again } = await confirmDirectory(app, cycle, {
      reopen: missing,
      reason: 'the page says so',
    });
    if (assemble_again) await assembleDirectory(app, assemble_again);
    this.#did(missing.length > 0 ? 'entry reopened' : 'submission confirmed');
  }

  /** The gate stopped a refresh, or its figures changed under it. */
  async #letsPass(app: App, cycle: string): Promise<void> {
    const gaps = await acceptGaps(app, cycle, 'the sender says that there is no more');
    if (gaps.length > 0) this.#did('gate waved through');
    const [snapshot] = await this.#ask('select from snapshot where cycle = $1', [cycle]);
    if (snapshot) await this.#restates(app, cycle);
  }

  async #restates(app: App, cycle: string): Promise<void> {
    const { outcome } = await refresh(app, cycle, { restate: true, reason: 'a file came late' });
    if (outcome !== 'refreshed') return;
    await writeReports(app, cycle);
    this.#did('restated');
  }

  /** Some of the cycles before this one are restated when later facts changed them. */
  async restates(app: App, cycle: string, earlier: readonly string[]): Promise<void> {
    const draw = this.#drawOf(`restates ${cycle}`);
    for (const one of earlier) {
      const refreshed = await this.#ask('select from snapshot where cycle = $1', [one]);
      if (refreshed.length > 0 && draw.chance(1, 3)) await this.#restates(app, one);
    }
  }

  /** Puts away what the ledger knows. */
  async tidies(): Promise<void> {
    const stored = (await this.#known.stored()).filter(({ ended }) => ended === null);
    await this.#inbox.archive(new Set(stored.map(({ sha256 }) => sha256)));
  }

  /** Decides some invoices that wait: one version of a contradicted one, or whether one of another type counts. */
  async decides(app: App, cycle: string): Promise<void> {
    const draw = this.#drawOf(`decides ${cycle}`);
    const rows = (await waitingRows(app)).filter(({ number }) => number?.startsWith('CM-'));
    for (const number of new Set(rows.map((row) => row.number!))) {
      const versions = rows.filter((row) => row.number === number);
      const rules = new Set(versions.map(({ rule }) => rule));
      const files = [...new Set(versions.map(({ sha256 }) => sha256))];
      if (rules.size !== 1 || !draw.chance(1, 2)) continue;
      if (rules.has('conflict')) {
        if (files.length < 2 || files.length !== versions.length) continue;
        const chosen = draw.pick(versions);
        await decide(app, number, 'release', { reason: 'the sender says so', file: chosen.sha256 });
        await this.#known.decide(chosen.sha256, chosen.row_no, 'pick');
      } else if ([...rules].every((rule) => rule.startsWith('type-') || rule === 'document-type')) {
        const verdict = draw.pick(['release', 'refuse'] as const);
        await decide(app, number, verdict, { reason: 'the sender says so' });
        await this.#known.decide(versions[0]!.sha256, versions[0]!.row_no, verdict);
      } else continue;
      this.#did('invoice decided');
    }
  }

  async pauses(app: App): Promise<void> {
    await pause(app, 'stocktaking');
  }

  async resumes(app: App): Promise<void> {
    await resume(app, 'it is over');
  }

  /** What is due and not done of a cycle is cancelled; who asks for the cycle later begins it anew. */
  async cancels(app: App, cycle: string): Promise<void> {
    const open = await this.#ask(
      `select from occurrence where cycle = $1 and job = 'directory-assemble' and state in ('due', 'failed')`,
      [cycle],
    );
    if (open.length === 0) return;
    await cancel(app, cycle, { job: 'directory-assemble', reason: 'the listings are not right yet' });
    this.#did('cancelled');
  }

  /** A file was wrong: it leaves the inbox, and what was taken in of it. */
  async withdraws(app: App, name: string): Promise<void> {
    const sha256 = this.#inbox.shaOf(name);
    await this.#inbox.remove(name);
    const stored = (await this.#known.stored()).some((file) => file.sha256 === sha256 && file.ended === null);
    if (sha256 === undefined || !stored) return;
    await withdrawFile(app, sha256, 'the wrong file');
    this.#did('file withdrawn');
  }
}
