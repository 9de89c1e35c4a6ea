import { LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { ReadClaim } from './claim.ts';

/**
 * Throws LkpError('request') when a claim names an MPN ID that is neither the partner's nor that of a location of it: a
 * claim is of one partner, and its answer shows one partner's lines.
 */
export async function checkPartner(tx: Sql, claim: ReadClaim, partner: string): Promise<void> {
  const strangers = await tx.rows<{ mpn_id: string }>(
    `select named.mpn_id
     from unnest($1::text[]) with ordinality as named (mpn_id, no)
     where named.mpn_id <> $2
       and not exists (select 1 from location
                       where location.location_mpn_id = named.mpn_id and location.partner_mpn_id = $2)
     order by named.no`,
    [claim.named.map(({ mpnId }) => mpnId), partner],
  );
  if (strangers.length === 0) return;
  const named = claim.named.slice(0, 10).map(({ mpnId, row }) => `${mpnId.slice(0, 60)} (row ${row})`);
  const others = strangers.slice(0, 10).map(({ mpn_id }) => mpn_id.slice(0, 60));
  throw new LkpError(
    'request',
    `${claim.name} names the MPN ${named.length === 1 ? 'ID' : 'IDs'} ${named.join(', ')}; ${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} neither ${partner} nor a location of it. A claim is of one partner: check --partner, or split the file by partner and answer each by itself.`,
  );
}
