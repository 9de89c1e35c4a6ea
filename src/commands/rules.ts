import { readFile } from 'node:fs/promises';
import { LkpError } from '../job.ts';
import { parseRules } from '../kpi/rule-set.ts';
import { useRules } from '../kpi/rules.ts';
import { rulesInForce } from '../kpi/rules-in-force.ts';
import { recordManual } from '../ledger.ts';
import { table } from '../show.ts';
import { type Definition, textOf } from './command.ts';

/** Rule sets: what a unit is worth and what a level asks for. */
export const RULES_COMMANDS: readonly Definition[] = [
  {
    usage: 'check <file>',
    description: 'say whether a rule set can be used',
    async offline([file = '']) {
      const rules = parseRules(await readText(file), file);
      return {
        json: { file, name: rules.name, valid: true },
        text: `${file} is a valid rule set: ${rules.title}`,
      };
    },
  },
  {
    usage: 'use <file>',
    description: 'put a rule set in force',
    options: { '--reason <text>': 'why' },
    async act(app, [file = ''], options) {
      const used = await useRules(app, await readText(file), file, textOf(options, 'reason'));
      const text = used ? `${file} is in force.` : `${file} was in force already; nothing changed.`;
      await recordManual(app, 'rules use', null, 'done', text);
      return { json: { file, used }, text };
    },
  },
  {
    usage: 'list',
    description: 'the rule sets in force',
    async act(app) {
      const sets = await app.db.transaction('rules', rulesInForce);
      const rows = sets.map((set) => [
        set.name,
        set.basis,
        set.valid_from,
        set.valid_to ?? 'open',
        set.title,
      ]);
      return {
        json: { rule_sets: sets },
        text: table(['name', 'basis', 'valid from', 'before', 'title'], rows),
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

const readText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new LkpError(
      'request',
      `The file ${file} cannot be read (${cause.code}). Check the path and repeat.`,
      {
        cause,
      },
    );
  });
