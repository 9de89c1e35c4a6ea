import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Mutant } from './mutants.ts';

/** A mutant that nothing can tell from the file itself, and why that is so. Known by its words, not by its line. */
const explained = z.strictObject({
  file: z.string(),
  /** The line that it changes, without its indent. */
  at: z.string(),
  was: z.string(),
  now: z.string(),
  /** Which of several with the same words. */
  nth: z.int().min(2).optional(),
  reason: z.string().min(20),
});
const list = z.array(
  z.strictObject({ reason: z.string().min(20), mutants: z.array(explained.omit({ reason: true })).min(1) }),
);
export type Explained = z.infer<typeof explained>;

const wordsOf = ({ file, at, was, now, nth = 1 }: Omit<Explained, 'reason'>): string =>
  JSON.stringify([file, at, was, now, nth]);

/** The reasons that a person wrote down, by mutant. Throws when one is named twice. */
export class Survivors {
  private readonly reasons = new Map<string, Explained>();

  constructor(text = readFileSync(new URL('survivors.yaml', import.meta.url), 'utf8')) {
    for (const { reason, mutants } of list.parse(parse(text))) {
      for (const mutant of mutants) {
        const words = wordsOf(mutant);
        if (this.reasons.has(words)) throw new Error(`survivors.yaml explains twice: ${words}`);
        this.reasons.set(words, { ...mutant, reason });
      }
    }
  }

  reasonOf(mutant: Mutant): string | undefined {
    return this.reasons.get(wordsOf(mutant))?.reason;
  }

  /** Entries that no mutant has the words of any more. */
  gone(mutants: readonly Mutant[]): Explained[] {
    const words = new Set(mutants.map(wordsOf));
    return [...this.reasons].filter(([key]) => !words.has(key)).map(([, entry]) => entry);
  }
}
