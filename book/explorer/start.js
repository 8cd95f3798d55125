'use strict';

/** With scripts on, each explorer of the page takes the place of its still figure. */
for (const [name, view] of [
  ['sums', Explorer.sumsView],
  ['cover', Explorer.coverView],
  ['trade', Explorer.tradeView],
]) {
  const section = document.getElementById(`explore-${name}`);
  if (!section) continue;
  section.hidden = false;
  view.start(section);
  document.querySelector(`.still-${name}`).hidden = true;
  // A link from a chapter says which one it is about.
  if (Explorer.controls.address.read().get('at') === name) section.scrollIntoView();
}
