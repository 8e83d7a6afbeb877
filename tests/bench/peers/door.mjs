// The callback door as one writes it with Node's http and pg: each event is parsed,
// inserted, and then answered with 200.
//
//   door.mjs SOCKET DATABASE     prints its port, serves until its input ends
import http from 'node:http';
import pg from 'pg';
import { access } from './dialing.mjs';

const [socket, database] = process.argv.slice(2);
const pool = new pg.Pool(access(socket, database, 10));
const INSERT = {
  name: 'insert_event',
  text: `INSERT INTO call_event (campaign_id, attempt_id, event_key, kind, at, received_at, number,
           code, subcode, raw)
         VALUES ($1, $2, $3, 'OTHER_EVENT', $4, now(), 0, 0, 0, $5) ON CONFLICT DO NOTHING`,
};

let events = 0;
async function take(url, body) {
  const [, , campaign, attempt] = url.split('?')[0].split('/');
  const event = [].concat(JSON.parse(body))[0];
  await pool.query({ ...INSERT, values: [campaign, attempt, event.id || `event-${++events}`,
    event.time ?? event.eventTime ?? new Date(), body] });
}

const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => take(request.url, body).then(
    () => response.writeHead(200, { 'Content-Length': 0 }).end(),
    (error) => {
      console.error(error.message);
      response.writeHead(500, { 'Content-Length': 0 }).end();
    }));
});
server.listen(0, '127.0.0.1', 1024, () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
