import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import {
  assertRejects,
  client,
  DRAFT_LLM,
  EMBEDDING,
  LLM,
  loadedIdentifiers,
  shared,
  withInstance,
} from "../lmstudio.mjs";

test(
  "load: identifier and progress",
  "A load reports rising progress up to 1 and gives the instance its identifier.",
  async () => {
    const progress = [];
    const options = {
      identifier: "mine",
      onProgress: (value) => progress.push(value),
      verbose: false,
    };
    await withInstance(LLM, options, async (model) => {
      assert.equal(model.identifier, "mine");
      assert.equal(model.modelKey, LLM);
      assert.equal(model.format, "gguf");
      assert.ok(model.path.endsWith(".gguf"));
      assert.ok(model.sizeBytes > 1_000_000);
      assert.ok((await loadedIdentifiers()).includes("mine"));
    });
    assert.ok(!(await loadedIdentifiers()).includes("mine"));
    assert.ok(progress.length > 1);
    assert.deepEqual(
      progress,
      [...progress].sort((left, right) => left - right),
    );
    assert.equal(progress.at(-1), 1);
  },
);

test("load: configuration", "A context length that is asked for is the instance's.", async () => {
  const config = { contextLength: 256, flashAttention: false, seed: 7 };
  await withInstance(LLM, { identifier: "small", config }, async (model) => {
    assert.equal(await model.getContextLength(), 256);
    assert.equal((await model.getModelInfo()).contextLength, 256);
  });
});

test("load: two instances", "A second load of a model has an identifier of its own.", async () => {
  const first = await shared(LLM);
  await withInstance(LLM, {}, async (second) => {
    assert.notEqual(second.identifier, first.identifier);
    assert.equal(second.modelKey, first.modelKey);
  });
});

test("load: taken identifier", "An identifier that an instance has is refused.", async () => {
  const { identifier } = await shared(LLM);
  await assertRejects(client.llm.load(DRAFT_LLM, { identifier }), new RegExp(identifier));
  assert.ok((await loadedIdentifiers()).includes(identifier));
});

test(
  "load: abort",
  "An aborted load rejects with the signal's reason and leaves nothing loaded.",
  async () => {
    const aborter = new AbortController();
    const begun = client.llm.load(DRAFT_LLM, {
      identifier: "aborted",
      signal: aborter.signal,
      onProgress: () => aborter.abort(new Error("no longer wanted")),
    });
    await assertRejects(begun, /no longer wanted/);
    assert.ok(!(await loadedIdentifiers()).includes("aborted"));
  },
);

test(
  "load: aborted before it begins",
  "A load with an aborted signal rejects at once.",
  async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    await assertRejects(client.llm.load(LLM, { identifier: "never", signal }), /too late/);
    assert.ok(!(await loadedIdentifiers()).includes("never"));
  },
);

test("load: time to live", "An instance with a time to live is usable within it.", async () => {
  await withInstance(DRAFT_LLM, { identifier: "brief", ttl: 3600 }, async (model) => {
    assert.equal(model.identifier, "brief");
    assert.ok((await model.countTokens("Hello")) > 0);
  });
});

test(
  "load: unknown model",
  "The error for an unknown model names it and models that exist.",
  async () => {
    await assert.rejects(client.llm.load("no-such-model"), (error) => {
      assert.match(error.message, /no-such-model/);
      assert.match(error.message, new RegExp(LLM));
      return true;
    });
  },
);

test(
  "load: bad configuration",
  "A context length of the wrong type is refused by the client itself.",
  async () => {
    await assertRejects(
      client.llm.load(LLM, { config: { contextLength: "long" } }),
      /contextLength/,
    );
  },
);

test(
  "load: impossible configuration",
  "A context length that no model has is an error of the server.",
  async () => {
    await assertRejects(
      client.llm.load(LLM, { identifier: "huge", config: { contextLength: 1_000_000_000 } }),
      /context/i,
    );
    assert.ok(!(await loadedIdentifiers()).includes("huge"));
  },
);

test(
  "load: embedding model as LLM",
  "A model of the other domain is refused, with both domains named.",
  async () => {
    await assertRejects(
      client.llm.load(EMBEDDING),
      /Expecting \S+ to be an LLM, but it is actually an embedding model/,
    );
  },
);

test("model: loaded one", "model(key) is the loaded instance and loads no other.", async () => {
  const instance = await shared(LLM);
  const before = await loadedIdentifiers();
  const model = await client.llm.model(LLM);
  assert.equal(model.identifier, instance.identifier);
  assert.deepEqual(await loadedIdentifiers(), before);
});

test("model: any", "model() without a key is one of the loaded instances.", async () => {
  await shared(LLM);
  const model = await client.llm.model();
  assert.ok((await loadedIdentifiers()).includes(model.identifier));
});

test(
  "model: just in time",
  "model(key) loads a model that is not loaded, under its key.",
  async () => {
    assert.ok(!(await loadedIdentifiers()).includes(DRAFT_LLM));
    const model = await client.llm.model(DRAFT_LLM);
    assert.equal(model.identifier, DRAFT_LLM);
    await model.unload();
    assert.ok(!(await loadedIdentifiers()).includes(DRAFT_LLM));
  },
);

test(
  "handle: model info",
  "A handle by query finds the instance; its info has the instance's facts.",
  async () => {
    const instance = await shared(LLM);
    const info = await client.llm
      .createDynamicHandle({ identifier: instance.identifier })
      .getModelInfo();
    assert.equal(info.type, "llm");
    assert.equal(info.identifier, instance.identifier);
    assert.equal(info.modelKey, LLM);
    assert.equal(info.path, instance.path);
    assert.equal(info.vision, false);
    assert.equal(info.contextLength, await instance.getContextLength());
    assert.ok(info.contextLength <= info.maxContextLength);
    const again = client.llm.createDynamicHandleFromInstanceReference(info.instanceReference);
    assert.equal((await again.getModelInfo()).identifier, instance.identifier);
  },
);

test(
  "handle: nothing loaded",
  "A handle whose query matches no instance says so for each call.",
  async () => {
    const handle = client.llm.createDynamicHandle("nobody");
    assert.equal(await handle.getModelInfo(), undefined);
    await assertRejects(handle.countTokens("Hello"), /nobody/);
  },
);

test(
  "unload: unknown identifier",
  "Unloading what is not loaded is an error that names it.",
  async () => {
    await assertRejects(client.llm.unload("nobody"), /nobody/);
  },
);
