// Which lines of memory the three loops fetch, as in groundup.numba.line_fetches: the two must agree on every case of .ci/widgets.json.
"use strict";

groundup.cache = (() => {
  // A product of n×k by k×m, loops in `order`, lines of `line` numbers, a cache of `lines` lines that forgets the one not used for longest.
  // For each step: the indices, what each matrix touches, and the lines then in the cache, oldest first.
  function steps(order, { n, k, m }, line, lines) {
    const size = { i: n, l: k, j: m }, at = {}, found = [];
    let cache = [];
    (function loop(depth) {
      if (depth < 3) {
        for (at[order[depth]] = 0; at[order[depth]] < size[order[depth]]; at[order[depth]]++) loop(depth + 1);
        return;
      }
      const touched = [["a", at.i, at.l, k], ["b", at.l, at.j, m], ["c", at.i, at.j, m]].map(([name, row, col, width]) => {
        const key = `${name}${Math.floor((row * width + col) / line)}`, fetched = !cache.includes(key);
        cache = [...cache.filter(other => other !== key), key].slice(-lines);
        return { name, row, col, key, fetched };
      });
      found.push({ ...at, touched, cache });
    })(0);
    return found;
  }

  // How many lines each matrix has fetched in these steps
  function counts(steps) {
    const total = { a: 0, b: 0, c: 0 };
    for (const s of steps) for (const t of s.touched) total[t.name] += t.fetched;
    return total;
  }

  return { steps, counts };
})();
