import type { Command } from 'commander';
import { type App, openApp } from '../app.ts';
import { addMonths, dayIn, parseCycle } from '../calendar.ts';
import { oneLine, printable } from '../show/text.ts';

/** What a command leaves behind: the JSON object, its text for people (empty: it prints nothing), and the exit code (0 done, 1 repair, 3 asks a person). */
export interface Result {
  readonly json: object;
  readonly text: string;
  readonly code?: 0 | 1 | 3;
}

/** Options as typed: absent, given, or given with a value or several (`<files...>`). */
export type Options = Readonly<Record<string, string | readonly string[] | true | undefined>>;

export interface Definition {
  /** As in `refresh <cycle>`. */
  readonly usage: string;
  readonly description: string;
  /** `--flag <value>` -> what it is for. */
  readonly options?: Readonly<Record<string, string>>;
  /** Works on the open application, or, with `offline`, without a database; undefined: here the database is asked for. */
  readonly act?: (app: App, args: readonly string[], options: Options) => Promise<Result>;
  readonly offline?: (args: readonly string[], options: Options) => Promise<Result | undefined>;
}

/** Adds commands to the program or to a group of it (`lkp rules ...`). */
export function addCommands(parent: Command, definitions: readonly Definition[]): void {
  for (const { usage, description, options = {}, act, offline } of definitions) {
    const command = parent
      .command(usage)
      .description(description)
      .option('--json', 'print one JSON object on stdout');
    for (const [flags, use] of Object.entries(options)) command.option(flags, use);
    command.action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command;
      const asked = self.optsWithGlobals<Options>();
      const alone = await offline?.(self.args, asked);
      if (alone) return finish(alone, asked);
      const app = await openApp({ progress });
      let result: Result;
      try {
        result = await act!(app, self.args, asked);
      } finally {
        await app.close();
      }
      finish(result, asked);
    });
  }
}

/** A group of commands under one word. */
export const addGroup = (
  program: Command,
  name: string,
  description: string,
  definitions: readonly Definition[],
): void => addCommands(program.command(name).description(description), definitions);

/** Long work shows on a terminal how far it is; a pipe stays quiet. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${oneLine(text)}`);
}

function finish({ json, text, code = 0 }: Result, options: Options): void {
  progress('');
  const out = options.json ? JSON.stringify(json) : text;
  if (out !== '') process.stdout.write(`${printable(out)}\n`);
  process.exitCode = code;
}

/** Today in the program's time zone. */
export const today = (app: App): string => dayIn(app.now(), app.settings.LKP_TIME_ZONE);

/** This month and the eleven after it. */
export const comingCycles = (app: App): string[] =>
  Array.from({ length: 12 }, (_, index) => addMonths(today(app).slice(0, 7), index));

/** A cycle as typed; a future one is refused. */
export const cycleOf = (app: App, text: string | undefined): string => parseCycle(text ?? '', today(app));

/** The value of an option that takes one. */
export const textOf = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

/** The values of an option that takes several; none when it is absent. */
export const textsOf = (options: Options, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? value : [];
};
