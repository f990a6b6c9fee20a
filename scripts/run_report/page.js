"use strict";
// The search. Without scripts the page shows everything, and the form stays hidden.
const form = document.querySelector(".filter");
const [text, odd] = form.querySelectorAll("input");
const count = form.querySelector("output");
const behaviours = [...document.querySelectorAll("li.b")];
const words = new Map();
const filter = () => {
  const wanted = text.value.trim().toLowerCase();
  let shown = 0;
  for (const each of behaviours) {
    if (!words.has(each)) words.set(each, each.textContent.toLowerCase());
    each.hidden = (odd.checked && !each.classList.contains("odd")) || !words.get(each).includes(wanted);
    shown += !each.hidden;
  }
  const all = !wanted && !odd.checked;
  for (const part of document.querySelectorAll(".part")) {
    const found = part.querySelector("li.b:not([hidden])");
    part.open = !all && found !== null;
    part.hidden = found === null;
    for (const list of part.querySelectorAll("ul.tests")) {
      const none = list.querySelector("li.b:not([hidden])") === null;
      for (let each = list; each && each.tagName !== "DETAILS"; each = each.previousElementSibling) {
        each.hidden = none;
        if (each.tagName === "H4") break;
      }
    }
  }
  count.textContent = all ? "" : `${shown} of ${behaviours.length}`;
};
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
