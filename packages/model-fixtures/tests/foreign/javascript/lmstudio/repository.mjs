import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, client, expectWarnings } from "../lmstudio.mjs";

const SMALL = "SmolLM2";

test(
  "repository: search",
  "A search finds a model that can be downloaded by a part of its name.",
  async () => {
    const found = await client.repository.searchModels({ searchTerm: SMALL, limit: 5 });
    assert.deepEqual(
      found.map((entry) => entry.name),
      ["SmolLM2-135M-Instruct-GGUF"],
    );
    assert.equal(found[0].isStaffPick(), false);
    assert.equal(found[0].isExactMatch(), false);
  },
);

test("repository: nothing found", "A search for what nobody has finds nothing.", async () => {
  assert.deepEqual(await client.repository.searchModels({ searchTerm: "qqqqzzzz" }), []);
});

test(
  "repository: options",
  "A model's files have names, sizes, quantizations and one recommendation.",
  async () => {
    const [entry] = await client.repository.searchModels({ searchTerm: SMALL });
    const [option, ...others] = await entry.getDownloadOptions();
    assert.deepEqual(others, []);
    assert.equal(option.name, "SmolLM2-135M-Instruct.Q4_1.gguf");
    assert.equal(option.quantization, "Q4_1");
    assert.equal(option.sizeBytes, 98_362_432);
    assert.equal(option.isRecommended(), true);
    assert.equal(option.fitEstimation, "fitWithoutGPU");
    assert.ok(option.indexedModelIdentifier.endsWith(option.name));
  },
);

test(
  "repository: download",
  "A download reports its bytes up to the end and gives the key of the model.",
  async () => {
    const [entry] = await client.repository.searchModels({ searchTerm: SMALL });
    const [option] = await entry.getDownloadOptions();
    const updates = [];
    let finalizing = 0;
    const key = await option.download({
      onProgress: (update) => updates.push(update),
      onStartFinalizing: () => (finalizing += 1),
    });
    assert.equal(key, "smollm2-135m-instruct");
    assert.equal(finalizing, 1);
    const last = updates.at(-1);
    assert.equal(last.downloadedBytes, last.totalBytes);
    assert.ok(updates.every((each) => each.downloadedBytes <= each.totalBytes));
    const keys = (await client.system.listDownloadedModels()).map((model) => model.modelKey);
    assert.equal(keys.filter((each) => each === key).length, 1);
  },
);

test(
  "repository: aborted download",
  "A download whose signal is aborted rejects with the signal's reason.",
  async (warnings) => {
    const [entry] = await client.repository.searchModels({ searchTerm: SMALL });
    const [option] = await entry.getDownloadOptions();
    const aborter = new AbortController();
    const begun = option.download({
      signal: aborter.signal,
      onProgress: () => aborter.abort(new Error("changed my mind")),
    });
    await assertRejects(begun, /changed my mind/);
    await expectWarnings(warnings, /unhandledRejection: .*changed my mind/); // the SDK's own
  },
);

test(
  "repository: hub",
  "What needs an account of the hub is refused with the reason.",
  async (warnings) => {
    const opts = { owner: "someone", name: "something", revisionNumber: 1, path: "/nowhere" };
    await assertRejects(client.repository.downloadArtifact(opts), /needs an LM Studio account/);
    await expectWarnings(warnings, /unhandledRejection: .*downloadArtifact needs/); // the SDK's own
    await assertRejects(
      client.repository.pushArtifact({ path: "/nowhere" }),
      /needs an LM Studio account/,
    );
    await assertRejects(
      client.repository.ensureAuthenticated({
        onAuthenticationUrl: () => {},
        onAuthenticationCode: () => {},
      }),
      /needs an LM Studio account/,
    );
  },
);

test(
  "repository: artifacts",
  "What deals with artifacts on disk is refused with the reason.",
  async () => {
    await assertRejects(client.repository.getLocalArtifactFileList("/nowhere"), /artifacts/);
    await assertRejects(client.repository.installPluginDependencies("/nowhere"), /artifacts/);
  },
);
