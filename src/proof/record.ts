import { z } from 'zod';
import { addMonths } from '../calendar.ts';
import { candidateProfiles } from '../invoice/profile.ts';
import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import { KIND_NAMES } from '../reference/kinds.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const number = z.string().regex(/^\d{1,18}$/);
const cycle = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
const instant = z.string().max(40);
const text = z.string().max(1 << 20);
const revision = z.int().min(1).max(999_999);
/** A name that stays in its folder. */
const fileName = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..', 'is not the name of a file');
const written = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,89}$/),
  sha256,
  bytes: z.int().min(0),
  build: text.nullable(),
});

/**
 * Everything that is on record of a cycle and of what its revisions knew: what `lkp verify` derives anew, and holds
 * against what it derives. Read from the database, or from a bundle.
 */
export const RECORD = z.strictObject({
  cycle,
  /** The last change that anything of the cycle knew. */
  head: number,
  /** The ledger up to it, in order. */
  changes: z.array(
    z.strictObject({
      no: number,
      known_at: instant,
      kind: z.string().max(100),
      sha256: sha256.nullable(),
      actor: text,
      reason: text.nullable(),
      asked: z.record(z.string(), z.unknown()).nullable(),
      chain: text.nullable(),
    }),
  ),
  /** Files as they were taken in, in order. */
  files: z.array(
    z.strictObject({
      change_no: number,
      sha256,
      kind: z.enum(['invoices', ...KIND_NAMES]),
      name: fileName,
      bytes: z.int().min(0),
      profile_hash: z.union([sha256, z.literal('')]),
    }),
  ),
  rule_sets: z.array(z.strictObject({ change_no: number, name: text, sha256, body: text })),
  profiles: z.array(z.strictObject({ sha256, name: text, body: text })),
  /** The cycle's revisions and those that they are compared with, in the order in which they were made. */
  revisions: z.array(
    z.strictObject({
      cycle,
      revision,
      cutoff: number,
      known_at: instant,
      due_at: instant,
      time_zone: text.nullable(),
      reporting_currency: z.string().regex(/^[A-Z]{3}$/),
      lookback: z.int().min(0).max(60),
      content_hash: text,
      change_no: number.nullable(),
      reason: text.nullable(),
      build: text.nullable(),
      // Absent from bundles of before it was kept.
      late_by: text.nullable().default(null),
      workbooks: z.array(written),
    }),
  ),
  submission: z
    .strictObject({
      status: z.enum(['sending', 'submitted', 'unknown']),
      content_hash: text,
      change_no: number,
      entries: z.array(
        z.strictObject({ partner_mpn_id: text, country: text, name: text, url: text, action: text }),
      ),
      files: z.array(written),
    })
    .nullable(),
});

export type CycleRecord = z.infer<typeof RECORD>;
export type RecordedRevision = CycleRecord['revisions'][number];
export type RecordedChange = CycleRecord['changes'][number];
export type RecordedFile = CycleRecord['files'][number];

/** Change number -> the files that it took in, in their order. */
export function filesByChange({ files }: CycleRecord): Map<string, RecordedFile[]> {
  const found = new Map<string, RecordedFile[]>();
  for (const file of files) found.set(file.change_no, [...(found.get(file.change_no) ?? []), file]);
  return found;
}

/** Reads the record of a cycle from the database. Throws LkpError('request') when the cycle has no revision. */
export const recordOf = (context: Context, of: string): Promise<CycleRecord> =>
  context.db.transaction('verify', async (tx) => {
    // One state of the database throughout: others go on working.
    await tx.rows('set transaction isolation level repeatable read');
    const revisions = await revisionsOf(tx, of);
    if (!revisions.some((made) => made.cycle === of))
      throw new LkpError('request', `Cycle ${of} has not been refreshed. Run lkp refresh ${of} first.`);
    const submission = await submissionOf(tx, of);
    const head = String(
      [
        ...revisions.flatMap((made) => [made.cutoff, made.change_no ?? '0']),
        submission?.change_no ?? '0',
      ].reduce((last, no) => (BigInt(no) > last ? BigInt(no) : last), 0n),
    );
    return {
      cycle: of,
      head,
      changes: await tx.rows(
        'select no, known_at, kind, sha256, actor, reason, asked, chain from change where no <= $1 order by no',
        [head],
      ),
      files: (
        await tx.rows<RecordedFile>(
          `select change_no, sha256, kind, name, bytes, profile_hash from file where change_no <= $1 order by id`,
          [head],
        )
      ).map((file) => ({ ...file, bytes: Number(file.bytes) })),
      rule_sets: await tx.rows(
        'select change_no, name, sha256, body from rule_set where change_no <= $1 order by change_no, id',
        [head],
      ),
      profiles: await profilesOf(tx, context, head),
      revisions,
      submission,
    };
  });

/** Profiles as they were kept; those of before, where the one that is there now has the same sha256. */
async function profilesOf(tx: Sql, context: Context, head: string): Promise<CycleRecord['profiles']> {
  const kept = await tx.rows<CycleRecord['profiles'][number] & { body: string | null }>(
    `select used.profile_hash as sha256, coalesce(import_profile.name, '') as name, import_profile.body
     from (select distinct file.profile_hash from file where file.kind = 'invoices' and file.change_no <= $1) as used
     left join import_profile on import_profile.sha256 = used.profile_hash
     order by used.profile_hash collate "C"`,
    [head],
  );
  const known = kept.some(({ body }) => body === null)
    ? await candidateProfiles(context.settings.profiles)
    : [];
  return kept.flatMap((profile) => {
    if (profile.body !== null) return [profile];
    const now = known.find(({ hash }) => hash === profile.sha256);
    return now ? [{ sha256: now.hash, name: now.name, body: now.body }] : [];
  });
}

/** All revisions of the cycle, and of the month before those that were there when they were made. */
async function revisionsOf(tx: Sql, of: string): Promise<RecordedRevision[]> {
  const revisions = await tx.rows<Omit<RecordedRevision, 'workbooks'>>(
    `select snapshot.cycle, snapshot.revision, snapshot.cutoff, snapshot.known_at, snapshot.due_at, snapshot.time_zone,
            snapshot.reporting_currency, snapshot.lookback, snapshot.content_hash, snapshot.change_no, snapshot.reason,
            snapshot.build, snapshot.late_by
     from snapshot
     where snapshot.cycle = $1
        or (snapshot.cycle, snapshot.revision) in (
             select earlier.cycle, max(earlier.revision)
             from snapshot as mine
             join snapshot as earlier on earlier.cycle = $2 and earlier.made_no < mine.made_no
             where mine.cycle = $1
             group by mine.revision, earlier.cycle)
     order by snapshot.made_no`,
    [of, addMonths(of, -1)],
  );
  const books = await tx.rows<{
    revision: number;
    name: string;
    sha256: string;
    bytes: string;
    build: string;
  }>(
    `select revision, name, sha256, bytes, build from report_file where cycle = $1 order by revision, name collate "C"`,
    [of],
  );
  return revisions.map((made) => ({
    ...made,
    workbooks:
      made.cycle !== of
        ? []
        : books
            .filter((book) => book.revision === made.revision)
            .map(({ name, sha256: hash, bytes, build }) => ({
              name,
              sha256: hash,
              bytes: Number(bytes),
              build,
            })),
  }));
}

async function submissionOf(tx: Sql, of: string): Promise<CycleRecord['submission']> {
  const begun = await tx.maybe<{
    status: 'sending' | 'submitted' | 'unknown';
    content_hash: string;
    change_no: string;
  }>('select status, content_hash, change_no from directory_submission where cycle = $1', [of]);
  if (!begun) return null;
  const files = await tx.rows<{ name: string; sha256: string; bytes: string; build: string | null }>(
    'select name, sha256, bytes, build from directory_file where cycle = $1 order by name collate "C"',
    [of],
  );
  return {
    ...begun,
    entries: await tx.rows(
      `select partner_mpn_id, country, name, url, action from directory_entry where cycle = $1
       order by partner_mpn_id collate "C", country collate "C"`,
      [of],
    ),
    files: files.map((file) => ({ ...file, bytes: Number(file.bytes) })),
  };
}
