import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { Answer, Claim, EvidenceFile } from './answer.ts';
import type { Cause } from './causes.ts';
import {
  type Asked,
  type ClaimedLine,
  type Proof,
  readClaimed,
  readHidden,
  readOurs,
  readProofs,
  type ShownLine,
} from './known.ts';
import { isPlain, matched, type Settled, settledOf, settledOurs } from './lines.ts';
import { monthsOf, totalOf } from './months.ts';

/** Whose claim, on which cycle's report, and what came with it. */
export interface Question {
  /** MPN ID of the partner (not of a location). */
  readonly partner: string;
  readonly cycle: string;
  readonly evidence?: readonly EvidenceFile[];
}

/**
 * Answers a claim: each claimed line, and each line of the report in the claimed months that the claim lacks, with one
 * cause; the gap of each month, which its causes add up to exactly. What is ours is what the newest revision of the cycle
 * shows; why a line is missing there is said as of now. Writes nothing.
 * Throws LkpError('request') when the cycle was never refreshed, the partner is unknown, or the claim has no lines.
 */
export async function solve(tx: Sql, context: Context, claim: Claim, question: Question): Promise<Answer> {
  if (claim.lines.length === 0) {
    throw new LkpError(
      'request',
      `${claim.name} has no line that can be answered. At least one with month, year and invoice number was wanted: ask the partner for the claim again.`,
    );
  }
  const asked = await askedOf(tx, question);
  const name = await partnerName(tx, asked);
  context.progress('the lines of the report');
  const claimed = await readClaimed(tx, claim, asked);
  const ours = await readOurs(tx, asked);
  const proofs = await readProofs(tx, question.evidence ?? []);
  context.progress('matching');
  const settled = await settle(tx, claimed, ours, proofs, asked);
  const rows = new Set(claim.lines.map(({ row }) => row));
  const months = [...new Set(claimed.map(({ month }) => month))].sort();
  const answers = monthsOf(
    months.map((month) => ({
      month,
      claimed: claimed.filter((line) => line.month === month).map(({ line }) => line),
      ours: ours.filter(({ kpiMonth }) => kpiMonth === month),
    })),
    settled,
  );
  return {
    partner: { mpnId: asked.partner, name },
    cycle: asked.cycle,
    revision: asked.revision,
    knownAt: asked.known_at,
    window: { from: asked.window_from.slice(0, 7), to: asked.window_to.slice(0, 7) },
    currency: asked.reporting_currency,
    lines: settled.map(({ answer }) => answer),
    unanswered: new Set(claim.unreadable.map(({ row }) => row).filter((row) => !rows.has(row))).size,
    months: answers,
    totals: totalOf(answers),
  };
}

async function askedOf(tx: Sql, { partner, cycle }: Question): Promise<Asked> {
  const found = await tx.maybe<Omit<Asked, 'partner'>>(
    `select snapshot.cycle, snapshot.revision, snapshot.cutoff, snapshot.known_at, snapshot.window_from,
            snapshot.window_to, snapshot.reporting_currency, snapshot.lookback, currency.minor_unit
     from snapshot
     join currency on currency.code = snapshot.reporting_currency
     where snapshot.cycle = $1
     order by snapshot.revision desc
     limit 1`,
    [cycle],
  );
  if (found) return { ...found, partner };
  throw new LkpError('request', `Cycle ${cycle} has not been refreshed. Run lkp refresh ${cycle} first.`);
}

/** The partner's last known name; '' for one that is known by its locations only. */
async function partnerName(tx: Sql, { partner }: Asked): Promise<string> {
  const found = await tx.maybe<{ name: string; partner: string | null }>(
    `select coalesce(named.name, '') as name, location.partner_mpn_id as partner
     from (select $1::text as mpn_id) as asked
     left join lateral (
       select partner.name from partner
       where partner.mpn_id = asked.mpn_id and partner.ended_no is null
       order by partner.valid_from desc
       limit 1
     ) as named on true
     left join lateral (
       select coalesce((select asked.mpn_id from location where location.partner_mpn_id = asked.mpn_id limit 1),
                       (select location.partner_mpn_id from location
                        where location.location_mpn_id = asked.mpn_id and location.ended_no is null
                        order by location.valid_from desc limit 1)) as partner_mpn_id
     ) as location on true
     where named.name is not null or location.partner_mpn_id is not null`,
    [partner],
  );
  if (found && (found.name !== '' || found.partner === partner)) return found.name;
  throw new LkpError(
    'request',
    found?.partner
      ? `${partner} is a location of partner ${found.partner}. A claim is answered for the partner: name ${found.partner}.`
      : `No partner with the MPN ID ${partner} is known. Check the ID, or load it with lkp load partners.`,
  );
}

/** Every line with its cause: the claim's in their order, then ours by month, type and number. */
async function settle(
  tx: Sql,
  claimed: readonly ClaimedLine[],
  ours: readonly ShownLine[],
  proofs: readonly Proof[],
  asked: Asked,
): Promise<Settled[]> {
  const months = new Set(claimed.map(({ month }) => month));
  const [claims, shown, proof] = [grouped(claimed), grouped(ours), grouped(proofs)];
  const invoices = new Map(
    [...claims].map(([key, lines]) => [key, matched(lines, key === '' ? [] : (shown.get(key) ?? []), [])]),
  );
  // Looked for everywhere, and matched again, is only what the report alone does not explain.
  const open = [...invoices]
    .filter(([key, invoice]) => key !== '' && !isPlain(invoice, asked))
    .map(([key]) => key);
  const hidden = grouped(await readHidden(tx, open, asked));
  for (const key of open)
    invoices.set(key, matched(claims.get(key)!, shown.get(key) ?? [], hidden.get(key) ?? []));

  const isAsked = (month: string): boolean => months.has(month);
  const answered = [...invoices].flatMap(([key, invoice]) =>
    settledOf(invoice, proof.get(key) ?? [], asked, isAsked),
  );
  const superseded = new Set(
    [...invoices].flatMap(([key, { found }]) =>
      found.some((pair) => pair.hidden.cause === 'superseded') ? [key] : [],
    ),
  );
  const lacking = [
    ...[...invoices.values()].flatMap(({ alone }) => alone.ours),
    ...ours.filter(({ invoiceKey }) => !claims.has(invoiceKey)),
  ]
    .filter(({ kpiMonth }) => isAsked(kpiMonth))
    .map((line) => settledOurs(line, lackingCause(line, superseded), asked));
  return [...answered, ...lacking].sort((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1]);
}

/** Why the report shows a line that the claim lacks. `superseded`: the invoices of the claim that were corrected since. */
function lackingCause({ line, replacesKey }: ShownLine, superseded: ReadonlySet<string>): Cause {
  if (replacesKey !== '' && superseded.has(replacesKey)) return 'superseded';
  return line.class === 'credit note' ? 'credited' : 'not-claimed';
}

function grouped<T extends { readonly invoiceKey: string }>(lines: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const line of lines) {
    const group = groups.get(line.invoiceKey);
    if (group) group.push(line);
    else groups.set(line.invoiceKey, [line]);
  }
  return groups;
}
