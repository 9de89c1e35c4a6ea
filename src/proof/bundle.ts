import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { buildId } from '../build.ts';
import { VERSION } from '../config.ts';
import { sha256Of, storedPath, type Written, writeAtomically } from '../files.ts';
import { type Context, LkpError } from '../job.ts';
import { type CycleRecord, RECORD } from './record.ts';
import type { RowText } from './rows.ts';
import type { Source } from './source.ts';
import { BLOCK, BrokenBundle, END, headerOf, MEMBER, paddingOf, TarReader } from './tar.ts';

/** What a bundle begins with: its members in order, each with its bytes. */
const MANIFEST = z.strictObject({
  format: z.literal('lkp bundle 1'),
  cycle: z.string(),
  lkp: z.string().max(100),
  build: z.string().max(100),
  /** Table -> its columns, in the order in which its rows have them. */
  tables: z.record(
    z.string().regex(/^snapshot[a-z0-9_]*$/),
    z.array(z.string().regex(/^[a-z][a-z0-9_]*$/)).max(100),
  ),
  members: z
    .array(
      z.strictObject({
        name: z.string().regex(MEMBER),
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(1_000_000),
});
type Manifest = z.infer<typeof MANIFEST>;
type Member = Manifest['members'][number];

/** A manifest names at most a million members; a record holds no rows. */
const MOST_MANIFEST = 256 << 20;
const MOST_RECORD = 256 << 20;
const MOST_LINE = 4 << 20;

const MANIFEST_NAME = 'manifest.json';
const SUM_NAME = 'manifest.sha256';
const RECORD_NAME = 'record.json';
const rowsName = (cycle: string, revision: number, table: string): string =>
  `rows/${cycle}/${revision}/${table}.jsonl`;
const workbookName = (revision: number, name: string): string => `reports/${revision}/${name}`;

/** A bundle as it was written. */
export interface Bundle extends Written {
  readonly path: string;
  readonly members: number;
}

/**
 * Packs what a cycle is verified from into one file: the record, frozen rows, the bytes of every input, workbooks and
 * submission files that lie there. The same record gives the same bytes. `folder` is one for this work.
 */
export async function packBundle(
  context: Context,
  source: Source,
  path: string,
  folder: string,
): Promise<Bundle> {
  const { record } = source;
  const parts = new Map<string, string>();
  const add = async (name: string, content: string) => {
    const at = join(folder, name);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, content);
    parts.set(name, at);
  };
  await add(RECORD_NAME, `${JSON.stringify(record, null, 1)}\n`);
  const tables = await source.tables();
  for (const { cycle, revision } of record.revisions) {
    for (const [table, columns] of tables) {
      const name = rowsName(cycle, revision, table);
      const at = join(folder, name);
      await mkdir(dirname(at), { recursive: true });
      await source.rows(table, columns, { cycle, revision }, (rows) =>
        pipeline(lines(rows), createWriteStream(at)),
      );
      parts.set(name, at);
    }
  }
  for (const { sha256 } of record.files) parts.set(`store/${sha256}`, storedPath(source.home, sha256));
  for (const { cycle, revision, workbooks } of record.revisions.filter((made) => made.cycle === record.cycle))
    for (const { name } of workbooks)
      await addIfThere(parts, workbookName(revision, name), source.workbook(revision, name), cycle);
  for (const { name } of record.submission?.files ?? [])
    await addIfThere(parts, `outbox/${name}`, source.submitted(name), record.cycle);
  const written = await writeAtomically(path, async (temporary) => {
    await writeTar(temporary, record, Object.fromEntries(tables), parts, context.progress);
  });
  return { ...written, path, members: parts.size };
}

async function* lines(rows: AsyncIterable<RowText>): AsyncGenerator<string> {
  for await (const { key, cells } of rows) yield `${key}\t${cells}\n`;
}

/** What was moved away was told by the verification. */
async function addIfThere(
  parts: Map<string, string>,
  name: string,
  path: string,
  cycle: string,
): Promise<void> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new LkpError(
      'machine',
      `${path} of ${cycle} cannot be read (${error.code}). Repair it and repeat.`,
      {
        cause: error,
      },
    );
  });
  if (!handle) return;
  await handle.close();
  parts.set(name, path);
}

async function writeTar(
  to: string,
  { cycle }: CycleRecord,
  tables: Manifest['tables'] | Record<string, readonly string[]>,
  parts: ReadonlyMap<string, string>,
  progress: Context['progress'],
): Promise<void> {
  const members: Member[] = [];
  for (const name of [...parts.keys()].sort()) {
    const file = await open(parts.get(name)!);
    const { size } = await file.stat().finally(() => file.close());
    members.push({ name, bytes: size, sha256: await sha256Of(parts.get(name)!) });
  }
  const manifest = `${JSON.stringify({ format: 'lkp bundle 1', cycle, lkp: VERSION, build: await buildId(), tables, members }, null, 1)}\n`;
  const out = await open(to, 'w');
  try {
    await writeMember(out, MANIFEST_NAME, Buffer.from(manifest));
    await writeMember(out, SUM_NAME, Buffer.from(`${createHash('sha256').update(manifest).digest('hex')}\n`));
    for (const [index, { name, bytes }] of members.entries()) {
      progress(`packing ${index + 1} of ${members.length}: ${name}`);
      await out.writeFile(headerOf(name, bytes));
      for await (const piece of createReadStream(parts.get(name)!)) await out.writeFile(piece as Buffer);
      await out.writeFile(paddingOf(bytes));
    }
    await out.writeFile(END);
  } finally {
    await out.close();
  }
}

const writeMember = (out: FileHandle, name: string, bytes: Buffer): Promise<void> =>
  out.writeFile(Buffer.concat([headerOf(name, bytes.length), bytes, paddingOf(bytes.length)]));

/**
 * Unpacks a bundle into `folder` (of this work alone) and opens it. Every byte is checked on the way: headers by what we
 * write, the manifest by its own sum, members by the manifest. Throws LkpError('request') when it is no bundle, and
 * BrokenBundle when anything in it is not what was written.
 */
export async function fromBundle(
  path: string,
  folder: string,
  progress: Context['progress'],
): Promise<Source> {
  const file = await openBundle(path);
  let manifest: Manifest;
  try {
    const tar = new TarReader(file, path);
    manifest = await readManifest(tar, path);
    for (const [index, member] of manifest.members.entries()) {
      progress(`unpacking ${index + 1} of ${manifest.members.length}: ${member.name}`);
      await unpack(tar, member, folder, path);
    }
    await tar.end();
  } finally {
    await file.close();
  }
  const record = await readRecord(manifest, folder, path);
  wantWhole(manifest, record, path);
  return {
    record,
    home: folder,
    workbook: (revision, name) => join(folder, workbookName(revision, name)),
    submitted: (name) => join(folder, 'outbox', name),
    tables: async () => new Map(Object.entries(manifest.tables)),
    rows: (table, columns, { cycle, revision }, read) =>
      read(
        rowsOf(
          join(folder, rowsName(cycle, revision, table)),
          rowsName(cycle, revision, table),
          columns.map((name) => manifest.tables[table]!.indexOf(name)),
        ),
      ),
  };
}

async function openBundle(path: string): Promise<FileHandle> {
  try {
    const file = await open(path);
    if ((await file.stat()).isFile() && (await looksLikeOne(file))) return file;
    await file.close();
  } catch (cause) {
    throw new LkpError(
      'request',
      `${path} cannot be read (${(cause as NodeJS.ErrnoException).code}). Name a cycle, such as 2020-01, or a bundle that lkp verify --bundle wrote.`,
      { cause },
    );
  }
  throw new LkpError(
    'request',
    `${path} is no bundle of lkp. Name a cycle, such as 2020-01, or a bundle that lkp verify --bundle wrote.`,
  );
}

/** By either of two places of its first header: one that was altered in one of them is a damaged bundle, and no other file. */
async function looksLikeOne(file: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK), 0, BLOCK, 0);
  const head = buffer.toString('latin1');
  return bytesRead > 0 && (head.startsWith(MANIFEST_NAME) || head.slice(257, 262) === 'ustar');
}

async function readManifest(tar: TarReader, path: string): Promise<Manifest> {
  const text = await small(tar, MANIFEST_NAME, MOST_MANIFEST, path);
  const sum = await small(tar, SUM_NAME, 65, path);
  if (sum.toString('latin1') !== `${createHash('sha256').update(text).digest('hex')}\n`)
    throw new BrokenBundle(
      MANIFEST_NAME,
      `In the bundle ${path} the manifest is not the one that was written: its sha256 is another one.`,
    );
  const read = MANIFEST.safeParse(parsed(text, MANIFEST_NAME, path));
  if (!read.success)
    throw new BrokenBundle(
      MANIFEST_NAME,
      `In the bundle ${path} the manifest is not one that this lkp reads (${issueOf(read.error)}). Use the version that wrote it.`,
    );
  return read.data;
}

async function small(tar: TarReader, name: string, most: number, path: string): Promise<Buffer> {
  const found = await tar.next();
  if (found.name !== name || found.bytes > most)
    throw new BrokenBundle(
      name,
      `${path} is no whole bundle of lkp: ${name} (at most ${most} bytes) was wanted here, and there is ${found.name} with ${found.bytes} bytes: a member was moved, put in or taken out. Get it again from who made it, and compare its sha256.`,
    );
  const pieces: Buffer[] = [];
  for await (const piece of tar.body(found.bytes)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function parsed(text: Buffer, name: string, path: string): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new BrokenBundle(name, `In the bundle ${path} ${name} is no JSON (${(cause as Error).message}).`);
  }
}

const issueOf = (error: z.ZodError): string => {
  const [issue] = error.issues;
  return `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim().slice(0, 200);
};

/** Puts a member into the folder, at its own name: the names of the manifest were checked. */
async function unpack(
  tar: TarReader,
  { name, bytes, sha256 }: Member,
  folder: string,
  path: string,
): Promise<void> {
  const found = await tar.next();
  if (found.name !== name || found.bytes !== bytes)
    throw new BrokenBundle(
      name,
      `In the bundle ${path} ${name} (${bytes} bytes) was wanted, and there is ${found.name} with ${found.bytes} bytes: a member was taken out, put in or exchanged.`,
    );
  const hash = createHash('sha256');
  const at = placeOf(folder, name);
  await mkdir(dirname(at), { recursive: true });
  await pipeline(
    async function* () {
      for await (const piece of tar.body(bytes)) {
        hash.update(piece);
        yield piece;
      }
    },
    createWriteStream(at, { flags: 'wx', mode: 0o600 }),
  ).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new BrokenBundle(name, `The bundle ${path} has the member ${name} twice.`);
    if (error.syscall !== undefined)
      throw new LkpError(
        'machine',
        `The bundle cannot be unpacked in ${folder} (${error.code}). Make room, or name another place in TMPDIR.`,
        { cause: error },
      );
    throw error;
  });
  if (hash.digest('hex') === sha256) return;
  await rm(at);
  throw new BrokenBundle(
    name,
    `In the bundle ${path} the member ${name} is not the one that was packed: its sha256 is not ${sha256}.`,
  );
}

/** The content store's own places, so that bytes of a bundle are found like stored ones. */
function placeOf(folder: string, name: string): string {
  const stored = /^store\/([0-9a-f]{64})$/.exec(name)?.[1];
  return stored ? storedPath(folder, stored) : join(folder, name);
}

async function readRecord(manifest: Manifest, folder: string, path: string): Promise<CycleRecord> {
  const member = manifest.members.find(({ name }) => name === RECORD_NAME);
  if (!member || member.bytes > MOST_RECORD)
    throw new BrokenBundle(RECORD_NAME, `The bundle ${path} has no ${RECORD_NAME}, or one of over 256 MB.`);
  const read = RECORD.safeParse(parsed(await readFile(join(folder, RECORD_NAME)), RECORD_NAME, path));
  if (!read.success || read.data.cycle !== manifest.cycle)
    throw new BrokenBundle(
      RECORD_NAME,
      `In the bundle ${path} ${RECORD_NAME} is not one that this lkp reads (${read.success ? 'cycle' : issueOf(read.error)}). Use the version that wrote it.`,
    );
  return read.data;
}

/** Members that the record needs, and none that nothing asks for. */
function wantWhole(manifest: Manifest, record: CycleRecord, path: string): void {
  const there = new Set(manifest.members.map(({ name }) => name));
  const needed = [
    ...record.files.map(({ sha256 }) => `store/${sha256}`),
    ...record.revisions.flatMap(({ cycle, revision }) =>
      Object.keys(manifest.tables).map((table) => rowsName(cycle, revision, table)),
    ),
  ];
  const missing = needed.find((name) => !there.has(name));
  if (missing !== undefined)
    throw new BrokenBundle(missing, `The bundle ${path} lacks ${missing}, which its record needs.`);
  const known = new Set([
    RECORD_NAME,
    ...needed,
    ...record.revisions.flatMap(({ revision, workbooks }) =>
      workbooks.map(({ name }) => workbookName(revision, name)),
    ),
    ...(record.submission?.files ?? []).map(({ name }) => `outbox/${name}`),
  ]);
  const strange = manifest.members.find(({ name }) => !known.has(name));
  if (strange)
    throw new BrokenBundle(
      strange.name,
      `The bundle ${path} has ${strange.name}, which its record does not know.`,
    );
}

/** Rows of a member; `places` are where the wanted columns stand in a line. */
async function* rowsOf(at: string, name: string, places: readonly number[]): AsyncGenerator<RowText> {
  for await (const line of linesOf(at, name)) {
    const [key = '', cells = ''] = line.split('\t');
    let all: unknown;
    try {
      all = [JSON.parse(key), JSON.parse(cells)].every(Array.isArray) ? JSON.parse(cells) : undefined;
    } catch {
      all = undefined;
    }
    if (!Array.isArray(all))
      throw new BrokenBundle(name, `In the bundle, ${name} has a line that is no row.`);
    yield { key, cells: picked(cells, all, places) };
  }
}

/** Lines of a file, none longer than 4 MB; only a line feed ends one. */
async function* linesOf(at: string, name: string): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const piece of createReadStream(at)) {
    rest = Buffer.concat([rest, piece as Buffer]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.toString('utf8', 0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MOST_LINE) break;
  }
  if (rest.length > 0)
    throw new BrokenBundle(name, `In the bundle, ${name} has a line without end, or one of over 4 MB.`);
}

/** As the database writes an array: `["a", null]`. */
function picked(cells: string, all: readonly unknown[], places: readonly number[]): string {
  if (places.length === all.length && places.every((place, index) => place === index)) return cells;
  return `[${places.map((place) => JSON.stringify(all[place] ?? null)).join(', ')}]`;
}
