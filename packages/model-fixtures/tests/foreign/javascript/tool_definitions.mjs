// A tool as it is described on the wire, and a prompt with which the small model calls it.
export const SUM = "What is the sum of 123 and 3210?";

export const TWO_INTEGERS = {
  type: "object",
  properties: { a: { type: "integer" }, b: { type: "integer" } },
  required: ["a", "b"],
};

export const ADD_DEFINITION = {
  type: "function",
  function: { name: "add", description: "Add two numbers.", parameters: TWO_INTEGERS },
};
