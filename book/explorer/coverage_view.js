'use strict';
globalThis.Explorer ??= {};

/** The explorer of the coverage recursion: the covered set grows row by row. */
Explorer.coverView = (() => {
  const { coverage, laws } = Explorer;
  const { svg, text, scale, path, minus, raised, drawing } = Explorer.chart;
  const { framed, announcer, keeper, taken } = Explorer.controls;
  const DEFAULT = { bits: 6, row: 3, run: 1 };
  const LONGEST = 24; // samples
  const CELLS = 512;
  const LIMITS = { bits: [2, 8], row: [0, LONGEST], run: [0, 2 ** 32 - 1] };
  const PACE = 900; // milliseconds for each row
  const $ = (id) => document.getElementById(`cover-${id}`);

  let state = { ...DEFAULT };
  let home = state; // where a reset leads
  let draw;
  let keep;
  let voice;
  let playing = 0;
  let slides = false; // whether the copy moves into its place
  let remembered = { key: '' };
  let painted = {}; // all rows, of which a veil hides those to come

  /** The settings that are asked for, each one checked. */
  function checked(asked) {
    const number = (name) => [name, Math.round(taken(asked, name, LIMITS[name], DEFAULT[name]))];
    return Object.fromEntries(Object.keys(DEFAULT).map(number));
  }

  /** What depends on the samples and the tolerance alone. */
  function known() {
    const { bits, run } = state;
    const key = [bits, run].join();
    if (remembered.key !== key) {
      const x = laws.sample('uniform', LONGEST, run);
      const sets = coverage.film(x, CELLS / 2 ** (bits + 1), CELLS);
      const fresh = sets.map((set, t) => set.map((one, cell) => (t && one && !sets[t - 1][cell] ? 1 : 0)));
      remembered = { key, x, sets, fresh, volumes: sets.map((set) => coverage.size(set) / CELLS) };
    }
    return remembered;
  }

  /** The last row that there is. */
  const last = () => known().sets.length - 1;

  const BAR = 13; // height of the two sets above the rows
  const TOP = 104; // where the rows begin
  const ROWS = 250; // height of all rows

  /** The drawing: above, the last step; below, one row for each number of samples. */
  function film(width) {
    const { x, sets, fresh, volumes } = known();
    const now = state.row;
    const pitch = Math.min(24, ROWS / (last() + 1));
    const height = TOP + ROWS + 22;
    const curve = Math.max(64, 0.2 * width);
    const across = scale([0, CELLS], [22, width - curve - 16]);
    const [left, right] = [across(0), across(CELLS)];
    const outline = (set, top, tall) => coverage.runs(set).map(([a, b]) =>
      `M${across(a).toFixed(1)} ${top.toFixed(1)}H${across(b).toFixed(1)}v${tall.toFixed(1)}H${across(a).toFixed(1)}Z`).join('');
    const bars = (set, top, tall, kind) => svg('path', { d: outline(set, top, tall), class: kind });
    const lane = (top) => svg('rect', { x: left, y: top, width: right - left, height: BAR, class: 'lane' });
    const children = [lane(16), lane(66)];
    if (now) {
      const by = coverage.shift(x[now - 1], CELLS);
      const copy = coverage.moved(sets[now - 1], by);
      const lost = 1 - coverage.size(copy) / coverage.size(sets[now - 1]);
      const step = across(by) - across(0);
      const [from, to] = [across(CELLS / 2), across(CELLS / 2) + step];
      const sliding = svg('g', { class: slides ? 'explorer-sliding' : '' },
        bars(copy, 66, BAR, 'copy'), bars(fresh[now], 66, BAR, 'fresh'));
      sliding.style.setProperty('--from', `${-step}px`);
      children.push(
        text(left, 11, 'covered so far', 'start'),
        bars(sets[now - 1], 16, BAR, 'covered'),
        svg('path', { d: `M${from} ${BAR + 18}V40H${to}V62m-4 -6l4 6l4 -6`, class: 'arrow' }),
        to < from // beside the arrow
          ? text(right, 60, `copy, moved by ${minus(x[now - 1].toFixed(2))}`, 'end')
          : text(left, 60, `copy, moved by ${x[now - 1].toFixed(2)}`, 'start'),
        sliding,
        text(left, 92, lost > 0.005 ? `${Math.round(100 * lost)} % of the copy leaves the window` : '', 'start'),
      );
    } else children.push(text(left, 11, 'no sample yet: only what is within ε of zero is covered', 'start'));
    const high = (t) => TOP + t * pitch;
    if (painted.width !== width || painted.sets !== sets) {
      const all = (rows, kind) => svg('path', {
        d: rows.map((set, t) => outline(set, high(t), pitch - 2)).join(''),
        class: kind,
      });
      painted = { width, sets, rows: [all(sets, 'covered'), all(fresh, 'fresh')] };
    }
    const share = scale([-state.bits, 0], [width - curve, width - 8]);
    const bottom = high(last()) + pitch;
    const veil = { x: left - 1, y: high(now + 1) - 1, width: right - left + 2, height: bottom - high(now + 1) + 1 };
    children.push(...painted.rows, svg('rect', { ...veil, class: 'veil' }));
    for (let t = 0; t <= last(); t += pitch < 12 ? 2 : 1) {
      children.push(text(left - 6, high(t) + pitch / 2 + 3, String(t), 'end', t === now ? 'halo' : ''));
    }
    for (const target of [-1, 0, 1]) {
      const at = across((CELLS / 2) * (1 + target));
      children.push(text(at, bottom + 17, minus(String(target))));
    }
    children.push(
      svg('line', { x1: left, x2: right, y1: bottom + 2, y2: bottom + 2, class: 'axis' }),
      svg('line', { x1: share(-state.bits), x2: share(0), y1: bottom + 2, y2: bottom + 2, class: 'axis' }),
      text(share(-state.bits), bottom + 17, `2${raised(-state.bits)}`, 'start'),
      text(share(0), bottom + 17, '1'),
      text(width, 92, 'covered share', 'end'),
    );
    const middle = (t) => high(t) + pitch / 2 - 1;
    const points = volumes.slice(0, now + 1).map((v, t) => [share(Math.log2(v)), middle(t)]);
    const doubling = Array.from({ length: Math.min(state.bits, last()) + 1 }, (_, t) => [share(t - state.bits), middle(t)]);
    children.push(
      svg('path', { d: path(doubling), class: 'line-grey dashed thin' }),
      svg('path', { d: path(points), class: 'line-blue' }),
      ...points.map(([cx, cy]) => svg('circle', { cx, cy, r: 3, class: 'dot' })),
    );
    const words = `The window from minus one to one after each of ${now} samples, one row for each. `
      + `The covered share is ${volumes.slice(0, now + 1).map((v) => v.toFixed(2)).join(', ')}; `
      + 'beside it, dashed, doubling with each sample.';
    return { height, children, words };
  }

  function show() {
    const { sets, volumes } = known();
    const { row, bits } = state;
    const v = volumes[row];
    const epsilon = `2${raised(-bits)}`;
    $('t').max = last();
    $('t').value = row;
    $('t').setAttribute('aria-valuetext', `${row} samples, covered ${v.toFixed(2)}`);
    $('t-out').textContent = `${row} of ${last()}`;
    $('bits').value = bits;
    $('bits').setAttribute('aria-valuetext', `2 to the minus ${bits}`);
    $('bits-out').textContent = epsilon;
    $('play').textContent = playing ? 'Stop' : 'Play';
    $('volume').textContent = v.toFixed(3);
    $('after').textContent = row ? `after ${row} sample${row > 1 ? 's' : ''}` : 'before any sample';
    $('added').textContent = row ? `+${(v - volumes[row - 1]).toFixed(3)}` : '—';
    $('factor').textContent = row ? `${(v / volumes[row - 1]).toFixed(2)} times as much; at most 2` : 'at most as much again';
    $('drift').textContent = `+${coverage.drift(sets[row]).toFixed(3)}`;
    $('least').textContent = `at least ½v(1 − v) = ${((v * (1 - v)) / 2).toFixed(3)}`;
    draw(film);
    slides = false;
    voice.say(`After ${row} samples ${v.toFixed(2)} of the window is covered.`);
  }

  const redraw = framed(show);

  function change(settings) {
    voice.wake();
    const { row } = state;
    state = { ...state, ...settings };
    state.row = Math.max(0, Math.min(state.row, last()));
    slides = state.row === row + 1;
    keep.write(state);
    redraw();
  }

  function stop() {
    clearInterval(playing);
    playing = 0;
  }

  /** Go on by one row, from the last one to the first; stop there. */
  function step() {
    if (state.row === last()) stop();
    change({ row: Math.min(state.row + 1, last()) });
  }

  function listen() {
    const on = (name, kind, run) => $(name).addEventListener(kind, () => run($(name)));
    const still = (settings) => {
      stop();
      change(settings);
    };
    on('t', 'input', ({ value }) => still({ row: Number(value) }));
    on('bits', 'input', ({ value }) => still({ bits: Number(value) }));
    on('back', 'click', () => still({ row: state.row - 1 }));
    on('next', 'click', () => still({ row: state.row + 1 }));
    on('draw', 'click', () => still({ run: (state.run + 1) % 2 ** 32, row: home.row }));
    on('reset', 'click', () => still(home));
    on('play', 'click', () => {
      if (playing) return still({});
      playing = setInterval(step, PACE);
      return state.row === last() ? change({ row: 0 }) : step();
    });
    $('t').form.addEventListener('submit', (event) => event.preventDefault());
    keep.follow((asked) => still(checked(asked)));
  }

  /**
   * Show the explorer, and begin.
   * @param {HTMLElement} section With the settings to begin with, unless the address has them.
   */
  function start(section) {
    keep = keeper(section);
    voice = announcer($('status'));
    draw = drawing($('film'), redraw);
    home = checked(new URLSearchParams(section.dataset.settings));
    state = checked(keep.read());
    state.row = Math.min(state.row, last());
    listen();
    show();
  }

  return { start };
})();
