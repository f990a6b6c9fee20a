// Runs the cases of some files, one after another, and prints a line of JSON for each.
//
// The argument is JSON: `files` with the cases, `only` the names of those to run (null: all),
// `limitSeconds` for one case, and whatever the files themselves need, see settings.mjs.

import { writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";

import { cases } from "./case_list.mjs";
import { settings } from "./settings.mjs";

let warnings = [];

// Nothing but outcomes may reach stdout, and libraries warn on the console about what they dislike.
for (const level of ["log", "info", "debug"]) {
  console[level] = () => {};
}
for (const level of ["warn", "error"]) {
  console[level] = (...parts) =>
    warnings.push(parts.map((part) => (typeof part === "string" ? part : inspect(part))).join(" "));
}
for (const event of ["unhandledRejection", "uncaughtException"]) {
  process.on(event, (error) => warnings.push(`${event}: ${inspect(error)}`));
}

async function withinLimit(run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`took longer than ${settings.limitSeconds} s`)),
      settings.limitSeconds * 1000,
    );
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function outcomeOf({ name, mustHappen, run }) {
  warnings = [];
  const began = performance.now();
  let value = null;
  let error = null;
  try {
    value = (await withinLimit(async () => run(warnings))) ?? null;
    await new Promise(setImmediate); // a rejection that nobody handles is told a turn later
    if (warnings.length > 0) {
      error = `the console got: ${warnings.join("\n")}`;
    }
  } catch (raised) {
    error = [inspect(raised), ...warnings].join("\n");
  }
  const milliseconds = Math.round(performance.now() - began);
  return { name, mustHappen, outcome: error ? "failed" : "passed", error, milliseconds, value };
}

for (const file of settings.files) {
  await import(pathToFileURL(file));
}
for (const each of cases) {
  if (settings.only === null || settings.only.includes(each.name)) {
    writeSync(1, `${JSON.stringify(await outcomeOf(each))}\n`);
  }
}
process.exit(0); // without waiting for connections that are still open
