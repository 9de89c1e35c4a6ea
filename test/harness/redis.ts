import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from './until.ts';

/** A redis-server of the caller's own, on a free port, with an append-only file and no eviction. */
export interface OwnRedis {
  readonly url: string;
  readonly port: number;
  /** Runs one command, as redis-cli would. */
  ask(command: string, ...words: (string | number)[]): Promise<unknown>;
  /** The same in the database that the URL names. */
  askAt(url: string, command: string): Promise<unknown>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Kills it and removes its data. */
  drop(): Promise<void>;
}

const COMMAND = ['redis-server', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', ''];

/** `command` is how it is started; port, address and folder are put behind it. */
export async function ownRedis(command: readonly string[] = COMMAND): Promise<OwnRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'lkp-redis-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const [program = '', ...words] = command;
  let server: ChildProcess | undefined;
  const start = async () => {
    const child = spawn(program, [...words, '--port', String(port), '--bind', '127.0.0.1', '--dir', folder], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    server = child;
    let said = '';
    child.stdout?.on('data', (chunk) => {
      said += chunk;
    });
    await until('redis-server is ready', () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}:\n${said}`);
      return said.includes('Ready to accept connections');
    });
  };
  const kill = async () => {
    const child = server;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    url,
    port,
    ask: (name, ...rest) => ask(url, name, ...rest),
    askAt: ask,
    start,
    kill,
    drop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ask(url: string, name: string, ...rest: (string | number)[]): Promise<unknown> {
  const client = new Redis(url);
  try {
    return await client.call(name, ...rest);
  } finally {
    client.disconnect();
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Says so in one line when it is not there. */
export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(
      'redis-server is not on PATH: tested on PostgreSQL only. Install redis-server to test both.',
    );
    return false;
  }
}
