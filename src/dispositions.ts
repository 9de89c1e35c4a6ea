/** The eight dispositions of a row, in the order in which the first that applies wins. */
export const DISPOSITIONS = [
  'superseded',
  'rejected',
  'duplicate',
  'quarantined',
  'unmapped',
  'no-kpi-value',
  'reversal',
  'counted',
] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

/** The ten words of a cycle: the eight of a row, two of which may read by visibility instead. */
export const CYCLE_DISPOSITIONS = [...DISPOSITIONS, 'not-yet-visible', 'outside-window'] as const;
export type CycleDisposition = (typeof CYCLE_DISPOSITIONS)[number];
