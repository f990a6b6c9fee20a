import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, client } from "../lmstudio.mjs";

test(
  "2.0 runtime: engines",
  "There is one engine, which runs GGUF models on this CPU.",
  async () => {
    const engines = await client.runtime.engine.list();
    assert.equal(engines.length, 1);
    const [engine] = engines;
    assert.match(engine.name, /llama/);
    assert.ok(engine.version.length > 0);
    assert.ok(engine.supportedModelFormatNames.includes("GGUF"));
    assert.ok(["x86_64", "ARM64", "unknown"].includes(engine.cpu.architecture));
  },
);

test("2.0 runtime: selection", "The engine is selected for GGUF.", async () => {
  const [engine] = await client.runtime.engine.list();
  const selected = await client.runtime.engine.getSelections();
  const { name, version } = selected.get("GGUF");
  assert.deepEqual({ name, version }, { name: engine.name, version: engine.version });
  await client.runtime.engine.select({ name, version }, "GGUF");
});

test(
  "2.0 runtime: unknown engine",
  "An engine that does not exist can be neither selected nor removed.",
  async () => {
    const nobody = { name: "nobody", version: "1.0.0" };
    await assertRejects(client.runtime.engine.select(nobody, "GGUF"), /nobody/);
    await assertRejects(client.runtime.engine.remove(nobody), /nobody/);
  },
);

test(
  "2.0 runtime: extensions",
  "A search for extensions finds none, and a download is refused.",
  async () => {
    assert.deepEqual(await client.runtime.extensions.search("llama"), []);
    const nobody = { name: "nobody", version: "1.0.0" };
    await assertRejects(client.runtime.extensions.download(nobody, {}), /nobody/);
  },
);
