// pg-boss in its fastest mode (batches):
//
//   pg_boss.mjs enqueue SOCKET DATABASE PEOPLE
//   pg_boss.mjs dial SOCKET DATABASE PEOPLE PORT
import { PgBoss } from 'pg-boss';
import pg from 'pg';
import { access, dialer, payload, tell } from './dialing.mjs';

const BATCH = 5000;
const CONCURRENCY = 100;
const [work, socket, database, count, port] = process.argv.slice(2);
const people = Number(count);
const boss = new PgBoss({ ...access(socket, database, 10), supervise: false, schedule: false });
boss.on('error', (error) => console.error(error.message));
await boss.start();
await boss.createQueue('dial');
const batches = [];
for (let i = 0; i < people; i += BATCH) {
  batches.push(Array.from({ length: Math.min(BATCH, people - i) },
    (_, k) => ({ data: payload(i + k) })));
}
const began = performance.now();
for (const batch of batches) await boss.insert('dial', batch);
const enqueued = performance.now();

if (work === 'enqueue') {
  tell({ per_second: people / (enqueued - began) * 1000 });
} else {
  const dial = dialer(Number(port), CONCURRENCY);
  const pool = new pg.Pool(access(socket, database, CONCURRENCY));
  let left = people;
  let done;
  const all = new Promise((resolve) => { done = resolve; });
  const handle = async (jobs) => {
    await Promise.all(jobs.map((job) => dial(pool, job.data)));
    left -= jobs.length;
    if (left === 0) done();
  };
  for (let worker = 0; worker < 2; ++worker) {
    await boss.work('dial', { batchSize: 2 * CONCURRENCY, pollingIntervalSeconds: 0.5 }, handle);
  }
  await all;
  await boss.stop({ graceful: true });
  tell({ done: people });
}
process.exit(0);
