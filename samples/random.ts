/** Draws from a seed: the same seed gives the same draws on every machine. Integers only. */
export interface Draw {
  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number;
  /** True in `times` of `outOf` draws. */
  chance(times: number, outOf: number): boolean;
  pick<T>(list: readonly T[]): T;
}

/** The generator "mulberry32" over 32-bit integers. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const integer = (low: number, high: number): number => low + (next() % (high - low + 1));
  return {
    integer,
    chance: (times, outOf) => integer(1, outOf) <= times,
    pick: (list) => list[integer(0, list.length - 1)]!,
  };
}
