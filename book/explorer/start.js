'use strict';

/** With scripts on, the explorers take the place of the still figures. */
for (const [view, still] of [
  [Explorer.sumsView, 'still-sums'],
  [Explorer.tradeView, 'still-trade'],
]) {
  view.start();
  document.querySelector(`.${still}`).hidden = true;
}
