import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import {
  assertRejects,
  client,
  EMBEDDING,
  expectWarnings,
  LLM,
  newClient,
  TOOL_LLM,
  VISION_LLM,
} from "../lmstudio.mjs";
import { settings } from "../settings.mjs";

test("system: version", "The version is that of the server, with build 0.", async () => {
  const { version, build } = await client.system.getLMStudioVersion();
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.equal(build, 0);
  return version;
});

test(
  "system: downloaded models",
  "All models of the suite are downloaded, each once.",
  async () => {
    const keys = (await client.system.listDownloadedModels()).map((model) => model.modelKey);
    assert.equal(new Set(keys).size, keys.length);
    for (const key of [LLM, TOOL_LLM, VISION_LLM, EMBEDDING]) {
      assert.ok(keys.includes(key), key);
    }
    return keys.sort();
  },
);

test(
  "system: downloaded LLMs",
  "A domain selects models, whose facts have their types.",
  async () => {
    const models = await client.system.listDownloadedModels("llm");
    assert.deepEqual(new Set(models.map((model) => model.type)), new Set(["llm"]));
    const tools = models.find((model) => model.modelKey === TOOL_LLM);
    assert.equal(tools.trainedForToolUse, true);
    assert.equal(tools.vision, false);
    assert.equal(tools.format, "gguf");
    assert.equal(tools.maxContextLength, 8192);
    assert.ok(tools.sizeBytes > 1_000_000);
    const images = models.find((model) => model.modelKey === VISION_LLM);
    assert.equal(images.vision, true);
    assert.equal(images.trainedForToolUse, false);
  },
);

test("system: downloaded embedding models", "The domain embedding has no LLM.", async () => {
  const models = await client.system.listDownloadedModels("embedding");
  assert.deepEqual(
    models.map((model) => [model.type, model.modelKey]),
    [["embedding", EMBEDDING]],
  );
});

test("system: notify", "A notification is taken without an answer.", async () => {
  const answer = await client.system.notify({ title: "Hello", description: "from JavaScript" });
  assert.equal(answer, undefined);
});

test(
  "system: experiment flags",
  "A flag is listed once it is set, until it is cleared.",
  async () => {
    const flags = () => client.system.unstable_getExperimentFlags();
    assert.deepEqual(await flags(), []);
    await client.system.unstable_setExperimentFlag("testFlag", true);
    assert.deepEqual(await flags(), ["testFlag"]);
    await client.system.unstable_setExperimentFlag("testFlag", false);
    assert.deepEqual(await flags(), []);
  },
);

test(
  "system: start HTTP",
  "Starting HTTP on the port that serves it already succeeds.",
  async () => {
    const port = Number(settings.address.split(":")[1]);
    await client.system.startHttpServer({ port, cors: false });
  },
);

test(
  "system: start HTTP elsewhere",
  "Starting HTTP on another port is an error that says so.",
  async () => {
    await assert.rejects(client.system.startHttpServer({ port: 9, cors: false }), {
      name: "Error",
      message: /The embedded server listens on port \d+, not on 9/,
    });
  },
);

test("system: stop HTTP", "HTTP alone cannot be stopped.", async () => {
  await assertRejects(client.system.stopHttpServer(), /cannot stop HTTP alone/);
});

test(
  "client: identity",
  "Clients with the same identifier and passkey may both be connected.",
  async () => {
    const identity = { clientIdentifier: "foreign-client", clientPasskey: "foreign-passkey" };
    const [first, second] = [newClient(identity), newClient(identity)];
    assert.equal(first.clientIdentifier, "foreign-client");
    await first.system.getLMStudioVersion();
    await second.system.getLMStudioVersion();
    await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
  },
);

test(
  "client: wrong passkey",
  "A known identifier with another passkey is refused.",
  async (warnings) => {
    const first = newClient({ clientIdentifier: "guarded", clientPasskey: "right" });
    await first.system.getLMStudioVersion();
    const second = newClient({ clientIdentifier: "guarded", clientPasskey: "wrong" });
    await assertRejects(second.system.getLMStudioVersion(), /passkey/i);
    await first[Symbol.asyncDispose]();
    await expectWarnings(warnings, /passkey/i);
  },
);

test("client: wrong address", "An address that is no websocket's is refused by the client.", () => {
  assert.throws(
    () => newClient({ baseUrl: "http://127.0.0.1:1" }),
    /must have protocol "ws" or "wss"/,
  );
});

test(
  "client: nobody listens",
  "A call to a port where nobody listens rejects.",
  async (warnings) => {
    const lost = newClient({ baseUrl: "ws://127.0.0.1:1" });
    await assertRejects(lost.system.getLMStudioVersion(), /127\.0\.0\.1:1/);
    await expectWarnings(warnings, /refused/i);
  },
);
