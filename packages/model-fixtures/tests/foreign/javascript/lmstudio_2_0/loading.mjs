import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import {
  assertRejects,
  client,
  EMBEDDING,
  LLM,
  loadedIdentifiers,
  shared,
  TOOL_LLM,
  withInstance,
} from "../lmstudio.mjs";

test("2.0 load: configuration read back", "getLoadConfig has what the load has set.", async () => {
  const config = { contextLength: 256, seed: 7, evalBatchSize: 64, tryMmap: false };
  await withInstance(LLM, { identifier: "read-back", config }, async (model) => {
    const read = await model.getLoadConfig();
    for (const [name, value] of Object.entries(config)) {
      assert.equal(read[name], value, name);
    }
  });
});

test(
  "2.0 load: parallel predictions",
  "The newer settings of a load are kept and reported.",
  async () => {
    const config = {
      maxParallelPredictions: 2,
      useUnifiedKvCache: true,
      physicalBatchSize: 64,
    };
    await withInstance(LLM, { identifier: "parallel", config }, async (model) => {
      const read = await model.getLoadConfig();
      for (const [name, value] of Object.entries(config)) {
        assert.equal(read[name], value, name);
      }
    });
  },
);

test(
  "2.0 load: time to live",
  "The info of an instance has its time to live; the app, too, says of none when it was used last.",
  async () => {
    await withInstance(LLM, { identifier: "brief", ttl: 3600 }, async (model) => {
      const info = await model.getModelInfo();
      assert.equal(info.ttlMs, 3_600_000);
      assert.equal(info.lastUsedTime, null);
    });
    assert.equal((await (await shared(LLM)).getModelInfo()).ttlMs, null);
  },
);

test("2.0 load: this device", "A load and an unload may name the local device.", async () => {
  const model = await client.llm.load(LLM, { identifier: "local", deviceIdentifier: null });
  assert.equal((await model.getModelInfo()).deviceIdentifier, null);
  await client.llm.unload("local", { deviceIdentifier: null });
  assert.ok(!(await loadedIdentifiers()).includes("local"));
});

test(
  "2.0 load: estimate",
  "An estimate of a model's memory is at least its size, all of it in main memory.",
  async () => {
    const { sizeBytes } = await shared(TOOL_LLM);
    const config = { contextLength: 512 };
    const { memory, passesGuardrails } = await client.llm.estimateResourcesUsage(TOOL_LLM, config);
    assert.equal(memory.confidence, "low");
    assert.equal(memory.totalVramBytes, 0);
    assert.ok(memory.modelBytes >= sizeBytes);
    assert.equal(memory.totalBytes, memory.modelBytes + memory.contextBytes);
    assert.equal(passesGuardrails, true);
  },
);

test(
  "2.0 load: estimate for an embedding model",
  "An embedding model's memory is estimated, too.",
  async () => {
    const estimate = await client.embedding.estimateResourcesUsage(EMBEDDING, {});
    assert.ok(estimate.memory.totalBytes > 1_000_000);
  },
);

test(
  "2.0 load: estimate for an unknown model",
  "The error for an unknown model names it.",
  async () => {
    await assertRejects(client.llm.estimateResourcesUsage("no-such-model", {}), /no-such-model/);
  },
);

test(
  "2.0 handle: base configuration",
  "getBasePredictionConfig has the temperature of tool-use weights.",
  async () => {
    const config = await (await shared(TOOL_LLM)).getBasePredictionConfig();
    assert.equal(typeof config, "object");
    assert.equal(config.structured?.type ?? "none", "none");
  },
);

test(
  "2.0 handle: by reference",
  "An instance's reference gives a model with all of its facts.",
  async () => {
    const model = await shared(LLM);
    const same = await client.llm.createDomainSpecificModelFromInstanceReference(
      model.instanceReference,
    );
    assert.equal(same.identifier, model.identifier);
    assert.equal(same.indexedModelIdentifier, model.indexedModelIdentifier);
  },
);

test(
  "2.0 embedding: load configuration",
  "An embedding model's getLoadConfig has what the load has set.",
  async () => {
    const config = { contextLength: 512 };
    await withInstance(EMBEDDING, { identifier: "short", config }, async (model) => {
      assert.equal((await model.getLoadConfig()).contextLength, 512);
      assert.equal(await model.getContextLength(), 512);
    });
  },
);
