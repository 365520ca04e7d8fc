// The pages work without this file; it saves steps: a file is checked as soon as it is chosen, a
// submission's page shows its scores when they are there, and secrets can be copied.
"use strict";

async function pagePart(response, selector) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector(selector);
}

function checkWhenChosen(form) {
  const outcome = document.getElementById("outcome");
  const file = form.querySelector("input[type=file]");
  let latest = 0;
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const turn = ++latest;
    const note = document.createElement("p");
    note.className = "soft";
    note.textContent = "Checking the file …";
    outcome.replaceChildren(note);
    try {
      const response = await fetch(form.dataset.check, { method: "POST", body: new FormData(form) });
      const answer = await pagePart(response, "main");
      if (turn !== latest) return;
      // A refusal, such as of a file that is too large, is a page of its own.
      const found = answer.querySelector("#outcome") ?? answer;
      outcome.replaceChildren(...found.childNodes);
    } catch {
      if (turn === latest) note.textContent = "The file could not be checked; you can still submit it.";
    }
  });
}

function followScoring() {
  const again = async () => {
    try {
      const fresh = await pagePart(await fetch(location.href), "main");
      if (fresh && !fresh.querySelector("[data-waiting]")) {
        document.querySelector("main").replaceChildren(...fresh.childNodes);
        return;
      }
    } catch { /* the server may be restarting */ }
    setTimeout(again, 3000);
  };
  setTimeout(again, 1500);
}

function offerCopy(secret) {
  if (!navigator.clipboard) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(secret.textContent);
    button.textContent = "Copied";
  });
  secret.after(button);
}

document.querySelectorAll("form[data-check]").forEach(checkWhenChosen);
if (document.querySelector("[data-waiting]")) followScoring();
document.querySelectorAll("[data-copy]").forEach(offerCopy);
