import { follow } from './live.js';
import { localMoments, tick } from './times.js';

/**
 * Runs after a page was loaded, and after the script inserted another page into the current one.
 */
function enhance() {
  for (const one of document.querySelectorAll('[data-needs-script]')) {
    if (one.dataset.share !== undefined && !navigator.share) continue;
    one.hidden = false;
  }
  for (const one of document.querySelectorAll('.file')) one.dataset.scripted = '';
  localMoments();
  tick();
  follow();
}

document.addEventListener('visibilitychange', follow);
document.addEventListener('arrived', enhance);
enhance();
