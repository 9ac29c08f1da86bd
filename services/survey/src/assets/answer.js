// Shows and hides questions as the survey's logic says, counts progress and checks required
// answers before sending. The server decides all of it again; without this script the page works.
"use strict";
(() => {
  const form = document.getElementById("form");
  const faults = document.getElementById("faults");
  if (faults) faults.focus();
  if (!form) return;
  const all = [...form.querySelectorAll("[data-kind]")];
  const questions = all.filter((e) => e.dataset.kind !== "html");

  // Answers, as the server types them.
  const typed = (text) => (text !== "" && isFinite(text) ? Number(text) : text);
  const answer = (question) => {
    const checked = [...question.querySelectorAll("input:checked")].map((input) => input.value);
    switch (question.dataset.kind) {
      case "checkbox": return checked.map(typed);
      case "boolean": return checked.length ? checked[0] === "true" : null;
      case "comment": case "text": case "number": return question.querySelector("textarea, input").value.trim();
      default: return checked.length ? typed(checked[0]) : null;
    }
  };

  // The same meaning as domain/expr/eval.rs.
  const empty = (v) => v === null || v === undefined || (typeof v === "string" && v.trim() === "") || (Array.isArray(v) && v.length === 0);
  const truthy = (v) => (typeof v === "boolean" ? v : typeof v === "number" ? v !== 0 : !empty(v));
  const number = (v) => (typeof v === "number" ? v : typeof v === "string" && v.trim() !== "" && isFinite(v) ? Number(v) : null);
  const list = (v) => (Array.isArray(v) ? v : [v]);
  const equal = (l, r) => {
    if (empty(l) || empty(r)) return empty(l) && empty(r);
    const [a, b] = [number(l), number(r)];
    if (a !== null && b !== null) return a === b;
    if (Array.isArray(l) && Array.isArray(r)) return l.length === r.length && l.every((x) => r.some((y) => equal(x, y)));
    if (Array.isArray(l) || Array.isArray(r)) return false;
    if (typeof l === "number" || typeof r === "number") return false;
    return String(l).trim().toLowerCase() === String(r).trim().toLowerCase();
  };
  const order = (l, r) => {
    if (empty(l) || empty(r)) return null;
    const [a, b] = [number(l), number(r)];
    if (a !== null && b !== null) return a < b ? -1 : a > b ? 1 : 0;
    if (typeof l !== "string" || typeof r !== "string") return null;
    return l < r ? -1 : l > r ? 1 : 0;
  };
  const contains = (l, r) => {
    if (Array.isArray(l)) return Array.isArray(r) ? r.every((x) => contains(l, x)) : l.some((x) => equal(x, r));
    if (typeof l === "string" && typeof r === "string") return r !== "" && l.includes(r);
    return !empty(l) && equal(l, r);
  };
  const anyOf = (l, r) => (empty(l) ? empty(r) : list(r).some((x) => list(l).some((y) => equal(x, y))));
  const evaluate = (tree, lookup) => {
    const [op, ...args] = tree;
    const value = (i) => evaluate(args[i], lookup);
    const between = (test) => { const o = order(value(0), value(1)); return o !== null && test(o); };
    switch (op) {
      case "const": return args[0];
      case "ref": return lookup(args[0]);
      case "array": return args.map((a) => evaluate(a, lookup));
      case "not": return !truthy(value(0));
      case "empty": return empty(value(0));
      case "notempty": return !empty(value(0));
      case "and": return truthy(value(0)) && truthy(value(1));
      case "or": return truthy(value(0)) || truthy(value(1));
      case "=": return equal(value(0), value(1));
      case "!=": return !equal(value(0), value(1));
      case "<": return between((o) => o < 0);
      case "<=": return between((o) => o <= 0);
      case ">": return between((o) => o > 0);
      case ">=": return between((o) => o >= 0);
      case "contains": return contains(value(0), value(1));
      case "notcontains": return !contains(value(0), value(1));
      case "anyof": return anyOf(value(0), value(1));
      case "allof": { const l = value(0); return list(value(1)).every((x) => contains(l, x)); }
      default: return true;
    }
  };

  const refresh = () => {
    const answers = new Map(questions.map((q) => [q.dataset.name, answer(q)]));
    let shown = new Set(all);
    for (let round = 0; round <= all.length; round += 1) {
      const names = new Set([...shown].map((e) => e.dataset.name));
      const lookup = (name) => (names.has(name) ? answers.get(name) : null);
      const next = new Set(all.filter((e) => JSON.parse(e.dataset.when).every((tree) => truthy(evaluate(tree, lookup)))));
      const same = next.size === shown.size && [...next].every((e) => shown.has(e));
      shown = next;
      if (same) break;
    }
    for (const element of all) {
      element.hidden = !shown.has(element);
      element.removeAttribute("data-hidden");
    }
    const open = questions.filter((q) => shown.has(q));
    const done = open.filter((q) => !empty(answers.get(q.dataset.name))).length;
    const progress = document.getElementById("progress");
    const meter = document.getElementById("meter");
    meter.max = open.length;
    meter.value = done;
    document.getElementById("count").textContent = `${progress.dataset.answered} ${done} ${progress.dataset.of} ${open.length}`;
    progress.hidden = false;
    return open;
  };

  const complain = (question, text) => {
    const fault = document.getElementById(`${question.id}-fault`);
    fault.textContent = text;
    fault.hidden = text === "";
    const field = question.querySelector("textarea, .card > input") || question;
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  };

  const count = (area) => {
    const left = area.parentElement.querySelector(".left");
    left.hidden = area.value.length === 0;
    left.firstElementChild.textContent = [...area.value].length;
  };
  form.querySelectorAll("textarea").forEach(count);

  form.addEventListener("input", (event) => {
    const question = event.target.closest(".question");
    if (question) complain(question, "");
    if (event.target.matches("textarea")) count(event.target);
    refresh();
  });

  const send = document.getElementById("send");
  form.addEventListener("submit", (event) => {
    if (send.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    const missing = refresh().filter((q) => q.dataset.required && empty(answer(q)));
    missing.forEach((q) => complain(q, q.dataset.required));
    if (missing.length > 0) {
      event.preventDefault();
      missing[0].scrollIntoView({ block: "start", behavior: "smooth" });
      (missing[0].querySelector("input, textarea") || missing[0]).focus({ preventScroll: true });
      return;
    }
    send.setAttribute("aria-disabled", "true");
    send.textContent = form.dataset.sending;
  });
  // Coming back by the back button must not leave the button locked.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  refresh();
})();
