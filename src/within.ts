/** Waiting no longer than so many milliseconds; what is not waited for any more goes on. */

/** What `work` gives; throws an Error that says `late` when the time is over. */
export async function within<T>(
  milliseconds: number,
  work: Promise<T>,
  late = `no answer for ${milliseconds / 1000} s`,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(late)), milliseconds);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether `work` ended in that time; throws what it throws. */
export async function endsWithin(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([work.then(() => true), over]);
  } finally {
    clearTimeout(timer);
  }
}
