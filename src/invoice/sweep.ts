import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { type Context, LkpError } from '../job.ts';
import { type IngestOptions, ingestFile } from './ingest.ts';
import { writeRejects } from './rejects.ts';
import { asItStands, type FileResult, type IngestTotals, totalsOf } from './result.ts';

export interface IngestReport {
  readonly files: FileResult[];
  readonly totals: IngestTotals;
}

/**
 * Ingests files and folders (their files, deep, by name). Every path is looked at before the first file is taken in,
 * so that a mistyped one changes nothing. Throws LkpError('request') for a missing path or a folder without files.
 */
export async function ingestAll(
  context: Context,
  paths: readonly string[],
  options: IngestOptions & { readonly mayBeEmpty?: boolean } = {},
): Promise<IngestReport> {
  const found: string[] = [];
  for (const path of paths) found.push(...(await filesAt(path, options.mayBeEmpty ?? false)));
  for (const path of found) await readableFile(path);
  const files: FileResult[] = [];
  for (const [index, path] of found.entries()) {
    context.progress(`file ${index + 1} of ${found.length}: ${basename(path)}`);
    files.push(await ingestFile(context, path, options));
  }
  // A later file may have disputed the rows of an earlier one: what is reported is how things stand at the end.
  if (!options.dryRun && files.length > 1) {
    for (const [index, file] of files.entries()) files[index] = await asItStands(context, file);
  }
  if (!options.dryRun) {
    for (const [index, file] of files.entries()) {
      if (file.status !== 'ingested' || file.dispositions.rejected + file.dispositions.quarantined === 0)
        continue;
      context.progress(`${file.name}: writing the rows to correct`);
      files[index] = {
        ...file,
        rejects: (
          await writeRejects(context, file.sha256, {
            ...(options.profile ? { profile: options.profile } : {}),
          })
        ).path,
      };
    }
  }
  return { files, totals: totalsOf(files) };
}

/** A file that cannot be read stops the command before the first one is taken in. */
async function readableFile(path: string): Promise<void> {
  await access(path, constants.R_OK).catch((cause: NodeJS.ErrnoException) => {
    throw new LkpError(
      'machine',
      `${path} cannot be read (${cause.code}). Check its permissions and repeat; nothing was ingested.`,
      { cause },
    );
  });
}

async function filesAt(path: string, mayBeEmpty: boolean): Promise<string[]> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' && mayBeEmpty) return undefined;
    if (cause.code === 'ENOENT')
      throw new LkpError('request', `There is no file or folder ${path}. Check the path and repeat.`, {
        cause,
      });
    throw new LkpError(
      'machine',
      `${path} cannot be read (${cause.code}). Check its permissions and repeat.`,
      { cause },
    );
  });
  if (!found) return [];
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      throw new LkpError(
        'machine',
        `The folder ${path} cannot be read (${cause.code}: ${cause.path}). Check its permissions and repeat.`,
        { cause },
      );
    },
  );
  // Names that begin with a dot are not for us, and .part is a file that its sender still writes.
  const names = entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.endsWith('.part'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !relative(path, file)
          .split(sep)
          .some((part) => part.startsWith('.')),
    )
    .sort();
  if (names.length === 0 && !mayBeEmpty) {
    throw new LkpError(
      'request',
      `The folder ${path} has no files. Put invoice files there, or name another folder.`,
    );
  }
  return names;
}
