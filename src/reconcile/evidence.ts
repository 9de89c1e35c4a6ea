import type { Sql } from '../ports.ts';
import type { EvidenceDocument, EvidenceFile } from './answer.ts';

/** A file that came with a claim, as the gate sees it, with what a reader wants to be told of it. */
export interface ShownEvidence extends EvidenceFile {
  readonly sha256: string;
  readonly documents: ReadonlyArray<EvidenceDocument & { readonly lines: number; readonly reason: string }>;
}

/** The rules that name a document's type. */
const TYPE_RULES = ['not-an-invoice', 'document-type-for-a-person', 'document-type-unknown'];

/**
 * Says of refused files what they are by the name of their document type: `an order confirmation (type 231, Purchase order
 * response)`. A table of which every document is refused is refused as a whole.
 */
export async function namedByType(tx: Sql, files: readonly ShownEvidence[]): Promise<ShownEvidence[]> {
  const codes = files.flatMap(({ documents }) => documents.map(({ typeCode }) => typeCode?.trim() ?? ''));
  const types = await tx.rows<{ code: string; name: string }>(
    'select code, name from document_type where code = any($1)',
    [codes],
  );
  const names = new Map(types.map(({ code, name }) => [code, name]));
  return files.map((file) => {
    const documents = file.documents.map((document) => {
      const code = document.typeCode?.trim() ?? '';
      const name = names.get(code);
      const ofType = document.rule !== null && TYPE_RULES.includes(document.rule);
      return {
        ...document,
        seen: document.seen ?? (ofType ? code : null),
        reason:
          ofType && name !== undefined ? whyNot(document, code, name) : reasonOf(document, file.isKnown),
      };
    });
    const [first] = documents;
    const whole = first && documents.every(({ treatment }) => treatment === 'refuse');
    if (file.refused !== undefined || !whole) return { ...file, documents };
    return { ...file, documents, refused: `${file.file} has nothing that counts. ${first.reason}` };
  });
}

function whyNot({ rule, reason }: ShownEvidence['documents'][number], code: string, name: string): string {
  const why = rule === 'not-an-invoice' ? 'Only actual invoices count.' : reason;
  return `It is ${whatItIs(code, name)}: rule ${rule}. ${why}`;
}

/** Nothing was taken in, so that nothing counts yet. Where else a row stands is not told: it may be another partner's file. */
function reasonOf({ rule, reason, treatment }: ShownEvidence['documents'][number], isKnown = false): string {
  const isTaken = !['quarantine', 'refuse'].includes(treatment);
  if (isTaken && (isKnown || rule === 'duplicate')) return 'We have it already: nothing was added.';
  return isTaken && rule === null && treatment === 'accept'
    ? 'An actual invoice: it counts once we have taken it in.'
    : reason;
}

/** Codes of UNTDID 1001 that partners send for invoices, in plain words. */
const PLAIN: ReadonlyArray<readonly [codes: readonly string[], words: string]> = [
  [['231', '320'], 'an order confirmation'],
  [['105', '220', '221', '230'], 'an order'],
  [['325'], 'a pro forma invoice'],
  [['310'], 'an offer'],
  [['270', '351'], 'a delivery note'],
];

function whatItIs(code: string, name: string): string {
  const words = PLAIN.find(([codes]) => codes.includes(code))?.[1];
  return words === undefined ? `a document of type ${code} (${name})` : `${words} (type ${code}, ${name})`;
}

/** Documents that count, or wait for a person. */
export const acceptedIn = ({ refused, documents }: EvidenceFile): number =>
  refused === undefined ? documents.filter(({ treatment }) => treatment !== 'refuse').length : 0;
