import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LkpError } from '../job.ts';
import type { RuleSet } from '../kpi/rule-set.ts';
import { checkRules, exampleRules, type RulesFile, useAllRules } from '../kpi/rules.ts';
import { type RuleSetInForce, rulesInForce } from '../kpi/rules-in-force.ts';
import { recordManual } from '../ledger.ts';
import { table } from '../show/text.ts';
import { needText } from '../written.ts';
import { type Definition, type Result, textOf } from './command.ts';

/** Rule sets: what a unit is worth and what a level asks for. */
export const RULES_COMMANDS: readonly Definition[] = [
  {
    usage: 'check <file...>',
    description: 'say whether rule sets can be used',
    options: { '--in-force': 'compare them with the rule sets in force, too' },
    async offline(names, options) {
      return options.inForce ? undefined : checked(await checkRules(await readFiles(names)));
    },
    async act(app, names) {
      const files = await readFiles(names);
      return checked(await app.db.transaction('rules check', (tx) => checkRules(files, tx)));
    },
  },
  {
    usage: 'use <file...>',
    description: 'put rule sets in force, all of them or none',
    options: {
      '--reason <text>': 'why',
      '--leave-gap': 'days between two rule sets may have none',
    },
    async act(app, names, options) {
      const files = await readFiles(names);
      const used = await useAllRules(app, files, {
        reason: textOf(options, 'reason'),
        leaveGap: options.leaveGap === true,
      });
      const text = files
        .map(({ shown }, index) =>
          used[index] ? `${shown} is in force.` : `${shown} was in force already; nothing changed.`,
        )
        .join('\n');
      await recordManual(app, 'rules use', null, 'done', text);
      const json = { files: files.map(({ shown }, index) => ({ file: shown, used: used[index] })) };
      return { json, text };
    },
  },
  {
    usage: 'list',
    description: 'the rule sets in force, and the examples that are not',
    async act(app) {
      const sets = await app.db.transaction('rules', rulesInForce);
      const examples = (await exampleRules())
        .filter(({ rules }) => !sets.some(({ name }) => name === rules.name))
        .map(({ path, rules }) => ({
          name: rules.name,
          title: rules.title,
          valid_from: rules.valid_from,
          valid_to: rules.valid_to ?? null,
          days_of: daysOf(rules, sets),
          command: `lkp rules use ${relative(process.cwd(), fileURLToPath(path))}`,
        }));
      const rows = sets.map((set) => [
        set.name,
        set.basis,
        set.valid_from,
        set.valid_to ?? 'open',
        set.year_from,
        set.year_to ?? 'open',
        set.title,
      ]);
      const header = ['name', 'basis', 'valid from', 'before', 'year from', 'before', 'title'];
      return {
        json: { rule_sets: sets, examples },
        text: [
          table(header, rows),
          ...examples.map(
            ({ name, title, command }) =>
              `\nNot in force: ${name}, ${title}. Put it in force with ${command}`,
          ),
        ].join('\n'),
      };
    },
  },
  {
    usage: 'show <name>',
    description: 'a rule set in force, as it was written',
    async act(app, [name = '']) {
      const found = await app.db.transaction('rules', (tx) =>
        tx.maybe<{ body: string }>('select body from rule_set where name = $1 and ended_no is null', [name]),
      );
      if (!found) {
        throw new LkpError(
          'request',
          `No rule set "${name}" is in force. lkp rules list shows those that are.`,
        );
      }
      return { json: { name, body: found.body }, text: found.body.trimEnd() };
    },
  },
];

/** The rule sets in force on days of another one. */
const daysOf = (rules: RuleSet, sets: readonly RuleSetInForce[]): string[] =>
  sets
    .filter(
      (set) => set.valid_from < (rules.valid_to ?? '9999') && rules.valid_from < (set.valid_to ?? '9999'),
    )
    .map(({ name }) => name);

const checked = (files: Awaited<ReturnType<typeof checkRules>>): Result => ({
  json: { valid: true, files },
  text: files.map(({ file, title }) => `${file} is a valid rule set: ${title}`).join('\n'),
});

const readFiles = (names: readonly string[]): Promise<RulesFile[]> =>
  Promise.all(names.map(async (shown) => ({ shown, text: await needText(shown, 'rule set', shown) })));
