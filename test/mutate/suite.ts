import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';

/** The tests of the suite that run a file's SQL besides `answers`, by how its path begins; the first entry that fits. */
const TESTS: ReadonlyArray<readonly [path: string, tests: readonly string[]]> = [
  ['sql/staging/reference_', ['reference', 'refresh', 'directory']],
  ['sql/staging/corrected_rows', ['corrections']],
  ['sql/staging/verdicts', ['einvoice-ingest', 'cli']],
  ['sql/staging/split', ['together', 'einvoice-ingest']],
  ['sql/staging/files_dispositions', ['ingest', 'together']],
  ['sql/staging/', ['ingest', 'corrections', 'together', 'einvoice-ingest', 'profile', 'property']],
  ['sql/checks/completeness', ['completeness']],
  ['sql/checks/changes_equal_cells', ['changes', 'known']],
  ['sql/checks/', ['ingest', 'report', 'together']],
  ['sql/marts/directory_', ['directory']],
  ['sql/marts/source_months', ['completeness']],
  ['sql/marts/explain', ['corrections', 'rules', 'arrival']],
  ['sql/marts/report', ['report', 'books', 'worked-example', 'month']],
  ['sql/marts/standings', ['report', 'books', 'levels']],
  ['sql/marts/reconcile_', ['reconcile', 'reconcile-command']],
  // Two sides of a comparison.
  ...['changed_months', 'changes_begin', 'figure_changes', 'line_changes', 'side_'].map(
    (name) => [`sql/marts/${name}`, ['changes', 'known', 'refresh', 'rules']] as const,
  ),
  ['sql/marts/content_hash', ['levels', 'refresh', 'changes']],
  ...['forecast', 'levels', 'windows'].map(
    (name) => [`sql/marts/${name}`, ['levels', 'kpi-cases', 'rules', 'worked-example', 'property']] as const,
  ),
  ['sql/marts/17_credit_month', ['rules', 'refresh', 'property']],
  ['sql/marts/18_month_follows', ['rules', 'refresh', 'known', 'property']],
  ['sql/marts/stale_months', ['refresh', 'known', 'rules']],
  ['sql/marts/', ['refresh', 'report', 'month', 'worked-example', 'corrections', 'rules', 'known']],
  ['sql/migrations/', ['ingest', 'profile', 'reference', 'corrections']],
];
const MOST_MS = 300_000;

export interface Suite {
  /** The name of the first test that fails with the mutant in the place of its file; undefined when none does. */
  failing(mutant: Mutant): Promise<string | undefined>;
  close(): Promise<void>;
}

/** The suite on a copy of the sources, whose SQL is changed; the working tree stays as it is. */
export async function openSuite(server: string): Promise<Suite> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const copy = await mkdtemp(join(tmpdir(), 'lkp-mutate-suite-'));
  for (const name of [
    'docs',
    'jobs',
    'samples',
    'sql',
    'src',
    'test',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
  ])
    await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  return {
    async failing(mutant) {
      const tests = TESTS.find(([path]) => mutant.file.startsWith(path))![1];
      await writeFile(join(copy, mutant.file), mutant.text);
      try {
        return await failedTest(
          copy,
          ['answers', ...tests].map((name) => `test/${name}.test.ts`),
          server,
        );
      } finally {
        await cp(join(root, mutant.file), join(copy, mutant.file));
      }
    },
    close: () => rm(copy, { recursive: true, force: true }),
  };
}

/** The name of the first test that fails; undefined when none does. */
function failedTest(root: string, tests: readonly string[], server: string): Promise<string | undefined> {
  const given = ['run', '--root', root, '--bail', '1', '--maxWorkers', '1', '--reporter', 'dot', ...tests];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...given], {
      cwd: root,
      env: { ...process.env, LKP_TEST_DATABASE_URL: server, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MOST_MS,
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        said += chunk;
      });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve(undefined);
      resolve(/FAIL\s+(.*)/.exec(said)?.[1] ?? `the suite ends with ${code}: ${said.slice(-300)}`);
    });
  });
}
