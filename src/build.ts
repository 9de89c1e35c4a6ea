import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** What decides the bytes of an output: our code, the SQL, and the packages by their lock. */
const PARTS = ['src', 'sql', 'package-lock.json'];

let known: Promise<string> | undefined;

/**
 * What this build is called: sha256 over its code, its lockfile, Node's zlib and the machine's architecture, 10 ms once a
 * process. Equal bytes are promised for outputs of one build (DESIGN, section 5); what another one wrote is compared by
 * what was recorded of it.
 */
export function buildId(): Promise<string> {
  known ??= hashOfCode();
  return known;
}

async function hashOfCode(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(`${process.arch} zlib ${process.versions.zlib}\n`);
  for (const part of PARTS) {
    const names = part.includes('.') ? [part] : await filesOf(part);
    for (const name of names) {
      const text = await readFile(join(ROOT, name)).catch((error: NodeJS.ErrnoException) => {
        // A copy without its lockfile is a build of its own.
        if (error.code === 'ENOENT') return Buffer.alloc(0);
        throw error;
      });
      hash.update(`${name} ${text.length}\n`).update(text);
    }
  }
  return hash.digest('hex');
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .sort();
}
