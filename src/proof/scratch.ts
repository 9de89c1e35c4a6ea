import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, openApp, stopServer } from '../app.ts';
import { unlessAbsent } from '../files.ts';
import { type Context, LkpError } from '../job.ts';

/** Who made it is in the name, so that what a killed one left is known. */
const LEFT = /^lkp-verify-(\d+)-/;

/** A folder of one verification, and the application on a database of its own in it. */
export interface Scratch {
  readonly folder: string;
  /** With an actor and a clock that are given to it, as they were. */
  readonly app: App;
  /** Acts as this person at this instant from now on. */
  becomes(actor: string, now: string): void;
}

/**
 * Does `work` on what `open` opened, with an empty database: an embedded server of its own in the system's folder for temporary files (TMPDIR), whatever
 * database is in use. It needs no rights on that one, puts no load on it and leaves nothing behind. The folder is
 * removed at the end; what a killed verification left is removed by the next one.
 */
export async function withScratch<S, T>(
  context: Pick<Context, 'settings' | 'progress'>,
  open: (folder: string) => Promise<S>,
  work: (scratch: Scratch, opened: S) => Promise<T>,
): Promise<T> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `lkp-verify-${process.pid}-`)).catch((cause: unknown) => {
    throw new LkpError(
      'machine',
      `No folder can be made in ${tmpdir()} (${(cause as NodeJS.ErrnoException).code}). A verification needs room there for a database of the cycle's files; name another place in TMPDIR.`,
      { cause },
    );
  });
  try {
    // The server's account must pass; what lies inside keeps its own rights.
    await chmod(folder, 0o711);
    const opened = await open(folder);
    const home = join(folder, 'home');
    await mkdir(home, { mode: 0o711 });
    const { DATABASE_URL: _, ...rest } = context.settings;
    const settings = {
      ...rest,
      home,
      LKP_HOME: home,
      outbox: join(folder, 'outbox'),
      inbox: join(folder, 'inbox'),
      profiles: join(folder, 'profiles'),
      // Months are made anew whatever a rate touches.
      LKP_RATE_LOOKBACK_DAYS: 60,
      LKP_ACTOR: '',
    };
    let now = '';
    const app = await openApp({ settings, now: () => now, progress: context.progress, shippedRules: false });
    try {
      return await work(
        {
          folder,
          app,
          becomes: (actor, instant) => {
            settings.LKP_ACTOR = actor;
            now = instant;
          },
        },
        opened,
      );
    } finally {
      await app.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what killed verifications left, with their servers. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = LEFT.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    await stopServer(join(folder, 'home')).catch(unlessGone);
    await rm(folder, { recursive: true, force: true }).catch(unlessGone);
  }
}

/** Somebody else's, or gone meanwhile: not ours to clear. */
function unlessGone(error: unknown): void {
  if (error instanceof LkpError || (error as NodeJS.ErrnoException).code === 'EACCES') return;
  if ((error as NodeJS.ErrnoException).code === 'EPERM') return;
  unlessAbsent(error);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
