/** Opens the queue at argv[2], works off one message, closes, and must then end by itself. */
import { openQueue } from '../../src/queue/queue.ts';

const queue = await openQueue(process.argv[2] ?? '', { onError: (error) => console.error(error.message) });
await new Promise<void>((done, fail) => {
  queue
    .work(
      async ({ occurrence }) => {
        console.log(`handled ${occurrence}`);
        done();
      },
      { concurrency: 2 },
    )
    .then(() => queue.send({ occurrence: '1', attempt: 1, reason: 'manual', actor: 'test' }))
    .catch(fail);
});
await queue.close();
console.log('closed');
