import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { client } from "../lmstudio.mjs";

const { repository } = client;

test("2.0 repository: authentication status", "Nobody is logged in.", async () => {
  assert.equal(await repository.isAuthenticated(), false);
  assert.deepEqual(await repository.getAuthenticationStatus(), { type: "none" });
});

test("2.0 repository: log in", "A login is refused with the reason.", async () => {
  const keys = { keyId: "id", publicKey: "public", privateKey: "private" };
  await assert.rejects(repository.loginWithPreAuthenticatedKeys(keys), /LM Studio account/);
  await assert.rejects(repository.loginAsComputeDevice("token"), /LM Studio account/);
});

test("2.0 repository: log out", "A logout without a login does nothing.", async () => {
  await repository.deauthenticate();
  assert.equal(await repository.isAuthenticated(), false);
});

test("2.0 repository: hub", "What an account may write to is refused with the reason; there are no staff picks.", async () => {
  await assert.rejects(repository.unstable.getWritableArtifactOwners(), /LM Studio account/);
  assert.deepEqual(await repository.unstable.fuzzyFindStaffPicks({ searchTerm: "a" }), []);
});

test("2.0 repository: catalog", "The hub's catalog is an empty list.", async () => {
  assert.deepEqual(await repository.unstable.getModelCatalog(), []);
});

test("2.0 repository: plan of a download", "A plan for a hub's model is refused with the reason.", async (warnings) => {
  const planner = repository.createModelDownloadPlanner({
    source: { type: "huggingface", user: "someone", repo: "something" },
  });
  await assert.rejects(planner.untilReady(), /LM Studio account/);
  warnings.length = 0;
});

test("2.0 repository: install a plugin", "Installing a plugin from a folder is refused with the reason.", async () => {
  await assert.rejects(repository.installLocalPlugin({ path: "/nowhere" }), /not available here|\/nowhere/);
});

test("2.0 LM Link: status", "The link is offline, without peers, because nobody is logged in.", async () => {
  const status = await repository.lmLink.status();
  assert.equal(status.status, "offline");
  assert.deepEqual(status.issues, ["notLoggedIn"]);
  assert.deepEqual(status.peers, []);
  assert.equal(status.deviceIdentifier, null);
});

test("2.0 LM Link: changes", "Changes of the link are taken or refused with a reason, and never hang.", async () => {
  const { lmLink } = repository;
  for (const change of [
    () => lmLink.setDisabled(true),
    () => lmLink.updateDeviceName("mine"),
    () => lmLink.setPreferredDevice("other"),
  ]) {
    await change().catch((error) => assert.match(error.message, /No device other is linked/));
  }
});
