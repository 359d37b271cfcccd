"use strict";
(() => {
  const PER_PAGE = 100;
  const find = (id) => document.getElementById(id);
  const root = document.documentElement;
  root.classList.add("scripted");

  // Some browsers keep nothing for pages that were opened as files.
  const remembered = () => { try { return localStorage.getItem("cachekit-theme") || ""; } catch { return ""; } };
  const remember = (value) => { try { localStorage.setItem("cachekit-theme", value); } catch { /* for this time */ } };
  const theme = find("theme");
  const show = (value) => { if (value) root.dataset.theme = value; else delete root.dataset.theme; };
  theme.value = remembered();
  show(theme.value);
  theme.addEventListener("change", () => { show(theme.value); remember(theme.value); });

  const data = JSON.parse(find("data").textContent);
  const total = data.name.length;
  const search = find("search"), category = find("category"), outcome = find("outcome");
  const body = find("tests").tBodies[0];
  for (const word of data.outcomes) outcome.add(new Option(word, word));

  const nodeid = (test) => data.files[data.file[test]] + data.name[test];
  let lowered = null;
  const lowerNames = () => lowered ??= data.name.map((_, test) => nodeid(test).toLowerCase());

  let found = [], page = 0, sorting = "", ascending = true;

  function select() {
    const words = search.value.toLowerCase();
    const wantedCategory = data.categories.indexOf(category.value);
    const wantedOutcome = data.outcomes.indexOf(outcome.value);
    const names = words ? lowerNames() : null;
    const reasons = words ? data.reasons.map((text) => text.toLowerCase().includes(words)) : null;
    found = [];
    for (let test = 0; test < total; test++) {
      if (category.value && data.category[test] !== wantedCategory) continue;
      if (outcome.value && data.outcome[test] !== wantedOutcome) continue;
      if (words && !reasons[data.reason[test]] && !names[test].includes(words)) continue;
      found.push(test);
    }
    sort();
    page = 0;
    draw();
  }

  function sort() {
    if (!sorting) return;
    const value = {
      name: (test) => lowerNames()[test],
      category: (test) => data.categories[data.category[test]],
      microseconds: (test) => data.microseconds[test],
    }[sorting];
    const sign = ascending ? 1 : -1;
    found.sort((one, other) => {
      const a = value(one), b = value(other);
      return a < b ? -sign : a > b ? sign : one - other;
    });
  }

  function cell(kind, text, name) {
    const made = document.createElement(kind);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  }

  function draw() {
    const first = page * PER_PAGE, last = Math.min(first + PER_PAGE, found.length);
    const rows = [];
    for (const test of found.slice(first, last)) {
      const row = document.createElement("tr");
      const head = cell("th", "");
      head.scope = "row";
      const reason = data.reasons[data.reason[test]];
      head.append(cell("span", nodeid(test), "name"), cell("span", reason, "why"));
      const word = data.categories[data.category[test]];
      const became = cell("td", "");
      became.append(cell("span", "", "key " + word.replaceAll(" ", "-")), word,
        cell("span", data.outcomes[data.outcome[test]], "ended"));
      row.append(head, became, cell("td", duration(data.microseconds[test] / 1e6), "number"));
      rows.push(row);
    }
    body.replaceChildren(...rows);
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    const count = (number) => number.toLocaleString("en");
    find("status").textContent = found.length === total ? `${count(total)} tests`
      : `${count(found.length)} of ${count(total)} tests`;
    find("place").textContent = `Page ${count(page + 1)} of ${count(pages)}`;
    find("previous").disabled = page === 0;
    find("next").disabled = page === pages - 1;
  }

  function duration(seconds) {
    if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 60) return `${seconds.toFixed(1)} s`;
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s`
      : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  function turn(by) {
    page += by;
    draw();
    find("tests").scrollIntoView({ block: "start" });
  }

  function take(hash) {
    const wanted = new URLSearchParams(hash.slice(1));
    if (!wanted.has("q") && !wanted.has("v")) return false;
    search.value = wanted.get("q") || "";
    category.value = wanted.get("v") || "";
    outcome.value = "";
    select();
    find("all-tests").focus();
    find("all-tests").scrollIntoView({ block: "start" });
    return true;
  }

  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(select, 150); });
  category.addEventListener("change", select);
  outcome.addEventListener("change", select);
  find("filter").addEventListener("submit", (event) => { event.preventDefault(); select(); });
  find("filter").addEventListener("reset", () => setTimeout(select));
  find("previous").addEventListener("click", () => turn(-1));
  find("next").addEventListener("click", () => turn(1));
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      // What took longest is what people look for.
      const begins = button.dataset.sort !== "microseconds";
      ascending = sorting === button.dataset.sort ? !ascending : begins;
      sorting = button.dataset.sort;
      for (const head of document.querySelectorAll("#tests thead th")) head.removeAttribute("aria-sort");
      button.closest("th").setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sort();
      page = 0;
      draw();
    });
  }
  addEventListener("hashchange", () => take(location.hash));
  for (const link of document.querySelectorAll("a.find")) {
    // The same once more changes no address.
    link.addEventListener("click", () => { if (link.hash === location.hash) take(link.hash); });
  }
  if (!take(location.hash)) select();
})();
