// Which threads of a grid make a warp, and which sectors of memory they touch: agrees with the package on every case of .ci/widgets.json.
"use strict";

groundup.threads = (() => {
  const WARP = 32, SECTOR = 32, BYTES = 4;  // threads in a warp; bytes in a sector and in a float32

  const blocks = ({ n, m }, [x, y], first) => first === "i" ? [Math.ceil(n / x), Math.ceil(m / y)] : [Math.ceil(m / x), Math.ceil(n / y)];

  // The threads of one warp: their places in the result, `idle` where there is none. `first` is the index that walks with threadIdx.x
  function warp({ n, m }, [x, y], first, [p, q], w) {
    const threads = [];
    for (let t = w * WARP; t < Math.min((w + 1) * WARP, x * y); t++) {
      const along = p * x + t % x, across = q * y + Math.floor(t / x);
      const [i, j] = first === "i" ? [along, across] : [across, along];
      threads.push({ i, j, idle: i >= n || j >= m });
    }
    return threads;
  }

  // What the warp touches in step `l` of its loop, and in which sectors that lies; places count numbers from the start of a matrix
  function touches({ k, m }, threads, l) {
    const busy = threads.filter(t => !t.idle);
    const of = place => {
      const places = [...new Set(busy.map(place))].sort((x, y) => x - y);
      const sectors = [...new Set(places.map(at => Math.floor(at * BYTES / SECTOR)))];
      return { places, sectors, needed: Math.ceil(places.length * BYTES / SECTOR) };
    };
    return { a: of(t => t.i * k + l), b: of(t => l * m + t.j), c: of(t => t.i * m + t.j) };
  }

  return { WARP, SECTOR, BYTES, blocks, warp, touches };
})();
