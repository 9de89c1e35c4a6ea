import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { type OpenDatabase, openDatabase } from '../../src/db/connection.ts';
import { databaseUrl, withAdmin } from './server.ts';

/** A database of the caller's own; `drop` closes `db` and removes it (the end of the run does so too). */
export interface Fresh {
  readonly db: OpenDatabase;
  readonly url: string;
  readonly name: string;
  drop(): Promise<void>;
}

/** A new database: migrated (a clone of the run's template) or `empty`. Takes about 50 ms. */
export async function freshDatabase(kind: 'migrated' | 'empty' = 'migrated'): Promise<Fresh> {
  const { url: server, run } = inject('server');
  const name = `${run}_${randomBytes(4).toString('hex')}`;
  const template = kind === 'migrated' ? `template ${run}_template` : '';
  await withAdmin(server, (admin) => admin.query(`create database ${name} ${template}`));
  const url = databaseUrl(server, name);
  const db = await openDatabase(url);
  return {
    db,
    url,
    name,
    drop: async () => {
      await db.close();
      await withAdmin(server, (admin) => admin.query(`drop database if exists ${name} with (force)`));
    },
  };
}
