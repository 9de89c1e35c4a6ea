import { schedule } from 'node-cron';

/**
 * Calls `wake` at every full minute, until stopped. Only an alarm clock: node-cron forgets what it misses, so whoever
 * wakes looks at the ledger for everything that is due, not at the minute.
 */
export function everyMinute(wake: () => void): { stop(): void } {
  const task = schedule('* * * * *', wake, { timezone: 'UTC' });
  return { stop: () => void task.destroy() };
}
