"use strict";
// Sends the request, tells its events as they come, and shows the same request for curl and Python.
(() => {
  const id = (name) => document.getElementById(name);
  const form = id("ask"), live = id("live");
  let stopper = null;

  function wanted() {
    const requirements = id("requirements").value.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
      const text = line.replace(/^!\s*/, "");
      return { name: text.slice(0, 60), description: text, is_mandatory: line.startsWith("!") };
    });
    const body = { model: id("model").value, messages: [{ role: "user", content: id("prompt").value }] };
    const budget = {};
    if (id("usd").value) budget.usd = Number(id("usd").value);
    if (id("limit").value) budget.seconds = Number(id("limit").value);
    const extra = {};
    if (requirements.length) extra.requirements = requirements;
    if (Object.keys(budget).length) extra.budget = budget;
    return { body, extra };
  }

  function python(value, pad) {
    const inner = pad + "    ";
    if (Array.isArray(value)) return value.length ? `[\n${value.map((v) => inner + python(v, inner)).join(",\n")},\n${pad}]` : "[]";
    if (value && typeof value === "object") return `{\n${Object.entries(value).map(([k, v]) => `${inner}${JSON.stringify(k)}: ${python(v, inner)}`).join(",\n")},\n${pad}}`;
    if (value === true) return "True";
    if (value === false) return "False";
    return value === null ? "None" : JSON.stringify(value);
  }

  function showCode() {
    const { body, extra } = wanted(), origin = form.dataset.origin;
    const json = JSON.stringify({ ...body, ...extra }, null, 2).replaceAll("'", "'\\''");
    id("curl").textContent = `curl ${origin}/v1/chat/completions \\\n  -H "Authorization: Bearer $MAESTRO_KEY" -H 'Content-Type: application/json' \\\n  -d '${json}'`;
    const more = Object.keys(extra).length ? `\n    extra_body=${python(extra, "    ")},` : "";
    id("python").textContent = `import os\n\nfrom openai import OpenAI\n\nclient = OpenAI(base_url="${origin}/v1", api_key=os.environ.get("MAESTRO_KEY", "none"))\n` +
      `answer = client.chat.completions.create(\n    model=${JSON.stringify(body.model)},\n    messages=${python(body.messages, "    ")},${more}\n)\nprint(answer.choices[0].message.content)\nprint(answer.requirements_result)`;
  }

  function say(text, kind) {
    const item = document.createElement("li");
    item.textContent = text;
    item.className = kind || "";
    live.append(item);
  }

  const score = (value) => (value === null || value === undefined ? "not validated" : `${(100 * value).toFixed(0)} %`);

  function finish(told) {
    id("answer").hidden = false;
    id("text").textContent = told.text;
    const verdicts = (told.result && told.result.requirements) || [];
    id("scores").replaceChildren(...verdicts.map((verdict) => {
      const item = document.createElement("li"), name = document.createElement("b");
      item.className = verdict.score === null ? "open" : verdict.score >= 1 ? "met" : "missed";
      name.textContent = verdict.name;
      item.append(name, ` ${score(verdict.score)}: ${verdict.reason || ""}`);
      return item;
    }));
    const block = told.maestro || {}, link = document.createElement("a");
    link.href = `/dashboard/runs/${told.run_id}`;
    link.textContent = "the run as a tree";
    const sums = block.usd === undefined ? `${told.model}, ${told.seconds.toFixed(2)} s, passed through; ` :
      `Score ${score(block.score)}, $${block.usd.toPrecision(3)}, ${block.seconds.toFixed(2)} s, ended by ${block.finish_reason.replaceAll("_", " ")}; `;
    id("sums").replaceChildren(sums, link);
    say("Done.", "done");
  }

  const tellers = {
    Road: (t) => say(t.road === "relay" ? "One call, passed through." : `Run ${t.run_id} begins.`),
    WaveStarted: (t) => say(`Wave ${t.wave}: ${t.actions.join(", ")}`),
    CandidateFinished: (t) => say(`Answer ${t.candidate} by ${t.action} after ${t.seconds.toFixed(2)} s`),
    CandidateChecked: (t) => say(`Answer ${t.candidate}: score ${score(t.score)}${t.failed.length ? ", failed: " + t.failed.join("; ") : ""}`),
    Done: finish,
    Failed: (t) => say(`It failed: ${t.error.message}`, "bad"),
  };

  async function read(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let waiting = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (waiting + value).split("\n\n");
      waiting = parts.pop();
      for (const part of parts) {
        if (!part.startsWith("data: ")) continue;
        const told = JSON.parse(part.slice(6));
        if (tellers[told.kind]) tellers[told.kind](told);
      }
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { body, extra } = wanted(), team = form.querySelector('[name="team"]');
    live.replaceChildren();
    id("answer").hidden = true;
    id("go").disabled = true;
    id("stop").disabled = false;
    stopper = new AbortController();
    try {
      const answer = await fetch("/dashboard/playground/run", {
        method: "POST", signal: stopper.signal,
        headers: { "content-type": "application/json", "x-maestro-form": form.dataset.word },
        body: JSON.stringify({ request: { ...body, ...extra }, team: team ? team.value : "" }),
      });
      if (answer.ok) await read(answer);
      else say(`Refused: ${(await answer.json()).error.message}`, "bad");
    } catch (error) {
      say(error.name === "AbortError" ? "Stopped." : `The connection was lost: ${error.message}`, "bad");
    }
    id("go").disabled = false;
    id("stop").disabled = true;
  });
  id("stop").addEventListener("click", () => stopper && stopper.abort());
  form.addEventListener("input", showCode);
  showCode();
})();
