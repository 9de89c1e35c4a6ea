/** How long a page may wait for the database: an answer within 2 s is promised. */
const ANSWER_WITHIN_MS = 1_500;

/** What was found, or why nothing was. */
export type Answer<T> = { readonly found: T } | { readonly missing: string };

/**
 * Asks in the name of everybody who wants to know meanwhile, and keeps the answer for `keepMs`. Never waits longer than 1.5 s;
 * a question that hangs is left to its end, and nobody asks beside it.
 */
export function asked<T>(ask: () => Promise<T>, keepMs: number): () => Promise<Answer<T>> {
  let asking: Promise<Answer<T>> | undefined;
  let kept: { answer: Answer<T>; at: number } | undefined;
  const anew = async (): Promise<Answer<T>> => {
    const answer = await ask().then(
      (found): Answer<T> => ({ found }),
      (error: Error) => ({ missing: error.message }),
    );
    kept = { answer, at: performance.now() };
    asking = undefined;
    return answer;
  };
  return async () => {
    if (kept && performance.now() - kept.at < keepMs) return kept.answer;
    asking ??= anew();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Answer<T>>((resolve) => {
      const missing = `no answer for ${ANSWER_WITHIN_MS / 1000} s`;
      timer = setTimeout(() => resolve({ missing }), ANSWER_WITHIN_MS);
    });
    try {
      return await Promise.race([asking, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** How long ago something happened last. */
export class Since {
  #at: number | undefined;

  happened(): void {
    this.#at = performance.now();
  }

  /** undefined: never. */
  seconds(): number | undefined {
    return this.#at === undefined ? undefined : (performance.now() - this.#at) / 1000;
  }
}
