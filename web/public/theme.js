// Runs before the first paint, so that a dark page never flashes white. The page itself takes over
// in src/theme.ts.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem('lectern.theme');
  } catch (error) {
    choice = null;
  }
  var dark = window.matchMedia && window.matchMedia('(prefers-color-scheme: dark)').matches;
  if (choice !== 'light' && choice !== 'dark') choice = dark ? 'dark' : 'light';
  document.documentElement.setAttribute('data-theme', choice);
})();
