import { Redis } from 'ioredis';
import { LkpError } from '../job.ts';

const OLDEST = [6, 2] as const;

/**
 * Looks at a Redis or Valkey before anything is entrusted to it. Throws LkpError('request') when it may throw messages
 * away to make room, or is older than 6.2. `within` milliseconds without an answer throw what ioredis says.
 */
export async function suitable(url: string, place: string, within: number): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: within,
    commandTimeout: within,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  let last: Error | undefined;
  client.on('error', (error) => {
    last = error;
  });
  let info: string;
  // One bound for all of it: each of connect, greeting and question may take its time.
  const late = setTimeout(() => {
    last ??= new Error(`nothing for ${within / 1000} s`);
    client.disconnect();
  }, within);
  try {
    await client.connect();
    info = await client.info();
  } catch (error) {
    throw last ?? error;
  } finally {
    clearTimeout(late);
    client.disconnect();
  }
  // Valkey gives the Redis version that it is compatible with under the same name.
  const version = fieldOf(info, 'redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new LkpError(
      'request',
      `The server at ${place} is Redis ${version || 'of an unknown version'}; lkp needs ${OLDEST.join('.')} or newer, or any Valkey. ` +
        'Upgrade it, name another one in QUEUE_URL, or unset QUEUE_URL to use the database.',
    );
  }
  const policy = fieldOf(info, 'maxmemory_policy');
  if (policy !== 'noeviction') {
    throw new LkpError(
      'request',
      `The Redis at ${place} has the maxmemory-policy ${policy || 'unknown'}, under which it drops messages when memory is short; ` +
        'noeviction is wanted. Set "maxmemory-policy noeviction" in its configuration, or name another one in QUEUE_URL.',
    );
  }
}

const fieldOf = (info: string, name: string): string =>
  new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1] ?? '';
