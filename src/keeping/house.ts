import { addMonths, dayIn } from '../calendar.ts';
import type { Context, Outcome } from '../job.ts';
import { verifyStore } from './store.ts';
import { type Removed, removeUnreferenced } from './unreferenced.ts';

/** The first month whose runs, alerts and left-overs are kept. */
export const keptFrom = ({ now, schedule, settings }: Context): string =>
  addMonths(dayIn(now(), schedule.timeZone).slice(0, 7), -settings.LKP_RETENTION_MONTHS);

export const removedText = ({ runs, alerts, left_over, temporary }: Removed): string =>
  `${runs} old runs, ${alerts} old alerts, ${left_over.length} left-over files, ${temporary.length} half-written files`;

/**
 * The month's housekeeping: what nothing refers to goes (`removeUnreferenced`), and every stored file is read to its end. Damage asks a
 * person. Of a month that is over there is nothing to keep in order: the present one's does it.
 */
export async function keepHouse(
  context: Context,
  cycle: string,
): Promise<{ readonly outcome: Outcome; readonly says: string }> {
  const month = dayIn(context.now(), context.schedule.timeZone).slice(0, 7);
  if (cycle < month)
    return { outcome: 'done', says: `nothing to do for a month that is over; that of ${month} does it` };
  const removed = await removeUnreferenced(context, { before: keptFrom(context) });
  const { files, damaged, pruned } = await verifyStore(context);
  const gone = pruned.reduce((sum, one) => sum + one.files, 0);
  const says = `removed ${removedText(removed)}; read ${files - gone} stored files, ${damaged.length} damaged`;
  const notes = removed.notes.map((note) => ` ${note}`).join('');
  if (damaged.length === 0) return { outcome: 'done', says: `${says}.${notes}` };
  return {
    outcome: 'asks',
    says: `${says}: ${damaged[0]!.names[0]}${damaged.length > 1 ? ` and ${damaged.length - 1} more` : ''}.${notes} Run lkp verify: it names each with what to do; then run lkp cycle ${cycle} again.`,
  };
}
