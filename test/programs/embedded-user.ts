/** Uses the embedded server of argv[2] until its standard input ends; a line for each step. */
import { openEmbedded } from '../../src/db/embedded.ts';

const server = await openEmbedded(process.argv[2] ?? '').catch((error: Error) => {
  console.log(`failed ${error.name}: ${error.message}`);
  process.exit(1);
});
console.log(`using ${server.url}`);
for await (const _ of process.stdin);
await server.release();
console.log('left');
