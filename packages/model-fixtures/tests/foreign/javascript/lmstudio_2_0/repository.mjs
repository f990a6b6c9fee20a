import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, client } from "../lmstudio.mjs";

const { repository } = client;

test("2.0 repository: authentication status", "Nobody is logged in.", async () => {
  assert.equal(await repository.isAuthenticated(), false);
  assert.deepEqual(await repository.getAuthenticationStatus(), { type: "none" });
});

test("2.0 repository: log in", "A login is refused with the reason.", async () => {
  const keys = { keyId: "id", publicKey: "public", privateKey: "private" };
  await assertRejects(repository.loginWithPreAuthenticatedKeys(keys), /LM Studio account/);
  await assertRejects(repository.loginAsComputeDevice("token"), /LM Studio account/);
});

test("2.0 repository: log out", "A logout without a login does nothing.", async () => {
  await repository.deauthenticate();
  assert.equal(await repository.isAuthenticated(), false);
});

test(
  "2.0 repository: hub",
  "The hub's picks are none, and what needs an account is refused with the reason.",
  async () => {
    await assertRejects(repository.unstable.getWritableArtifactOwners(), /LM Studio account/);
    assert.deepEqual(await repository.unstable.fuzzyFindStaffPicks({ searchTerm: "a" }), []);
  },
);

test("2.0 repository: catalog", "The hub's catalog has no models.", async () => {
  assert.deepEqual(await repository.unstable.getModelCatalog(), []);
});

test(
  "2.0 repository: plan of a download",
  "A plan for a hub's model is refused with the reason.",
  async () => {
    const planner = repository.createModelDownloadPlanner({
      source: { type: "huggingface", user: "someone", repo: "something" },
    });
    await assertRejects(planner.untilReady(), /LM Studio account/);
    planner[Symbol.dispose]();
  },
);

test(
  "2.0 repository: install a plugin",
  "Installing a plugin from a folder is refused with the reason.",
  async () => {
    await assertRejects(repository.installLocalPlugin({ path: "/nowhere" }), /not available here/);
  },
);

test(
  "2.0 LM Link: status",
  "The link is offline, without peers, because nobody is logged in.",
  async () => {
    const status = await repository.lmLink.status();
    assert.equal(status.status, "offline");
    assert.deepEqual(status.issues, ["notLoggedIn"]);
    assert.deepEqual(status.peers, []);
  },
);

test(
  "2.0 LM Link: changes",
  "The status has the name that this machine is given, and whether the link is off.",
  async () => {
    const { lmLink } = repository;
    await lmLink.updateDeviceName("mine");
    await lmLink.setDisabled(true);
    const changed = await lmLink.status();
    await lmLink.setDisabled(false);
    assert.equal(changed.deviceName, "mine");
    assert.ok(changed.issues.includes("deviceDisabled"));
    assert.ok(!(await lmLink.status()).issues.includes("deviceDisabled"));
  },
);

test(
  "2.0 LM Link: preferred device",
  "A device that is not linked cannot be preferred.",
  async () => {
    await assertRejects(repository.lmLink.setPreferredDevice("other"), /No device other is linked/);
  },
);
