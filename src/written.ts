import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { LkpError } from './job.ts';

const MOST_BYTES = 1 << 20;

/**
 * Reads a text that a person wrote (a rule set, a profile, a schedule, a list of holidays): UTF-8, at most 1 MiB, without its byte
 * order mark. Returns the text, or why it cannot be read.
 */
export async function readText(path: string | URL): Promise<{ text: string } | { fault: string }> {
  try {
    const about = await stat(path);
    if (!about.isFile()) return { fault: 'is no file. Name the file itself' };
    if (about.size > MOST_BYTES)
      return {
        fault: `has ${about.size} bytes, and at most ${MOST_BYTES} were expected. Name the file that is meant`,
      };
    const bytes = await readFile(path);
    if (bytes.includes(0)) return { fault: 'is no UTF-8 text (it holds NUL bytes). Save it as UTF-8' };
    if (!isUtf8(bytes)) return { fault: 'is no UTF-8 text. Save it as UTF-8' };
    return { text: bytes.toString('utf8').replace(/^\uFEFF/, '') };
  } catch (cause) {
    return { fault: `cannot be read (${(cause as NodeJS.ErrnoException).code}). Check the path` };
  }
}

/** The same, or LkpError('request'); `what` is what it should be, `shown` its name in the message. */
export async function needText(path: string | URL, what: string, shown: string): Promise<string> {
  const read = await readText(path);
  if ('text' in read) return read.text;
  throw new LkpError('request', `The ${what} ${shown} ${read.fault} and repeat.`);
}
