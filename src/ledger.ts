/**
 * What is due and what was tried. The database is the truth: a queue message only says "look at this occurrence".
 * An occurrence goes due -> enqueued -> running -> done, failed or waiting (for a person); or it is missed (its time passed
 * while nobody looked) or cancelled. The attempt number is the fence that every later write of the attempt carries.
 */
export { attempt, type Ended } from './ledger/attempt.ts';
export { begin } from './ledger/begin.ts';
export { type Cancelled, cancel } from './ledger/cancel.ts';
export { catchUp } from './ledger/catch-up.ts';
export { lateText, secondsIn } from './ledger/late.ts';
export { recordManual, tickOff } from './ledger/manual.ts';
export {
  type Asked,
  again,
  ask,
  nameOf,
  type Occurrence,
  occurrencesOf,
  type Reason,
  takeTurn,
} from './ledger/occurrence.ts';
export { openPause, type Pause, pause, pauseText, resume } from './ledger/pause.ts';
export { type Moved, plan, planCalendar } from './ledger/plan.ts';
export { takeReady } from './ledger/take.ts';
