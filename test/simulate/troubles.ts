import { drawFrom } from '../../samples/random.ts';

/** What befalls a job while it runs. `before`, `during` and `after` its work. */
export const TROUBLES = [
  'fails before',
  'fails after',
  'loses its sessions',
  'freezes and is overtaken',
  'its worker dies before',
  'its worker dies during',
  'its worker dies after',
] as const;
export type Trouble = (typeof TROUBLES)[number];

/** At most so many in a row: after five deaths the ledger rightly suspects the job itself. */
const MOST = 3;

/** Troubles by seed, whoever asks when: those of a job's part in a cycle, one after the other. */
export class Troubles {
  readonly #seed: number;
  readonly #outOf: number;
  readonly #left = new Map<string, Trouble[]>();

  /** One in `outOf` parts of jobs has trouble. */
  constructor(seed: number, outOf: number) {
    this.#seed = seed;
    this.#outOf = outOf;
  }

  next(part: string): Trouble | undefined {
    const left = this.#left.get(part) ?? this.#drawn(part);
    this.#left.set(part, left);
    return left.shift();
  }

  #drawn(part: string): Trouble[] {
    const draw = drawFrom(hashOf(`${this.#seed} ${part}`));
    if (!draw.chance(1, this.#outOf)) return [];
    return Array.from({ length: draw.integer(1, MOST) }, () => draw.pick(TROUBLES));
  }
}

/** FNV-1a. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  return hash >>> 0;
}
