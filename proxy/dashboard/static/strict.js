"use strict";
// Under our policy no inline style is applied. What the chart library writes as one goes through the CSS object model,
// which the policy allows: style attributes as declarations, style elements as constructed sheets.
(() => {
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };

  const createElement = document.createElement;
  document.createElement = function (name, ...more) {
    if (String(name).toLowerCase() !== "style") return createElement.call(document, name, ...more);
    const place = createElement.call(document, "template"), sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    Object.defineProperty(place, "sheet", { value: sheet });
    Object.defineProperty(place, "textContent", { set: (text) => sheet.replaceSync(text) });
    return place;
  };
})();
