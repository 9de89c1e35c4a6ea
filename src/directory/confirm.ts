import { visibleBy } from '../calendar.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql } from '../ports.ts';
import { countsOf, laterSubmission, lockDirectory, readBatch } from './batch.ts';

/** What a person said of a submission in the public directory, which is somebody else's: nothing here can look at it. */
export interface Confirmed {
  readonly cycle: string;
  /** Entries that are not shown as submitted, `1234567/DE`; they are submitted again with the next batch. */
  readonly reopened: readonly string[];
  /** The cycle whose batch was assembled, is not submitted, and does not know of what was reopened: it is to be assembled again. */
  readonly assemble_again: string | null;
  readonly says: string;
}

export interface Confirmation {
  readonly cycle: string;
  /** Entries as `MPN ID/country`. */
  readonly reopen: readonly string[];
}

/**
 * Records that a person found the submission of a cycle in the directory, all of it or all but `wanted`: MPN IDs (each
 * entry of the partner), or one entry as `1234567/DE`. `also` is done in the same transaction. Throws LkpError('request') when
 * nothing was submitted, an entry is not of the submission, a reason is missing, or a later submission has begun.
 */
export async function confirmDirectory(
  context: Context,
  cycle: string,
  { reopen: wanted = [], reason }: { readonly reopen?: readonly string[]; readonly reason?: string },
  also: (tx: Sql, says: string) => Promise<unknown> = async () => undefined,
): Promise<Confirmed> {
  return context.db.transaction('directory confirm', async (tx) => {
    await lockDirectory(tx);
    await needSubmission(tx, cycle);
    if (wanted.length > 0) await mayReopen(tx, cycle, reason);
    const reopen = await entriesOf(tx, cycle, wanted);
    await writeConfirmation(tx, context, { cycle, reopen }, reason);
    const waiting = await tx.maybe<{ cycle: string }>(
      `select cycle from directory_batch where state = 'assembled' and compared_with = $1 order by cycle limit 1`,
      [cycle],
    );
    const says =
      reopen.length === 0
        ? `the submission of ${cycle} is visible, says ${context.settings.LKP_ACTOR}`
        : `${reopen.length} entries of ${cycle} are submitted again with the next batch (${reopen.join(', ')}), the others are visible, says ${context.settings.LKP_ACTOR}`;
    await also(tx, says);
    const again = reopen.length > 0 && waiting ? waiting.cycle : null;
    return { cycle, reopened: reopen, assemble_again: again, says };
  });
}

/** The same without asking whether it may be: for who knows that it was (`lkp verify`). */
export async function writeConfirmation(
  tx: Sql,
  context: Pick<Context, 'now' | 'settings'>,
  { cycle, reopen }: Confirmation,
  reason?: string,
): Promise<void> {
  const change = await nextChange(tx, context, {
    kind: 'directory confirm',
    asked: { cycle, reopen },
    ...(reason === undefined ? {} : { reason }),
  });
  await tx.rows('insert into directory_confirmation (cycle, change_no) values ($1, $2)', [cycle, change]);
  await tx.rows(
    `insert into directory_reopened (cycle, partner_mpn_id, country, change_no)
     select $1, split_part(entry, '/', 1), split_part(entry, '/', 2), $3 from unnest($2::text[]) as entry
     on conflict do nothing`,
    [cycle, reopen, change],
  );
}

async function needSubmission(tx: Sql, cycle: string): Promise<void> {
  const begun = await tx.maybe<{ status: string }>(
    'select status from directory_submission where cycle = $1',
    [cycle],
  );
  if (begun?.status === 'submitted') return;
  throw new LkpError(
    'request',
    begun
      ? `The submission of ${cycle} is not finished (${begun.status}), so nothing of it can be visible. Run lkp directory submit ${cycle} first.`
      : `Nothing was submitted for ${cycle}, so there is nothing to confirm. lkp directory show ${cycle} shows how it stands.`,
  );
}

async function mayReopen(tx: Sql, cycle: string, reason: string | undefined): Promise<void> {
  if (!reason)
    throw new LkpError('request', `What is reopened needs its reason. Repeat with --reason 'what was seen'.`);
  const later = await laterSubmission(tx, cycle);
  if (later)
    throw new LkpError(
      'request',
      `The directory batch of ${later} is submitted already, and was compared with ${cycle} as it was. Reopen the entries there: lkp directory confirm ${later} --reopen MPN-ID --reason 'what was seen'.`,
    );
}

/** The entries of a submission that are meant, in code point order. */
async function entriesOf(tx: Sql, cycle: string, wanted: readonly string[]): Promise<string[]> {
  const found = await tx.rows<{ entry: string; asked: string }>(
    `select entry.partner_mpn_id || '/' || entry.country as entry, wanted as asked
     from unnest($2::text[]) as wanted
     join directory_entry as entry
       on entry.cycle = $1 and wanted in (entry.partner_mpn_id, entry.partner_mpn_id || '/' || entry.country)`,
    [cycle, wanted],
  );
  const strangers = wanted.filter((one) => !found.some(({ asked }) => asked === one));
  if (strangers.length > 0)
    throw new LkpError(
      'request',
      `The submission of ${cycle} has no entry of ${strangers.join(', ')}. Name partners by their MPN ID, or one entry as 1234567/DE; lkp directory show ${cycle} lists them.`,
    );
  return [...new Set(found.map(({ entry }) => entry))].sort();
}

/** Who looked last, and what was reopened since the submission. */
export async function confirmationOf(
  tx: Sql,
  cycle: string,
): Promise<{
  confirmed: { at: string; by: string } | null;
  reopened: Array<{ partner_mpn_id: string; country: string }>;
}> {
  const last = await tx.maybe<{ at: string; by: string }>(
    `select change.known_at as at, change.actor as by
     from directory_confirmation
     join change on change.no = directory_confirmation.change_no
     where directory_confirmation.cycle = $1
     order by change.no desc limit 1`,
    [cycle],
  );
  const reopened = await tx.rows<{ partner_mpn_id: string; country: string }>(
    `select partner_mpn_id, country from directory_reopened where cycle = $1
     order by partner_mpn_id collate "C", country collate "C"`,
    [cycle],
  );
  return { confirmed: last ?? null, reopened };
}

/** Whether a submission is known to be visible. `awaited`: a person is to look; `says` tells what, by when, and what to type. */
export async function visibility(
  context: Context,
  cycle: string,
): Promise<{ readonly awaited: boolean; readonly says: string }> {
  return context.db.transaction('directory visible', async (tx) => {
    const batch = await readBatch(tx, cycle);
    if (batch?.state !== 'submitted')
      return { awaited: false, says: `nothing was submitted for ${cycle}; there is nothing to look for` };
    const { confirmed, reopened } = await confirmationOf(tx, cycle);
    if (confirmed)
      return {
        awaited: false,
        says: `confirmed by ${confirmed.by} on ${confirmed.at.slice(0, 10)}; ${reopened.length} entries reopened`,
      };
    const { added, changed, removed } = countsOf(batch.entries);
    const updates = added + changed + removed;
    if (updates === 0)
      return {
        awaited: false,
        says: `the submission of ${cycle} changed nothing; there is nothing to look for`,
      };
    return {
      awaited: true,
      says: `${updates} ${updates === 1 ? 'entry' : 'entries'} of the submission of ${cycle} (${added} added, ${changed} changed, ${removed} removed) were to be visible by ${visibleBy(cycle)}. Look at the directory, then run lkp directory confirm ${cycle}, or, for what it does not show, lkp directory confirm ${cycle} --reopen MPN-ID --reason 'what was seen'.`,
    };
  });
}
