import { destination, type Logger, pino } from 'pino';
import type { Settings } from './config.ts';

/**
 * What happened, for machines: one JSON object a line on stderr. A level says who should care: `error` = a person must
 * act, `warn` = it goes on by itself, `info` = the course of things. Lines of a job carry job, cycle, attempt and run.
 */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> & {
  child(fields: Readonly<Record<string, unknown>>): Log;
};

export const openLog = (settings: Pick<Settings, 'LKP_LOG_LEVEL'>): Log =>
  pino(
    {
      level: settings.LKP_LOG_LEVEL,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    // Written at once: the last words of a process that dies are the ones that matter.
    destination({ dest: 2, sync: true }),
  );
