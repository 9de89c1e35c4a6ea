import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Figure, type Ground, largeFile, lkp, median, prepare, shown } from './ground.ts';
import { stored } from './ingest.ts';

const LINES = 2;

/**
 * `lkp ingest` of a folder of e-invoices (UBL), one invoice of two lines a file, into a database without lines: the whole
 * process, as files a minute.
 */
export async function benchSmallFiles(
  ground: Ground,
  files: number,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  // Its reference data alone is wanted.
  const { folder: reference } = await largeFile(ground, 'small', { lines: 1_000 });
  await prepare(ground, await ground.database('ready'), reference);
  const folder = join(ground.folder, 'small-files');
  await mkdir(folder);
  for (let no = 1; no <= files; no++) await writeFile(join(folder, `${no}.xml`), invoice(no));
  const seconds: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    const url = await ground.database('run', 'ready');
    await ground.settle();
    const run = await lkp(ground, url, ['ingest', folder]);
    stored(run.json, files * LINES);
    seconds.push(run.seconds);
    say(`small files ${pair} of ${pairs}: ${run.seconds.toFixed(1)} s, ${Math.round(run.megabytes)} MB`);
  }
  await ground.drop('run');
  return [
    {
      bench: 'small files',
      figure: 'one-invoice UBL files a minute',
      atLeast: 3_000,
      value: (files / median(seconds)) * 60,
      madeOf: `${files.toLocaleString('en')} files in ${shown(seconds)} s`,
    },
  ];
}

const invoice = (no: number): string => `<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
         xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
         xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:ID>S-${no}</cbc:ID>
  <cbc:IssueDate>2019-05-${String((no % 28) + 1).padStart(2, '0')}</cbc:IssueDate>
  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:AccountingSupplierParty><cac:Party><cac:PartyIdentification><cbc:ID>SELLER-7</cbc:ID></cac:PartyIdentification></cac:Party></cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty><cac:Party><cac:PartyIdentification><cbc:ID>CM100228</cbc:ID></cac:PartyIdentification></cac:Party></cac:AccountingCustomerParty>
  <cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">30.00</cbc:LineExtensionAmount></cac:LegalMonetaryTotal>${[
    1, 2,
  ]
    .map(
      (line) => `
  <cac:InvoiceLine>
    <cbc:ID>${line}</cbc:ID>
    <cbc:InvoicedQuantity unitCode="C62">${line}</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount currencyID="EUR">${line}0.00</cbc:LineExtensionAmount>
    <cac:Item><cbc:Name>Course</cbc:Name><cac:SellersItemIdentification><cbc:ID>MS-100T01-OD</cbc:ID></cac:SellersItemIdentification></cac:Item>
    <cac:Price><cbc:PriceAmount currencyID="EUR">10.00</cbc:PriceAmount></cac:Price>
  </cac:InvoiceLine>`,
    )
    .join('')}
</Invoice>
`;
