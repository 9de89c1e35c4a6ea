/** How long after its due instant an attempt of the calendar may begin and still be in time. */
export const PATIENCE = '1 hour';

const INTERVAL = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:[\d.]+S)?)?$/;

/** `P3DT2H10M` -> `3 days`, `PT5H` -> `5 hours`: whole days, below one day whole hours. */
export function lateText(interval: string): string {
  const found = INTERVAL.exec(interval);
  if (!found) throw new Error(`not a span of days and hours: ${interval}`);
  const [, days = '0', hours = '0'] = found;
  const said = (count: string, unit: string) => `${count} ${unit}${count === '1' ? '' : 's'}`;
  return days === '0' ? said(hours, 'hour') : said(days, 'day');
}
