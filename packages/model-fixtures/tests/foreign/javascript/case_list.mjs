// The cases of this process, in the order in which they run.
export const cases = [];

/**
 * Add a case. ../case_files.py reads name and mustHappen from the source: both are plain strings.
 *
 * @param {string} name names the case's test in pytest.
 * @param {string} mustHappen one sentence about the behaviour that the case pins down.
 * @param {(warnings: string[]) => unknown} run fails by throwing. What it returns is reported as the
 *   case's value. A warning or error on the console fails the case as well, unless it removes the
 *   text from `warnings`.
 */
export function test(name, mustHappen, run) {
  cases.push({ name, mustHappen, run });
}
