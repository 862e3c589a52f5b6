// What the rules of several widgets need: Python's way of writing tuples and strings, and shapes as people type them.
"use strict";
globalThis.groundup ??= {};

groundup.python = (() => {
  const tuple = sizes => `(${sizes.map(n => n ?? "None").join(", ")}${sizes.length === 1 ? "," : ""})`;

  function repr(text) {
    const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
    return quote + text.replaceAll("\\", "\\\\").replaceAll(quote, "\\" + quote) + quote;
  }

  const prod = sizes => sizes.reduce((p, n) => p * BigInt(n), 1n);  // sizes may be big: exact, as in Python

  // One shape, as in `8,1,6,1`, `(8, 1, 6, 1)`, `8×1×6×1` or `8 1 6 1`; nothing at all is a scalar
  function shape(text) {
    const inside = text.trim().replace(/^\((.*)\)$/, "$1").trim().replace(/,$/, "");
    const sizes = inside === "" ? [] : inside.split(/\s*[,x×*]\s*|\s+/);
    const wrong = sizes.find(n => !/^\d{1,9}$/.test(n));
    if (wrong !== undefined) {
      const why = wrong === "" ? "a size is missing" : `${repr(wrong)} is not a whole number from 0 to 999999999`;
      throw new Error(`${repr(text.trim())} is no shape: ${why}. Write sizes with commas between them, as in 8,1,6,1`);
    }
    if (sizes.length > 8) throw new Error(`${repr(text.trim())} has ${sizes.length} axes; eight are the most that are shown here`);
    return sizes.map(Number);
  }

  // Several shapes: each in parentheses, or with spaces between them and none inside
  function shapes(text) {
    const parts = text.includes("(") ? text.match(/\([^()]*\)|[^\s,()]+|[()]/g) : text.trim().split(/\s+/).filter(Boolean);
    return parts.map(shape);
  }

  return { tuple, repr, prod, shape, shapes };
})();
