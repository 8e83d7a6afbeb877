// graphile-worker in its fastest mode (local queue, completions in batches):
//
//   graphile_worker.mjs enqueue SOCKET DATABASE PEOPLE
//   graphile_worker.mjs dial SOCKET DATABASE PEOPLE PORT
import { makeWorkerUtils, run, Logger } from 'graphile-worker';
import pg from 'pg';
import { access, dialer, payload, tell } from './dialing.mjs';

const BATCH = 5000;
const CONCURRENCY = 24;  // More of them are slower on two cores.
const [work, socket, database, count, port] = process.argv.slice(2);
const people = Number(count);
const pgPool = new pg.Pool(access(socket, database, CONCURRENCY + 4));
pgPool.on('connect', (client) => client.on('error', (error) => console.error(error.message)));
pgPool.on('error', (error) => console.error(error.message));
const logger = new Logger(() => (level, message) => {
  if (level === 'error' || level === 'warning') console.error(message);
});

const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();
const batches = [];
for (let i = 0; i < people; i += BATCH) {
  batches.push(Array.from({ length: Math.min(BATCH, people - i) },
    (_, k) => ({ identifier: 'dial', payload: payload(i + k) })));
}
const began = performance.now();
for (const batch of batches) await utils.addJobs(batch);
const enqueued = performance.now();

if (work === 'enqueue') {
  tell({ per_second: people / (enqueued - began) * 1000 });
} else {
  const dial = dialer(Number(port), CONCURRENCY);
  let left = people;
  let done;
  const all = new Promise((resolve) => { done = resolve; });
  const runner = await run({
    pgPool,
    preset: { worker: { concurrentJobs: CONCURRENCY, localQueue: { size: 500 },
      completeJobBatchDelay: 0, failJobBatchDelay: 0, logger } },
    noHandleSignals: true,
    taskList: {
      dial: async (person, helpers) => {
        await helpers.withPgClient((client) => dial(client, person));
        if (--left === 0) done();
      },
    },
  });
  await all;
  await runner.stop();
  tell({ done: people });
}
process.exit(0);
