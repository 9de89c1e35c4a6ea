import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type App, openApp } from '../app.ts';
import { readSettings, testClock } from '../config.ts';
import { LkpError } from '../job.ts';
import { verifyStore } from '../keeping/store.ts';
import { recordManual } from '../ledger.ts';
import { type Bundle, fromBundle, packBundle } from '../proof/bundle.ts';
import { fromDatabase } from '../proof/source.ts';
import { BrokenBundle } from '../proof/tar.ts';
import { type VerifiedCycle, verifyCycle } from '../proof/verify.ts';
import { verifiedText, verifyText } from '../show/verify.ts';
import { cycleOf, type Definition, progress, type Result, textOf } from './command.ts';

const A_CYCLE = /^\d{4}-\d{1,2}$/;

/** The stored files alone, a cycle with all that it was made of, or a cycle from a bundle. */
export const VERIFY_COMMAND: Definition = {
  usage: 'verify [cycle-or-bundle]',
  description: 'prove that a cycle follows from the stored bytes; without one, read every stored file',
  options: { '--bundle <file>': 'pack what a proven cycle is verified from, for verifying it elsewhere' },
  async offline([wanted], options) {
    const bundle = textOf(options, 'bundle');
    if (wanted !== undefined && !A_CYCLE.test(wanted)) {
      if (bundle === undefined) return ofBundle(wanted);
      throw new LkpError(
        'request',
        `"${wanted}" is no cycle, and only a cycle is packed. Name one, such as 2020-01.`,
      );
    }
    if (wanted === undefined && bundle !== undefined) {
      throw new LkpError(
        'request',
        'A bundle is of one cycle: lkp verify 2020-01 --bundle FILE writes one, lkp verify FILE verifies it.',
      );
    }
    const app = await openApp({ progress, ...clock() });
    try {
      return wanted === undefined ? await ofStore(app) : await ofCycle(app, cycleOf(app, wanted), bundle);
    } finally {
      await app.close();
    }
  },
};

function clock(): { now?: () => string } {
  const now = testClock();
  return now ? { now } : {};
}

async function ofStore(app: App): Promise<Result> {
  const verified = await verifyStore(app);
  const { damaged, files } = verified;
  const says = `${files} files, ${damaged.length} damaged`;
  await recordManual(app, 'verify', null, damaged.length > 0 ? 'asks' : 'done', says);
  return { json: verified, text: verifyText(verified), code: damaged.length > 0 ? 1 : 0 };
}

async function ofCycle(app: App, cycle: string, to: string | undefined): Promise<Result> {
  const { verified, source } = await verifyCycle(app, () => fromDatabase(app, cycle));
  const proven = verified.outcome === 'proven';
  let packed: Bundle | null = null;
  if (proven && to !== undefined) {
    const folder = await mkdtemp(join(app.settings.home, 'bundle-'));
    try {
      packed = await packBundle(app, source, to, folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const says = `${verified.outcome}: ${verified.problems.length} problems`;
  await recordManual(app, 'verify', cycle, proven ? 'done' : 'asks', says);
  return resultOf(verified, packed, to !== undefined && !proven);
}

/** Without a database and without anything of ours but this code: with an empty LKP_HOME, on another machine. */
async function ofBundle(path: string): Promise<Result> {
  const context = { settings: readSettings(), progress };
  try {
    const { verified } = await verifyCycle(context, (folder) =>
      fromBundle(path, join(folder, 'bundle'), progress),
    );
    return resultOf(verified, null, false);
  } catch (error) {
    if (!(error instanceof BrokenBundle)) throw error;
    const problem = { what: 'bundle', thing: error.member, reason: error.message };
    return {
      json: { cycle: null, outcome: 'not proven', problems: [problem] },
      text: `Not proven. ${error.message}`,
      code: 1,
    };
  }
}

const resultOf = (verified: VerifiedCycle, bundle: Bundle | null, unpacked: boolean): Result => ({
  json: { ...verified, bundle },
  text: verifiedText(verified, bundle, unpacked),
  code: ({ proven: 0, 'not proven': 1, pruned: 3 } as const)[verified.outcome],
});
