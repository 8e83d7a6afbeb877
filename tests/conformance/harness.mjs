// What the checks stand on: servers to drive, a receiver for what they call
// back, and the count of what passed.
import { spawn } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseCallAutomationEvent } from "@azure/communication-call-automation";

export const accessKey = Buffer.from("conformance-key-0123456789abcdef").toString("base64");
const waitMax = 60_000; // A machine that is busy with other things takes its time.
const directory = mkdtempSync(join(tmpdir(), "tocsin-conformance-"));
const here = new URL(".", import.meta.url).pathname;

// A folder with a certificate that both sides show, and its authority: TLS. None: http.
const tlsFolder = process.env.CONFORMANCE_TLS;
const tlsFile = (name) => join(tlsFolder, name);
const tlsFlags = tlsFolder
  ? [
      ["--call-server-tls-certificate-file", tlsFile("server.pem")],
      ["--call-server-tls-key-file", tlsFile("server.key")],
      ["--tls-ca-file", tlsFile("ca.pem")],
    ].flat()
  : [];

const children = [];
let passed = 0;
let failed = 0;

export async function check(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error?.message ?? error}`);
  }
}

// Ends everything, also what a failed check has left running.
export function finish() {
  for (const child of children) child.kill("SIGKILL");
  console.log(`${passed} passed, ${failed} failed${tlsFolder ? " over https" : " over http"}`);
  appendFileSync(process.env.CONFORMANCE_TALLY ?? "/dev/null", `${passed} ${failed}\n`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

// Nothing here takes minutes: what hangs has failed.
setTimeout(() => {
  failed += 1;
  console.log("FAILED  took more than ten minutes");
  finish();
}, 600_000);

// The rejection of `promise`; fails if there is none.
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("was not refused");
}

const ledgers = [];

// A `tocsin call-server` of its own, over the people of population.yaml or of
// `population`.
export async function startServer({ flags = [], population } = {}) {
  const ledger = join(directory, `ledger-${process.hrtime.bigint()}`);
  const people = join(directory, `population-${process.hrtime.bigint()}.yaml`);
  writeFileSync(people, population ?? readFileSync(join(here, "population.yaml"), "utf8"));
  const all = ["--ledger", ledger, "--population", people, "--time-scale", "10"];
  if (!flags.includes("--caller-number-calls-max")) all.push("--caller-number-calls-max", "0");
  const child = spawn(process.env.TOCSIN ?? "tocsin", ["call-server", ...all, ...tlsFlags, ...flags], {
    env: { ...process.env, TOCSIN_ACCESS_KEY: accessKey },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let url;
  for await (const line of createInterface({ input: child.stdout })) {
    url = line.match(/call server\s+(\S+)/)?.[1] ?? url;
    if (line === "ready") break;
  }
  if (!url) throw new Error("the call server did not start");
  if (url.startsWith("https:") !== Boolean(tlsFolder)) throw new Error(`it listens at ${url}`);
  ledgers.push(ledger);
  return {
    url,
    connectionString: `endpoint=${url}/;accesskey=${accessKey}`,
    // The create-call requests that came in, and the calls that were placed.
    creates: () => lines(ledger).filter((line) => line.what === "create"),
    placed: () => lines(ledger).filter((line) => line.what === "create" && line.call_leg_id),
    // What goes wrong from here on (docs/call-automation.md).
    async setFaults(plan) {
      const set = await fetch(`${url}/admin/faults`, {
        method: "PUT",
        body: JSON.stringify(plan),
      });
      if (!set.ok) throw new Error(`the faults were refused: ${await set.text()}`);
    },
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

// The types of all events that any server sent and saw answered.
export function eventsSent() {
  const sent = ledgers.flatMap(lines).filter((line) => line.what === "callback" && !line.dropped);
  return new Set(sent.map((line) => line.type));
}

function lines(path) {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

// A WAV of `seconds` of silence as the provider wants it: mono, 16 bit, 16 kHz.
function wav(seconds) {
  const size = seconds * 32_000;
  const file = Buffer.alloc(44 + size);
  file.write("RIFF", 0);
  file.writeUInt32LE(36 + size, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(16_000, 24);
  file.writeUInt32LE(32_000, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(size, 40);
  return file;
}

// The application's side: takes callbacks and offers the prompts. Every event
// goes through the SDK's own parser.
export class Receiver {
  events = []; // {path, body, authorization, parsed}
  unparsed = [];
  #waiting = [];

  async start() {
    const take = (request, response) => this.#take(request, response);
    this.server = tlsFolder
      ? createTlsServer(
          { cert: readFileSync(tlsFile("server.pem")), key: readFileSync(tlsFile("server.key")) },
          take,
        )
      : createServer(take);
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.url = `${tlsFolder ? "https" : "http"}://127.0.0.1:${this.server.address().port}`;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  #take(request, response) {
    if (request.url.startsWith("/audio/")) {
      response.writeHead(200, { "Content-Type": "audio/wav" });
      response.end(wav(Number(request.url.slice("/audio/".length))));
      return;
    }
    if (request.method !== "POST") {
      response.writeHead(404).end();
      return;
    }
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      this.#event(request, Buffer.concat(chunks).toString("utf8"));
      response.writeHead(200).end();
    });
  }

  #event(request, text) {
    try {
      const body = JSON.parse(text);
      const parsed = parseCallAutomationEvent(text);
      const { authorization } = request.headers;
      this.events.push({ path: request.url, body, authorization, parsed });
    } catch (error) {
      this.unparsed.push(`${error.message}: ${text}`);
    }
    this.#waiting = this.#waiting.filter((waiter) => !waiter());
  }

  // The first event of that kind of that call, parsed; waits for it.
  async next(callConnectionId, kind, matches = () => true) {
    const find = () =>
      this.events.find(
        ({ parsed }) =>
          parsed.kind === kind &&
          parsed.callConnectionId === callConnectionId &&
          matches(parsed),
      );
    const found = find();
    if (found) return found.parsed;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = this.events
          .filter(({ parsed }) => parsed.callConnectionId === callConnectionId)
          .map(({ parsed }) => parsed.kind);
        reject(new Error(`no ${kind} came; there were ${seen.join(", ") || "none"}`));
      }, waitMax);
      this.#waiting.push(() => {
        const late = find();
        if (!late) return false;
        clearTimeout(timer);
        resolve(late.parsed);
        return true;
      });
    });
  }
}

// Checks a callback's token as an application would: signature by a key of the
// issuer's, issuer, audience and time. Returns its claims.
export async function verifyToken(authorization, serverUrl) {
  const configuration = await (
    await fetch(`${serverUrl}/calling/.well-known/acsopenidconfiguration`)
  ).json();
  const { keys } = await (await fetch(configuration.jwks_uri)).json();
  const [header, payload, signature] = authorization.replace(/^Bearer /, "").split(".");
  const { alg, kid } = JSON.parse(Buffer.from(header, "base64url"));
  if (alg !== "RS256") throw new Error(`the algorithm is ${alg}`);
  const key = keys.find((candidate) => candidate.kid === kid);
  if (!key) throw new Error("no such key");
  const good = verify(
    "sha256",
    Buffer.from(`${header}.${payload}`),
    createPublicKey({ key, format: "jwk" }),
    Buffer.from(signature, "base64url"),
  );
  if (!good) throw new Error("the signature is wrong");
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  if (claims.iss !== configuration.issuer) throw new Error("another issuer");
  const now = Date.now() / 1000;
  if (claims.nbf > now + 60 || claims.exp < now - 60) throw new Error("not valid now");
  return claims;
}
