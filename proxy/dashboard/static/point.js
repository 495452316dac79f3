"use strict";
// Shows what another operating point would change, before it is set.
(() => {
  const form = document.getElementById("point-form");
  if (!form) return;
  const plans = JSON.parse(form.dataset.plans), now = JSON.parse(form.dataset.now);
  const place = document.getElementById("place"), preview = document.getElementById("preview");
  const usd = document.getElementById("usd"), seconds = document.getElementById("seconds");
  const percent = (x) => `${(100 * x).toFixed(1)} %`;
  const dollars = (x) => `$${x >= 1 ? x.toFixed(2) : x.toPrecision(3)}`;
  const change = (to, from, word) => (now ? ` (${to >= from ? "+" : "−"}${word(Math.abs(to - from))})` : "");

  function nearest() {
    const wanted = Math.log(Math.max(Number(usd.value), 1e-9));
    const far = (plan) => Math.abs(Math.log(plan.usd_value) - wanted);
    return plans.reduce((best, plan, i) => (far(plan) < far(plans[best]) ? i : best), 0);
  }

  function show(plan) {
    const text = `Predicted: success ${percent(plan.success)}${change(plan.success, now && now.success, percent)}, ` +
      `${dollars(plan.usd)} a task${change(plan.usd, now && now.usd, dollars)}, ` +
      `${plan.seconds.toFixed(2)} s${change(plan.seconds, now && now.seconds, (x) => x.toFixed(2) + " s")}`;
    preview.textContent = text;
    place.setAttribute("aria-valuetext", text);
  }

  place.addEventListener("input", () => {
    const plan = plans[Number(place.value)];
    usd.value = plan.usd_value.toPrecision(4);
    seconds.value = plan.seconds_value.toPrecision(4);
    show(plan);
  });
  usd.addEventListener("input", () => { place.value = String(nearest()); show(plans[nearest()]); });
  if (now) { usd.value = now.usd_value.toPrecision(4); seconds.value = now.seconds_value.toPrecision(4); place.value = String(nearest()); }
  show(plans[Number(place.value)]);
})();
