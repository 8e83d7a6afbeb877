// What the job queues have in common: the database, and what one dialer job does.
import http from 'node:http';

// Each job has two statements of its own, so a pool is as large as jobs run at once.

export function access(socket, database, connections) {
  return { host: socket, user: 'tocsin', database, max: connections };
}

// The people of an imported list, as far as one who rings them needs to know.
export function payload(person) {
  return {
    person,
    person_key: `customer-${String(person).padStart(8, '0')}`,
    name: `Customer Number ${person}`,
    number: `+1206555${String(person % 10000).padStart(4, '0')}`,
    time_zone: 'America/New_York',
  };
}

const INSERT = {
  name: 'insert_attempt',
  text: `INSERT INTO call_attempt (campaign_id, recipient_id, people, trunk_id, number,
           number_index, attempt_no, state, claim_epoch, planned_at)
         VALUES (1, $1, 1, 1, $2, 0, 1, 'PLANNED', 1, now()) RETURNING attempt_id`,
};
const UPDATE = {
  name: 'update_attempt',
  text: `UPDATE call_attempt SET provider_call = $2, sent_at = $3
         WHERE campaign_id = 1 AND attempt_id = $1`,
};

// Inserts an attempt, asks the provider to call, and writes down what it said.
export function dialer(port, concurrency) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  const post = (body) => new Promise((resolve, reject) => {
    const request = http.request(
      { port, host: '127.0.0.1', agent, method: 'POST', path: '/calling/callConnections',
        headers: { 'Content-Type': 'application/json', 'Content-Length': body.length } },
      (answer) => {
        let text = '';
        answer.on('data', (part) => { text += part; });
        answer.on('end', () => resolve(JSON.parse(text)));
      });
    request.on('error', reject);
    request.end(body);
  });
  return async (client, person) => {
    const inserted = await client.query({ ...INSERT, values: [person.person, person.number] });
    const attempt = inserted.rows[0].attempt_id;
    const sent = new Date();
    const call = await post(JSON.stringify({
      targets: [{ phoneNumber: { value: person.number } }],
      source: { communicationUser: { id: '8:acs:bench' } },
      alternateCallerId: { value: '+12025550100' },
      callbackUri: `https://bench.example/callbacks/1/${attempt}?k=k1&s=signature`,
      requestedModalities: ['audio'],
      requestedCallEvents: ['participantsUpdated', 'dtmfReceived'],
    }));
    await client.query({ ...UPDATE, values: [attempt, call.callLegId, sent] });
  };
}

export function tell(figures) {
  console.log(JSON.stringify(figures));
}
