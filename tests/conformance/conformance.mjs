// Drives `tocsin call-server` with the real SDK and holds both to each other.
// Run by script/conformance.
import assert from "node:assert/strict";
import { CallAutomationClient } from "@azure/communication-call-automation";
import {
  check,
  eventsSent,
  finish,
  Receiver,
  rejection,
  startServer,
  verifyToken,
} from "./harness.mjs";

const caller = { phoneNumber: "+18005550100" };
const user = { communicationUserId: "8:acs:00000000-res_00000000-user" };
const receiver = new Receiver();
await receiver.start();

let numbers = 0;
// A number that nobody has called yet.
const nextNumber = () => ({ phoneNumber: `+1555555${String(1000 + (numbers += 1))}` });

const clientOf = (server, options = {}) =>
  new CallAutomationClient(server.connectionString, {
    allowInsecureConnection: server.url.startsWith("http:"),
    ...options,
  });

const file = (seconds) => ({ kind: "fileSource", url: `${receiver.url}/audio/${seconds}` });

async function create(client, options = {}, person = nextNumber()) {
  const result = await client.createCall(
    { targetParticipant: person, sourceCallIdNumber: caller },
    `${receiver.url}/callbacks?c=1`,
    { operationContext: "call", ...options },
  );
  const id = result.callConnectionProperties.callConnectionId;
  return {
    id,
    person,
    connection: result.callConnection,
    media: result.callConnection.getCallMedia(),
    properties: result.callConnectionProperties,
    next: (kind, matches) => receiver.next(id, kind, matches),
  };
}

async function connected(client, options) {
  const call = await create(client, options);
  await call.next("CallConnected");
  return call;
}

const dtmf = (options) => ({ kind: "callMediaRecognizeDtmfOptions", ...options });
const withContext = (context) => (event) => event.operationContext === context;

// Everything that the SDK and the server have to do with each other.
async function conform(startServer) {
  const server = await startServer({
    flags: ["--resource-id", "5f5c4e2a-0000-4000-8000-0000000000aa"],
  });
  const client = clientOf(server);

  await check("createCall gives the properties of a call that is connecting", async () => {
    const { properties, id, person } = await create(client, {
      callIntelligenceOptions: { cognitiveServicesEndpoint: "https://cognitive.example.com/" },
    });
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(properties.callConnectionState, "connecting");
    assert.equal(properties.targetParticipants[0].phoneNumber, person.phoneNumber);
    assert.equal(properties.sourceCallerIdNumber.phoneNumber, caller.phoneNumber);
    assert.ok(properties.serverCallId && properties.correlationId);
  });

  await check("an answered call says so, with its roster and the context of its creation", async () => {
    const call = await connected(client);
    const answered = await call.next("CallConnected");
    assert.equal(answered.operationContext, "call");
    assert.equal(answered.serverCallId, call.properties.serverCallId);
    const roster = await call.next("ParticipantsUpdated");
    assert.equal(roster.participants[0].identifier.phoneNumber, call.person.phoneNumber);
    const now = await call.connection.getCallConnectionProperties();
    assert.equal(now.callConnectionState, "connected");
    await call.connection.hangUp(true);
  });

  await check("callbacks carry a token that the published keys verify", async () => {
    const call = await connected(client);
    const { authorization } = receiver.events.find((event) => event.parsed.callConnectionId === call.id);
    const claims = await verifyToken(authorization, server.url);
    assert.equal(claims.aud, "5f5c4e2a-0000-4000-8000-0000000000aa");
    assert.equal(claims.exp - claims.iat, 300);
    await call.connection.hangUp(true);
  });

  await check("play: a file is started and completed", async () => {
    const call = await connected(client);
    await call.media.playToAll([file(2)], { operationContext: "p" });
    await call.next("PlayStarted", withContext("p"));
    const completed = await call.next("PlayCompleted", withContext("p"));
    assert.equal(completed.resultInformation.code, 200);
    await call.connection.hangUp(true);
  });

  await check("play: text and ssml are spoken where a speech service is linked", async () => {
    const cognitiveServicesEndpoint = "https://cognitive.example.com/";
    const call = await connected(client, { callIntelligenceOptions: { cognitiveServicesEndpoint } });
    const text = { kind: "textSource", text: "This is a test.", voiceName: "en-US-NancyNeural" };
    await call.media.play([text], [call.person], { operationContext: "text" });
    await call.next("PlayCompleted", withContext("text"));
    const ssml = { kind: "ssmlSource", ssmlText: "<speak>This is a test.</speak>" };
    await call.media.playToAll([ssml], { operationContext: "ssml" });
    await call.next("PlayCompleted", withContext("ssml"));
    const unlinked = await connected(client);
    assert.equal((await rejection(unlinked.media.playToAll([text]))).code, "8567");
    await call.connection.hangUp(true);
    await unlinked.connection.hangUp(true);
  });

  await check("play: a file that is not there fails with 8536 and its index", async () => {
    const call = await connected(client);
    await call.media.playToAll([{ kind: "fileSource", url: `${receiver.url}/missing.wav` }]);
    const result = await call.next("PlayFailed");
    assert.equal(result.resultInformation.subCode, 8536);
    assert.equal(result.failedPlaySourceIndex, 0);
    await call.connection.hangUp(true);
  });

  await check("play: a loop goes on until it is cancelled", async () => {
    const call = await connected(client);
    await call.media.playToAll([file(1)], { loop: true, operationContext: "loop" });
    await call.next("PlayStarted", withContext("loop"));
    await call.media.cancelAllOperations();
    const result = await call.next("PlayCanceled", withContext("loop"));
    assert.deepEqual([result.resultInformation.code, result.resultInformation.subCode], [400, 8508]);
    await call.connection.hangUp(true);
  });

  await check("media operations do not overlap, and one may interrupt another", async () => {
    const call = await connected(client);
    await call.media.playToAll([file(60)], { operationContext: "first" });
    const second = await rejection(call.media.playToAll([file(60)]));
    assert.deepEqual([second.statusCode, second.code], [400, "8500"]);
    const options = dtmf({ maxTonesToCollect: 1 });
    const other = await rejection(call.media.startRecognizing(call.person, options));
    assert.deepEqual([other.statusCode, other.code], [412, "8583"]);
    await call.media.playToAll([file(1)], {
      operationContext: "second",
      interruptCallMediaOperation: true,
    });
    await call.next("PlayCanceled", withContext("first"));
    await call.next("PlayCompleted", withContext("second"));
    await call.connection.hangUp(true);
  });

  await check("recognize: the key that is pressed is collected", async () => {
    const call = await connected(client);
    await call.media.startRecognizing(
      call.person,
      dtmf({ playPrompt: file(10), maxTonesToCollect: 1, operationContext: "r" }),
    );
    const result = await call.next("RecognizeCompleted");
    assert.equal(result.recognitionType, "dtmf");
    assert.deepEqual(result.dtmfResult.tones, ["one"]);
    assert.equal(result.resultInformation.subCode, 8531);
    assert.equal(result.operationContext, "r");
    await call.connection.hangUp(true);
  });

  await check("recognize: a key interrupts the prompt, and a stop tone ends it", async () => {
    const call = await connected(client);
    await call.media.startRecognizing(
      call.person,
      dtmf({ playPrompts: [file(40)], interruptPrompt: true, stopDtmfTones: ["one"] }),
    );
    const result = await call.next("RecognizeCompleted");
    assert.equal(result.resultInformation.subCode, 8514);
    await call.connection.hangUp(true);
  });

  await check("recognize: what is collected when the tones stop is kept", async () => {
    const call = await connected(client);
    await call.media.startRecognizing(
      call.person,
      dtmf({ playPrompt: file(10), maxTonesToCollect: 4, interToneTimeoutInSeconds: 3 }),
    );
    const result = await call.next("RecognizeCompleted");
    assert.deepEqual(result.dtmfResult.tones, ["one"]);
    assert.equal(result.resultInformation.subCode, 8532);
    await call.connection.hangUp(true);
  });

  await check("recognize: silence fails it", async () => {
    const call = await connected(client);
    await call.media.startRecognizing(call.person, dtmf({ initialSilenceTimeoutInSeconds: 1 }));
    const result = await call.next("RecognizeFailed");
    assert.equal(result.resultInformation.subCode, 8510);
    await call.connection.hangUp(true);
  });

  await check("recognize: is cancelled", async () => {
    const call = await connected(client);
    await call.media.startRecognizing(call.person, dtmf({ playPrompt: file(60) }));
    await call.media.cancelAllOperations();
    await call.next("RecognizeCanceled");
    await call.connection.hangUp(true);
  });

  await check("continuous DTMF: tones come while it is on, and it says when it stops", async () => {
    const call = await connected(client);
    await call.media.startContinuousDtmfRecognition(call.person, { operationContext: "tones" });
    await call.media.playToAll([file(10)]);
    const tone = await call.next("ContinuousDtmfRecognitionToneReceived");
    assert.deepEqual([tone.tone, tone.sequenceId, tone.operationContext], ["one", 1, "tones"]);
    await call.media.stopContinuousDtmfRecognition(call.person, { operationContext: "stop" });
    await call.next("ContinuousDtmfRecognitionStopped", withContext("stop"));
    await call.connection.hangUp(true);
  });

  await check("sendDtmfTones: is completed", async () => {
    const call = await connected(client);
    const result = await call.media.sendDtmfTones(["one", "pound"], call.person, {
      operationContext: "s",
    });
    assert.equal(result.operationContext, "s");
    await call.next("SendDtmfTonesCompleted", withContext("s"));
    await call.connection.hangUp(true);
  });

  await check("addParticipant: joins, is listed, found, muted and removed", async () => {
    const call = await connected(client);
    const added = await call.connection.addParticipant(
      { targetParticipant: user },
      { operationContext: "add" },
    );
    assert.ok(added.invitationId);
    const joined = await call.next("AddParticipantSucceeded", withContext("add"));
    assert.equal(joined.participant.communicationUserId, user.communicationUserId);
    const { values } = await call.connection.listParticipants();
    assert.equal(values.length, 2);
    const person = await call.connection.getParticipant(call.person);
    assert.equal(person.identifier.phoneNumber, call.person.phoneNumber);
    await call.connection.muteParticipant(user, { operationContext: "mute" });
    assert.equal((await call.connection.getParticipant(user)).isMuted, true);
    await call.connection.removeParticipant(user, { operationContext: "remove" });
    await call.next("RemoveParticipantSucceeded", withContext("remove"));
    await call.connection.removeParticipant(user, { operationContext: "again" });
    await call.next("RemoveParticipantFailed", withContext("again"));
    assert.equal((await call.connection.listParticipants()).values.length, 1);
    await call.connection.hangUp(true);
  });

  await check("addParticipant: an invitation is cancelled, or nobody takes it in time", async () => {
    const call = await connected(client);
    const target = { targetParticipant: nextNumber(), sourceCallIdNumber: caller };
    const { invitationId } = await call.connection.addParticipant(target);
    const cancelled = await call.connection.cancelAddParticipantOperation(invitationId);
    assert.equal(cancelled.invitationId, invitationId);
    const result = await call.next("CancelAddParticipantSucceeded");
    assert.equal(result.invitationId, invitationId);
    await call.connection.cancelAddParticipantOperation(invitationId);
    await call.next("CancelAddParticipantFailed");
    await call.connection.addParticipant(target, { invitationTimeoutInSeconds: 2 });
    const failure = await call.next("AddParticipantFailed");
    assert.equal(failure.participant.phoneNumber, target.targetParticipant.phoneNumber);
    await call.connection.hangUp(true);
  });

  await check("results go to the operation's own callback URL if it has one", async () => {
    const call = await connected(client);
    const operationCallbackUrl = `${receiver.url}/operations`;
    await call.media.playToAll([file(1)], { operationCallbackUrl, operationContext: "elsewhere" });
    const result = await call.next("PlayCompleted", withContext("elsewhere"));
    assert.equal(receiver.events.find(({ parsed }) => parsed === result).path, "/operations");
    await call.connection.hangUp(true);
  });

  await check("transfer: the call is handed over, and gone", async () => {
    const call = await connected(client);
    await call.connection.transferCallToParticipant(user, { operationContext: "t" });
    const accepted = await call.next("CallTransferAccepted", withContext("t"));
    assert.equal(accepted.transferTarget.rawId, user.communicationUserId);
    assert.equal(accepted.transferee.rawId, `4:${call.person.phoneNumber}`);
    await call.next("CallDisconnected");
    const gone = await rejection(call.connection.getCallConnectionProperties());
    assert.deepEqual([gone.statusCode, gone.code], [404, "8522"]);
  });

  await check("transfer: to a line in use fails, and the call goes on", async () => {
    const engaged = await connected(client);
    const call = await connected(client);
    await call.connection.transferCallToParticipant(engaged.person, { sourceCallIdNumber: caller });
    const failure = await call.next("CallTransferFailed");
    assert.equal(failure.resultInformation.subCode, 560486);
    assert.equal(failure.resultInformation.sipDetails.code, 486);
    await call.connection.getCallConnectionProperties();
    await call.connection.hangUp(true);
    await engaged.connection.hangUp(true);
  });

  for (const everyone of [true, false]) {
    await check(`hangUp(${everyone}) ends the call`, async () => {
      const call = await connected(client);
      await call.connection.hangUp(everyone);
      const ended = await call.next("CallDisconnected");
      assert.equal(ended.resultInformation.subCode, 7000);
      assert.equal((await rejection(call.connection.hangUp(everyone))).statusCode, 404);
    });
  }

  await check("hangUp before the answer is a failed call", async () => {
    const call = await create(client);
    await call.connection.hangUp(true);
    const failure = await call.next("CreateCallFailed");
    assert.equal(failure.resultInformation.code, 487);
  });

  await check("media before the answer are refused with 8501", async () => {
    const call = await create(client);
    const refused = await rejection(call.media.playToAll([file(1)]));
    assert.deepEqual([refused.statusCode, refused.code], [400, "8501"]);
    await call.connection.hangUp(true);
  });

  await check("an invalid request is refused with 8523 and the place", async () => {
    const refused = await rejection(
      client.createCall({ targetParticipant: nextNumber(), sourceCallIdNumber: caller }, "nowhere"),
    );
    assert.deepEqual([refused.statusCode, refused.code], [400, "8523"]);
    assert.match(refused.message, /callbackUri/);
  });

  await check("a wrong access key is refused with 401", async () => {
    const wrong = Buffer.from("another key").toString("base64");
    const stranger = new CallAutomationClient(`endpoint=${server.url}/;accesskey=${wrong}`, {
      allowInsecureConnection: true,
    });
    const refused = await rejection(create(stranger));
    assert.deepEqual([refused.statusCode, refused.code], [401, "Unauthorized"]);
  });

  for (const apiVersion of ["2023-03-06", "2024-09-15", "2099-01-01"]) {
    await check(`api-version ${apiVersion} is served`, async () => {
      const call = await create(clientOf(server, { apiVersion }));
      await call.connection.hangUp(true);
    });
  }

  await check("every call rang once", async () => {
    const numbersRung = server.placed().map((line) => line.number);
    assert.equal(new Set(numbersRung).size, numbersRung.length);
  });
  await server.stop();

  await check("the SDK's own retries place no second call", async () => {
    // Every second create-call is answered 500 after the call was placed.
    const faulty = await startServer({ flags: ["--fault-error-every", "2"] });
    const impatient = clientOf(faulty, { retryOptions: { retryDelayInMs: 10 } });
    await create(impatient);
    const call = await create(impatient);
    await call.next("CallConnected");
    assert.equal(faulty.creates().length, 3);
    assert.equal(faulty.placed().length, 2);
    assert.equal((await call.connection.getCallConnectionProperties()).callConnectionId, call.id);
    await faulty.stop();
  });

  await check("a create-call that always fails places one call at most", async () => {
    const broken = await startServer({ flags: ["--fault-error-every", "1"] });
    const failure = await rejection(
      create(clientOf(broken, { retryOptions: { maxRetries: 2, retryDelayInMs: 10 } })),
    );
    assert.equal(failure.statusCode, 500);
    assert.ok(broken.creates().length > 1);
    assert.equal(broken.placed().length, 1);
    await broken.stop();
  });

  await check("429 without Retry-After is an error and no call", async () => {
    const busy = await startServer({ flags: ["--fault-throttle-every", "1"] });
    assert.equal((await rejection(create(clientOf(busy)))).statusCode, 429);
    assert.equal(busy.placed().length, 0);
    await busy.stop();
  });

  for (const form of ["seconds", "date"]) {
    await check(`429 with Retry-After in ${form}: the SDK comes back and places one call`, async () => {
      const busy = await startServer();
      const throttled = { every: 1, at_most: 2 };
      await busy.setFaults({ create: { throttled, retry_after: form, retry_after_s: 1 } });
      const call = await create(clientOf(busy));
      assert.deepEqual(busy.creates().map((line) => line.status), [429, 429, 201]);
      assert.equal(busy.placed().length, 1);
      await call.connection.hangUp(true);
      await busy.stop();
    });
  }

  await check("500 before the call was placed: the SDK comes back and places one call", async () => {
    const faulty = await startServer();
    await faulty.setFaults({ create: { error_before: { every: 1, at_most: 2 } } });
    await create(clientOf(faulty, { retryOptions: { retryDelayInMs: 10 } }));
    assert.deepEqual(faulty.creates().map((line) => line.status), [500, 500, 201]);
    assert.equal(faulty.placed().length, 1);
    await faulty.stop();
  });

  await check("an answer after the call's callbacks is an answer", async () => {
    const late = await startServer();
    await late.setFaults({ create: { after_callbacks: { every: 1 } } });
    const call = await create(clientOf(late));
    assert.ok(receiver.events.some(({ parsed }) => parsed.callConnectionId === call.id));
    await late.stop();
  });

  await check("an unanswered call fails with its code, and ends", async () => {
    const quiet = await startServer({
      population: "reachability: {at_once: 0, sometimes: 0}\n" +
        "silence: {dead: 1, dead_announcement: 0, unreachable: 0, declined: 0}\n",
    });
    const call = await create(clientOf(quiet));
    const failure = await call.next("CreateCallFailed");
    assert.deepEqual(
      [failure.resultInformation.code, failure.resultInformation.subCode],
      [404, 560404],
    );
    assert.equal(failure.resultInformation.q850Details.code, 1);
    await call.next("CallDisconnected");
    await quiet.stop();
  });

  await check("calls beyond a caller number's limit are declined with 603", async () => {
    const limited = await startServer({ flags: ["--caller-number-calls-max", "2"] });
    const some = clientOf(limited);
    await create(some);
    await create(some);
    const third = await create(some);
    const failure = await third.next("CreateCallFailed");
    assert.equal(failure.resultInformation.subCode, 560603);
    await limited.stop();
  });

  await check("calls beyond the limit of all are refused with 429", async () => {
    const full = await startServer();
    await full.setFaults({ limits: { calls_max: 1 } });
    const some = clientOf(full);
    await create(some);
    const refused = await rejection(create(some));
    assert.deepEqual([refused.statusCode, refused.code], [429, "8530"]);
    await full.stop();
  });
}

await conform(startServer);

// Every type that the server has a reason to send; those that it has none for are of
// answering, connecting, holding, moving, recording, streaming and transcribing.
const everyType = [
  "AddParticipantFailed",
  "AddParticipantSucceeded",
  "CallConnected",
  "CallDisconnected",
  "CallTransferAccepted",
  "CallTransferFailed",
  "CancelAddParticipantFailed",
  "CancelAddParticipantSucceeded",
  "ContinuousDtmfRecognitionStopped",
  "ContinuousDtmfRecognitionToneReceived",
  "CreateCallFailed",
  "ParticipantsUpdated",
  "PlayCanceled",
  "PlayCompleted",
  "PlayFailed",
  "PlayStarted",
  "RecognizeCanceled",
  "RecognizeCompleted",
  "RecognizeFailed",
  "RemoveParticipantFailed",
  "RemoveParticipantSucceeded",
  "SendDtmfTonesCompleted",
];

await check("every type of event was sent, and read by the SDK's own parser", async () => {
  assert.deepEqual(receiver.unparsed, []);
  const read = new Set(receiver.events.map(({ parsed }) => parsed.kind));
  assert.deepEqual([...read].sort(), everyType);
  assert.deepEqual([...eventsSent()].sort(), everyType);
});

await check("every POST was an array of one CloudEvent with an id of its own", async () => {
  for (const { body } of receiver.events) {
    assert.equal(body.length, 1);
    assert.equal(body[0].specversion, "1.0");
  }
  const ids = receiver.events.map(({ body }) => body[0].id);
  assert.equal(new Set(ids).size, ids.length);
});

receiver.stop();
finish();
