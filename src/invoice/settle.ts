import type { Sql } from '../ports.ts';

/**
 * Decides anew what every row of the documents in `unsettled` is, from all that is said of them, and stores what moved
 * (docs/decisions/0014). `fileId` is the file in hand, whose own totals are counted from what is stored, by the caller.
 */
export async function settle(tx: Sql, change: string, fileId: number | '' = ''): Promise<void> {
  await tx.set({ change_no: change, file_id: fileId });
  await tx.file('staging/said');
  await tx.file('staging/replaces');
  await tx.file('staging/settle');
  await tx.file('staging/store_settled');
}
