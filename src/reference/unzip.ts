import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import { LkpError } from '../job.ts';

/** The ECB's whole history since 1999 is 2 MB. */
const MOST_BYTES = 64 << 20;
const MOST_ENTRIES = 10_000;

export interface Unzipped {
  /** The CSV, in the operating system's folder for temporary files. */
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Takes the one CSV out of a zip, as the ECB publishes its history. Undefined when the file is no zip or is a workbook.
 * Throws LkpError('request') when it is a zip that holds anything but one CSV, is damaged, or unpacks to over 64 MB.
 */
export async function unzipOneCsv(path: string, name: string): Promise<Unzipped | undefined> {
  if (!(await startsAsZip(path))) return undefined;
  const damaged = (cause: unknown) =>
    new LkpError(
      'request',
      `${name} is a damaged zip file (${(cause as Error).message}). Get it again and repeat.`,
      { cause },
    );
  const archive = await yauzl.openPromise(path, { autoClose: false }).catch((cause: unknown) => {
    throw damaged(cause);
  });
  try {
    const entries: yauzl.Entry[] = [];
    for await (const entry of archive.eachEntry()) {
      entries.push(entry);
      if (entries.length > MOST_ENTRIES) break;
    }
    if (entries.some((entry) => entry.fileName === '[Content_Types].xml')) return undefined;
    const [csv] = entries;
    if (entries.length !== 1 || !csv!.fileName.toLowerCase().endsWith('.csv')) {
      throw new LkpError(
        'request',
        `${name} is a zip with ${entries.length === 1 ? csv!.fileName : `${entries.length} files`}; one CSV file was wanted. Unpack it and load the file in it.`,
      );
    }
    return await extract(archive, csv!, name);
  } catch (error) {
    throw error instanceof LkpError ? error : damaged(error);
  } finally {
    archive.close();
  }
}

async function startsAsZip(path: string): Promise<boolean> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString('latin1') === 'PK\u0003\u0004';
  } finally {
    await handle.close();
  }
}

async function extract(archive: yauzl.ZipFile, entry: yauzl.Entry, name: string): Promise<Unzipped> {
  const path = join(tmpdir(), `lkp-${randomBytes(8).toString('hex')}.csv`);
  const remove = () => rm(path, { force: true });
  let bytes = 0;
  let sum = 0;
  // What the archive says about its size is not to be trusted.
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      sum = crc32(chunk, sum);
      done(
        bytes > MOST_BYTES
          ? new LkpError(
              'request',
              `${name} unpacks to more than 64 MB; a file of rates is far smaller. Check what it is.`,
            )
          : null,
        chunk,
      );
    },
  });
  try {
    await pipeline(
      await archive.openReadStreamPromise(entry),
      limit,
      createWriteStream(path, { flags: 'wx', mode: 0o600 }),
    );
    // yauzl leaves this to its caller.
    if (sum !== entry.crc32) throw new Error('its checksum does not match');
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
