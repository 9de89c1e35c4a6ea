import { readdir, readFile } from 'node:fs/promises';
import { meant } from '../config.ts';
import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import { lineOf } from '../yaml.ts';
import { issueSpan, parseRules, type RuleSet, yearSpan } from './rule-set.ts';
import { type Holding, newGaps, spanFaults } from './rule-spans.ts';
import { hashOf, putAllInForce, type RuleSetInForce, rulesInForce, type Written } from './rules-in-force.ts';

/** A file of rules as it was read. */
export interface RulesFile {
  readonly text: string;
  /** Its name in messages. */
  readonly shown: string;
}

export interface UseOptions {
  readonly reason?: string | undefined;
  /** Days between two rule sets may have none. */
  readonly leaveGap?: boolean;
}

/**
 * Puts a rule set in force in place of the one of the same name. Returns false when these very bytes are in force.
 * Throws LkpError('request') when its validity or its program year overlaps another one's, or leaves a gap.
 */
export async function useRules(
  context: Context,
  text: string,
  shown: string,
  reason?: string,
): Promise<boolean> {
  const [used] = await useAllRules(context, [{ text, shown }], { reason });
  return used!;
}

/** The same for several at once, in one change: what moves a border between two sets changes both. */
export async function useAllRules(
  context: Context,
  files: readonly RulesFile[],
  options: UseOptions = {},
): Promise<boolean[]> {
  const read = readAll(files);
  return context.db.transaction('rules use', async (tx) => {
    await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.rules'))`);
    const current = await rulesInForce(tx);
    const isNew = ({ rules, text }: Written): boolean =>
      !current.some((set) => set.name === rules.name && set.sha256 === hashOf(text));
    await needCountries(tx, read);
    const after = held(current, read);
    const overlap = spanFaults(after).find(({ kind }) => kind === 'overlap');
    if (overlap) throw new LkpError('request', overlap.message);
    const [gap] = options.leaveGap ? [] : newGaps(current.map(inForce), after);
    if (gap)
      throw new LkpError(
        'request',
        `${gap.message} If nobody knows the numbers of these days, repeat with --leave-gap.`,
      );
    await putAllInForce(tx, context, read.filter(isNew), options.reason);
    return read.map(isNew);
  });
}

export interface CheckedRules {
  readonly file: string;
  readonly name: string;
  readonly title: string;
}

/**
 * Says of each file what it is, or throws LkpError('request') with everything that is wrong: in each file, and between
 * them; with a transaction, between them and the rule sets in force, those of the same names left out.
 */
export async function checkRules(files: readonly RulesFile[], tx?: Sql): Promise<CheckedRules[]> {
  const read = readAll(files);
  if (tx) await needCountries(tx, read);
  const faults = spanFaults(held(tx ? await rulesInForce(tx) : [], read));
  if (faults.length > 0) throw new LkpError('request', faults.map(({ message }) => message).join(' '));
  return read.map(({ shown, rules }) => ({ file: shown, name: rules.name, title: rules.title }));
}

/**
 * Reads rule sets that are to stand beside others. Throws LkpError('request') as useAllRules, but says the days that they
 * would leave without any (`gaps`).
 */
export async function readBeside(
  tx: Sql,
  files: readonly RulesFile[],
  current: readonly RuleSetInForce[],
): Promise<{ sets: Written[]; gaps: string[] }> {
  const read = readAll(files);
  await needCountries(tx, read);
  const after = held(current, read);
  const overlap = spanFaults(after).find(({ kind }) => kind === 'overlap');
  if (overlap) throw new LkpError('request', overlap.message);
  return { sets: read, gaps: newGaps(current.map(inForce), after).map(({ message }) => message) };
}

interface Read extends Written {
  readonly shown: string;
}

/** Throws what is wrong with all of them at once. */
function readAll(files: readonly RulesFile[]): Read[] {
  const wrong: string[] = [];
  const read: Read[] = [];
  for (const { text, shown } of files) {
    try {
      const rules = parseRules(text, shown);
      const other = read.find((earlier) => earlier.rules.name === rules.name);
      if (other)
        wrong.push(
          `${shown} line ${lineOf(text, ['name'])}: the rule set is called ${rules.name} like that of ${other.shown}. Give each a name of its own.`,
        );
      read.push({ rules, text, shown });
    } catch (error) {
      if (!(error instanceof LkpError)) throw error;
      wrong.push(error.message);
    }
  }
  if (wrong.length > 0) throw new LkpError('request', wrong.join(' '));
  return read;
}

const inForce = (set: RuleSetInForce): Holding => ({
  name: set.name,
  issued: { from: set.valid_from, to: set.valid_to },
  year: { from: set.year_from, to: set.year_to },
});

const written = ({ rules, text, shown }: Read): Holding => ({
  name: rules.name,
  issued: issueSpan(rules),
  year: yearSpan(rules),
  at: (by) =>
    `${shown} line ${lineOf(text, by === 'year' && rules.program_year ? ['program_year'] : ['valid_from'])}`,
});

/** What would be in force. */
const held = (current: readonly RuleSetInForce[], read: readonly Read[]): Holding[] => [
  ...current.filter(({ name }) => !read.some(({ rules }) => rules.name === name)).map(inForce),
  ...read.map(written),
];

/** Countries of tiers are those of our list, which is the newest ISO 3166-1. */
async function needCountries(tx: Sql, read: readonly Read[]): Promise<void> {
  if (read.every(({ rules }) => rules.tiers.length === 0)) return;
  const codes = (await tx.rows<{ code: string }>('select code from country order by code')).map(
    ({ code }) => code,
  );
  for (const { rules, text, shown } of read) {
    for (const [index, { countries }] of rules.tiers.entries()) {
      const stranger = countries.find((country) => !codes.includes(country));
      if (stranger !== undefined)
        throw new LkpError(
          'request',
          `${shown} line ${lineOf(text, ['tiers', index, 'countries', countries.indexOf(stranger)])}: ${stranger} is no country of ISO 3166-1 any more${meant(stranger, codes, '; did you mean') || '.'} Correct it and repeat.`,
        );
    }
  }
}

const SHIPPED = new URL('./rules/', import.meta.url);
const EXAMPLES = new URL('./rules/examples/', import.meta.url);

const yamlIn = async (folder: URL): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();

/** A new database starts with the rule sets that we ship; afterwards only `lkp rules use` changes them. */
export async function putShippedRulesInForce(context: Context): Promise<void> {
  await context.db.transaction('rules', async (tx) => {
    const { empty } = await tx.one<{ empty: boolean }>('select not exists (select 1 from rule_set) as empty');
    if (!empty) return;
    await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.rules'))`);
    for (const name of await yamlIn(SHIPPED)) {
      const text = await readFile(new URL(name, SHIPPED), 'utf8');
      await putAllInForce(tx, context, [{ rules: parseRules(text, name), text }], 'shipped');
    }
  });
}

/** A rule set that comes with the software and is not put in force by itself. */
export interface Example {
  readonly path: URL;
  readonly rules: RuleSet;
}

export async function exampleRules(): Promise<Example[]> {
  return Promise.all(
    (await yamlIn(EXAMPLES)).map(async (name) => {
      const path = new URL(name, EXAMPLES);
      return { path, rules: parseRules(await readFile(path, 'utf8'), name) };
    }),
  );
}
