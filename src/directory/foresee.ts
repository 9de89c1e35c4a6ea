import { join } from 'node:path';
import { type Context, onlyAsked } from '../job.ts';
import { assembleAgain, pastAssembly } from './assemble.ts';
import { readBatch } from './batch.ts';
import { fileNames } from './submit.ts';

/** What would become of a cycle's batch as things stand. */
export interface ForeseenBatch {
  /** Why nothing is assembled or submitted; null where it is. */
  readonly says: string | null;
  /** Whether a person would be asked. */
  readonly asks: boolean;
  /** Paths in the outbox that the submission would write. */
  readonly files: readonly string[];
}

/** Finds out by assembling it, and keeps nothing. `assembles`: the batch is made anew before it is submitted. */
export async function foreseeDirectory(
  context: Context,
  cycle: string,
  { assembles, submits }: { readonly assembles: boolean; readonly submits: boolean },
): Promise<ForeseenBatch> {
  const past = await pastAssembly(context, cycle);
  if (past) return { says: past.says, asks: false, files: [] };
  if (!submits) return { says: null, asks: false, files: [] };
  const entries = await onlyAsked(context, 'foresee', async (tx) => {
    if (assembles) await assembleAgain(tx, context, cycle);
    return (await readBatch(tx, cycle))?.entries.length ?? 0;
  });
  if (entries === 0)
    return { says: `the batch of ${cycle} has no entries; a person is asked`, asks: true, files: [] };
  const files = fileNames(cycle).map((name) => join(context.settings.outbox, cycle, name));
  return { says: null, asks: false, files };
}
