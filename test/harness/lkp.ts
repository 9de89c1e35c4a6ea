import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSX = import.meta.resolve('tsx');

export interface Ran {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The one JSON object of `--json`; throws with both outputs when stdout is anything else. */
  json<T = Record<string, unknown>>(): T;
}

export interface Options {
  /** Sets LKP_HOME. */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The working folder; the repository's root by default. */
  readonly cwd?: string;
  /** Runs under this account (only root may). */
  readonly account?: { readonly uid: number; readonly gid: number };
}

/** Runs the real `lkp` as a process of its own. Settings of this process (LKP_*, DATABASE_URL, ...) do not leak in. */
export function lkp(args: readonly string[], options: Options = {}): Promise<Ran> {
  return node([`${ROOT}src/cli.ts`, ...args], options);
}

/** Runs any TypeScript file of the repository the same way, to its end. */
export function node(args: readonly string[], options: Options = {}): Promise<Ran> {
  const child = launch(args, options);
  child.stdin.end();
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const stdout = Buffer.concat(out).toString('utf8');
      const stderr = Buffer.concat(err).toString('utf8');
      resolve({ code, signal, stdout, stderr, json: <T>() => parsed<T>(stdout, stderr) });
    });
  });
}

function parsed<T>(stdout: string, stderr: string): T {
  try {
    return JSON.parse(stdout) as T;
  } catch (cause) {
    throw new Error(`stdout is not one JSON object:\n${stdout}\nstderr:\n${stderr}`, { cause });
  }
}

/** Starts it and leaves it running, in a process group of its own, with all three pipes. */
export function launch(args: readonly string[], options: Options = {}): ChildProcessWithoutNullStreams {
  const { home, env = {}, cwd = ROOT, account } = options;
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  return spawn(process.execPath, ['--import', TSX, ...args], {
    cwd,
    env: { PATH, HOME, ...(TMPDIR && { TMPDIR }), TZ: 'UTC', ...(home && { LKP_HOME: home }), ...env },
    stdio: 'pipe',
    detached: true,
    ...account,
  });
}
