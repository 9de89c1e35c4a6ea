/** How long after its due instant an attempt of the calendar may begin and still be in time. */
export const PATIENCE = '1 hour';

const INTERVAL = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/;

/** Of a span of days and shorter, as PostgreSQL writes it: `P3DT2H0.5S`. */
export function secondsIn(interval: string): number {
  const found = INTERVAL.exec(interval);
  if (!found) throw new Error(`not a span of days and hours: ${interval}`);
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = found;
  return Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}

/** `P3DT2H10M` -> `3 days`, `PT5H` -> `5 hours`: whole days, below one day whole hours. */
export function lateText(interval: string): string {
  const hours = Math.floor(secondsIn(interval) / 3_600);
  const [count, unit] = hours < 24 ? [hours, 'hour'] : [Math.floor(hours / 24), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
